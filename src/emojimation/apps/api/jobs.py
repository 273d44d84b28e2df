"""Videos as jobs: taken in, worked on one after the other in the background, fetched or cancelled."""

import logging
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.apps.api.anonymise import Hider
from emojimation.apps.api.engine import Engine
from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.problem import Problem
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.video.outputs import Targets
from emojimation.video.run import Options, Progress, run_video

log = logging.getLogger("emojimation.api")
STATES = ("queued", "running", "done", "failed", "cancelled")
ENDED = STATES[2:]
FILES = {  # kind -> name and media type
    "film": ("film.mp4", "video/mp4"),
    "jsonl": ("faces.jsonl", "application/jsonl"),
    "csv": ("faces.csv", "text/csv"),
    "srt": ("emotions.srt", "application/x-subrip"),
    "vtt": ("emotions.vtt", "text/vtt"),
    "report": ("report.html", "text/html"),
}
# How containers begin: place and bytes. Playlists are text and name other files of this machine: never opened.
BEGINNINGS = (
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (0, b"\x1a\x45\xdf\xa3"),
    (8, b"AVI "),
    (0, b"OggS"),
    (0, b"FLV"),
    (0, b"GIF8"),
    (0, b"\x00\x00\x01\xba"),
    (0, b"\x47"),
    (0, b"\x30\x26\xb2\x75"),
)


class CancelledError(Exception):
    """A job is not wanted any more."""


@dataclass(slots=True, eq=False)
class Job:
    """One video. folder: its files, gone with it. share: how much is done, 0 to 1, None if unknown."""

    id: str
    folder: Path
    options: Options
    kinds: tuple[str, ...]
    state: str = "queued"
    share: float | None = 0.0
    frames: int = 0
    error: str | None = None
    unwanted: threading.Event = field(default_factory=threading.Event)
    ended_s: float = 0.0

    @property
    def source(self) -> Path:
        """The video as it was sent."""
        return self.folder / "video"

    def path(self, kind: str) -> Path:
        """Where a file of the result is."""
        return self.folder / FILES[kind][0]

    def to_dict(self) -> dict[str, Any]:
        """As `api_schema.JobAnswer`."""
        files = {kind: f"/v1/video/{self.id}/{kind}" for kind in self.kinds if self.state == "done"}
        return {
            "id": self.id,
            "state": self.state,
            "share": None if self.share is None else round(self.share, 4),
            "frames": self.frames,
            "error": self.error,
            "files": files,
        }


