"""Draw on a frame what was found, in one of the styles of the table at the end."""

from collections.abc import Callable

import numpy as np

from emojimation.draw.boxes import draw_boxes
from emojimation.draw.cover import Draw, blur, paste, paste_emoji, pixelate
from emojimation.errors import InputError
from emojimation.faces import Face


def annotate(
    frame: np.ndarray, faces: list[Face], style: str = "boxes", art: str = "noto", draw: Draw | None = None
) -> np.ndarray:
    """A copy of `frame` (H,W,3 BGR uint8) with `faces` drawn in one of `STYLES`.

    art: "noto" or "fluent", the emoji's look. draw: for style "avatar" only, `Avatar().drawer(time_s)`; it is handed in
    because this module does not know the avatar. InputError for an unknown style or art, or a frame of another kind.
    """
    _check(frame, style, draw)
    out = frame.copy()
    STYLES[style](out, list(faces), art, draw)
    return out


def replace_faces(
    frame: np.ndarray, faces: list[Face], style: str = "emoji", art: str = "noto", draw: Draw | None = None
) -> np.ndarray:
    """A copy of `frame` with every head covered; `annotate` with the emoji style as the default."""
    return annotate(frame, faces, style, art, draw)


def _check(frame: np.ndarray, style: str, draw: Draw | None) -> None:
    if style not in STYLES:
        raise InputError(f"style must be one of {', '.join(STYLES)}, not {style!r}; choose one of them")
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        what = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise InputError(f"a frame must be a (height, width, 3) BGR uint8 array, not {what}; convert it first")
    if style == "avatar" and draw is None:
        raise InputError("style 'avatar' needs a drawer and got none; pass draw=Avatar().drawer(time_s)")


Style = Callable[[np.ndarray, list[Face], str, Draw | None], None]
STYLES: dict[str, Style] = {
    "boxes": lambda frame, faces, art, draw: draw_boxes(frame, faces, art),
    "emoji": lambda frame, faces, art, draw: paste_emoji(frame, faces, art),
    "avatar": lambda frame, faces, art, draw: paste(frame, faces, draw) if draw else None,
    "blur": lambda frame, faces, art, draw: blur(frame, faces),
    "pixelate": lambda frame, faces, art, draw: pixelate(frame, faces),
    "none": lambda frame, faces, art, draw: None,
}
