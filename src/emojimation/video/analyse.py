"""Faces of every frame of a source, in order, while several frames are analysed in parallel.

With a step of k only every k-th frame is analysed (detection and emotions); the frames between are interpolated
linearly, for which the video is read k frames ahead. The tracker sees the analysed frames in order, whatever k is.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

import numpy as np

from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.video.reader import ASSUMED_FPS, Frame

AUTO_LIMIT = 10
AUTO_HEADROOM = 0.8  # share of real time that analysis may take; the rest is for reading, drawing and writing
AUTO_MEMORY = 15
SAME_IOU = 0.3
HELD_BYTES = 128 << 20  # limit on the memory of frames waiting for a result

FindFaces = Callable[[np.ndarray], list[Face]]


class Follower(Protocol):
    """What is needed from a tracker."""

    def update(self, faces: list[Face], time_s: float | None) -> list[Face]: ...
    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """The faces of the last analysed frame, and its shot; None before the first."""

    faces: list[Face] = field(default_factory=list)
    shot: int | None = None


@dataclass(slots=True, eq=False)
class _Group:
    """An analysed frame, its pending result, and the frames before it that are interpolated."""

    frame: Frame
    answer: "Future[tuple[list[Face], float]]"
    before: list[Frame] = field(default_factory=list)


class Step:
    """After how many frames the next analysis is due. every: a number from 1, or "auto" to keep up with `fps`."""

    def __init__(self, every: int | str, fps: float | None, workers: int):
        if every != "auto" and (not isinstance(every, int) or every < 1):
            raise InputError(f"Expected every as a whole number from 1 or 'auto', got {every!r}.")
        self._every, self._fps, self._workers = every, fps or ASSUMED_FPS, workers
        self._costs: deque[float] = deque(maxlen=AUTO_MEMORY)

    @property
    def now(self) -> int:
        if isinstance(self._every, int):
            return self._every
        if not self._costs:
            return 1
        affordable = AUTO_HEADROOM * self._workers / median(self._costs)
        return min(max(math.ceil(self._fps / affordable), 1), AUTO_LIMIT)

    def add(self, cost_s: float) -> None:
        """Record the duration of an analysis."""
        self._costs.append(max(cost_s, 1e-6))


def analyse(
    frames: Iterable[Frame],
    find_faces: FindFaces,
    tracker: Follower | None = None,
    every: int | str = 1,
    workers: int = 1,
    fps: float | None = None,
    past: Past | None = None,
) -> Generator[tuple[Frame, list[Face]], None, None]:
    """Each frame with its faces, in order.

    find_faces: a frame's (H,W,3) BGR uint8 image -> faces with probabilities, called from `workers` threads. every:
    see `Step`. fps: of the source, for "auto". past: of the frame analysed before the first, if a run is resumed. An
    exception in `find_faces`, or in the consumer, ends it immediately.
    """
    step = Step(every, fps, workers)
    groups: deque[_Group] = deque()
    past = past or Past()
    pool = ThreadPoolExecutor(workers, "find-faces")
    try:
        for group in _groups(frames, find_faces, step, pool, past.shot):
            groups.append(group)
            while groups and (groups[0].answer.done() or _full(groups, workers)):
                past, shown = _answered(groups.popleft(), past, tracker, step)
                yield from shown
        while groups:
            past, shown = _answered(groups.popleft(), past, tracker, step)
            yield from shown
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _groups(
    frames: Iterable[Frame], find_faces: FindFaces, step: Step, pool: ThreadPoolExecutor, shot: int | None
) -> Iterator[_Group]:
    before: list[Frame] = []
    due = 0 if shot is None else step.now - 1
    for frame in frames:
        if frame.shot != shot:  # nothing is interpolated from one shot to the next
            if before:
                yield _Group(before[-1], pool.submit(_timed, find_faces, before[-1].image), before[:-1])
            before, due, shot = [], 0, frame.shot
        if due <= 0 or _held(before, frame) > HELD_BYTES:
            yield _Group(frame, pool.submit(_timed, find_faces, frame.image), before)
            before, due = [], step.now
        else:
            before.append(frame)
        due -= 1
    if before:  # the video's last frame is always analysed
        yield _Group(before[-1], pool.submit(_timed, find_faces, before[-1].image), before[:-1])


def _held(before: list[Frame], frame: Frame) -> int:
    return (len(before) + 1) * frame.image.nbytes


def _timed(find_faces: FindFaces, image: np.ndarray) -> tuple[list[Face], float]:
    began = time.perf_counter()
    return find_faces(image), time.perf_counter() - began


def _full(groups: deque[_Group], workers: int) -> bool:
    held = sum(group.frame.image.nbytes * (1 + len(group.before)) for group in groups)
    return len(groups) > 2 * workers or held > HELD_BYTES


def _answered(
    group: _Group, past: Past, tracker: Follower | None, step: Step
) -> tuple[Past, list[tuple[Frame, list[Face]]]]:
    """The faces of the analysed frame, and all frames of the group with theirs."""
    faces, cost_s = group.answer.result()
    step.add(cost_s)
    known = past.faces if past.shot == group.frame.shot else []
    if tracker is not None and past.shot not in (None, group.frame.shot):
        tracker.reset()
    if tracker is not None:
        faces = tracker.update(faces, group.frame.time_s)
    count = len(group.before) + 1
    shown = [(frame, between(known, faces, (number + 1) / count)) for number, frame in enumerate(group.before)]
    return Past(faces, group.frame.shot), [*shown, (group.frame, faces)]


def between(first: list[Face], second: list[Face], share: float) -> list[Face]:
    """The faces at `share` (0 to 1) of the way from one analysed frame to the next.

    A face in both (matched by number, else by position) is interpolated; one in a single frame is shown in the half
    nearer to it.
    """
    pairs = _pairs(first, second)
    moved = [blend(first[i], second[j], share) for i, j in pairs]
    alone = first if share < 0.5 else second
    paired = {i if share < 0.5 else j for i, j in pairs}
    return moved + [face for number, face in enumerate(alone) if number not in paired]


def blend(a: Face, b: Face, share: float) -> Face:
    """The face interpolated linearly at `share` from `a` to `b`; number and threshold are `b`'s."""
    return b.with_(
        xyxy=_mixed(a.xyxy, b.xyxy, share),
        score=min(a.score, b.score),
        landmarks=_mixed_or_none(a.landmarks, b.landmarks, share),
        probabilities=_mixed_or_none(a.probabilities, b.probabilities, share),
    )


def _mixed(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return ((1 - share) * a + share * b).astype(np.float32)


def _mixed_or_none(a: np.ndarray | None, b: np.ndarray | None, share: float) -> np.ndarray | None:
    return _mixed(a, b, share) if a is not None and b is not None else (b if share >= 0.5 else a)


def _pairs(first: list[Face], second: list[Face]) -> list[tuple[int, int]]:
    if not first or not second:
        return []
    numbers = {face.track_id: i for i, face in enumerate(first) if face.track_id is not None}
    if numbers:
        return [(numbers[face.track_id], j) for j, face in enumerate(second) if face.track_id in numbers]
    overlap = iou(np.stack([face.xyxy for face in first]), np.stack([face.xyxy for face in second]))
    pairs = []
    while overlap.max(initial=0.0) >= SAME_IOU:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        pairs.append((int(i), int(j)))
        overlap[i], overlap[:, j] = -1, -1
    return pairs
