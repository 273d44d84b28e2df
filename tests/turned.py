"""A portrait turned in depth by a known rotation: its texture on its own mesh, with the head around it as a bowl."""

import cv2
import numpy as np

from emojimation.mesh.network import Mesh
from emojimation.mesh.pose import head_pose

RINGS = ((1.1, 0.6), (1.25, 1.2), (1.3, 2.0))  # of the outline, and how far behind it, in eye distances

AWAY = 6.0  # of the camera, in eye distances: half a metre


def turned(frame: np.ndarray, mesh: Mesh, rotation: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
    """The frame with the head of `mesh` turned by `rotation` (3,3) about its middle, seen from far away.

    points: (468,3), where the mesh's points move before the turn, for lids that close and the like.
    """
    scale = head_pose(mesh.points).scale
    flat, moved = mesh.points.astype(np.float64), np.array(mesh.points if points is None else points, np.float64)
    hull = cv2.convexHull(np.ascontiguousarray(mesh.points[:, :2]), returnPoints=False)[:, 0]
    middle = flat[hull].mean(axis=0)
    for factor, behind in RINGS:
        ring = middle + (flat[hull] - middle) * (factor, factor, 1) + np.array([0, 0, behind * scale])
        flat, moved = np.vstack([flat, ring]), np.vstack([moved, ring])
    centre = middle + np.array([0, 0, 0.4 * scale])
    shown = (moved - centre) @ rotation.T
    shown = shown * (AWAY * scale / (AWAY * scale + shown[:, 2:])) ** (1, 1, 0) + centre
    out = np.full_like(frame, 110)
    triangles = _triangles(flat[:, :2])
    for corners in sorted(triangles, key=lambda corners: -shown[list(corners), 2].mean()):
        _paint(out, frame, flat[list(corners), :2], shown[list(corners), :2])
    return out


def _triangles(points: np.ndarray) -> list[tuple[int, int, int]]:
    low = points.min(axis=0) - 5
    wide, high = (points.max(axis=0) - low + 5).astype(int)
    delaunay = cv2.Subdiv2D((0, 0, int(wide) + 1, int(high) + 1))
    number: dict[tuple[float, float], int] = {}
    for index, point in enumerate((points - low).astype(np.float32)):
        number.setdefault((float(point[0]), float(point[1])), index)
        delaunay.insert((float(point[0]), float(point[1])))
    found = [[number.get((float(x), float(y))) for x, y in three.reshape(3, 2)] for three in delaunay.getTriangleList()]
    return [(a, b, c) for a, b, c in found if None not in (a, b, c)]


def _paint(out: np.ndarray, frame: np.ndarray, source: np.ndarray, target: np.ndarray) -> None:
    """One triangle, unless it is seen from behind."""
    (a, b, c), (d, e, f) = source, target
    if _area(b - a, c - a) * _area(e - d, f - d) <= 0:
        return
    x0, y0 = np.maximum(np.floor(target.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.ceil(target.max(axis=0)).astype(int) + 2
    x1, y1 = min(int(x1), out.shape[1]), min(int(y1), out.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    matrix = cv2.getAffineTransform(source.astype(np.float32), (target - (x0, y0)).astype(np.float32))
    part = cv2.warpAffine(frame, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.rint(target - (x0, y0)).astype(np.int32), 255)
    out[y0:y1, x0:x1][mask > 0] = part[mask > 0]


def _area(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])
