"""Videos processed one after the other in the background: the one queue behind the web pages and the REST service."""

import logging
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from emojimation.draw.styles import STYLES
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.folders import Kept, Temporary
from emojimation.pipeline import Pipeline
from emojimation.video.outputs import Targets
from emojimation.video.run import Options, Progress, VideoResult, run_video

log = logging.getLogger("emojimation.videojobs")
STATES = ("queued", "running", "done", "failed", "cancelled")
ENDED = STATES[2:]
FILES = {  # kind -> end of the file name, media type
    "film": ("film.mp4", "video/mp4"),
    "jsonl": ("faces.jsonl", "application/jsonl"),
    "csv": ("faces.csv", "text/csv"),
    "srt": ("emotions.srt", "application/x-subrip"),
    "vtt": ("emotions.vtt", "text/vtt"),
    "report": ("report.html", "text/html"),
}
# How containers begin: offset and bytes. Playlists are text and can name other files on this machine: never opened.
BEGINNINGS = (
    *((4, kind) for kind in (b"ftyp", b"moov", b"mdat", b"wide", b"free")),
    *((0, sign) for sign in (b"\x1a\x45\xdf\xa3", b"OggS", b"FLV", b"GIF8", b"\x00\x00\x01\xba", b"\x47")),
    (8, b"AVI "),
    (0, b"\x30\x26\xb2\x75"),
)
PREFIX = "emojimation-videos-"


class QueueFull(InputError):  # noqa: N818
    """No further video is accepted for now."""


