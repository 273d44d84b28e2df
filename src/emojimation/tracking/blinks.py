"""Blinks of one person, from how open the eyes are in successive frames.

How open an eye looks differs between people and with glasses, light and distance. So each eye is measured against its
own usual opening, learned over the last seconds, as in Soukupova and Cech, "Real-time eye blink detection using facial
landmarks", CVWW 2016, whose ratio it is.
"""

from collections import deque

import numpy as np

from emojimation.attributes import ATTRIBUTES

# The usual opening is this quantile of the last seconds, at least that of narrow eyes.
WINDOW_S, USUAL, LEAST = 10.0, 0.8, 0.16
# Shares of the usual opening: where closing begins, and where the eye is closed. The mesh leaves a gap between closed
# lids, and of a blink a camera often sees the middle only.
BEGINS, CLOSED = 0.88, 0.68
# A blink begins above the first closure and ends below the second, within this time; longer, the eyes are shut.
SHUT_FROM, OPEN_FROM, LONGEST_S = 0.4, 0.25, 0.5
MINUTE_S, FIRST_RATE_S = 60.0, 5.0

COLUMNS = ATTRIBUTES["blinks"].columns
_EYES = [ATTRIBUTES["mesh"].columns.index(name) for name in ("eye_right", "eye_left")]


class Blinks:
    """Call it with each frame's values of the attribute "mesh" and the seconds since the one before.

    Returns the attribute "blinks" (4,) float32: how far each eye is closed, blinks so far, blinks a minute over the
    last minute (NaN in the first seconds). Eyes that are shut for longer than a blink do not count, nor does a wink.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, np.ndarray]] = deque()
        self._times: deque[float] = deque()
        self._now_s = 0.0
        self._shut_s: float | None = None
        self._count = 0
        self.values = np.array([0, 0, 0, np.nan], np.float32)

    def __call__(self, mesh: np.ndarray, step_s: float) -> np.ndarray:
        """mesh: (12,) of the frame; step_s: at least 0."""
        self._now_s += step_s
        eyes = mesh[_EYES].astype(np.float64)
        if np.isfinite(eyes).all():
            shut = self._shut(eyes)
            # A blink closes both eyes, if not equally far for the camera; a wink leaves one open.
            self._watch(float(shut.mean() if shut.min() >= OPEN_FROM else shut.min()))
            self.values = np.array([*shut, self._count, self._per_minute()], np.float32)
        return self.values

    def _shut(self, eyes: np.ndarray) -> np.ndarray:
        """How far each eye is closed, (2,) of 0 to 1."""
        self._seen.append((self._now_s, eyes))
        while self._seen[0][0] < self._now_s - WINDOW_S:
            self._seen.popleft()
        usual = np.maximum(np.quantile([seen for _, seen in self._seen], USUAL, axis=0), LEAST)
        return np.clip((BEGINS - eyes / usual) / (BEGINS - CLOSED), 0, 1)

    def _watch(self, shut: float) -> None:
        if self._shut_s is None:
            self._shut_s = self._now_s if shut >= SHUT_FROM else None
        elif shut <= OPEN_FROM:
            if self._now_s - self._shut_s <= LONGEST_S:
                self._count += 1
                self._times.append(self._now_s)
            self._shut_s = None

    def _per_minute(self) -> float:
        while self._times and self._times[0] < self._now_s - MINUTE_S:
            self._times.popleft()
        watched = min(self._now_s, MINUTE_S)
        return len(self._times) * MINUTE_S / watched if watched >= FIRST_RATE_S else np.nan
