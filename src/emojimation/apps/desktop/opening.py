"""Opens the chosen source of frames, and builds the pipeline for it. Does not use Tk."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from emojimation.apps.desktop.main_face import fitted
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.sources import SAMPLE_NAMES, is_camera, is_photo
from emojimation.errors import InputError
from emojimation.hiding.search import searcher
from emojimation.media import read_image
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.priors import of_photos
from emojimation.tracking.adapt import tracker_for
from emojimation.tracking.track import Tracker
from emojimation.video.camera import Camera
from emojimation.video.reader import ASSUMED_FPS, Frame, Info, Source
from emojimation.video.scene import SAMPLES, crowd
from emojimation.video.source import open_source


def open_choice(source: str, size_wh: tuple[int, int]) -> Source:
    """Open a source; frames of videos and streams larger than `size_wh` are downscaled, and `seek` moves in what has a
    length. Raises InputError.
    """
    if source == "sample:photo":
        return Photo(SAMPLES / "group.jpg")
    if source in SAMPLE_NAMES:
        return crowd(5 if source == "sample:5" else 1, seconds=None)
    if is_photo(source):
        return Photo(source)
    if is_camera(source):
        return _camera(source, size_wh)
    return Playable(lambda start_s: open_source(source, start_s), size_wh)


def _camera(number: str, size_wh: tuple[int, int]) -> Source:
    try:
        return Camera(int(number), size_wh=size_wh)
    except InputError as error:  # its message is for the command line
        raise InputError(
            f"Camera {number} cannot be opened: it is missing, in use by another program, or you have no permission. "
            "Plug it in or close the other program, then try again."
        ) from error


def pipeline_for(settings: WindowSettings, still: bool, tracker: Tracker | None = None) -> Pipeline:
    """The pipeline for these settings; photos are also searched for small faces.

    tracker: the one in use, which is kept unless base rates are to be learned.
    """
    prior = of_photos(settings.prior) if still else settings.prior
    if settings.hides:
        pipeline = make_pipeline(settings.model, searcher("careful" if still else "fast", still), prior=prior)
    else:
        wide = still and settings.detector == "blazeface"
        pipeline = make_pipeline(
            settings.model,
            settings.detector,
            min_score=settings.min_score,
            search="wide" if wide else "stream",
            prior=prior,
            detector_model=settings.detector_model or None,
        )
    pipeline = pipeline.measuring(settings.measures)
    kept = type(tracker) is Tracker and not pipeline.prior.learns
    return pipeline.streaming(tracker if kept else tracker_for(pipeline.prior))


class Photo:
    """One image as a video of one frame."""

    def __init__(self, path: str | Path) -> None:
        read = read_image(path)
        self.notes, self._frame = list(read.notes), read.frame
        self.info = Info(name=Path(path).name)

    def close(self) -> None:
        """Nothing to release."""

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self._frame, 0.0, 0)


class Playable:
    """A video or stream that can be sought if it has a length; frames that do not fit into `size_wh` are downscaled.

    open_at: opens it at a time in seconds.
    """

    def __init__(self, open_at: Callable[[float], Source], size_wh: tuple[int, int]) -> None:
        self._open_at, self._size_wh, self._start_s = open_at, size_wh, 0.0
        self._source = open_at(0.0)
        self.info, self.notes = self._source.info, self._source.notes

    @property
    def length_s(self) -> float | None:
        """How far `seek` can go; None for a camera or a stream."""
        return None if self.info.live else self.info.duration_s

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        return 1 / (self.info.fps or ASSUMED_FPS)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def seek(self, time_s: float) -> None:
        """Let the next iteration start at that time; only for what has a length."""
        self._source.close()
        self._start_s = min(max(time_s, 0.0), max((self.length_s or 0.0) - self.frame_s, 0.0))
        self._source = self._open_at(self._start_s)
        self.notes = self._source.notes

    def __iter__(self) -> Iterator[Frame]:
        first = number = round(self._start_s / self.frame_s)
        try:
            for frame in self._source:
                number = first + frame.index
                yield replace(frame, image=self._fitted(frame.image), index=number)
        except InputError:
            if not first or number > first:
                raise  # else there are no images after that time, though the sound may go on

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        if width <= self._size_wh[0] and height <= self._size_wh[1]:
            return image
        return cv2.resize(image, fitted((width, height), self._size_wh), interpolation=cv2.INTER_AREA)
