"""OpenCV's frontal face cascade: the fallback without a network."""

from pathlib import Path
from typing import Unpack

import cv2
import numpy as np
from cv2.data import haarcascades

from emojimation.detect.base import DetectorOptions, OptionFields, largest_first
from emojimation.faces import Face, checked_frame


class HaarDetector:
    """Viola and Jones (CVPR 2001): no landmarks, score 1; only the option `min_size_px` is used.

    Slower than BlazeFace, misses turned and rolled heads, and has many false positives.
    """

    USES = ("min_size_px", "threads")

    def __init__(self, options: DetectorOptions | None = None, **fields: Unpack[OptionFields]) -> None:
        self.options = options or DetectorOptions(**fields)
        self._cascade = cv2.CascadeClassifier(str(Path(haarcascades) / "haarcascade_frontalface_default.xml"))

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8 -> list of `Face`, largest first."""
        grey = cv2.cvtColor(checked_frame(frame), cv2.COLOR_BGR2GRAY)
        least = self.options.min_size_px
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(least, least))
        faces = [Face(xyxy=np.array([x, y, x + w, y + h], np.float32), score=1.0) for x, y, w, h in boxes]
        return largest_first(faces, least)
