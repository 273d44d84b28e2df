"""What the window shows of the answers, as plain numbers and words: which face counts, how bars move, the last seconds.

Nothing here knows Tk or draws. Probabilities are (7,) in the order of `EMOTIONS`.
"""

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emojimation.faces import Face
from emojimation.labels import EMOTIONS

HISTORY_S = 30.0
EASE_S = 0.12  # time constant of bars and avatar
MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]


@dataclass(frozen=True, slots=True)
class Status:
    """state: "idle", "opening", "live", "still" (a photo), "ended" (a film's end), "failed". message: what went wrong."""

    state: str = "idle"
    source: str = ""
    message: str = ""
    paused: bool = False
    recording: bool = False
    logging: bool = False
    calibrating: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person once. path: the file it is about. kind: "saved", "info" or "error"."""

    text: str
    kind: str = "info"
    path: Path | None = None


class Eased:
    """A vector that moves towards its target instead of jumping; the same at every frame rate."""

    def __init__(self, memory_s: float = EASE_S) -> None:
        self.memory_s = memory_s
        self.value: np.ndarray | None = None
        self._last_s = 0.0

    def towards(self, target: np.ndarray, now_s: float) -> np.ndarray:
        """The vector at `now_s`; the first call and one after more than a second jump."""
        step_s, self._last_s = now_s - self._last_s, now_s
        if self.value is None or step_s > 1.0:
            self.value = np.array(target, np.float64)
        else:
            self.value = self.value + (1 - math.exp(-max(step_s, 0) / self.memory_s)) * (target - self.value)
        return self.value


class History:
    """The main person's probabilities of the last `HISTORY_S` seconds."""

    def __init__(self, seconds: float = HISTORY_S) -> None:
        self.seconds = seconds
        self._rows: deque[tuple[float, int | None, np.ndarray]] = deque()

    def add(self, now_s: float, face: Face | None) -> None:
        """Note who is seen now and how; None for nobody."""
        known = face is not None and face.probabilities is not None
        vector = np.asarray(face.probabilities) if known and face else np.full(len(EMOTIONS), np.nan)
        self._rows.append((now_s, face.track_id if face else None, vector))
        while self._rows[0][0] < now_s - self.seconds - 1:
            self._rows.popleft()

    def clear(self) -> None:
        """Forget all, as for another source."""
        self._rows.clear()

    def columns(self, count: int, now_s: float, hole_s: float = 1.0) -> np.ndarray:
        """(count,7) probabilities at even times, the last one now; NaN where nothing was seen for `hole_s`."""
        if not self._rows:
            return np.full((count, len(EMOTIONS)), np.nan)
        times = np.array([row[0] for row in self._rows])
        asked = now_s - self.seconds * (1 - (np.arange(count) + 1) / count)
        place = np.searchsorted(times, asked, side="right") - 1
        columns = np.stack([row[2] for row in self._rows])[np.maximum(place, 0)]
        columns[(place < 0) | (asked - times[np.maximum(place, 0)] > hole_s)] = np.nan
        return columns


class Chooser:
    """Which of several faces is the main one: the one that was clicked, else the largest, held on to while it is there."""

    def __init__(self) -> None:
        self.chosen: int | None = None
        self._held: int | None = None

    def choose(self, track_id: int | None) -> None:
        """Make the person of that number the main one; None: the largest from now on."""
        self.chosen = self._held = track_id

    def main(self, faces: list[Face]) -> Face | None:
        """The main face of a frame; None where there is no face."""
        by_number = {face.track_id: face for face in faces if face.track_id is not None}
        for number in (self.chosen, self._held):
            if number in by_number:
                return by_number[number]
        largest = max(faces, key=lambda face: face.size_px, default=None)
        if largest is not None:
            self._held = largest.track_id
        return largest

    def following(self, faces: list[Face]) -> int | None:
        """Choose the next person from left to right; its number."""
        order = [face.track_id for face in sorted(faces, key=lambda face: float(face.xyxy[0]))]
        main = self.main(faces)
        if main is None:
            return None
        self.choose(order[(order.index(main.track_id) + 1) % len(order)])
        return self.chosen


def face_at(faces: list[Face], x: float, y: float) -> Face | None:
    """The face whose box holds the point (pixels of the frame), the smallest if there are several."""
    under = [f for f in faces if f.xyxy[0] <= x <= f.xyxy[2] and f.xyxy[1] <= y <= f.xyxy[3]]
    return min(under, key=lambda face: face.size_px, default=None)


def mirrored(face: Face, width: int) -> Face:
    """The face in the frame of `width` pixels seen in a mirror."""
    x0, y0, x1, y1 = face.xyxy
    landmarks = face.landmarks
    if landmarks is not None:
        landmarks = (landmarks[MIRRORED_LANDMARKS] * (-1, 1) + (width, 0)).astype(np.float32)
    return face.with_(xyxy=np.array([width - x1, y0, width - x0, y1], np.float32), landmarks=landmarks)


def fitted(size_wh: tuple[int, int], room_wh: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape that fits into `room_wh`; at least 1 x 1."""
    scale = min(room_wh[0] / size_wh[0], room_wh[1] / size_wh[1])
    return max(1, int(size_wh[0] * scale)), max(1, int(size_wh[1] * scale))


def frame_point(
    x: float, y: float, room_wh: tuple[int, int], size_wh: tuple[int, int], mirror: bool
) -> tuple[float, float] | None:
    """A point of the picture's room -> the point of the unmirrored frame that is shown centred there, or None beside it."""
    width, height = fitted(size_wh, room_wh)
    across = (x - (room_wh[0] - width) // 2) / width
    down = (y - (room_wh[1] - height) // 2) / height
    if not (0 <= across < 1 and 0 <= down < 1):
        return None
    return (1 - across if mirror else across) * size_wh[0], down * size_wh[1]


NOBODY = {"camera": "Look into the camera", "film": "Nobody is in sight", "photo": "None was found in this photo"}


def greeting(now_s: float, each_s: float = 2.6) -> np.ndarray:
    """(7,) probabilities that go through all emotions, for the avatar before anything is opened."""
    order = (3, 5, 6, 4, 0, 2, 1)
    return np.eye(len(EMOTIONS))[order[int(now_s / each_s) % len(order)]]


def headline(face: Face | None, kind: str = "camera") -> tuple[str, str]:
    """The big word and the small line under it. kind: of the source, a key of `NOBODY`."""
    if face is None:
        return "no face", NOBODY[kind]
    if face.probabilities is None or face.confidence is None:
        return "a face", "not classified"
    if face.certain:
        return str(face.emotion), f"{face.confidence:.0%} sure"
    first, second = (EMOTIONS[i] for i in np.argsort(face.probabilities)[:-3:-1])
    return "not sure", f"{first} or {second}?"


class Rate:
    """Events a second over the last two seconds."""

    def __init__(self, window_s: float = 2.0) -> None:
        self.window_s = window_s
        self._times: deque[float] = deque()

    def tick(self, now_s: float) -> None:
        """One event."""
        self._times.append(now_s)

    def value(self, now_s: float) -> float:
        """Events a second at `now_s`."""
        while self._times and self._times[0] < now_s - self.window_s:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(now_s - self._times[0], 1e-6)
