"""Draw the detected faces on a frame, in one of the styles in the table at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
    same faces. measures: attributes of a face, names of `pipeline.MEASURES`, that it draws if they were measured.
    """

    words: str
    draw: Callable[[np.ndarray, list[Face], str, Draw, Places | None], None]
    hides: bool = False
    moves: bool = False
    measures: tuple[str, ...] = ()


def annotate(
    frame: np.ndarray,
    faces: list[Face],
    style: str = "boxes",
    art: str = "noto",
    draw: Draw | None = None,
    time_s: float = 0.0,
    places: Places | None = None,
    character: str | Path = "emoji",
) -> np.ndarray:
    """A copy of `frame` (H,W,3 BGR uint8) with `faces` drawn in one of `STYLES`.

    art: "noto" or "fluent", the emoji's look. draw: what draws an avatar, in place of an `Avatar`'s drawer. time_s:
    seconds, for a style that moves. places: an empty dict, handed in again with each frame of a video, keeps labels
    from jumping from side to side. character: who the avatar is, see `draw.characters`. InputError for an unknown
    style, art or character, or a frame of another kind.
    """
    if style not in STYLES:
        raise InputError(f"style must be one of {', '.join(STYLES)}, not {style!r}; choose one of them")
    checked_frame(frame)
    out = frame.copy()
    STYLES[style].draw(out, list(faces), art, draw or Avatar(who=character).drawer(time_s), places)
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


def _unmeasured(faces: list[Face]) -> list[Face]:
    """An avatar shows the emotion only, whatever else was measured."""
    return [face.with_(attributes={}) for face in faces]


STYLES = {
    "boxes": Style("Boxes", lambda frame, faces, art, draw, places: draw_boxes(frame, faces, art, places)),
    "emoji": Style("Emoji", lambda frame, faces, art, draw, _: paste_emoji(frame, faces, art), hides=True),
    "avatar": Style(
        "Avatar", lambda frame, faces, art, draw, _: paste(frame, _unmeasured(faces), draw), hides=True, moves=True
    ),
    "blur": Style("Blur", lambda frame, faces, art, draw, _: blur(frame, faces), hides=True),
    "pixelate": Style("Squares", lambda frame, faces, art, draw, _: pixelate(frame, faces), hides=True),
    "none": Style("Nothing", lambda frame, faces, art, draw, _: None),
    "puppet": Style(
        "Puppet",
        lambda frame, faces, art, draw, _: paste(frame, faces, draw),
        hides=True,
        moves=True,
        measures=("pose", "mesh", "gaze"),
    ),
}
HIDING = tuple(name for name, style in STYLES.items() if style.hides)
