"""CenterFace: a network without a fixed input size, for small faces, profiles, and heads cut off by an edge.

Xu, Yan, Sun, Yang and Luo, "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019. For every
fourth pixel of its input it predicts how likely a face is centred there, the logarithm of the face's size, where in the
cell the centre lies, and five landmarks as shares of the box. It finds what BlazeFace misses and has hardly any
false positives, but takes about fifteen times as long for a photo. Everything around it is ours.
"""

from pathlib import Path

import cv2
import numpy as np

from emojimation.detect.network import Layout, open_network
from emojimation.detect.views import resized
from emojimation.faces import Face, iou
from emojimation.weights import resolve

WIDE_MODEL = "face_detector_wide"
STRIDE, MULTIPLE = 4, 32
SAME_FACE_IOU = 0.3
# Longest input side: bounds the memory for images that are thin strips.
LONGEST_PX = 4096

_LAYOUT = "a face detector of CenterFace's layout"
_TENSORS: Layout = {
    "frames": ["h", "w", 3],
    "heat": [1, "h4", "w4"],
    "sizes": [2, "h4", "w4"],
    "offsets": [2, "h4", "w4"],
    "points": [10, "h4", "w4"],
}


class CenterFace:
    """`CenterFace()(frame, scale, min_score)` -> faces with score and landmarks, best first."""

    def __init__(self, model: str | Path = WIDE_MODEL, threads: int = 1) -> None:
        self._session = open_network(resolve(model), threads, _TENSORS, _LAYOUT, "reinstall emojimation")

    def __call__(self, frame: np.ndarray, scale: float, min_score: float) -> list[Face]:
        """frame: (H,W,3) BGR uint8, searched at `scale` times its size, never enlarged. Boxes lie in frame pixels."""
        canvas, drawn = shrunk(frame, min(scale, 1.0, LONGEST_PX / max(frame.shape[:2])))
        maps = self._session.run(["heat", "sizes", "offsets", "points"], {"frames": canvas[None]})
        heat, sizes, offsets, points = (one[0] for one in maps)
        back = np.array(frame.shape[1::-1]) / drawn
        rows = decode(heat, sizes, offsets, points, min_score)
        return [
            Face((row[1:5].reshape(2, 2) * back).ravel().astype(np.float32), float(row[0]), _points(row, back))
            for row in best_of_each(rows)
        ]


def shrunk(frame: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The frame at that scale, upper left in a black canvas with sides that 32 divides; its drawn width, height."""
    height, width = (max(1, round(side * scale)) for side in frame.shape[:2])
    canvas = np.zeros((-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE, 3), np.uint8)
    # Below a factor of two bilinear interpolation skips no pixel, and is three times as fast with scores as good.
    slightly = frame.shape[0] < 2 * height and frame.shape[1] < 2 * width
    canvas[:height, :width] = (
        cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
        if slightly
        else resized(frame, width, height)
    )
    return canvas, np.array([width, height])


def decode(
    heat: np.ndarray, sizes: np.ndarray, offsets: np.ndarray, points: np.ndarray, min_score: float
) -> np.ndarray:
    """Raw output for one image, each (channels,h,w), -> candidates (n,15) in pixels: score, xyxy, five points."""
    y, x = np.nonzero(heat[0] >= min_score)
    height_width = np.exp(sizes[:, y, x].T.astype(np.float64)) * STRIDE
    centre = (np.stack([y, x], axis=1) + offsets[:, y, x].T + 0.5) * STRIDE
    low = centre - height_width / 2
    marks = points[:, y, x].T.reshape(-1, 5, 2) * height_width[:, None] + low[:, None]
    yx = np.concatenate([np.stack([low, low + height_width], axis=1), marks], axis=1)
    return np.hstack([heat[0, y, x, None], yx[..., ::-1].reshape(-1, 14)])


def best_of_each(rows: np.ndarray) -> np.ndarray:
    """Without the candidates that overlap a better one; best first."""
    rest = rows[np.argsort(-rows[:, 0], kind="stable")]
    kept = []
    while len(rest):
        kept.append(rest[0])
        rest = rest[1:][iou(rest[:1, 1:5], rest[1:, 1:5])[0] < SAME_FACE_IOU]
    return np.array(kept).reshape(-1, rows.shape[1])


def _points(row: np.ndarray, back: np.ndarray) -> np.ndarray:
    return (row[5:].reshape(5, 2) * back).astype(np.float32)
