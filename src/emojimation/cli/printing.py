"""How the commands show a face to a person."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emojimation.faces import Face

TOP = 3  # emotions shown for a face


def face_line(face: "Face") -> str:
    """One face for a person: emoji, words, the most probable emotions in per cent, where it is."""
    x0, y0, x1, y1 = (round(float(v)) for v in face.xyxy)
    return f"{face.emoji} {face.words:<8}  {top_emotions(face)}  (at {x0},{y0}, {x1 - x0} x {y1 - y0} pixels)"


def top_emotions(face: "Face") -> str:
    """The most probable emotions in per cent, best first."""
    if face.probabilities is None:
        return "not classified"
    values = face.to_dict()["probabilities"]
    return ", ".join(f"{name} {values[name]:.0%}" for name in face.ranked()[:TOP])
