"""What a mesh says about the face, as numbers that neither its size nor the turn of the head changes.

The mesh is first brought into the head's own coordinates (see `pose`), where one unit is the distance between the outer
corners of the eyes. Right and left are the person's. Definitions and sources: docs/measures.md.
"""

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.mesh.pose import HeadPose

# Points of the mesh, the person's right first. Lids: upper and lower in pairs, between the corners.
LIDS = (((160, 144), (159, 145), (158, 153)), ((387, 373), (386, 374), (385, 380)))
EYE_CORNERS = ((33, 133), (263, 362))
BROWS = ((105, 66, 107), (334, 296, 336))
INNER_BROWS = (55, 285)
MOUTH_CORNERS = (61, 291)
LIPS_INSIDE = (13, 14)
NOSE_BASE, CHIN = 2, 152
# Distance between the inner ends of the brows at rest, in units.
BROW_GAP = 0.289

COLUMNS = ATTRIBUTES["mesh"].columns


def measures(points: np.ndarray, pose: HeadPose, presence: float) -> np.ndarray:
    """The values of the attribute "mesh", (12,) float32, from a mesh (468,3) in pixels and its pose."""
    head = pose.to_head(points)
    mouth_y = head[list(LIPS_INSIDE), 1].mean()
    lifts = [mouth_y - head[corner, 1] for corner in MOUTH_CORNERS]
    values = {
        "presence": presence,
        "eye_right": openness(head, 0),
        "eye_left": openness(head, 1),
        "mouth_open": head[LIPS_INSIDE[1], 1] - head[LIPS_INSIDE[0], 1],
        "mouth_width": _distance(head, *MOUTH_CORNERS),
        "smile": (lifts[0] + lifts[1]) / 2,
        "smile_asymmetry": lifts[1] - lifts[0],
        "brow_right": brow_raise(head, 0),
        "brow_left": brow_raise(head, 1),
        "brow_furrow": 1 - _distance(head, *INNER_BROWS) / BROW_GAP,
        "jaw_open": head[CHIN, 1] - head[NOSE_BASE, 1],
        "jaw_side": head[CHIN, 0],
    }
    return np.array([values[column] for column in COLUMNS], np.float32)


def openness(head: np.ndarray, side: int) -> float:
    """Mean gap between the lids over the eye's width: the eye aspect ratio of Soukupova and Cech, CVWW 2016."""
    gaps = [_distance(head, upper, lower) for upper, lower in LIDS[side]]
    return float(np.mean(gaps) / max(_distance(head, *EYE_CORNERS[side]), 1e-6))


def brow_raise(head: np.ndarray, side: int) -> float:
    """How far the brow is above the line through the eye's corners."""
    return float(head[list(EYE_CORNERS[side]), 1].mean() - head[list(BROWS[side]), 1].mean())


def _distance(head: np.ndarray, a: int, b: int) -> float:
    return float(np.linalg.norm(head[a] - head[b]))
