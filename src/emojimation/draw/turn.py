"""The turn of a drawn head in depth: its features move over a sphere."""

from functools import lru_cache

import cv2
import numpy as np

from emojimation.draw.sprites import DISC

# A drawing shows a turn more strongly than a photograph, and a feature at the rim is lost: half a right angle is drawn
# as 26 degrees.
SHOWN, MOST_DEG = 0.78, 34.0
# Parts behind the head (ears) sit this far behind its middle, in head radii.
BEHIND = -0.12


class Turn:
    """yaw_deg: positive to the viewer's right; pitch_deg: positive downwards."""

    def __init__(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> None:
        yaw, pitch = (MOST_DEG * np.tanh(SHOWN * angle / MOST_DEG) for angle in (yaw_deg, pitch_deg))
        self.none = abs(yaw) < 0.2 and abs(pitch) < 0.2
        y, p = np.radians([yaw, pitch])
        nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
        side = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        self._rotation = side @ nod
        self._flat, self._deep = self._rotation[:, :2].T.copy(), self._rotation[:, 2].copy()

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (n,2) of a face seen from the front, in head radii -> where they are seen; beyond the rim, outside."""
        if self.none:
            return points
        square = points * points
        depth = np.sqrt(np.maximum(1 - square[:, 0] - square[:, 1], 0))
        seen = points @ self._flat + depth[:, None] * self._deep
        return seen[:, :2] if seen[:, 2].min() >= 0 else np.stack(_outwards(*seen.T), 1)

    def behind(self, points: np.ndarray) -> np.ndarray:
        """Points (n,2) of parts behind the head -> where they are seen."""
        solid = np.column_stack([points, np.full(len(points), BEHIND)])
        return points if self.none else np.asarray((solid @ self._rotation.T)[:, :2])

    def image(self, picture: np.ndarray) -> np.ndarray:
        """A square picture (S,S,c) float32 of the head from the front, turned."""
        if self.none:
            return picture
        x, y, z = _sphere(picture.shape[0])
        # Where each pixel comes from: the turn backwards.
        back = self._rotation.T.astype(np.float32)
        across, down = _outwards(*(a * x + b * y + c * z for a, b, c in back))
        middle = np.float32((picture.shape[0] - 1) / 2)
        scale = np.float32(DISC) * middle
        at = across * scale + middle, down * scale + middle
        return np.asarray(cv2.remap(picture, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _outwards(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points on the sphere are seen; those on its far side move on outwards instead of coming back."""
    away = np.maximum(np.sqrt(x * x + y * y), np.float32(1e-6))
    further = np.where(z < 0, np.maximum(2 - away, 1) / away, np.float32(1))
    return x * further, y * further


@lru_cache(maxsize=4)
def _sphere(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and z (size,size) float32 of the head's front behind a picture's pixels. Cached: do not write into them."""
    axis = np.linspace(-1, 1, size, dtype=np.float32) / np.float32(DISC)
    x, y = np.meshgrid(axis, axis)
    return x, y, np.sqrt(np.maximum(1 - x * x - y * y, 0))
