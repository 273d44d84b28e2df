"""The network's views of a frame: rectangles fitted into its square input, and the mapping back.

All coordinates start at the upper left corner of the first pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np

INPUT_PX = 192
# A face that fills the frame is too large for the network: it is found once there is this much black (or surroundings)
# on each side, as a share of the longer side. Measured: docs/decisions.md.
CLOSE_UP_PADDING = 0.75
# Several small faces share one input, four cells of it; they need less surroundings than in a view of their own.
CELL_PX, CELL_PADDING = INPUT_PX // 2, 0.3
TILE_OVERLAP = 1 / 3  # of neighbouring tiles, as a share of their side


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of the frame as the network sees it: input pixel = frame pixel * scale + shift, for x and y.

    cell: where in the input square it may draw and what is found there belongs to it: x, y, side.
    """

    xyxy: tuple[int, int, int, int]
    scale: np.ndarray
    shift: np.ndarray
    cell: tuple[int, int, int] = (0, 0, INPUT_PX)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of the points (n,2) in input pixels lie in the cell (n,)."""
        x, y, side = self.cell
        return np.asarray(((points >= (x, y)) & (points < (x + side, y + side))).all(axis=1))

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in input pixels -> frame pixels."""
        return (points - self.shift) / self.scale

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in frame pixels -> input pixels."""
        return points * self.scale + self.shift


def letterbox(
    xyxy: tuple[int, int, int, int], padding: float = 0.0, cell: tuple[int, int, int] = (0, 0, INPUT_PX)
) -> View:
    """The view that fits a rectangle of the frame, shape kept and centred, into the input square or a cell of it.

    padding: black on each side as a share of the longer side. Each axis has its own scale because the drawn size is
    a whole number of pixels; so mapping back is exact.
    """
    x0, y0, x1, y1 = xyxy
    size = np.array([x1 - x0, y1 - y0])
    drawn = np.maximum(np.rint(size * cell[2] / (size.max() * (1 + 2 * padding))), 1)
    scale = drawn / size
    return View(xyxy, scale, (cell[2] - drawn) // 2 + cell[:2] - np.array([x0, y0]) * scale, cell)


def draw(frame: np.ndarray, *views: View) -> np.ndarray:
    """The network's input for the frame (H,W,3) BGR uint8: (192,192,3) BGR uint8, padded with black."""
    canvas = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)
    for view in views:
        x0, y0, x1, y1 = view.xyxy
        part = frame[y0:y1, x0:x1]
        (left, top), (right, bottom) = np.rint(view.to_input(np.array([[x0, y0], [x1, y1]]))).astype(int)
        canvas[top:bottom, left:right] = resized(part, right - left, bottom - top)
    return canvas


def resized(part: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image (H,W,3) uint8 as (height,width,3): averaged when downscaled, interpolated when enlarged.

    Halves it first if it is much too large: OpenCV averages that fastest, 12 megapixels in 7 ms instead of 41. The last
    pixel of an odd side is left out for that, at most half a pixel of the result: otherwise it takes 87 ms.
    """
    while part.shape[0] >= 4 * height and part.shape[1] >= 4 * width:
        half_height, half_width = part.shape[0] // 2, part.shape[1] // 2
        even = part[: 2 * half_height, : 2 * half_width]
        part = cv2.resize(even, (half_width, half_height), interpolation=cv2.INTER_AREA)
    shrinks = part.shape[0] > height or part.shape[1] > width
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def tile_views(width: int, height: int, overlap: float = TILE_OVERLAP) -> list[View]:
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
    return _around(box, width, height, CLOSE_UP_PADDING, (0, 0, INPUT_PX))


def close_ups(boxes: np.ndarray, width: int, height: int) -> list[tuple[View, ...]]:
    """Views of the boxes (n,4), enlarged; a single one has an input of its own, several share one, four at a time."""
    if len(boxes) == 1:
        return [(enlarged(boxes[0], width, height),)]
    cells = [(x, y, CELL_PX) for y in (0, CELL_PX) for x in (0, CELL_PX)]
    return [
        tuple(
            _around(box, width, height, CELL_PADDING, cell) for box, cell in zip(boxes[i : i + 4], cells, strict=False)
        )
        for i in range(0, len(boxes), 4)
    ]


def _around(box: np.ndarray, width: int, height: int, padding: float, cell: tuple[int, int, int]) -> View:
    side = float((box[2:] - box[:2]).max()) * (1 + 2 * padding)
    centre = (box[:2] + box[2:]) / 2
    x0, y0 = (int(v) for v in np.clip(np.floor(centre - side / 2), 0, (width - 1, height - 1)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(centre + side / 2), (x0 + 1, y0 + 1), (width, height)))
    return letterbox((x0, y0, x1, y1), max(0.0, (side / max(x1 - x0, y1 - y0) - 1) / 2), cell)


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """First pixels of the tiles of `side` pixels along an axis of `length` pixels, evenly spread."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - overlap)))) + 1
    return [int(v) for v in np.linspace(0, length - side, count).round()]
