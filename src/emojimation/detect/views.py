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
# A close-up shows one face in a smaller input, with less surroundings: a quarter of the cost of a full input.
FACE_INPUT_PX, FACE_PADDING = INPUT_PX // 2, 0.3
TILE_OVERLAP = 1 / 3  # of neighbouring tiles, as a share of their side


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of the frame as the network sees it: input pixel = frame pixel * scale + shift, for x and y.

    side: of the square input, in pixels.
    """

    xyxy: tuple[int, int, int, int]
    scale: np.ndarray
    shift: np.ndarray
    side: int = INPUT_PX

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in input pixels -> frame pixels."""
        return (points - self.shift) / self.scale

    def to_input(self, points: np.ndarray) -> np.ndarray:
        """Points (...,2) in frame pixels -> input pixels."""
        return points * self.scale + self.shift


def letterbox(xyxy: tuple[int, int, int, int], padding: float = 0.0, side: int = INPUT_PX) -> View:
    """The view that fits a rectangle of the frame, shape kept and centred, into a square input.

    padding: black on each side as a share of the longer side. Each axis has its own scale because the drawn size is
    a whole number of pixels; so mapping back is exact.
    """
    x0, y0, x1, y1 = xyxy
    size = np.array([x1 - x0, y1 - y0])
    drawn = np.maximum(np.rint(size * side / (size.max() * (1 + 2 * padding))), 1)
    scale = drawn / size
    return View(xyxy, scale, (side - drawn) // 2 - np.array([x0, y0]) * scale, side)


def draw(frame: np.ndarray, view: View) -> np.ndarray:
    """The network's input for the frame (H,W,3) BGR uint8: (side,side,3) BGR uint8, padded with black."""
    canvas = np.zeros((view.side, view.side, 3), np.uint8)
    x0, y0, x1, y1 = view.xyxy
    (left, top), (right, bottom) = np.rint(view.to_input(np.array([[x0, y0], [x1, y1]]))).astype(int)
    canvas[top:bottom, left:right] = resized(frame[y0:y1, x0:x1], right - left, bottom - top)
    return canvas


def resized(part: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image (H,W,3) uint8 as (height,width,3): averaged when downscaled, interpolated when enlarged.

    OpenCV averages over exactly two pixels fastest, and bilinear interpolation skips no pixel up to a factor of two. So
    a large image is halved, then brought to twice the size, then halved: 640 x 480 to 192 x 144 in a third of the time
    of one averaging step, and 12 megapixels in 7 ms instead of 41. The last pixel of an odd side is left out for that,
    at most half a pixel of the result.
    """
    while _shrinks(part, width, height, 4):
        half_height, half_width = part.shape[0] // 2, part.shape[1] // 2
        even = part[: 2 * half_height, : 2 * half_width]
        part = cv2.resize(even, (half_width, half_height), interpolation=cv2.INTER_AREA)
    if _shrinks(part, width, height, 1) and part.shape[:2] != (height, width):
        part = cv2.resize(part, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    shrinks = part.shape[0] > height or part.shape[1] > width
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _shrinks(part: np.ndarray, width: int, height: int, factor: int) -> bool:
    """Whether both sides of the image are at least `factor` times as long as wanted."""
    return part.shape[0] >= factor * height and part.shape[1] >= factor * width


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


def close_up(box: np.ndarray, width: int, height: int) -> View:
    """The view that shows a box (4,) enlarged, with some of its surroundings, in an input of its own."""
    side = float((box[2:] - box[:2]).max()) * (1 + 2 * FACE_PADDING)
    centre = (box[:2] + box[2:]) / 2
    (x0, y0), (x1, y1) = np.floor(centre - side / 2).tolist(), np.ceil(centre + side / 2).tolist()
    x0, y0 = int(min(max(x0, 0), width - 1)), int(min(max(y0, 0), height - 1))
    x1, y1 = int(min(max(x1, x0 + 1), width)), int(min(max(y1, y0 + 1), height))
    return letterbox((x0, y0, x1, y1), max(0.0, (side / max(x1 - x0, y1 - y0) - 1) / 2), FACE_INPUT_PX)


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """First pixels of the tiles of `side` pixels along an axis of `length` pixels, evenly spread."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - overlap)))) + 1
    return [int(v) for v in np.linspace(0, length - side, count).round()]
