"""The page's videos: one queue for all visitors of a process; jobs survive a reload of the page."""

import shutil
import threading
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from emojimation.apps.web.settings import current
from emojimation.errors import InputError
from emojimation.hiding.search import searcher
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.story.page import data_of
from emojimation.video.run import Options
from emojimation.video.source import open_source
from emojimation.videojobs import VideoJob, VideoJobs, check_container

STAGES = {"search": "Searching every frame for faces", "film": "Analysing the video"}
_MAKING = threading.Lock()


def jobs() -> VideoJobs:
    """The process's only queue, created at first use."""
    with _MAKING:
        return _jobs()


@lru_cache(maxsize=1)
def _jobs() -> VideoJobs:
    return VideoJobs()


def start(
    name: str, video: Any, options: Options, model: str | None = None, measures: tuple[str, ...] = ()
) -> VideoJob:
    """Queue a video: an upload (a file object), or a Path on this machine. measures: further answers asked for.

    Raises InputError.
    """
    pipeline = partial(_pipeline, model or current().model, options.hides, options.strength)
    source = video if isinstance(video, Path) else None
    with jobs().place(name, options, pipeline, source=source, measures=measures) as job:
        if source is None:
            _copy(video, job.source)
    return job


def length_of(name: str, video: Any) -> float | None:
    """The duration in seconds of an upload or a Path, None if unknown. InputError if it is not a video."""
    if isinstance(video, Path):
        check_container(video, name)
        return _length(video)
    with jobs().scratch(name) as path:
        _copy(video, path)
        check_container(path, name)
        try:
            return _length(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error


@lru_cache(maxsize=8)
def story_of(job: VideoJob) -> dict[str, Any]:
    """The people of a finished job over its video's time, as its report shows them."""
    return data_of(job.path("report").read_text("utf-8"))


def _length(path: Path) -> float | None:
    with closing(open_source(path)) as source:
        return source.info.duration_s


def _copy(upload: Any, path: Path) -> None:
    upload.seek(0)
    with path.open("wb") as out:
        shutil.copyfileobj(upload, out)


def _pipeline(model: str, hide: bool, strength: str) -> Pipeline:
    settings = current()
    if hide:
        return make_pipeline(model, searcher(strength), prior=settings.prior)
    detector, file = settings.detector, settings.detector_model or None
    return make_pipeline(model, detector, prior=settings.prior, search="stream", detector_model=file)
