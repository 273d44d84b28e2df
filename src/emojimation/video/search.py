"""First pass of anonymising a video: every frame is searched, and what to cover is decided over time."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing

from emojimation.detect.network import release_memory
from emojimation.faces import Face
from emojimation.heaps import give_back
from emojimation.hiding.covers import Covers
from emojimation.story import rows
from emojimation.tracking.adapt import rates_for
from emojimation.video.analyse import analyse
from emojimation.video.footage import Work, after
from emojimation.video.reader import Frame
from emojimation.video.shots import numbered


class Search:
    """The finds of all frames, kept in a log that a resumed run continues."""

    def __init__(self, work: Work):
        self._work = work
        options = work.options
        self._covers = Covers(work.threshold, options.strength, rates_for(options.prior), options.people)
        self._last_s: float | None = None
        self._count, self._shot = 0, 1

    def run(self) -> Covers:
        """Search what has not been searched yet; the covers of all frames up to the end or an interruption."""
        for line in rows.read_log(self._work.job.finds):
            self._add(line.time_s, [rows.face_of(face, self._work.threshold) for face in line.faces], line.shot)
            self._last_s, self._count = line.time_s, self._count + 1
        with ExitStack() as stack:
            log = stack.enter_context(closing(rows.Log(self._work.job.finds, self._count, finds=True)))
            source = stack.enter_context(closing(self._work.footage.open(self._last_s)))
            frames = after(numbered(source, self._shot, self._last_s), self._last_s)
            for frame, faces in stack.enter_context(closing(self._searched(frames))):
                log.write(log.frames, frame.time_s, faces, frame.shot)
                # Rounded as in the log, so that a resumed run is the same.
                rounded = [rows.face_of(rows.find_row(face), self._work.threshold) for face in faces]
                self._add(round(frame.time_s, 6), rounded, frame.shot)
                self._work.report("search", log.frames - 1, frame.time_s, [])
                if self._work.interrupt.asked:
                    break
        self._covers.finish()
        release_memory()  # the second pass needs no network, but an encoder
        give_back()
        return self._covers

    def _searched(self, frames: Iterator[Frame]) -> Generator[tuple[Frame, list[Face]], None, None]:
        # Covers are made from every frame, whatever the step.
        workers, fps = self._work.options.workers, self._work.footage.info.fps
        return analyse(frames, self._work.find_faces, workers=workers, fps=fps)

    def _add(self, time_s: float, faces: list[Face], shot: int) -> None:
        self._covers.add(time_s, faces, shot > self._shot)
        self._shot = shot