class Cancelled(Exception):  # noqa: N818
    """Raised in a run's `on_frame` to end it."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """jobs: videos queued or running at a time. kept_s: how long results are kept after the end. job_s: maximum
    processing time. megapixels: maximum frame size. None: no limit."""

    jobs: int = 8
    kept_s: float = 2 * 3600.0
    job_s: float | None = None
    megapixels: float | None = None


@dataclass(slots=True, eq=False)
class VideoJob:
    """One video. Written by the worker, readable by anybody who knows its id, which cannot be guessed.

    name: as the user knows it. source: the video. folder: results (and the source, if uploaded), deleted with the job.
    kinds: of `FILES`, what to produce. state: of `STATES`, with `error` in words. stage: as in `Progress`. share: of
    the stage, 0 to 1, None if unknown. result: when done. prior: the base rates asked for. owner: who may list
    it. measures: further answers asked for, of `pipeline.MEASURES`. tries: how often it was begun.
    """

    id: str
    name: str
    folder: Path
    source: Path
    options: Options
    kinds: tuple[str, ...]
    pipeline: Callable[[], Pipeline] | None = None
    prior: str | None = None
    owner: str = ""
    measures: tuple[str, ...] = ()
    tries: int = 0
    state: str = "queued"
    stage: str = "film"
    share: float | None = 0.0
    frames: int = 0
    error: str | None = None
    result: VideoResult | None = None
    began_s: float = 0.0
    stage_began_s: float = 0.0
    ended_s: float = 0.0
    future: "Future[None] | None" = field(default=None, repr=False)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    @property
    def left_s(self) -> float | None:
        """Estimated seconds to the end of the stage; None while too little is known."""
        spent = time.monotonic() - self.stage_began_s
        if self.state != "running" or not self.share or self.share < 0.02 or spent < 1:
            return None
        return spent * (1 - self.share) / self.share

    def path(self, kind: str) -> Path:
        """Where a result file is, or will be, under its download name."""
        stem = re.sub(r"[^\w.-]+", "_", Path(self.name).stem)[:50]
        return self.folder / f"{stem}-{FILES[kind][0]}"  # the name that the report links to


class Record(Protocol):
    """Is notified of every job that has changed, and of those that are forgotten."""

    def save(self, job: VideoJob) -> None:
        """The job is queued, has begun, or has ended."""

    def forget(self, job: VideoJob) -> None:
        """The job and its files are gone."""


class NoRecord:
    """For jobs that end with the process."""

    def save(self, job: VideoJob) -> None:
        """Nothing."""

    def forget(self, job: VideoJob) -> None:
        """Nothing."""


class VideoJobs:
    """A bounded queue with one worker and a folder.

    limits: see `JobLimits`. folder: where jobs have their folders; by default a temporary one, deleted with the process
    or else when the next one starts. In a `Kept` one, jobs that `close` interrupts keep their files and their record.
    """

    def __init__(
        self, limits: JobLimits | None = None, folder: Temporary | Kept | None = None, record: Record | None = None
    ) -> None:
        self.limits = limits or JobLimits()
        self._place = folder or Temporary(PREFIX)
        self.folder = self._place.path
        self._record = record or NoRecord()
        self._keeping = False  # of what is interrupted, from `close` on
        self._worker = ThreadPoolExecutor(1, "emojimation-video")
        self._jobs: dict[str, VideoJob] = {}
        self._lock = threading.RLock()
        self._expiry: threading.Timer | None = None

    @contextmanager
    def place(
        self,
        name: str,
        options: Options,
        pipeline: Callable[[], Pipeline],
        kinds: tuple[str, ...] = tuple(FILES),
        source: Path | None = None,
        prior: str | None = None,
        owner: str = "",
        measures: tuple[str, ...] = (),
    ) -> Iterator[VideoJob]:
        """A place in the queue: on leaving the block the job is queued; if the block raises, it is dropped.

        source: an existing video; without it the block writes the upload to `job.source`. pipeline: called in the
        worker; returns the face pipeline, without a tracker. Raises QueueFull, and InputError for an upload that is
        not a video.
        """
        with self._lock:
            if sum(not job.over for job in self._jobs.values()) >= self.limits.jobs:
                raise QueueFull(f"Expected at most {self.limits.jobs} videos at a time, got one more. Try again later.")
            number = uuid.uuid4().hex
            place = self.folder / number
            at = source or place / _upload_name(name)
            job = VideoJob(number, name, place, at, options, kinds, pipeline, prior, owner, measures)
            self._jobs[number] = job  # counts from now on
        job.folder.mkdir()
        try:
            yield job
            if source is None:
                check_container(job.source, name)
        except BaseException:
            self.drop(job)
            raise
        self._submit(job)

    def restore(self, job: VideoJob) -> None:
        """Take over a job from an earlier process: queue it, or keep its results for the rest of their time."""
        with self._lock:
            self._jobs[job.id] = job
            self._expect_expiry()
        self._submit(job)

    def of(self, owner: str) -> list[VideoJob]:
        """The jobs of an owner, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.owner == owner]

    def _submit(self, job: VideoJob) -> None:
        with self._lock:
            if not job.over:
                self._record.save(job)
                job.future = self._worker.submit(self._run, job)
                job.future.add_done_callback(partial(self._ended, job))

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A path for an upload for the duration of the block."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder) / _upload_name(name)

    def get(self, number: str | None) -> VideoJob | None:
        """The job with that id; None if it is unknown or expired."""
        return self._jobs.get(number or "")

    def ahead(self, job: VideoJob) -> int:
        """How many videos are ahead of it."""
        with self._lock:
            numbers = [number for number, other in self._jobs.items() if not other.over]
        return numbers.index(job.id) if job.id in numbers else 0

    def count(self, state: str) -> int:
        """How many jobs are in that state."""
        with self._lock:
            return sum(job.state == state for job in self._jobs.values())

    def cancel(self, job: VideoJob) -> None:
        """End a job: immediately if it is waiting, after the current frame if it is running."""
        self._end(job, "cancelled")

    def drop(self, job: VideoJob) -> None:
        """Cancel and forget a job and delete its files."""
        self.cancel(job)
        with self._lock:
            self._jobs.pop(job.id, None)
            self._record.forget(job)
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self, grace_s: float = 0.0) -> None:
        """Finish accepted jobs for at most `grace_s` seconds, then cancel them. Deletes a temporary folder."""
        with self._lock:
            jobs = list(self._jobs.values())
        wait([job.future for job in jobs if job.future is not None], grace_s)
        self._keeping = isinstance(self._place, Kept)
        for job in jobs:
            if self._keeping and job.state == "running":
                job.tries -= 1  # it is not the job's fault
                self._record.save(job)
            self.cancel(job)
        self._worker.shutdown()
        with self._lock:
            if self._expiry is not None:
                self._expiry.cancel()
        self._place.close()

    def _run(self, job: VideoJob) -> None:
        """In the worker: from the source to the files; errors are left to `_ended`."""
        with self._lock:
            if job.over:
                return
            job.state, job.began_s, job.tries = "running", time.monotonic(), job.tries + 1
            self._record.save(job)
        job.stage_began_s = job.began_s
        assert job.pipeline is not None
        pipeline = job.pipeline().measuring((*STYLES[job.options.style].measures, *job.measures))
        targets = Targets(**{kind: job.path(kind) for kind in job.kinds})
        find_faces, follow = _Bounded(pipeline, self.limits.megapixels), partial(self._follow, job)
        options = replace(job.options, prior=pipeline.prior)
        job.result = run_video(job.source, find_faces, targets, options, follow, pipeline.threshold)

    def _follow(self, job: VideoJob, at: Progress) -> None:
        """After each frame: record the progress, and end the job if it should."""
        now = time.monotonic()
        if job.over:
            raise Cancelled
        if self.limits.job_s is not None and now - job.began_s > self.limits.job_s:
            raise InputError(f"Expected a video that is processed within {self.limits.job_s:g} s. Cut it into parts.")
        if at.stage != job.stage:
            job.stage, job.stage_began_s = at.stage, now
        job.frames, job.share = at.frame + 1, at.share

    def _ended(self, job: VideoJob, future: "Future[None]") -> None:
        """The outcome of a run: its future holds the exception, if any."""
        error = None if future.cancelled() else future.exception()
        if isinstance(error, InputError):
            self._end(job, "failed", _in_words(error, job))
        elif error is not None and not job.over:
            log.error("error", exc_info=error, extra={"fields": {"job": job.id}})
            self._end(job, "failed", f"The video could not be processed; see {job.id} in the log.")
        self._end(job, "done")
        if self._keeping and job.state == "cancelled":
            return
        if job.state != "done":
            shutil.rmtree(job.folder, ignore_errors=True)
        elif job.source.parent == job.folder:
            job.source.unlink(missing_ok=True)
        seconds = round(time.monotonic() - job.began_s, 3) if job.began_s else 0.0
        fields = {"job": job.id, "state": job.state, "frames": job.frames, "seconds": seconds}
        log.info("job", extra={"fields": fields})

    def _end(self, job: VideoJob, state: str, error: str | None = None) -> None:
        """Set the job's final state; only the first call counts."""
        with self._lock:
            if job.over:
                return
            job.share = 1.0 if state == "done" else job.share
            job.state, job.error, job.ended_s = state, error, time.monotonic()
            self._expect_expiry()
            if not self._keeping:
                self._record.save(job)
        if job.future is not None:
            job.future.cancel()

    def _expect_expiry(self) -> None:
        """Set the timer for the job that has been kept the longest."""
        ends = [job.ended_s for job in self._jobs.values() if job.over]
        if self._expiry is None and ends:
            left_s = max(min(ends) + self.limits.kept_s - time.monotonic(), 0.0)
            self._expiry = threading.Timer(left_s, self._expire)
            self._expiry.daemon = True
            self._expiry.start()

    def _expire(self) -> None:
        with self._lock:
            self._expiry = None
            now = time.monotonic()
            old = [job for job in self._jobs.values() if job.over and now - job.ended_s >= self.limits.kept_s]
            for job in old:
                self.drop(job)
            self._expect_expiry()


