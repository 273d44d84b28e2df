"""YuNet through OpenCV's own class, from the user's own file: its licence does not allow us to bundle one."""

from pathlib import Path
from typing import Unpack

import cv2
import numpy as np

from emojimation.detect.base import DetectorOptions, OptionFields, largest_first
from emojimation.errors import InputError
from emojimation.faces import Face, checked_frame
from emojimation.weights import resolve

SAME_FACE_IOU, MOST_CANDIDATES = 0.3, 5000
# Larger frames are searched at this longer side in pixels.
LONGEST_PX = 1600


class YuNetDetector:
    """YuNet (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023): five landmarks for each face.

    options.model: the path of an ONNX file that `cv2.FaceDetectorYN` reads; `search`, `refine` and `threads` are
    ignored. One detector serves one stream at a time.
    """

    USES = ("model", "min_score", "min_size_px", "threads")

    def __init__(self, options: DetectorOptions | None = None, **fields: Unpack[OptionFields]) -> None:
        self.options = options or DetectorOptions(**fields)
        self._net = _opened(self.options)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8 -> list of `Face`, largest first."""
        height, width = checked_frame(frame).shape[:2]
        scale = min(1.0, LONGEST_PX / max(height, width))
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        self._net.setInputSize(size)
        _, rows = self._net.detect(frame if scale == 1 else cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
        found = np.zeros((0, 15), np.float32) if rows is None else rows
        return largest_first([_face(row, width / size[0], height / size[1]) for row in found], self.options.min_size_px)


def _opened(options: DetectorOptions) -> cv2.FaceDetectorYN:
    if options.model is None:
        raise InputError("Expected a file for the detector 'yunet', got none. Give its ONNX file as detector model.")
    path = Path(resolve(options.model))
    try:
        return cv2.FaceDetectorYN.create(str(path), "", (320, 320), options.min_score, SAME_FACE_IOU, MOST_CANDIDATES)
    except cv2.error as error:
        raise InputError(f"Expected YuNet's ONNX file in {path}, got one that OpenCV cannot read.") from error


def _face(row: np.ndarray, x_scale: float, y_scale: float) -> Face:
    """x, y, width, height, five points (right eye first) and score, as OpenCV gives them -> a face."""
    points = row[:14].reshape(7, 2) * (x_scale, y_scale)
    xyxy = np.concatenate([points[0], points[0] + points[1]]).astype(np.float32)
    return Face(xyxy=xyxy, score=float(np.clip(row[14], 0, 1)), landmarks=points[2:].astype(np.float32))
