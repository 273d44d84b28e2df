"""The face mesh: crop, network, points in pixels of the frame.

The network is MediaPipe's (Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs",
2019). It takes a 192 x 192 crop in which the eyes are level and the face fills two thirds of the width, and predicts
468 points in three dimensions and whether there is a face at all. Everything around it is ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.detect.network import Layout, open_network
from emojimation.faces import Face, similarity, warp
from emojimation.weights import resolve

INPUT_PX = 192
POINTS = 468
# Side of the crop as a multiple of the box around the face: MediaPipe's own value for this network.
PADDING = 1.5
# Crops per run of the network: more do not fit the processor's caches, and take longer each.
BATCH = 4
# Samples of a crop are at most this many pixels apart: between a pixel and two, nothing is lost that the network sees.
STEP_PX = 2.0
RIGHT_CORNER, LEFT_CORNER = 33, 263  # outer corners of the eyes

_TENSORS: Layout = {"frames": [INPUT_PX, INPUT_PX, 3], "points": [3 * POINTS], "logits": [1]}
_ADVICE = "make one with scripts/convert_mesh.py"


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One face's surface.

    points: (468,3) float32: x, y in pixels of the frame (from the corner of the first pixel), z in the same unit,
        negative towards the camera, 0 near the middle of the head. Numbered as MediaPipe numbers them.
    presence: 0 to 1, the network's answer to whether the crop shows a face, times the share of the points that lie in
        the frame. The answer is hardly ever undecided: below 0.9 the points mean little.
    """

    points: np.ndarray
    presence: float


@dataclass(frozen=True, slots=True)
class Region:
    """The square of the frame that the network sees: centre and side in pixels, tilt in degrees clockwise."""

    x: float
    y: float
    side: float
    roll_deg: float

    def matrix(self, size: int) -> np.ndarray:
        """The (2,3) similarity from the frame to a crop of `size` pixels; both count from the first pixel's corner."""
        tilt = np.radians(self.roll_deg)
        aside, down = np.array([np.cos(tilt), np.sin(tilt)]), np.array([-np.sin(tilt), np.cos(tilt)])
        middle = np.array([self.x, self.y])
        half = self.side / 2
        source = np.stack([middle - aside * half - down * half, middle + aside * half + down * half])
        return similarity(source, np.array([[0.0, 0.0], [size, size]]))


def region_of(face: Face) -> Region:
    """Where the mesh of a detected face is looked for: around its box, level with its eyes."""
    x0, y0, x1, y1 = (float(v) for v in face.xyxy)
    return Region((x0 + x1) / 2, (y0 + y1) / 2, PADDING * max(face.size_px, 1.0), face.roll_deg)


def region_around(points: np.ndarray) -> Region:
    """The region for the next frame of a face whose mesh (468,3) is known: steadier than the detector's box."""
    flat = points[:, :2].astype(np.float64)
    dx, dy = flat[LEFT_CORNER] - flat[RIGHT_CORNER]
    low, high = flat.min(axis=0), flat.max(axis=0)
    x, y = (low + high) / 2
    return Region(float(x), float(y), PADDING * float((high - low).max()), float(np.degrees(np.arctan2(dy, dx))))


class FaceMesh:
    """`FaceMesh()(frame, faces)` -> a `Mesh` for each face, in order. threads: of the network. May serve threads."""

    def __init__(self, threads: int = 1) -> None:
        self._session = open_network(resolve("face_mesh"), threads, _TENSORS, "a face mesh", _ADVICE)

    def __call__(self, frame: np.ndarray, faces: list[Face]) -> list[Mesh]:
        """frame: (H,W,3) BGR uint8."""
        return self.at(frame, [region_of(face) for face in faces])

    def at(self, frame: np.ndarray, regions: list[Region]) -> list[Mesh]:
        """The meshes in regions of the frame."""
        meshes: list[Mesh] = []
        for start in range(0, len(regions), BATCH):
            part = [region.matrix(INPUT_PX) for region in regions[start : start + BATCH]]
            crops = np.stack([warp(frame, matrix, INPUT_PX, STEP_PX) for matrix in part])
            points, logits = self._session.run(["points", "logits"], {"frames": crops})
            presence = 1 / (1 + np.exp(-logits[:, 0].astype(np.float64)))
            solid = points.reshape(-1, POINTS, 3)
            for flat, matrix, answer in zip(solid, part, presence, strict=True):
                placed = _to_frame(flat, matrix)
                meshes.append(Mesh(placed, float(answer) * _inside(placed, frame)))
        return meshes


def _to_frame(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (468,3) of a crop -> of the frame; depth grows with the crop."""
    back = cv2.invertAffineTransform(matrix)
    scale = float(np.hypot(back[0, 0], back[1, 0]))
    flat = points[:, :2] @ back[:, :2].T + back[:, 2]
    return np.column_stack([flat, points[:, 2] * scale]).astype(np.float32)


def _inside(points: np.ndarray, frame: np.ndarray) -> float:
    """Share of the points (468,3) that lie in the frame."""
    flat = points[:, :2]
    return float(((flat >= 0) & (flat <= frame.shape[1::-1])).all(axis=1).mean())
