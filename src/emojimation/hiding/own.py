"""Options of hiding beyond the style: a custom cover, spans that are hidden entirely, a search region."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from emojimation.detect.following import of_run
from emojimation.draw.cover import Draw
from emojimation.draw.sprites import DISC
from emojimation.errors import InputError
from emojimation.faces import Face

CELLS = 24  # along the longer side of an image that is hidden entirely
COVER_PX = 1024  # a cover's longer side at most

Detector = Callable[[np.ndarray], list[Face]]
Box = tuple[int, int, int, int]
Span = tuple[float, float]


def cover_of(path: Path) -> Draw:
    """A function that draws the image in a file over each head. Transparent parts show a disc of its mean colour.

    Raises InputError for a file that is not an image.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None  # or OpenCV logs it
    if picture is None or picture.dtype != np.uint8:
        raise InputError(f"Expected an image as the cover, got {path}: give a PNG, JPEG or WebP file.")
    square = _square(_four_channels(picture))
    return lambda face, size: cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)


def _four_channels(picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGRA)
    return picture if picture.shape[2] == 4 else cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA)


def _square(picture: np.ndarray) -> np.ndarray:
    """(s,s,4) BGRA: the image on an opaque disc that fills `DISC` of the width, so that no face shows through."""
    scale = min(1.0, COVER_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = max(small.shape[:2])
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    laid = np.zeros((side, side, 4), np.uint8)
    laid[top : top + small.shape[0], left : left + small.shape[1]] = small
    disc = np.zeros((side, side), np.uint8)
    cv2.circle(disc, (side // 2, side // 2), round(side * DISC / 2), (255,), -1, cv2.LINE_AA)
    seen = small[small[..., 3] > 0]
    mean = seen[:, :3].mean(axis=0) if len(seen) else np.full(3, 127.0)
    alpha = laid[..., 3:].astype(np.float64) / 255
    laid[..., :3] = np.rint(laid[..., :3] * alpha + mean * (1 - alpha))
    laid[..., 3] = np.maximum(laid[..., 3], disc)
    return laid


def hidden_whole(frame: np.ndarray) -> np.ndarray:
    """The frame (H,W,3) BGR uint8 as a few coarse squares."""
    height, width = frame.shape[:2]
    scale = CELLS / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    cells = cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)


def in_spans(time_s: float, spans: tuple[Span, ...]) -> bool:
    """Whether a time lies in one of the spans, ends included."""
    return any(start <= time_s <= end for start, end in spans)


class Within:
    """Finds faces in only the region x0, y0, x1, y1 of a frame; results are in pixels of the whole frame.

    Raises InputError for a region that is not within the frame.
    """

    def __init__(self, find_faces: Detector, region: Box) -> None:
        self._find_faces, self._region = find_faces, region

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8."""
        return self._moved(self._find_faces(self._part(frame)))

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """As `Pipeline.of_run`."""
        return [self._moved(faces) for faces in of_run(self._find_faces, [self._part(frame) for frame in frames])]

    def _part(self, frame: np.ndarray) -> np.ndarray:
        (x0, y0, x1, y1), (height, width) = self._region, frame.shape[:2]
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise InputError(
                f"Expected a region within the frame's {width} x {height} pixels, got {x0},{y0},{x1},{y1}: "
                "give left,top,right,bottom."
            )
        return frame[y0:y1, x0:x1]

    def _moved(self, faces: list[Face]) -> list[Face]:
        return [_shifted(face, np.array(self._region[:2], np.float32)) for face in faces]


def _shifted(face: Face, by: np.ndarray) -> Face:
    landmarks = None if face.landmarks is None else face.landmarks + by
    return face.with_(xyxy=face.xyxy + np.tile(by, 2), landmarks=landmarks)
