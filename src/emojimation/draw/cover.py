"""Cover heads: an image pasted over each (emoji, avatar), or the head blurred or pixelated beyond recognition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.draw.panel import emoji_of
from emojimation.draw.sprites import DISC, stamp, stepped
from emojimation.faces import Face

# Draws a face as an upright square sprite of about the requested size in pixels, its head filling `DISC` of the width.
Draw = Callable[[Face, int], np.ndarray]

# A detector's box reaches from the brows to the chin; hair and ears are outside. In box sides, tried on portraits.
HEAD_SIDE = 1.68
HEAD_LIFT = 0.14
# Sprites are drawn at most this large and then enlarged: sharp enough, and a huge face costs no more memory.
DRAWN_PX = 1024
# Cells across a covered head: so few that neither a person nor a network recognises the face.
CELLS = 7


@dataclass(frozen=True, slots=True)
class Head:
    """Where a head is: centre and diameter in pixels of the frame, tilt in degrees clockwise."""

    x: float
    y: float
    side: float
    roll_deg: float

    def window(self, frame: np.ndarray, margin: float) -> tuple[int, int, int, int]:
        """The square around the head, `margin` times as wide, cut to the frame: x0, y0, x1, y1."""
        half = self.side * margin / 2
        height, width = frame.shape[:2]
        x0, x1 = np.clip([np.floor(self.x - half), np.ceil(self.x + half)], 0, width)
        y0, y1 = np.clip([np.floor(self.y - half), np.ceil(self.y + half)], 0, height)
        return int(x0), int(y0), int(x1), int(y1)


def head_of(face: Face) -> Head:
    """The whole head, hair and ears included, from the face's box and tilt."""
    x0, y0, x1, y1 = (float(v) for v in face.xyxy)
    side, tilt = face.size_px, np.radians(face.roll_deg)
    x = (x0 + x1) / 2 + side * HEAD_LIFT * np.sin(tilt)
    y = (y0 + y1) / 2 - side * HEAD_LIFT * np.cos(tilt)
    return Head(float(x), float(y), side * HEAD_SIDE, face.roll_deg)


def paste(frame: np.ndarray, faces: list[Face], draw: Draw) -> None:
    """Paste what `draw` makes of each face over its head, tilted with it; in place. Small (distant) faces go first."""
    for face in sorted(faces, key=lambda face: face.size_px):
        head = head_of(face)
        tilt = np.radians(head.roll_deg)
        # A tilted square is wider: a character's ears reach into its corners.
        window = x0, y0, x1, y1 = head.window(frame, float(abs(np.cos(tilt)) + abs(np.sin(tilt))) / DISC)
        if x0 < x1 and y0 < y1:
            sprite = draw(face, int(np.clip(round(head.side / DISC), 2, DRAWN_PX)))
            stamp(frame, _tilt(sprite, head, window), x0, y0)


def paste_emoji(frame: np.ndarray, faces: list[Face], art: str) -> None:
    """Paste the emoji of each face's emotion over its head, a thinking face if the answer is not sure; in place."""
    paste(frame, faces, lambda face, size: emoji_of(face, stepped(size), art))


def _tilt(sprite: np.ndarray, head: Head, window: tuple[int, int, int, int]) -> np.ndarray:
    """Rotate and scale a square sprite onto the head, as seen in a window; subpixel-accurate, against jitter."""
    x0, y0, x1, y1 = window
    angle, zoom = np.radians(head.roll_deg), head.side / DISC / sprite.shape[0]
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    # OpenCV puts whole numbers at pixel centres, hence the halves.
    middle = (sprite.shape[0] - 1) / 2
    shift_x, shift_y = head.x - 0.5 - x0 - middle * (cos - sin), head.y - 0.5 - y0 - middle * (sin + cos)
    matrix = np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])
    return cv2.warpAffine(sprite, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)


def blur(frame: np.ndarray, faces: list[Face]) -> None:
    """Replace each head by a soft cloud of its colours; in place. Only `CELLS` x `CELLS` averages of it remain."""
    for head, window, part in _heads(frame, faces):
        cells = cv2.GaussianBlur(_cells(part, head), (3, 3), 0)
        cloud = cv2.resize(cells, part.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        _mix(part, cloud, _ellipse(head, window, feather=0.06))


def pixelate(frame: np.ndarray, faces: list[Face]) -> None:
    """Replace each head by coarse squares, about `CELLS` across; in place. Every square that touches it."""
    for head, window, part in _heads(frame, faces):
        cells = _cells(part, head)
        touched = cv2.resize(_ellipse(head, window, feather=0), cells.shape[1::-1], interpolation=cv2.INTER_AREA)
        covered = (touched > 0).astype(np.uint8) * 255
        squares, mask = (
            cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_NEAREST) for small in (cells, covered)
        )
        _mix(part, squares, mask)


def _heads(frame: np.ndarray, faces: list[Face]) -> Iterator[tuple[Head, tuple[int, int, int, int], np.ndarray]]:
    """Each head within the frame, with a window somewhat larger than it, and the frame's part there, a view."""
    for head in map(head_of, faces):
        window = x0, y0, x1, y1 = head.window(frame, 1.2)
        if x0 < x1 and y0 < y1:
            yield head, window, frame[y0:y1, x0:x1]


def _cells(part: np.ndarray, head: Head) -> np.ndarray:
    """Average `part` (h,w,3) over squares of 1/`CELLS` of the head's width (of the whole if that is smaller)."""
    side = max(head.side / CELLS, 1.0)
    size = (max(1, round(part.shape[1] / side)), max(1, round(part.shape[0] / side)))
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA)


def _ellipse(head: Head, window: tuple[int, int, int, int], feather: float) -> np.ndarray:
    """Mask (h,w) uint8 of the head in a window, 255 inside; feathered outwards only, by a share of the head's width."""
    x0, y0, x1, y1 = window
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    soft = feather * head.side
    centre = (round((head.x - x0) * 16), round((head.y - y0) * 16))
    axes = (round((head.side * 0.44 + soft) * 16), round((head.side * 0.5 + soft) * 16))
    cv2.ellipse(mask, centre, axes, head.roll_deg, 0, 360, (255,), -1, cv2.LINE_AA, 4)
    return cv2.blur(mask, (2 * round(soft / 2) + 1,) * 2) if soft >= 1 else mask


def _mix(part: np.ndarray, cover: np.ndarray, mask: np.ndarray) -> None:
    """part = cover where mask is 255, untouched where it is 0; in place."""
    alpha = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
    kept = cv2.multiply(part, 255 - alpha, scale=1 / 255)
    part[:] = cv2.add(kept, cv2.multiply(cover, alpha, scale=1 / 255))
