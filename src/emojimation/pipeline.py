"""One frame -> its faces with emotions. The only place that knows the order of the stages; no files, no drawing."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emojimation.classify.affect import affect
from emojimation.classify.classifier import EmotionClassifier
from emojimation.detect import DETECTORS, Detector, DetectorOptions, FaceDetector, Search, make_detector
from emojimation.detect.following import FollowingDetector, for_stream, in_succession, may_follow
from emojimation.errors import InputError
from emojimation.faces import Face, checked_frame, crop_faces
from emojimation.labels import LabelSet
from emojimation.mesh.stage import MeshStage
from emojimation.priors import Prior, corrected, prior_of


class Tracker(Protocol):
    """What a pipeline needs from a tracker: numbered, smoothed faces for those of the next frame."""

    def update(self, faces: list[Face], time_s: float | None) -> list[Face]: ...


class Classifier(Protocol):
    """What a pipeline needs from a classifier; see `EmotionClassifier` for the meaning of each part."""

    label_set: LabelSet
    trained_prior: np.ndarray | None
    size: int
    channels: int
    template: np.ndarray
    threshold: float
    card: dict[str, Any]

    def predict(self, crops: np.ndarray) -> np.ndarray: ...


# Adds values of one attribute to the faces of a frame; see `attributes`.
Measure = Callable[[np.ndarray, list[Face]], list[Face]]
# Names of measures -> what makes the stage for those among them that were asked for, and a number of threads.
_STAGES: dict[tuple[str, ...], Callable[[Sequence[str], int], Measure]] = {
    ("affect",): lambda names, threads: affect,
    MeshStage.NAMES: MeshStage,
}
MEASURES = tuple(name for names in _STAGES for name in names)


def measures_of(names: Sequence[str], threads: int = 1) -> list[Measure]:
    """The stages that measure `names`, of `MEASURES`, each network run once. Raises InputError for another name."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InputError(f"Expected a list of measures among {', '.join(MEASURES)}, got {names!r}.")
    for name in names:
        if name not in MEASURES:
            raise InputError(f"Expected a measure among {', '.join(MEASURES)}, got {name!r}.")
    asked = {known: tuple(name for name in known if name in names) for known in _STAGES}
    return [_stage(known, wanted, threads) for known, wanted in asked.items() if wanted]


@lru_cache(maxsize=16)
def _stage(known: tuple[str, ...], wanted: tuple[str, ...], threads: int) -> Measure:
    """The stage that measures `wanted` among `known`; it keeps no state, so all pipelines share it and its networks."""
    return _STAGES[known](wanted, threads)


class Pipeline:
    """Detect, crop, classify all faces in one batch, correct for base rates, then track if a tracker was given.

    detector: takes a (H,W,3) BGR uint8 frame and returns faces; None for `FaceDetector`, which with a tracker finds
    known faces again where they were and searches whole frames from time to time (`detect.following`). classifier: None
    for the default model. tracker: numbers and smooths the faces of one stream. prior: base rates of the emotions where
    the frames come from, see `priors.prior_of`. threshold: confidence from which an answer is sure, None for the
    model's own. measures: further answers about each face, see `MEASURES`. most_faces: in a frame; more raise
    InputError before they are classified. None: no limit.

    `make_pipeline` makes one from names. A pipeline whose tracker or detector keeps state belongs to one stream; others
    may be shared by threads. `Pipeline("model", "detector", ...)` of version 0.1 still works, with a warning.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        classifier: Classifier | None = None,
        tracker: Tracker | None = None,
        prior: str | Sequence[float] | Prior = "everyday",
        threshold: float | None = None,
        measures: Sequence[Measure] = (),
        most_faces: int | None = None,
        **names: Any,
    ):
        if names or isinstance(detector, str | Path) or isinstance(classifier, str):
            detector, classifier = _of_names(detector, classifier, names)
        _check_threshold(threshold)
        self.detector: Detector = detector or _in_stream(FaceDetector(search=_usual_search(tracker)), tracker)
        self.classifier: Classifier = classifier or EmotionClassifier()
        self.tracker = tracker
        self.prior = self._prior(prior)
        self.threshold = self.classifier.threshold if threshold is None else threshold
        self.measures = tuple(measures)
        self.most_faces = most_faces

    def __call__(self, frame: np.ndarray, time_s: float | None = None) -> list[Face]:
        """The faces of a (H,W,3) BGR uint8 frame with their probabilities; empty if there are none.

        time_s: the frame's time in seconds, for the tracker. Raises InputError for another type or shape.
        """
        (faces,) = self._classified([checked_frame(frame)], [self._detected(frame, time_s)])
        return faces if self.tracker is None else self.tracker.update(faces, time_s)

    def of_run(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """The faces of each of a few successive frames of one shot, for less than one by one; no tracker sees them.

        frames: (H,W,3) BGR uint8, a third of a second apart in all at most. Known faces are followed, see
        `detect.following`, and the crops of all frames are classified in one batch.
        """
        return self._classified(frames, in_succession(self.detector, frames)) if len(frames) else []

    def reset(self) -> None:
        """Forget the people of the stream, as after a cut."""
        for stage in (self.detector, self.tracker):
            forget = getattr(stage, "reset", None)
            if forget is not None:
                forget()

    def under(self, prior: str | Sequence[float] | Prior) -> "Pipeline":
        """The same stages with other base rates; threads may share it where they may share this one."""
        other = copy(self)
        other.prior = other._prior(prior)
        return other

    def measuring(self, names: Sequence[str]) -> "Pipeline":
        """The same stages and what measures `names`, of `MEASURES`, besides what is measured already."""
        done = {name for stage in self.measures for name in getattr(stage, "names", ())}
        if done.issuperset(names):
            return self
        other = copy(self)
        others = [stage for stage in self.measures if not isinstance(stage, MeshStage)]
        other.measures = (*others, *measures_of(tuple(done.union(names))))
        return other

    def detecting(self, detector: Detector) -> "Pipeline":
        """The same stages with another detector."""
        other = copy(self)
        other.detector = detector
        return other

    def streaming(self, tracker: Tracker | None = None) -> "Pipeline":
        """The same stages for the frames of one stream: its tracker, and a detector that follows known faces.

        Detectors other than `FaceDetector`, such as those of hiding, search each whole frame as before.
        """
        other = copy(self)
        other.detector = for_stream(self.detector)
        other.tracker = tracker or self.tracker
        return other

    def cropped(self, frame: np.ndarray) -> list[Face]:
        """The whole (H,W,3) BGR uint8 image taken as the crop of one face, as in FER data sets."""
        height, width = checked_frame(frame).shape[:2]
        (faces,) = self._classified([frame], [[Face(np.array([0, 0, width, height], np.float32), score=1.0)]])
        return faces

    def _detected(self, frame: np.ndarray, time_s: float | None) -> list[Face]:
        if isinstance(self.detector, FollowingDetector):
            return self.detector(frame, time_s)
        return self.detector(frame)

    def _classified(self, frames: Sequence[np.ndarray], found: list[list[Face]]) -> list[list[Face]]:
        """The faces found in each of the frames with their emotions, all classified in one batch."""
        self._check_number(found)
        classifier = self.classifier
        crops = [
            crop_faces(frame, faces, classifier.size, classifier.template, classifier.channels)
            for frame, faces in zip(frames, found, strict=True)
        ]
        answers = iter(corrected(classifier.predict(np.concatenate(crops)), self.prior, classifier.trained_prior))
        return [
            self._measured(frame, [self._named(face, next(answers)) for face in faces])
            for frame, faces in zip(frames, found, strict=True)
        ]

    def _check_number(self, found: list[list[Face]]) -> None:
        most, got = self.most_faces, max(map(len, found))
        if most is not None and got > most:
            raise InputError(f"Expected at most {most} faces in an image, got {got}. Cut it into parts.")

    def _named(self, face: Face, answer: np.ndarray) -> Face:
        return face.with_(probabilities=answer, threshold=self.threshold, labels=self.classifier.label_set)

    def _measured(self, frame: np.ndarray, faces: list[Face]) -> list[Face]:
        for measure in self.measures:
            faces = measure(frame, faces)
        return faces

    def _prior(self, asked: str | Sequence[float] | Prior) -> Prior:
        """As `prior_of`; where a stream's own base rates are to be learned, the first ones are known."""
        prior, trained = prior_of(asked, self.classifier.label_set), self.classifier.trained_prior
        if not prior.learns or prior.shares is not None:
            return prior
        count = len(self.classifier.label_set)
        return replace(prior, shares=np.full(count, 1 / count) if trained is None else trained)


