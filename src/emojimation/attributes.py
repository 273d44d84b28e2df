"""Further answers about a face, each declared once: its columns, unit, smoothing and whether it is shown.

A stage that measures something adds values to `Face.attributes` under the name of its declaration. JSON, CSV, Parquet,
the REST schema and the tracker's smoothing all follow from the declaration: nothing else needs to know the attribute.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Attribute:
    """One kind of answer about a face.

    name: key in `Face.attributes`. columns: what its numbers are called, in order; values are (len(columns),) float32,
    NaN if a number is unknown. unit: of the numbers ("deg", "px", "" for none). memory_s: time constant of the
    tracker's low-pass filter in seconds, 0 for none. shown: whether interfaces show it to people next to the emotion.
    description: one sentence for documentation and the REST schema. rest: values of an average face at rest, to which a
    calibration shifts those of the person's own face; empty if it has none. signed: columns whose sign changes in a
    mirror, where columns ending in "right" and "left" change places.
    """

    name: str
    columns: tuple[str, ...]
    unit: str = ""
    memory_s: float = 0.0
    shown: bool = False
    description: str = ""
    rest: tuple[float, ...] = ()
    signed: tuple[str, ...] = ()


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
        signed=("yaw", "roll"),
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
        signed=("smile_asymmetry", "jaw_side"),
        description="lids, mouth, brows and jaw, as shares of the face's size; presence below 0.9: not reliable",
        rest=(1.0, 0.31, 0.31, 0.02, 0.53, -0.012, 0.0, 0.276, 0.276, 0.0, 0.682, 0.0),
    ),
    Attribute(
        "gaze",
        ("yaw", "pitch"),
        unit="deg",
        memory_s=0.05,
        signed=("yaw",),
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
OF_MESH = ("pose", "mesh", "gaze")  # what is unknown while the mesh is lost


def mirrored(name: str, values: np.ndarray) -> np.ndarray:
    """The values of an attribute for the same face seen in a mirror."""
    declared = ATTRIBUTES[name]
    partners = [declared.columns.index(_partner(column)) for column in declared.columns]
    signs = np.array([-1 if column in declared.signed else 1 for column in declared.columns], np.float32)
    return values[partners] * signs


def _partner(column: str) -> str:
    if column.endswith("right"):
        return column.removesuffix("right") + "left"
    return column.removesuffix("left") + "right" if column.endswith("left") else column
