"""Faces of every frame of a source, in order, while several frames are analysed in parallel.

With a step of k only every k-th frame is analysed (detection and emotions); the frames between are interpolated
linearly, for which the video is read k frames ahead. The tracker sees the analysed frames in order, whatever k is.
Without a step, successive frames may be analysed together, as a run: that is cheaper, because known faces are followed.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol, runtime_checkable

import numpy as np

from emojimation.detect.following import RUN_S
from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.video.reader import ASSUMED_FPS, Frame

AUTO_LIMIT = 10
AUTO_HEADROOM = 0.8  # share of real time that analysis may take; the rest is for reading, drawing and writing
AUTO_MEMORY = 15
SAME_IOU = 0.3
HELD_BYTES = 128 << 20  # limit on the memory of frames waiting for a result
RUN_BYTES = 40 << 20  # and of those that are analysed together
SAME_TIME_S = 1e-5  # times in a log are rounded

FindFaces = Callable[[np.ndarray], list[Face]]


@runtime_checkable
class FindsInRuns(Protocol):
    """What finds the faces of several successive frames for less than one by one, such as a `Pipeline`."""

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]: ...


class Follower(Protocol):
    """What is needed from a tracker."""

    def update(self, faces: list[Face], time_s: float | None) -> list[Face]: ...
    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """The faces of the last analysed frame, its shot and its time; None before the first."""

    faces: list[Face] = field(default_factory=list)
    shot: int | None = None
    time_s: float | None = None


@dataclass(slots=True, eq=False)
class _Group:
    """An analysed frame, and the frames before it that are interpolated."""

    frame: Frame
    before: list[Frame] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Run:
    """Frames that are analysed together, and their pending faces with the seconds that each has taken."""

    groups: list[_Group]
    answer: "Future[tuple[list[list[Face]], float]]"

    @property
    def bytes(self) -> int:
        return sum(group.frame.image.nbytes * (1 + len(group.before)) for group in self.groups)


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
    in_runs: bool = False,
) -> Generator[tuple[Frame, list[Face]], None, None]:
    """Each frame with its faces, in order.

    find_faces: a frame's (H,W,3) BGR uint8 image -> faces with probabilities, called from `workers` threads. every:
    see `Step`. fps: of the source, for "auto". past: of the frame analysed before the first, if the work is resumed;
    frames up to its time only complete the run of the later ones. in_runs: analyse successive frames together where
    there is no step and `find_faces` can; each whole frame is searched otherwise, which hiding requires. An exception
    in `find_faces`, or in the consumer, ends it immediately.
    """
    step = Step(every, fps, workers)
    runs: deque[_Run] = deque()
    past = past or Past()
    find = find_faces if in_runs and every == 1 and isinstance(find_faces, FindsInRuns) else _OneByOne(find_faces)
    pool = ThreadPoolExecutor(workers, "find-faces")
    try:
        for groups in _together(_groups(frames, step, past.shot), find):
            images = [group.frame.image for group in groups]
            runs.append(_Run(groups, pool.submit(_timed, find.of_run, images)))
            while runs and (runs[0].answer.done() or _full(runs, workers)):
                past, shown = _answered(runs.popleft(), past, tracker, step)
                yield from shown
        while runs:
            past, shown = _answered(runs.popleft(), past, tracker, step)
            yield from shown
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _OneByOne:
    """Finds the faces of a single frame as of a run."""

    def __init__(self, find_faces: FindFaces) -> None:
        self._find_faces = find_faces

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        return [self._find_faces(frame) for frame in frames]


def _together(groups: Iterable[_Group], find: FindsInRuns) -> Iterator[list[_Group]]:
    """The groups whose frames are analysed together, which depends on their times alone, not on where a run began."""
    if isinstance(find, _OneByOne):
        yield from ([group] for group in groups)
        return
    run: list[_Group] = []
    for group in groups:
        if run and not _same_run(run, group.frame):
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _same_run(run: list[_Group], frame: Frame) -> bool:
    first = run[0].frame
    fits = (len(run) + 1) * frame.image.nbytes <= RUN_BYTES
    return fits and first.shot == frame.shot and run_start(first.time_s) == run_start(frame.time_s)


def run_start(time_s: float) -> float:
    """The time in seconds from which on frames are analysed together with one at `time_s`."""
    return math.floor(time_s / RUN_S + SAME_TIME_S) * RUN_S


def _groups(frames: Iterable[Frame], step: Step, shot: int | None) -> Iterator[_Group]:
    before: list[Frame] = []
    due = 0 if shot is None else step.now - 1
    for frame in frames:
        if frame.shot != shot:  # nothing is interpolated from one shot to the next
            if before:
                yield _Group(before[-1], before[:-1])
            before, due, shot = [], 0, frame.shot
        if due <= 0 or _held(before, frame) > HELD_BYTES:
            yield _Group(frame, before)
            before, due = [], step.now
        else:
            before.append(frame)
        due -= 1
    if before:  # the video's last frame is always analysed
        yield _Group(before[-1], before[:-1])


def _held(before: list[Frame], frame: Frame) -> int:
    return (len(before) + 1) * frame.image.nbytes


def _timed(
    of_run: Callable[[Sequence[np.ndarray]], list[list[Face]]], images: list[np.ndarray]
) -> tuple[list[list[Face]], float]:
    began = time.perf_counter()
    return of_run(images), (time.perf_counter() - began) / len(images)


def _full(runs: deque[_Run], workers: int) -> bool:
    return len(runs) > 2 * workers or sum(run.bytes for run in runs) > HELD_BYTES


def _answered(
    run: _Run, past: Past, tracker: Follower | None, step: Step
) -> tuple[Past, list[tuple[Frame, list[Face]]]]:
    """The last analysed frame, and all frames of the run with their faces; without those that only complete it."""
    found, cost_s = run.answer.result()
    step.add(cost_s)
    shown: list[tuple[Frame, list[Face]]] = []
    for group, faces in zip(run.groups, found, strict=True):
        if past.time_s is None or group.frame.time_s > past.time_s + SAME_TIME_S:
            past, more = _tracked(group, faces, past, tracker)
            shown += more
    return past, shown


def _tracked(
    group: _Group, faces: list[Face], past: Past, tracker: Follower | None
) -> tuple[Past, list[tuple[Frame, list[Face]]]]:
    """The analysed frame, and all frames of the group with their faces."""
    known = past.faces if past.shot == group.frame.shot else []
    if tracker is not None and past.shot not in (None, group.frame.shot):
        tracker.reset()
    if tracker is not None:
        faces = tracker.update(faces, group.frame.time_s)
    count = len(group.before) + 1
    shown = [(frame, between(known, faces, (number + 1) / count)) for number, frame in enumerate(group.before)]
    return Past(faces, group.frame.shot, group.frame.time_s), [*shown, (group.frame, faces)]


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
