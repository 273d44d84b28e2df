"""Hard cuts in a stream of frames: where a new shot begins, nothing known about people carries over.

The measure is PySceneDetect's content difference (mean absolute difference of hue, saturation and brightness), taken on
thumbnails. A cut stands out from the differences just before it, and destroys the pattern of light and shade:
a flash changes the brightness but not the pattern, a pan or a fade changes every frame a little.
"""

from collections import deque

import cv2
import numpy as np

SMALL_WH = (64, 36)
DIFFERENCE = 24.0  # mean of the three channels, 0 to 255; hue counts twice, as it ends at 180
TIMES_RECENT = 2.5  # as a multiple of the mean difference of the last frames
RECENT = 12
PATTERN = 0.6  # correlation of the brightness with the previous frame, below which nothing of the pattern is left


class CutDetector:
    """Call it with each frame, (H,W,3) BGR uint8, in order: whether a new shot starts with it. The first is no cut."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)

    def __call__(self, frame: np.ndarray) -> bool:
        small = _small(frame)
        before, self._before = self._before, small
        if before is None:
            return False
        difference = _difference(before, small)
        usual = float(np.mean(self._recent)) if self._recent else 0.0
        cut = difference >= max(DIFFERENCE, TIMES_RECENT * usual) and _correlation(before, small) < PATTERN
        if cut:
            self._recent.clear()
        else:
            self._recent.append(difference)
        return cut


def _small(frame: np.ndarray) -> np.ndarray:
    """(36,64,3) HSV float32 thumbnail of the whole frame; rows and columns of large frames are skipped first."""
    step = max(1, min(frame.shape[0] // (4 * SMALL_WH[1]), frame.shape[1] // (4 * SMALL_WH[0])))
    small = cv2.resize(frame[::step, ::step], SMALL_WH, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2HSV).astype(np.float32)


def _difference(before: np.ndarray, now: np.ndarray) -> float:
    difference = np.abs(now - before)
    hue = np.minimum(difference[..., 0], 180 - difference[..., 0])
    return float((2 * hue.mean() + difference[..., 1].mean() + difference[..., 2].mean()) / 3)


def _correlation(before: np.ndarray, now: np.ndarray) -> float:
    """Of the brightness, -1 to 1; 1 if both images are uniform, 0 if only one is."""
    a, b = (picture[..., 2].ravel() - picture[..., 2].mean() for picture in (before, now))
    strengths = float(np.sqrt((a * a).sum())), float(np.sqrt((b * b).sum()))
    if min(strengths) < 1e-3:
        return 1.0 if max(strengths) < 1e-3 else 0.0
    return float(a @ b) / (strengths[0] * strengths[1])
