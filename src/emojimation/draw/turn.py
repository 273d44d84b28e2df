"""The turn of a drawn head in depth: its features move over a sphere."""

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

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (n,2) of a face seen from the front, in head radii -> where they are seen; beyond the rim, outside."""
        if self.none:
            return points
        depth = np.sqrt(np.clip(1 - (points**2).sum(axis=1), 0, None))
        return _flat(np.column_stack([points, depth]) @ self._rotation.T)

    def behind(self, points: np.ndarray) -> np.ndarray:
        """Points (n,2) of parts behind the head -> where they are seen."""
        solid = np.column_stack([points, np.full(len(points), BEHIND)])
        return points if self.none else np.asarray((solid @ self._rotation.T)[:, :2])

    def image(self, picture: np.ndarray) -> np.ndarray:
        """A square picture (S,S,c) float32 of the head from the front, turned."""
        if self.none:
            return picture
        size = picture.shape[0]
        axis = np.linspace(-1, 1, size, dtype=np.float32) / np.float32(DISC)
        seen = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        depth = np.sqrt(np.clip(1 - (seen**2).sum(axis=1), 0, None))
        source = _flat(np.column_stack([seen, depth]) @ self._rotation)
        at = ((source * DISC + 1) * ((size - 1) / 2)).astype(np.float32).reshape(size, size, 2)
        across, down = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
        return np.asarray(cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _flat(solid: np.ndarray) -> np.ndarray:
    """Points (n,3) on the sphere -> (n,2); those on its far side move on outwards instead of coming back."""
    flat = solid[:, :2]
    away = np.sqrt((flat**2).sum(axis=1, keepdims=True))
    outside = flat / np.maximum(away, 1e-9) * np.maximum(2 - away, 1)
    return np.where(solid[:, 2:] < 0, outside, flat)
