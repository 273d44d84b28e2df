"""The models behind the service: one pipeline for all requests, a few worker threads, and a bounded queue."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import cv2
import numpy as np

from emojimation.apps.api.limits import Limits
from emojimation.apps.api.problem import Problem
from emojimation.classify.classifier import EmotionClassifier
from emojimation.detect import Detector, FaceDetector
from emojimation.media import Picture, decode_image
from emojimation.photos import picture_result
from emojimation.pipeline import Pipeline
from emojimation.priors import of_photos
from emojimation.tracking.adapt import tracker_for

T = TypeVar("T")
FIRST_GUESS_S = 0.05  # estimate for one request, until some have been measured


class BatchingClassifier(EmotionClassifier):
    """Classifies the crops of all currently waiting callers in one batch; nobody waits for others to arrive.

    sizes: called with the number of callers in each batch.
    """

    def __init__(self, model: str | Path, threads: int = 1, sizes: Callable[[int], Any] | None = None):
        super().__init__(model, threads)
        self._waiting: list[_Waiting] = []
        self._list, self._turn = Lock(), Lock()
        self._sizes = sizes

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """As `EmotionClassifier.predict`."""
        mine = _Waiting(self._checked(crops))
        with self._list:
            self._waiting.append(mine)
        with self._turn:  # whoever holds it serves all who arrived meanwhile
            if mine.answer is None and mine.error is None:
                self._answer_all()
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None
        return mine.answer

    def _answer_all(self) -> None:
        with self._list:
            group, self._waiting = self._waiting, []
        try:
            answers = super().predict(np.concatenate([each.crops for each in group]))
        except (RuntimeError, MemoryError) as error:
            for each in group:
                each.error = error
            return
        ends = np.cumsum([len(each.crops) for each in group])[:-1]
        for each, answer in zip(group, np.split(answers, ends), strict=True):
            each.answer = answer
        if self._sizes is not None:
            self._sizes(len(group))


@dataclass(slots=True, eq=False)
class _Waiting:
    crops: np.ndarray
    answer: np.ndarray | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants besides the emotions of faces in a photo.

    cropped: every image is one face. threshold: of sure answers, prior: base rates; None for the model's and the
    service's own. measures: further answers, of `pipeline.MEASURES`.
    """

    cropped: bool = False
    threshold: float | None = None
    prior: str | None = None
    measures: tuple[str, ...] = ()


class RequestPool:
    """Runs requests on `workers` threads and counts those in progress.

    model: name or path. tiles: also search overlapping tiles. batching: classify the crops of several requests
    together. prior: base rates of requests that do not specify any, as `priors.prior_of` takes them; for photos those
    that a stream begins with. `pipeline` is for photos, `video` for the frames of videos, `stream` makes one for a
    connection. detector: in place of the usual one. took: called with the seconds that each piece of
    work has waited for a thread and has taken on it.
    """

    def __init__(
        self,
        model: str | Path = "default",
        limits: Limits | None = None,
        workers: int = 2,
        tiles: bool = False,
        batching: bool = False,
        sizes: Callable[[int], Any] | None = None,
        prior: str = "everyday",
        detector: Detector | None = None,
        took: Callable[[float, float], Any] = lambda waited_s, worked_s: None,
    ):
        self.limits, self.workers, self.model = limits or Limits(), workers, model
        cv2.setNumThreads(1)  # the threads of this class are the parallelism
        classifier = BatchingClassifier(model, sizes=sizes) if batching else EmotionClassifier(model)
        found = detector or FaceDetector(tiles=tiles)
        of_stream = found.streaming() if isinstance(found, FaceDetector) else found
        self.pipeline = Pipeline(found, classifier, prior=of_photos(prior), most_faces=self.limits.faces)
        self.video = self.pipeline.detecting(of_stream).under(prior)
        self._pool = ThreadPoolExecutor(workers, "engine")
        self.accepted = 0
        self._mean_s = FIRST_GUESS_S
        self._took = took

    def stream(self, prior: str | None = None, measures: Sequence[str] = ()) -> Pipeline:
        """A pipeline for the frames of one connection: the networks are shared, whom it follows and tracks is not.

        prior: None for the service's own. measures: further answers, of `pipeline.MEASURES`.
        """
        shared = (self.video if prior is None else self.video.under(prior)).measuring(measures)
        return shared.streaming(tracker_for(shared.prior))

    @property
    def full(self) -> bool:
        """Whether the next request would be refused."""
        return self.accepted >= self.limits.queue

    @property
    def retry_s(self) -> int:
        """Estimated time until half of the queue is done, in whole seconds."""
        return max(1, math.ceil(self.accepted * self._mean_s / self.workers / 2))

    async def run(self, work: Callable[[], T], deadline: float | None = None) -> T:
        """The result of `work` on one of the threads; a 503 problem if it is not ready by `deadline` (of
        time.monotonic).
        """
        deadline = time.monotonic() + self.limits.answer_s if deadline is None else deadline
        task = asyncio.get_running_loop().run_in_executor(self._pool, self._in_time, work, time.monotonic(), deadline)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await task
        except TimeoutError:
            raise self._late() from None

    def _in_time(self, work: Callable[[], T], asked: float, deadline: float) -> T:
        began = time.monotonic()
        if began > deadline:
            raise self._late()
        result = work()
        worked_s = time.monotonic() - began
        self._mean_s += 0.05 * (worked_s - self._mean_s)
        self._took(began - asked, worked_s)
        return result

    def _late(self) -> Problem:
        return Problem(503, f"No answer within {self.limits.answer_s:g} s. Send fewer or smaller images.", self.retry_s)

    def row(self, data: bytes, name: str, asked: Asked) -> dict[str, Any]:
        """The row for one image's bytes, as in `image --json`. Raises InputError."""
        pipeline = self.pipeline if asked.prior is None else self.pipeline.under(asked.prior)
        measuring = pipeline.measuring(asked.measures)
        result = picture_result(name, self.decoded(data, name), measuring, asked.cropped)
        row = result.to_dict()
        if asked.threshold is not None:
            row["faces"] = [face.with_(threshold=asked.threshold).to_dict() for face in result.faces]
        return row

    def decoded(self, data: bytes, name: str) -> Picture:
        """An image's bytes as a frame. Raises InputError."""
        return decode_image(data, name, self.limits.megapixels)

    def close(self) -> None:
        """Finish accepted work and end the threads."""
        self._pool.shutdown(wait=True)
