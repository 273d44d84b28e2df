"""The part of a source that a run works through, and what the passes over it share."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.interrupt import Interrupt
from emojimation.video.analyse import AUTO_LIMIT, SAME_TIME_S, FindFaces
from emojimation.video.job import Job
from emojimation.video.options import Options
from emojimation.video.reader import ASSUMED_FPS, Frame, Source
from emojimation.video.source import open_source

WARM_UP_S = 1.0  # read again before the point of resuming, so that cuts are detected as in an unbroken run


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Where a run is after a frame. stage: "search" (first pass of anonymising) or "film" (the pass that logs and
    draws). share: of the stage, 0 to 1, None if the end is unknown. rows: of the faces in the frame, see
    `rows.face_row`."""

    stage: str
    frame: int
    time_s: float
    share: float | None
    rows: list[dict[str, Any]]


class Footage:
    """The requested part of a source, which can be opened again for each pass; a live one is opened only once.

    given: as `source.open_source` takes it. Raises InputError for a source that cannot be read, and for a live one if
    the options need it read twice.
    """

    def __init__(self, given: str | int | Path, options: Options):
        self.given, self._options = given, options
        self._opened: Source | None = open_source(given, options.start_s, options.end_s, options.fps)
        self.info = self._opened.info
        if self.info.live and (options.hides or options.resume):
            self.close()
            raise InputError(f"Expected a video that can be read twice, got {self.info.name}: record it first.")

    def open(self, done_s: float | None) -> Source:
        """The source from its start on, or (done_s) from a little before the last finished frame's time."""
        if done_s is None and self._opened is not None:
            source, self._opened = self._opened, None
            return source
        start_s = self._options.start_s if done_s is None else self._before(done_s)
        return open_source(self.given, start_s, self._options.end_s, self._options.fps)

    def _before(self, time_s: float) -> float:
        frames = AUTO_LIMIT if isinstance(self._options.every, str) else self._options.every
        return max(time_s - WARM_UP_S - frames * self.frame_s, self._options.start_s)

    @property
    def frame_s(self) -> float:
        """Duration of a frame in seconds."""
        return 1 / (self.info.fps or ASSUMED_FPS)

    def share(self, time_s: float) -> float | None:
        """How much of the part, 0 to 1, ends at that time; None if its end is unknown."""
        start, ends = self._options.start_s, (self._options.end_s, self.info.duration_s)
        end = min((end for end in ends if end is not None), default=math.inf)
        return None if math.isinf(end) or end <= start else min(max((time_s - start) / (end - start), 0.0), 1.0)

    def close(self) -> None:
        """Close the source if no pass took it."""
        if self._opened is not None:
            self._opened.close()


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What the passes of a run share. find_faces: a frame's image -> faces. threshold: of a sure
    answer. interrupt: tells whether to stop after the current frame."""

    footage: Footage
    job: Job
    options: Options
    find_faces: FindFaces
    threshold: float
    interrupt: Interrupt
    on_frame: Callable[[Progress], None] | None

    def report(self, stage: str, frame: int, time_s: float, rows: list[dict[str, Any]]) -> None:
        """Say that a frame is done."""
        if self.on_frame is not None:
            self.on_frame(Progress(stage, frame, time_s, self.footage.share(time_s), rows))


def after(frames: Iterable[Frame], last_s: float | None) -> Iterator[Frame]:
    """The frames later than the last finished one; all if there is none."""
    return (frame for frame in frames if last_s is None or frame.time_s > last_s + SAME_TIME_S)
