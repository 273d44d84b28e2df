"""Where the eyes look, from the iris network: the turn of the eyeballs against the head.

The network is MediaPipe's (Ablavatski et al., "Real-time pupil tracking from monocular video for digital puppetry",
2020). It takes a 64 x 64 crop of a left eye, level and 2.3 eye widths wide, and predicts the iris by its centre and
four points on its edge. A right eye is shown to it mirrored.
"""

import cv2
import numpy as np

from emojimation.detect.network import Layout, open_network
from emojimation.faces import warp
from emojimation.mesh.measures import EYE_CORNERS
from emojimation.mesh.network import STEP_PX, Mesh, Region
from emojimation.mesh.pose import HeadPose
from emojimation.weights import resolve

INPUT_PX = 64
# Side of the crop as a multiple of the eye's width: MediaPipe's own value for this network.
PADDING = 2.3
EYES_PER_RUN = 4
# A head turned this far shows one eye well enough; the other one is left out, which saves its time.
ONE_EYE_DEG = 18.0
# The mesh's inner and outer corners of the eye lie this far apart in radii of the eyeball: 30 mm over 12 mm.
EYEBALL_RADIUS = 0.4
# The iris at rest, from the middle between the corners, in eye widths: measured on faces that look into the camera.
REST = (0.0, -0.05)

_TENSORS: Layout = {"frames": [INPUT_PX, INPUT_PX, 3], "iris": [15]}
_ADVICE = "make one with scripts/convert_mesh.py"


class Iris:
    """`Iris()(frame, meshes, poses)` -> (2,) float32 for each: yaw and pitch of the gaze in degrees, against the head.

    yaw: positive to the viewer's right; pitch: positive downwards. threads: of the network. May serve threads.
    """

    def __init__(self, threads: int = 1) -> None:
        self._session = open_network(resolve("iris"), threads, _TENSORS, "an iris network", _ADVICE)

    def __call__(self, frame: np.ndarray, meshes: list[Mesh], poses: list[HeadPose]) -> list[np.ndarray]:
        """frame: (H,W,3) BGR uint8. The mean of both eyes, the nearer one counting more when the head is turned."""
        shares = [_shares(float(pose.angles_deg()[0])) for pose in poses]
        seen = [(face, side) for face in range(len(meshes)) for side in (0, 1) if shares[face][side]]
        eyes = [(meshes[face].points[list(EYE_CORNERS[side])], side) for face, side in seen]
        sums = np.zeros((len(meshes), 2))
        for (face, side), (corners, _), iris in zip(seen, eyes, self._irises(frame, eyes), strict=True):
            sums[face] += shares[face][side] * _offset(corners, iris)
        return list(np.degrees(np.arcsin(np.clip(sums / EYEBALL_RADIUS, -1, 1))).astype(np.float32))

    def _irises(self, frame: np.ndarray, eyes: list[tuple[np.ndarray, int]]) -> list[np.ndarray]:
        """Centres (2,) of the irises in pixels of the frame; eyes: corners (2,3) and side, 0 for the person's right."""
        matrices = [_region(corners, side).matrix(INPUT_PX) for corners, side in eyes]
        crops = [warp(frame, matrix, INPUT_PX, STEP_PX) for matrix in matrices]
        shown = [crop[:, ::-1] if side == 0 else crop for crop, (_, side) in zip(crops, eyes, strict=True)]
        found: list[np.ndarray] = []
        for start in range(0, len(eyes), EYES_PER_RUN):
            points = self._session.run(["iris"], {"frames": np.stack(shown[start : start + EYES_PER_RUN])})[0]
            found += list(points.reshape(-1, 5, 3)[:, 0, :2])
        for centre, (_, side) in zip(found, eyes, strict=True):
            if side == 0:
                centre[0] = INPUT_PX - centre[0]
        backs = [cv2.invertAffineTransform(matrix) for matrix in matrices]
        return [back[:, :2] @ centre + back[:, 2] for centre, back in zip(found, backs, strict=True)]


def _region(corners: np.ndarray, side: int) -> Region:
    """The square around an eye, level with its corners."""
    right, left = (corners[0], corners[1]) if side == 0 else (corners[1], corners[0])
    dx, dy = (left - right)[:2]
    x, y = corners[:, :2].mean(axis=0)
    return Region(
        float(x), float(y), PADDING * max(float(np.hypot(dx, dy)), 1.0), float(np.degrees(np.arctan2(dy, dx)))
    )


def _offset(corners: np.ndarray, iris: np.ndarray) -> np.ndarray:
    """(2,) how far the iris is from the middle between the corners, along the eye and across, in eye widths."""
    along = corners[1, :2] - corners[0, :2]
    along = along if along[0] >= 0 else -along
    width = max(float(np.hypot(*along)), 1e-6)
    along = along / width
    away = (iris - corners[:, :2].mean(axis=0)) / width
    return np.array([away @ along, away @ (-along[1], along[0])]) - REST


def _shares(head_yaw_deg: float) -> tuple[float, float]:
    """How much the right and the left eye count: a head turned to the viewer's right hides its left eye."""
    right = float(np.clip(0.5 + head_yaw_deg / ONE_EYE_DEG / 2, 0, 1))
    return right, 1 - right