class Jobs:
    """The jobs of a service. They wait in a queue of `limits.jobs` and leave most of the threads to the requests."""

    def __init__(self, engine: Engine, hider: Hider, metrics: Metrics):
        self.engine, self.hider, self.metrics, self.limits = engine, hider, metrics, engine.limits
        self.folder = Path(tempfile.mkdtemp(prefix="emojimation-jobs-"))
        self._jobs: dict[str, Job] = {}
        self._pool = ThreadPoolExecutor(1, "video")
        self._running: list[Any] = []

    async def accept(self, chunks: AsyncIterator[bytes], options: Options, kinds: tuple[str, ...]) -> Job:
        """Take in a video and queue it. Raises Problem: 429 where the queue is full, 422 for what is no video."""
        self._forget_old()
        waiting = sum(job.state not in ENDED for job in self._jobs.values())
        if waiting >= self.limits.jobs:
            raise Problem(429, f"Expected at most {self.limits.jobs} videos at once.", 10)
        number = uuid.uuid4().hex
        job = Job(number, self.folder / number, options, kinds)
        job.folder.mkdir()
        self._jobs[number] = job  # counted from now on
        try:
            await self._store(job, chunks)
        except BaseException:
            self._drop(job)
            raise
        self._running = [each for each in self._running if not each.done()]
        self._running.append(self._pool.submit(self._work, job))
        self._show()
        return job

    def get(self, number: str) -> Job:
        """A job by its id. Raises Problem 404."""
        self._forget_old()
        job = self._jobs.get(number)
        if job is None:
            raise Problem(404, "Expected the id of a job, got one that is unknown or whose time is over.")
        return job

    def file(self, number: str, kind: str) -> tuple[Path, str]:
        """A file of a finished job and its media type. Raises Problem: 409 where it is not finished, 404 for no file."""
        job = self.get(number)
        if job.state != "done":
            raise Problem(409, f"Expected a job that is done, got one that is {job.state}.")
        if kind not in job.kinds or not job.path(kind).exists():
            raise Problem(404, f"Expected one of {', '.join(job.kinds)}, got another kind of file.")
        return job.path(kind), FILES[kind][1]

    def cancel(self, number: str) -> Job:
        """End a job and remove its files."""
        job = self.get(number)
        job.unwanted.set()
        if job.state in ("queued", *ENDED):
            self._drop(job)
        if job.state not in ENDED:
            job.state = "cancelled"
        self._show()
        return job

    def close(self) -> None:
        """Finish what was accepted, but not longer than `limits.grace_s`; then cancel it."""
        if wait(self._running, self.limits.grace_s).not_done:
            for job in self._jobs.values():
                job.unwanted.set()
        self._pool.shutdown(wait=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _store(self, job: Job, chunks: AsyncIterator[bytes]) -> None:
        with job.source.open("wb") as file:
            async for chunk in chunks:
                file.write(chunk)
        with job.source.open("rb") as file:
            head = file.read(16)
        if not any(head[place : place + len(sign)] == sign for place, sign in BEGINNINGS):
            raise Problem(422, "Expected a video file (MP4, WebM, MKV, MOV, AVI, ...), got something else.")

    def _work(self, job: Job) -> None:
        if job.unwanted.is_set():
            return
        job.state = "running"
        began = time.monotonic()
        try:
            self._run(job, began)
            job.state, job.share = "done", 1.0
        except CancelledError:
            job.state = "cancelled"
        except InputError as error:
            job.state, job.error = "failed", " ".join(str(error).split()).replace(str(job.source), "the video")
        except Exception:  # a job must end in a state, whatever happens
            log.exception("error", extra={"fields": {"job": job.id}})
            job.state, job.error = "failed", f"The service failed; its log has more under {job.id}."
        self._end(job, began)

    def _run(self, job: Job, began: float) -> None:
        def told(progress: Progress) -> None:
            if job.unwanted.is_set():
                raise CancelledError
            if time.monotonic() - began > self.limits.job_s:
                raise InputError(f"Expected a video that is done within {self.limits.job_s:g} s. Cut it into parts.")
            job.frames, job.share = progress.frame + 1, progress.share

        targets = Targets(**{kind: job.path(kind) for kind in job.kinds})
        pipeline = self.hider.pipeline if job.options.hide else self.engine.pipeline

        def look(frame: np.ndarray) -> list[Face]:
            if frame.shape[0] * frame.shape[1] > self.limits.megapixels * 1e6:
                raise InputError(f"Expected frames of at most {self.limits.megapixels:g} megapixels.")
            return pipeline(frame)

        run_video(job.source, look, targets, job.options, told, self.engine.pipeline.threshold)

    def _end(self, job: Job, began: float) -> None:
        job.ended_s = time.monotonic()
        if job.state != "done":
            shutil.rmtree(job.folder, ignore_errors=True)
        job.source.unlink(missing_ok=True)
        seconds = round(job.ended_s - began, 3)
        fields = {"job": job.id, "state": job.state, "frames": job.frames, "seconds": seconds}
        log.info("job", extra={"fields": fields})
        self._show()

    def _forget_old(self) -> None:
        now = time.monotonic()
        old = [job for job in self._jobs.values() if job.state in ENDED and now - job.ended_s > self.limits.kept_s]
        for job in old:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _show(self) -> None:
        states = [job.state for job in self._jobs.values()]
        for state in STATES:
            self.metrics.jobs.labels(state).set(states.count(state))
