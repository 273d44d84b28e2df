"""The service's video jobs: from uploads to the queue, and from jobs to responses."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from emojimation.apps.api.anonymise import Hider
from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.pool import RequestPool
from emojimation.apps.api.problem import Problem
from emojimation.pipeline import Pipeline
from emojimation.video.run import Options
from emojimation.videojobs import FILES, STATES, JobLimits, QueueFull, VideoJob, VideoJobs

NAME = "video"  # an upload has no name


class Jobs:
    """The jobs of a service. They leave most of the threads to the requests."""

    def __init__(self, engine: RequestPool, hider: Hider, metrics: Metrics):
        self.engine, self.hider, self.limits = engine, hider, engine.limits
        limits = self.limits
        self.queue = VideoJobs(JobLimits(limits.jobs, limits.kept_s, limits.job_s, limits.megapixels))
        metrics.watch_jobs(STATES, self.queue.count)

    async def accept(
        self, chunks: AsyncIterator[bytes], options: Options, kinds: tuple[str, ...], prior: str | None = None
    ) -> VideoJob:
        """Accept a video and queue it. prior: None for the service's own.

        Raises Problem 429 if the queue is full, InputError if it is not a video.
        """
        try:
            with (
                self.queue.place(NAME, options, lambda: self._pipeline(options, prior), kinds) as job,
                job.source.open("wb") as file,
            ):
                async for chunk in chunks:
                    file.write(chunk)
        except QueueFull as error:
            raise Problem(429, str(error), 10) from error
        return job

    def _pipeline(self, options: Options, prior: str | None) -> Pipeline:
        usual = self.hider.pipeline(options.strength, still=False) if options.hides else self.engine.stream
        return usual if prior is None else usual.under(prior)

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
