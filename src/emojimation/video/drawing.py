"""The pass over a video that logs each frame's faces and draws the frame."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import numpy as np

from emojimation.draw.boxes import Places
from emojimation.draw.cover import Draw
from emojimation.draw.styles import annotate
from emojimation.faces import Face
from emojimation.hiding.covers import Covers
from emojimation.hiding.own import hidden_whole, in_spans
from emojimation.hiding.report import Report
from emojimation.story import rows
from emojimation.tracking.adapt import AdaptingTracker, StreamRates, tracker_for
from emojimation.video import writer
from emojimation.video.analyse import SAME_TIME_S, analyse, run_start
from emojimation.video.footage import Work, after
from emojimation.video.job import Done
from emojimation.video.reader import Frame, Source, SourceLostError
from emojimation.video.replay import Replayed
from emojimation.video.shots import numbered


@dataclass(slots=True, eq=False)
class Drawn:
    """What the pass achieved. done: the finished frames and the video's segments. notes: of the source, for people.
    incomplete: why the source ended before its end, None if it did not. hidden: what was covered, None without. rates:
    the base rates that were learned, None if others were requested."""

    done: Done
    notes: list[str] = field(default_factory=list)
    incomplete: str | None = None
    hidden: Report | None = None
    rates: StreamRates | None = None


class Drawing:
    """Logs the frames of a video and, with `draws`, writes them with their faces drawn or covered.

    cover: a custom one, in place of the style's.
    """

    def __init__(self, work: Work, draws: bool, cover: Draw | None):
        self._work, self._draws, self._cover = work, draws, cover
        self._places: Places = {}  # of the labels, in the frame before
        self._drawn = Drawn(work.job.done() if work.job.resumed else Done())

    def run(self, covers: Covers | None) -> Drawn:
        """Work through the frames that are not done, up to the end or an interruption. covers: what to hide."""
        if covers is not None and self._work.interrupt.asked:
            return self._drawn  # if detections are missing nothing is drawn
        done, prior = self._drawn.done, self._work.options.prior
        name = None if prior is None else prior.name
        last_s = done.time_s if done.frames else None
        with ExitStack() as stack:
            log = stack.enter_context(closing(rows.Log(self._work.job.log, done.frames, name)))
            source = stack.enter_context(closing(self._work.footage.open(last_s)))
            segment: writer.Segment | None = None
            for frame, shown, found in stack.enter_context(closing(self._faces(source, last_s, covers))):
                row = log.write(log.frames, frame.time_s, found, frame.shot)
                if self._draws:
                    segment = segment or stack.enter_context(closing(self._segment(frame)))
                    segment.write(self._image(frame, shown), frame.time_s - self._work.options.start_s)
                done.frames, done.time_s = log.frames, frame.time_s
                self._work.report("film", log.frames - 1, frame.time_s, row)
                if self._work.interrupt.asked:
                    break
            self._drawn.notes += source.notes
            self._drawn.incomplete = self._drawn.incomplete or getattr(source, "incomplete", None)
        self._drawn.hidden = None if covers is None else covers.report
        return self._drawn

    def _faces(
        self, source: Source, last_s: float | None, covers: Covers | None
    ) -> Generator[tuple[Frame, list[Face], list[Face]], None, None]:
        """Frames that are not done, each with the faces to draw and those to log."""
        frames = numbered(self._until_lost(source), self._drawn.done.shot, last_s)
        if covers is not None:
            self._drawn.rates = covers.rates
            for frame in after(frames, last_s):
                yield frame, *covers.at(round(frame.time_s, 6), frame.image.shape)
            return
        with ExitStack() as stack:
            numbers = tracker_for(self._work.options.prior, people=self._work.options.people)
            self._drawn.rates = numbers.rates if isinstance(numbers, AdaptingTracker) else None
            logged = Replayed(self._work.job.finds, numbers, self._work.threshold, last_s)
            tracker = stack.enter_context(closing(logged))
            for frame, faces in stack.enter_context(closing(self._tracked(frames, tracker))):
                if last_s is None or frame.time_s > last_s + SAME_TIME_S:
                    yield frame, faces, faces

    def _tracked(self, frames: Iterator[Frame], tracker: Replayed) -> Generator[tuple[Frame, list[Face]], None, None]:
        """The frames after the last tracked one; those before it in the same run are searched again with it."""
        options, find_faces, last_s = self._work.options, self._work.find_faces, tracker.last_s
        if last_s is not None and options.every == 1:
            last_s = run_start(last_s) - 2 * SAME_TIME_S
        fps = self._work.footage.info.fps
        later = after(frames, last_s)
        return analyse(later, find_faces, tracker, options.every, options.workers, fps, tracker.past, in_runs=True)

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
            self._drawn.incomplete = str(error)

    def _segment(self, first: Frame) -> writer.Segment:
        path, info = self._work.job.next_segment(), self._work.footage.info
        self._drawn.done.parts.append((path, first.time_s))
        self._drawn.notes += writer.notes_on(first.image.shape)
        return writer.Segment(path, info.fps, info.pixel_aspect)

    def _image(self, frame: Frame, faces: list[Face]) -> np.ndarray:
        options = self._work.options
        if in_spans(frame.time_s, options.spans):
            return hidden_whole(frame.image)
        style = "avatar" if self._cover else options.style  # the style whose drawing function can be replaced
        return annotate(
            frame.image, faces, style, options.art, self._cover, frame.time_s, self._places, options.character
        )