def make_pipeline(
    model: str | Path = "default",
    detector: str | Detector | None = None,
    tracker: Tracker | None = None,
    threads: int = 1,
    min_score: float | None = None,
    tiles: bool = False,
    threshold: float | None = None,
    detector_model: str | Path | None = None,
    prior: str | Sequence[float] | Prior = "everyday",
    search: Search | None = None,
    measures: Sequence[str] = (),
) -> Pipeline:
    """A pipeline from names.

    model: name or path of an emotion model. detector: a name of `detect.DETECTORS` ("blazeface", also None; "haar";
    "yunet"), or any callable that takes a (H,W,3) BGR uint8 frame and returns faces. detector_model, min_score, search,
    threads: as `DetectorOptions` says; search is "stream" with a tracker, where known faces are followed, and "auto"
    without. tiles: the same as search="wide". threshold, prior, tracker: as `Pipeline` takes them. measures: names of
    `MEASURES`. Raises InputError for what does not exist or does not fit.
    """
    _check_threshold(threshold)
    if tiles and search not in (None, "wide"):
        raise InputError(f"Expected search={search!r} or tiles, got both: tiles is the same as search='wide'.")
    classifier = EmotionClassifier(model, threads)
    if not callable(detector):
        how = "wide" if tiles else search or _usual_search(tracker)
        given = DetectorOptions(detector_model, search=how, threads=threads)
        options = given if min_score is None else replace(given, min_score=min_score)
        detector = _in_stream(make_detector(detector or "blazeface", options), tracker)
    return Pipeline(detector, classifier, tracker, prior, threshold, measures_of(measures, threads))


def _usual_search(tracker: Tracker | None) -> Search:
    """A stream shows every face many times, and its frames must be fast; a photo gets a single chance."""
    return "auto" if tracker is None else "stream"


def _in_stream(detector: Detector, tracker: Tracker | None) -> Detector:
    """The detector for a tracker's stream, which follows known faces if its search allows that."""
    return for_stream(detector) if tracker is not None and may_follow(detector) else detector


def _of_names(first: Any, second: Any, names: dict[str, Any]) -> tuple[Detector, Classifier]:
    """Detector and classifier from the arguments of version 0.1: model, detector, then keywords."""
    warnings.warn("Pipeline takes objects now; make_pipeline takes names.", DeprecationWarning, stacklevel=3)
    is_model = isinstance(first, str | Path) and first not in DETECTORS
    given = {"model": first, "detector": second} if is_model else {"detector": first}
    made = make_pipeline(**names, **{key: value for key, value in given.items() if value is not None})
    return made.detector, made.classifier


def _check_threshold(value: float | None) -> None:
    if value is not None and not (isinstance(value, Real) and 0 <= value <= 1):
        raise InputError(f"Expected threshold between 0 and 1, got {value!r}.")
