"""Where a head points: the rotation that brings the mean face onto a mesh.

The mean face ("canonical model") was measured by scripts/measure_canonical.py; its rigid points are those that lids,
brows, lips and jaw move least. One unit is the distance between the outer corners of its eyes.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from emojimation.weights import resolve


@dataclass(frozen=True, slots=True, eq=False)
class HeadPose:
    """The head's place: frame point = scale * rotation @ head point + shift.

    rotation: (3,3), x to the right, y down, z away from the camera; the identity looks straight into it. scale: pixels
    a unit. shift: (3,) pixels.
    """

    rotation: np.ndarray
    scale: float
    shift: np.ndarray

    def to_head(self, points: np.ndarray) -> np.ndarray:
        """Points (n,3) of the frame -> of the head: turn, tilt, size and place taken out."""
        return ((points - self.shift) / self.scale) @ self.rotation

    def angles_deg(self) -> np.ndarray:
        """(3,) yaw, pitch, roll in degrees, `rotation_of` backwards."""
        r = self.rotation
        yaw = np.arctan2(r[2, 0], np.hypot(r[2, 1], r[2, 2]))
        return np.degrees([yaw, np.arctan2(r[2, 1], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])])


def rotation_of(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """The (3,3) rotation of a head that nods by `pitch_deg`, then turns by `yaw_deg`, then tilts by `roll_deg`.

    yaw: positive towards the viewer's right; pitch: positive downwards; roll: positive clockwise for the viewer.
    """
    y, p, r = np.radians([-yaw_deg, pitch_deg, roll_deg])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(tilt @ turn @ nod)


def head_pose(points: np.ndarray) -> HeadPose:
    """The pose of a mesh (468,3) in pixels: the similarity that maps the mean face's rigid points closest to its own.

    Least squares after Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE TPAMI 1991.
    """
    mean, rigid = canonical()
    source, target = mean[rigid], points[rigid].astype(np.float64)
    s0, t0 = source - source.mean(axis=0), target - target.mean(axis=0)
    u, strengths, vt = np.linalg.svd(t0.T @ s0)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    scale = float((strengths * signs).sum() / (s0**2).sum())
    return HeadPose(rotation, scale, target.mean(axis=0) - scale * rotation @ source.mean(axis=0))


@lru_cache(maxsize=1)
def canonical() -> tuple[np.ndarray, np.ndarray]:
    """The mean face (468,3) float64 and the indices of its rigid points. Cached: do not write into them."""
    with np.load(resolve("canonical_face")) as file:
        return file["points"].astype(np.float64), file["rigid"].astype(int)
