"""Further answers about a face, each declared once: its columns, unit, smoothing and whether it is shown.

A stage that measures something adds values to `Face.attributes` under the name of its declaration. JSON, CSV, Parquet,
the REST schema and the tracker's smoothing all follow from the declaration: nothing else needs to know the attribute.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """One kind of answer about a face.

    name: key in `Face.attributes`. columns: what its numbers are called, in order; values are (len(columns),) float32,
    NaN if a number is unknown. unit: of the numbers ("deg", "px", "" for none). memory_s: time constant of the
    tracker's low-pass filter in seconds, 0 for none. shown: whether interfaces show it to people next to the emotion.
    description: one sentence for documentation and the REST schema. rest: values of an average face at rest, to which a
    calibration shifts those of the person's own face; empty if it has none.
    """

    name: str
    columns: tuple[str, ...]
    unit: str = ""
    memory_s: float = 0.0
    shown: bool = False
    description: str = ""
    rest: tuple[float, ...] = ()


# Every attribute that a stage of the package can add.
_ALL = (
    Attribute(
        "affect",
        ("valence", "arousal"),
        memory_s=0.4,
        description="pleasantness and excitement from -1 to 1, derived from the probabilities and not measured",
    ),
    Attribute(
        "pose",
        ("yaw", "pitch", "roll"),
        unit="deg",
        memory_s=0.05,
        description="where the head points: yaw to the viewer's right, pitch downwards, roll clockwise",
    ),
    Attribute(
        "mesh",
        (
            "presence",
            "eye_right",
            "eye_left",
            "mouth_open",
            "mouth_width",
            "smile",
            "smile_asymmetry",
            "brow_right",
            "brow_left",
            "brow_furrow",
            "jaw_open",
            "jaw_side",
        ),
        memory_s=0.03,
        description="lids, mouth, brows and jaw, as shares of the face's size; presence below 0.9: not reliable",
        rest=(1.0, 0.31, 0.31, 0.02, 0.53, -0.012, 0.0, 0.276, 0.276, 0.0, 0.682, 0.0),
    ),
    Attribute(
        "gaze",
        ("yaw", "pitch"),
        unit="deg",
        memory_s=0.05,
        description="where the eyes look against the head: yaw to the viewer's right, pitch downwards",
        rest=(0.0, 0.0),
    ),
    Attribute(
        "blinks",
        ("right", "left", "count", "per_minute"),
        description="how far each eye is closed, 0 to 1 of its own range; blinks so far and in the last minute",
    ),
)
ATTRIBUTES: dict[str, Attribute] = {one.name: one for one in _ALL}
