"""Draw the detected faces on a frame, in one of the styles in the table at the end."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emojimation.draw.avatar import Avatar
from emojimation.draw.boxes import Places, draw_boxes
from emojimation.draw.cover import Draw, blur, paste, paste_emoji, pixelate
from emojimation.errors import InputError
from emojimation.faces import Face, checked_frame


@dataclass(frozen=True, slots=True)
class Style:
    """One way to draw faces.

    words: its name for people. draw: takes a frame, which it changes, the faces, the emoji's art, what draws an avatar,
    and where labels were. hides: covers every face that it is given. moves: looks different at another time with the
    same faces.
    """

    words: str
    draw: Callable[[np.ndarray, list[Face], str, Draw, Places | None], None]
    hides: bool = False
    moves: bool = False


def annotate(
    frame: np.ndarray,
    faces: list[Face],
    style: str = "boxes",
    art: str = "noto",
    draw: Draw | None = None,
    time_s: float = 0.0,
    places: Places | None = None,
) -> np.ndarray:
    """A copy of `frame` (H,W,3 BGR uint8) with `faces` drawn in one of `STYLES`.

    art: "noto" or "fluent", the emoji's look. draw: what draws an avatar, in place of `Avatar().drawer(time_s)`.
    time_s: seconds, for a style that moves. places: an empty dict, handed in again with each frame of a video, keeps
    labels from jumping from side to side. InputError for an unknown style or art, or a frame of another kind.
    """
    if style not in STYLES:
        raise InputError(f"style must be one of {', '.join(STYLES)}, not {style!r}; choose one of them")
    checked_frame(frame)
    out = frame.copy()
    STYLES[style].draw(out, list(faces), art, draw or Avatar().drawer(time_s), places)
    return out


def replace_faces(
    frame: np.ndarray,
    faces: list[Face],
    style: str = "emoji",
    art: str = "noto",
    draw: Draw | None = None,
    time_s: float = 0.0,
) -> np.ndarray:
    """A copy of `frame` with every head covered; `annotate` with the emoji style as the default."""
    return annotate(frame, faces, style, art, draw, time_s)


STYLES = {
    "boxes": Style("Boxes", lambda frame, faces, art, draw, places: draw_boxes(frame, faces, art, places)),
    "emoji": Style("Emoji", lambda frame, faces, art, draw, _: paste_emoji(frame, faces, art), hides=True),
    "avatar": Style("Avatar", lambda frame, faces, art, draw, _: paste(frame, faces, draw), hides=True, moves=True),
    "blur": Style("Blur", lambda frame, faces, art, draw, _: blur(frame, faces), hides=True),
    "pixelate": Style("Squares", lambda frame, faces, art, draw, _: pixelate(frame, faces), hides=True),
    "none": Style("Nothing", lambda frame, faces, art, draw, _: None),
}
HIDING = tuple(name for name, style in STYLES.items() if style.hides)
