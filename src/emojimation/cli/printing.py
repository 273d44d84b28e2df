"""How the commands show a face to a person."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emojimation.faces import Face

TOP = 3  # emotions shown for a face


def face_line(face: "Face") -> str:
    """One face for a person: emoji, word, the most probable emotions in per cent, where it is."""
    x0, y0, x1, y1 = (round(float(v)) for v in face.xyxy)
    word = str(face.emotion if face.certain else "not sure")
    return f"{face.emoji} {word:<8}  {top_emotions(face)}  (at {x0},{y0}, {x1 - x0} x {y1 - y0} pixels)"


def top_emotions(face: "Face") -> str:
    from emojimation.labels import EMOTIONS

    if face.probabilities is None:
        return "not classified"
    order = face.probabilities.argsort()[::-1][:TOP]
    return ", ".join(f"{EMOTIONS[i]} {face.probabilities[i]:.0%}" for i in order)
