"""A complete video from source to files: analysis, drawing, sound, rows, subtitles, report; resumable."""

import errno
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.draw.boxes import Places
from emojimation.draw.styles import annotate
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.hiding.covers import Covers
from emojimation.hiding.own import cover_of, hidden_whole, in_spans, within
from emojimation.interrupt import Interrupt
from emojimation.story import rows
from emojimation.video import writer
from emojimation.video.analyse import AUTO_LIMIT, analyse
from emojimation.video.job import Done, Job
from emojimation.video.options import Options, asked_of, check
from emojimation.video.outputs import Shown, Targets, write_all
from emojimation.video.reader import ASSUMED_FPS, Frame, Source, SourceLostError
from emojimation.video.replay import SAME_TIME_S, Replayed
from emojimation.video.shots import numbered
from emojimation.video.source import open_source

WARM_UP_S = 1.0  # before the point of resuming, analysed again so that the tracker knows who is there
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Look = Callable[[np.ndarray], list[Face]]


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Where a run is after a frame. stage: "search" (first pass of anonymising) or "video". share: of the stage, 0 to
    1, None if the end is unknown. rows: of the faces in the frame, see `rows.face_row`."""

    stage: str
    frame: int
    time_s: float
    share: float | None
    rows: list[dict[str, Any]]


@dataclass(slots=True, eq=False)
class VideoResult:
    """The outcome of a video. frames: finished, in all. rows: faces in them. people: different numbers. seconds: it
    took. notes: remarks for people. hidden: what `hiding.report.Report` says, None without; hiding: the same as
    numbers. interrupted: by Ctrl-C. incomplete: why the source ended before its end, None if it did not."""

    source: str
    frames: int = 0
    rows: int = 0
    people: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    hidden: str | None = None
    hiding: dict[str, Any] | None = None
    interrupted: bool = False
    incomplete: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "seconds": round(self.seconds, 2), "written": [str(path) for path in self.written]}


def run_video(
    source: str | int | Path,
    look: Look,
    targets: Targets,
    options: Options | None = None,
    on_frame: Callable[[Progress], None] | None = None,
    threshold: float = 0.5,
) -> VideoResult:
    """Analyse a video and write the `targets`.

    source: as `source.open_source` takes it. look: a frame's image -> faces with probabilities, such as a `Pipeline`
    without tracker; called from `options.workers` threads. on_frame: called after each frame; an exception ends the
    run. threshold: confidence below which covered faces show "not sure".

    Ctrl-C (in the main thread) ends the run after the current frame: the files are finished up to there, `interrupted`
    is set, and it can be resumed. Raises InputError for bad input and if the disk is full; finished frames then
    stay next to the target, in a folder from which `resume` continues.
    """
    options = options or Options()
    check(options, targets.film is not None)
    targets.check(source)
    run = _Run(source, look, targets, options, on_frame, threshold)
    try:
        return run.all()
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(
            f"Expected space on the disk, got none ({error.strerror}): the finished frames are in {run.job.folder}. "
            "Free some space and continue with --resume."
        ) from error


class _Run:
    """One run of `run_video`, step by step."""

    def __init__(
        self,
        source: str | int | Path,
        look: Look,
        targets: Targets,
        options: Options,
        on_frame: Callable[[Progress], None] | None,
        threshold: float,
    ):
        self.given, self.targets, self.options = source, targets, options
        self.look = look if options.region is None else within(look, options.region)
        self.cover = None if options.cover is None else cover_of(options.cover)
        self.on_frame, self.threshold = on_frame, threshold
        self.opened: Source | None = open_source(source, options.start_s, options.end_s, options.fps)
        self.info = self.opened.info
        suffix = None if targets.film is None else targets.film.suffix.lower()
        try:
            if self.info.live and (options.hides or options.resume):
                raise InputError(f"Expected a video that can be read twice, got {self.info.name}: record it first.")
            self.job = Job(targets.primary, asked_of(source, options, suffix), suffix, options.resume)
        except InputError:
            self.opened.close()
            raise
        self.result = VideoResult(self.info.name)
        self.interrupt = Interrupt()
        self.last_s = 0.0
        self.places: Places = {}  # of the labels, in the frame before

    def all(self) -> VideoResult:
        began = time.perf_counter()
        ended = False
        try:
            with self.interrupt:
                covers = self._search() if self.options.hides else None
                parts = self._film(covers)
                self._finish(parts)
            ended = not self.result.interrupted
        finally:
            if self.opened is not None:
                self.opened.close()
            if ended or self.targets.primary is None:
                self.job.clear()
        self.result.seconds = time.perf_counter() - began
        return self.result

    def _search(self) -> Covers:
        """First pass of anonymising: finds of all frames, kept in a log that a resumed run continues."""
        covers, last, done, shot = Covers(self.threshold, self.options.strength), None, 0, 1
        for line in rows.read_log(self.job.finds):
            covers.add(line.time_s, [rows.face_of(face, self.threshold) for face in line.faces], line.shot > shot)
            last, done, shot = line.time_s, done + 1, line.shot
        with ExitStack() as stack:
            log = stack.enter_context(closing(rows.Log(self.job.finds, done)))
            source = stack.enter_context(closing(self._open(None if last is None else self._before(last))))
            frames = _after(numbered(source, shot, last), last)
            for frame, faces in stack.enter_context(closing(self._looks(frames))):
                log.write(log.frames, frame.time_s, faces, frame.shot)
                # Rounded as in the log, so that a resumed run is the same.
                rounded = [rows.face_of(face.to_dict(), self.threshold) for face in faces]
                covers.add(round(frame.time_s, 6), rounded, frame.shot > shot)
                shot = frame.shot
                self._tell("search", log.frames - 1, frame.time_s, [])
                if self.interrupt.asked:
                    break
        covers.finish()
        return covers

    def _film(self, covers: Covers | None) -> list[tuple[Path, float]]:
        """The pass that logs and draws each frame; returns the video's segments and their times."""
        done = self.job.done() if self.job.resumed else Done()
        self.result.frames, self.last_s = done.frames, done.time_s
        if covers is not None and self.interrupt.asked:
            return done.parts  # if detections are missing nothing is drawn
        with ExitStack() as stack:
            log = stack.enter_context(closing(rows.Log(self.job.log, done.frames)))
            source = stack.enter_context(closing(self._open(self._before(done.time_s) if done.frames else None)))
            segment: writer.Segment | None = None
            for frame, shown, found in stack.enter_context(closing(self._faces(source, done, covers))):
                row = log.write(log.frames, frame.time_s, found, frame.shot)
                if self.targets.film is not None:
                    segment = segment or stack.enter_context(closing(self._segment(done, frame)))
                    segment.write(self._drawn(frame, shown), frame.time_s - self.options.start_s)
                self.result.frames, self.last_s = log.frames, frame.time_s
                self._tell("film", log.frames - 1, frame.time_s, row)
                if self.interrupt.asked:
                    break
            self.result.notes += source.notes
            self.result.incomplete = self.result.incomplete or getattr(source, "incomplete", None)
        if covers is not None:
            self.result.hidden, self.result.hiding = str(covers.report), covers.report.to_dict()
        return done.parts

    def _faces(
        self, source: Source, done: Done, covers: Covers | None
    ) -> Generator[tuple[Frame, list[Face], list[Face]], None, None]:
        """Frames that are not done, each with the faces to draw and those to log."""
        last = done.time_s if done.frames else None
        frames = numbered(self._until_lost(source), done.shot, last)
        if covers is not None:
            for frame in _after(frames, last):
                yield frame, *covers.at(round(frame.time_s, 6), frame.image.shape)
            return
        with ExitStack() as stack:
            tracker = stack.enter_context(closing(Replayed(self.job.finds, self.threshold, last)))
            looks = stack.enter_context(closing(self._looks(_after(frames, tracker.last_s), tracker)))
            for frame, faces in looks:
                if last is None or frame.time_s > last + SAME_TIME_S:
                    yield frame, faces, faces

    def _until_lost(self, source: Source) -> Iterator[Frame]:
        """The source's frames; a source lost after some frames ends here, and what was recorded is finished."""
        count = 0
        try:
            for frame in source:
                yield frame
                count += 1
        except SourceLostError as error:
            if not count:
                raise
            self.result.incomplete = str(error)

    def _looks(
        self, frames: Iterable[Frame], tracker: Replayed | None = None
    ) -> Generator[tuple[Frame, list[Face]], None, None]:
        # The covers of anonymising are made from every frame.
        every, past = (1, None) if tracker is None else (self.options.every, tracker.past)
        return analyse(frames, self.look, tracker, every, self.options.workers, self.info.fps, past)

    def _drawn(self, frame: Frame, faces: list[Face]) -> np.ndarray:
        if in_spans(frame.time_s, self.options.spans):
            return hidden_whole(frame.image)
        style = "avatar" if self.cover else self.options.style  # the style whose drawing function can be replaced
        return annotate(frame.image, faces, style, self.options.art, self.cover, frame.time_s, places=self.places)

    def _segment(self, done: Done, first: Frame) -> writer.Segment:
        path = self.job.next_film()
        done.parts.append((path, first.time_s))
        return writer.Segment(path, self.info.fps, self.info.pixel_aspect)

    def _before(self, time_s: float) -> float:
        """Where to read from: a little before the first frame that is not done, for the cut detection."""
        frames = AUTO_LIMIT if isinstance(self.options.every, str) else self.options.every
        return max(time_s - WARM_UP_S - frames / (self.info.fps or ASSUMED_FPS), self.options.start_s)

    def _open(self, from_s: float | None) -> Source:
        """The source, from that time on or (None) from the requested start."""
        if from_s is None and self.opened is not None:
            source, self.opened = self.opened, None  # a camera is opened only once
            return source
        start_s = self.options.start_s if from_s is None else from_s
        return open_source(self.given, start_s, self.options.end_s, self.options.fps)

    def _tell(self, stage: str, frame: int, time_s: float, row: list[dict[str, Any]]) -> None:
        if self.on_frame is None:
            return
        start, ends = self.options.start_s, (self.options.end_s, self.info.duration_s)
        end = min((end for end in ends if end is not None), default=math.inf)
        share = None if math.isinf(end) or end <= start else min(max((time_s - start) / (end - start), 0.0), 1.0)
        self.on_frame(Progress(stage, frame, time_s, share, row))

    def _finish(self, parts: list[tuple[Path, float]]) -> None:
        result, options = self.result, self.options
        result.interrupted = self.interrupt.asked
        if not result.frames:
            return
        end_s = options.end_s
        if result.interrupted:
            end_s = self.last_s + 1 / (self.info.fps or ASSUMED_FPS)
        sound = options.sound and self.info.has_audio
        shown = Shown(self.given, options.start_s, end_s, options.hides, sound)
        result.written = write_all(self.targets, self.job.log, parts, shown)
        numbers = set()
        for row in rows.rows_of(self.job.log):
            result.rows += 1
            numbers.add(row["track_id"])
        result.people = len(numbers - {None})


def _after(frames: Iterable[Frame], last_s: float | None) -> Iterator[Frame]:
    """The frames later than one that is done."""
    return (frame for frame in frames if last_s is None or frame.time_s > last_s + SAME_TIME_S)