class _Bounded:
    """Finds the same faces as `pipeline`, in frames of at most so many megapixels; None: no limit."""

    def __init__(self, pipeline: Pipeline, megapixels: float | None) -> None:
        self._pipeline, self._megapixels = pipeline, megapixels

    def __call__(self, frame: np.ndarray) -> list[Face]:
        return self._pipeline(self._checked(frame))

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        return self._pipeline.of_run([self._checked(frame) for frame in frames])

    def _checked(self, frame: np.ndarray) -> np.ndarray:
        most = self._megapixels
        if most is not None and frame.shape[0] * frame.shape[1] > most * 1e6:
            raise InputError(f"Expected frames of at most {most:g} megapixels.")
        return frame


def check_container(path: Path, name: str) -> None:
    """Raise InputError, which calls it `name`, for a file that does not start like a video."""
    with path.open("rb") as file:
        head = file.read(16)
    if not any(head[offset : offset + len(sign)] == sign for offset, sign in BEGINNINGS):
        raise InputError(
            f"Expected a video (MP4, WebM, MKV, MOV, AVI, ...), got {name}, which does not start like a video file."
        )


def _upload_name(name: str) -> str:
    """A file name for an upload that keeps nothing of the visitor's name but a plain suffix."""
    suffix = Path(name).suffix.lower()
    return "source" + (suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else "")


def _in_words(error: InputError, job: VideoJob) -> str:
    """The error on one line, without any path on this machine."""
    text = str(error).replace(str(job.source), job.name).replace(f"{job.folder}/", "")
    return " ".join(text.split())
