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
    description: one sentence for documentation and the REST schema.
    """

    name: str
    columns: tuple[str, ...]
    unit: str = ""
    memory_s: float = 0.0
    shown: bool = False
    description: str = ""


# Every attribute that a stage of the package can add.
_ALL = (
    Attribute(
        "affect",
        ("valence", "arousal"),
        memory_s=0.4,
        description="pleasantness and excitement from -1 to 1, derived from the probabilities and not measured",
    ),
)
ATTRIBUTES: dict[str, Attribute] = {one.name: one for one in _ALL}
