"""What the network is shown of a frame: rectangles of it, fitted into its square input, and the way back.

All coordinates count from the upper left corner of the first pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np

INPUT_PX = 192
# A face that fills the frame is too large for the network: it is found once there is this much black (or surroundings)
# on each side, as a share of the longer side. Measured: docs/decisions.md.
CLOSE_UP_PADDING = 0.75


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of the frame as the network sees it: input pixel = frame pixel * scale + shift, for x and y."""

    xyxy: tuple[int, int, int, int]
    scale: np.ndarray
    shift: np.ndarray

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in input pixels -> frame pixels."""
        return (points - self.shift) / self.scale

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in frame pixels -> input pixels."""
        return points * self.scale + self.shift


def letterbox(xyxy: tuple[int, int, int, int], padding: float = 0.0) -> View:
    """The view that fits a rectangle of the frame, shape kept and centred, into the input square.

    padding: black on each side as a share of the longer side. Each axis has its own scale because the drawn size is
    a whole number of pixels; so mapping back is exact.
    """
    x0, y0, x1, y1 = xyxy
    size = np.array([x1 - x0, y1 - y0])
    drawn = np.maximum(np.rint(size * INPUT_PX / (size.max() * (1 + 2 * padding))), 1)
    scale = drawn / size
    return View(xyxy, scale, (INPUT_PX - drawn) // 2 - np.array([x0, y0]) * scale)


def draw(frame: np.ndarray, view: View) -> np.ndarray:
    """What the network sees of the frame (H,W,3) BGR uint8: (192,192,3) BGR uint8, black around."""
    x0, y0, x1, y1 = view.xyxy
    part = frame[y0:y1, x0:x1]
    (left, top), (right, bottom) = np.rint(view.to_input(np.array([[x0, y0], [x1, y1]]))).astype(int)
    shrinks = part.shape[0] > bottom - top or part.shape[1] > right - left
    canvas = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
    canvas[top:bottom, left:right] = cv2.resize(
        part, (right - left, bottom - top), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return canvas


def tile_views(width: int, height: int, overlap: float = 1 / 3) -> list[View]:
    """Square views of a half and a quarter of the longer side that cover the frame, overlapping by `overlap` at least.

    A face up to `overlap` of a tile's side (less a pixel of rounding) lies whole in at least one tile; larger ones are
    found in larger views. Tiles smaller than the network's input show nothing new and are left out.
    """
    views = []
    for side in (max(width, height) // 2, max(width, height) // 4):
        if side >= INPUT_PX:
            for y in _starts(height, side, overlap):
                views += [
                    letterbox((x, y, min(x + side, width), min(y + side, height)))
                    for x in _starts(width, side, overlap)
                ]
    return views


def enlarged(box: np.ndarray, width: int, height: int) -> View:
    """The view that shows a box (4,) with its surroundings as large as a close-up shows a face that fills the frame."""
    side = float((box[2:] - box[:2]).max()) * (1 + 2 * CLOSE_UP_PADDING)
    centre = (box[:2] + box[2:]) / 2
    x0, y0 = (int(v) for v in np.clip(np.floor(centre - side / 2), 0, (width - 1, height - 1)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(centre + side / 2), (x0 + 1, y0 + 1), (width, height)))
    return letterbox((x0, y0, x1, y1), max(0.0, (side / max(x1 - x0, y1 - y0) - 1) / 2))


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """First pixels of the tiles of `side` pixels along an axis of `length` pixels, evenly spread."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - overlap)))) + 1
    return [int(v) for v in np.linspace(0, length - side, count).round()]
