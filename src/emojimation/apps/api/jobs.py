"""The service's video jobs: from uploads to the queue, and from jobs to responses."""

import shutil
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from emojimation.apps.api.anonymise import Hider
from emojimation.apps.api.ledger import Ledger, restored
from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.pool import RequestPool
from emojimation.apps.api.problem import Problem
from emojimation.apps.api.webhook import Webhook
from emojimation.folders import Kept
from emojimation.pipeline import Pipeline
from emojimation.video.run import Options
from emojimation.videojobs import FILES, STATES, JobLimits, QueueFull, VideoJob, VideoJobs

NAME = "video"  # an upload has no name
MOST_TRIES = 3  # then the video is taken to be the reason why the service ends


class Jobs:
    """The jobs of a service. They leave most of the threads to the requests.

    state: folder in which they survive a restart. webhook: notified of jobs that have ended. Raises InputError.
    """

    def __init__(
        self,
        engine: RequestPool,
        hider: Hider,
        metrics: Metrics,
        state: Path | None = None,
        webhook: Webhook | None = None,
    ):
        self.engine, self.hider, self.limits, self.webhook = engine, hider, engine.limits, webhook
        limits = self.limits
        kept = None if state is None else Kept(state)
        self.ledger = None if state is None else Ledger(state / "jobs.sqlite3")
        self.queue = VideoJobs(
            JobLimits(limits.jobs, limits.kept_s, limits.job_s, limits.megapixels), kept, _Told(self.ledger, webhook)
        )
        metrics.watch_jobs(STATES, self.queue.count)
        if self.ledger is not None:
            self._restore(self.ledger)

    @property
    def workers(self) -> int:
        """Threads for one video."""
        return max(1, self.engine.workers // 2)

    def _restore(self, ledger: Ledger) -> None:
        rows = {self.queue.folder / row["id"]: row for row in ledger.rows()}
        for folder in self.queue.folder.iterdir():
            if folder.is_dir() and folder not in rows:
                shutil.rmtree(folder, ignore_errors=True)  # of an upload that was interrupted
        for row in rows.values():
            job = restored(row, self.queue.folder, self.workers)
            job.pipeline = partial(self._pipeline, job.options, job.prior)
            if not job.over and job.tries >= MOST_TRIES:
                job.state, job.ended_s = "failed", time.monotonic()
                job.error = f"The service ended {job.tries} times while it processed this video."
                ledger.save(job)
            self.queue.restore(job)

    async def accept(
        self,
        chunks: AsyncIterator[bytes],
        options: Options,
        kinds: tuple[str, ...],
        prior: str | None = None,
        owner: str = "",
        measures: tuple[str, ...] = (),
    ) -> VideoJob:
        """Accept a video and queue it. prior: None for the service's own. measures: further answers asked for.

        Raises Problem 429 if the queue is full, InputError if it is not a video.
        """
        pipeline = partial(self._pipeline, options, prior)
        try:
            with (
                self.queue.place(NAME, options, pipeline, kinds, prior=prior, owner=owner, measures=measures) as job,
                job.source.open("wb") as file,
            ):
                async for chunk in chunks:
                    file.write(chunk)
        except QueueFull as error:
            raise Problem(429, str(error), 10) from error
        return job

    def _pipeline(self, options: Options, prior: str | None) -> Pipeline:
        usual = self.hider.pipeline(options.strength, still=False) if options.hides else self.engine.video
        return usual if prior is None else usual.under(prior)

    def of(self, owner: str) -> list[dict[str, Any]]:
        """The jobs of the holder of a token. Raises Problem 403 on a service without tokens: whoever knows a job's id
        may read it, so nobody else must learn it."""
        if not owner:
            raise Problem(403, "Expected a service with tokens: without them, a job is known only to its sender.")
        return [answer(job) for job in self.queue.of(owner)]

    def get(self, number: str) -> VideoJob:
        """A job by its id. Raises Problem 404."""
        job = self.queue.get(number)
        if job is None:
            raise Problem(404, "Expected the id of a job, got one that is unknown or expired.")
        return job

    def file(self, number: str, kind: str) -> tuple[Path, str]:
        """A finished job's file and its media type. Raises Problem: 409 if not finished, 404 if there is no file."""
        job = self.get(number)
        if job.state != "done":
            raise Problem(409, f"Expected a job that is done, got one that is {job.state}.")
        if kind not in job.kinds or not job.path(kind).exists():
            raise Problem(404, f"Expected one of {', '.join(job.kinds)}, got another kind of file.")
        return job.path(kind), FILES[kind][1]

    def delete(self, number: str) -> dict[str, Any]:
        """Cancel a job, or delete a finished one, and remove its files."""
        job = self.get(number)
        if job.state == "running":
            self.queue.cancel(job)
            return answer(job)
        was_over = job.over
        self.queue.drop(job)
        return answer(job) | ({"state": "deleted", "files": {}} if was_over else {})

    def close(self) -> None:
        """Finish accepted jobs for at most `limits.grace_s` seconds, then cancel them."""
        self.queue.close(self.limits.grace_s)
        if self.webhook is not None:
            self.webhook.close()
        if self.ledger is not None:
            self.ledger.close()


class _Told:
    """Passes on what happens to jobs: to the ledger, and to the webhook when one has ended."""

    def __init__(self, ledger: Ledger | None, webhook: Webhook | None):
        self._ledger, self._webhook = ledger, webhook

    def save(self, job: VideoJob) -> None:
        """A job has changed."""
        if self._ledger is not None:
            self._ledger.save(job)
        if self._webhook is not None and job.over:
            self._webhook.tell(f"video.{job.state}", answer(job))

    def forget(self, job: VideoJob) -> None:
        """A job is gone."""
        if self._ledger is not None:
            self._ledger.forget(job)


def answer(job: VideoJob) -> dict[str, Any]:
    """As `schema.JobAnswer`."""
    files = {kind: f"/v1/video/{job.id}/{kind}" for kind in job.kinds if job.state == "done"}
    share = None if job.share is None else round(job.share, 4)
    result = job.result if job.state == "done" else None
    return {
        "id": job.id,
        "state": job.state,
        "share": share,
        "frames": job.frames,
        "error": job.error,
        "files": files,
        "notes": [] if result is None else result.notes,
        "hiding": None if result is None else result.hiding,
        "prior": None if result is None else result.prior,
        "base_rates": None if result is None else result.base_rates,
    }
