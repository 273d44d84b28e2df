"""Films that are being worked on, one after the other, for all visitors of a process; they outlive a page's reload."""

import json
import secrets
import shutil
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from emojimation.apps.web.settings import current
from emojimation.errors import InputError
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.story import timeline
from emojimation.video.outputs import Targets
from emojimation.video.run import Options, Progress, VideoResult, run_video
from emojimation.video.source import open_source

KEEP_S = 2 * 3600.0  # a finished film that nobody fetches or throws away
MAX_JOBS = 8
STAGES = {"search": "Searching every frame for faces", "film": "Looking at the film"}
FILES = {
    "film": "film.mp4",
    "csv": "faces.csv",
    "srt": "film.srt",
    "vtt": "film.vtt",
    "report": "report.html",
    "jsonl": "faces.jsonl",
}


class Cancelled(Exception):  # noqa: N818
    """Raised in a run's `on_frame` to end it."""


@dataclass(slots=True, eq=False)
class FilmJob:
    """One film. state: "waiting", "running", "done", "cancelled" or "failed", with `error` in words.

    Written by the worker, read by pages; share: 0 to 1 of the stage at hand, or None.
    """

    key: str
    name: str
    source: Path
    folder: Path
    options: Options
    model: str = "default"
    state: str = "waiting"
    stage: str = "film"
    share: float | None = 0.0
    error: str = ""
    asked_to_stop: bool = False
    stage_began_s: float = 0.0
    ended_s: float = 0.0
    result: VideoResult | None = None
    story: timeline.Timeline | None = None
    future: "Future[None] | None" = field(default=None, repr=False)

    @property
    def left_s(self) -> float | None:
        """Estimated seconds to the end of the stage; None while too little is known."""
        spent = time.monotonic() - self.stage_began_s
        if self.state != "running" or not self.share or self.share < 0.02 or spent < 1:
            return None
        return spent * (1 - self.share) / self.share

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "cancelled", "failed")

    def file(self, kind: str) -> Path:
        """Where a kind of `FILES` is, or will be."""
        return self.folder / FILES[kind]


class Jobs:
    """All films of the process: one worker, a bounded queue, a folder that goes with the process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="emojimation-films-", ignore_cleanup_errors=True)
        self._worker = ThreadPoolExecutor(1, "emojimation-film")
        self._jobs: dict[str, FilmJob] = {}
        self._lock = threading.Lock()

    def get(self, key: str | None) -> FilmJob | None:
        """The job of that key, which only its owner knows."""
        return self._jobs.get(key or "")

    def ahead(self, job: FilmJob) -> int:
        """How many films come first."""
        keys = [key for key, other in self._jobs.items() if not other.over]
        return keys.index(job.key) if job.key in keys else 0

    def folder(self) -> Path:
        """A new folder for a film's upload."""
        return Path(tempfile.mkdtemp(dir=self._folder.name))

    def start(self, name: str, source: Path, folder: Path, options: Options, model: str | None = None) -> FilmJob:
        """Put a film into the queue. InputError where it is full."""
        self._sweep()
        with self._lock:
            if sum(not job.over for job in self._jobs.values()) >= MAX_JOBS:
                raise InputError(f"Expected at most {MAX_JOBS} films at once, got one more. Try again later.")
            job = FilmJob(secrets.token_urlsafe(12), name, source, folder, options, model or current().model)
            self._jobs[job.key] = job
            job.future = self._worker.submit(self._run, job)
        return job

    def cancel(self, job: FilmJob) -> None:
        """End a job after its frame at hand, or before it begins."""
        job.asked_to_stop = True
        if job.future is not None and job.future.cancel():
            _end(job, "cancelled")

    def drop(self, job: FilmJob) -> None:
        """Forget a job and delete its files."""
        self.cancel(job)
        self._jobs.pop(job.key, None)
        if job.over:
            shutil.rmtree(job.folder, ignore_errors=True)

    def _sweep(self) -> None:
        now = time.monotonic()
        for job in [job for job in self._jobs.values() if job.over and now - job.ended_s > KEEP_S]:
            self.drop(job)

    def _run(self, job: FilmJob) -> None:
        try:
            job.state, job.stage_began_s = "running", time.monotonic()
            targets = Targets(**{kind: job.file(kind) for kind in FILES})
            look = _look(job.model, job.options)
            job.result = run_video(job.source, look, targets, job.options, lambda at: _follow(job, at), look.threshold)
            job.story = _story(job)
            _end(job, "done")
        except Cancelled:
            _end(job, "cancelled")
        except InputError as error:
            _end(job, "failed", str(error).replace(f"{job.folder}/", ""))
        except Exception as error:  # the queue must live on, and the visitor must hear of it
            _end(job, "failed", f"The film could not be worked on ({type(error).__name__}: {error}).")
        finally:
            if job.key not in self._jobs:
                shutil.rmtree(job.folder, ignore_errors=True)


_MAKING = threading.Lock()


def jobs() -> Jobs:
    """The one queue of the process, made when it is first asked for."""
    with _MAKING:
        return _jobs()


@lru_cache(maxsize=1)
def _jobs() -> Jobs:
    return Jobs()


def length_of(path: Path) -> float | None:
    """A film's seconds as it tells them; None if it does not. InputError for what is no film."""
    source = open_source(path)
    try:
        return source.info.duration_s
    finally:
        source.close()


def _story(job: FilmJob) -> timeline.Timeline:
    with job.file("jsonl").open(encoding="utf-8") as lines:
        return timeline.of_rows((json.loads(line) for line in lines), _length(job))


def _length(job: FilmJob) -> float | None:
    known = length_of(job.source)
    return known if known is None or job.options.end_s is None else min(known, job.options.end_s)


def _look(model: str, options: Options) -> Pipeline:
    if not options.hide:
        return make_pipeline(model)
    from emojimation.detect.blazeface import FaceDetector
    from emojimation.video.anonymise import MIN_SCORE, Searcher

    return make_pipeline(
        model, Searcher(FaceDetector(min_score=MIN_SCORE, tiles=True), FaceDetector(min_score=MIN_SCORE))
    )


def _follow(job: FilmJob, at: Progress) -> None:
    if job.asked_to_stop:
        raise Cancelled
    if at.stage != job.stage:
        job.stage, job.stage_began_s = at.stage, time.monotonic()
    job.share = at.share


def _end(job: FilmJob, state: str, error: str = "") -> None:
    job.state, job.error, job.ended_s = state, error, time.monotonic()
