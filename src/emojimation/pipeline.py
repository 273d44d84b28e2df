"""One frame -> its faces with emotions. The only place that knows the order of the stages; no file, no drawing."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emojimation.classify.classifier import EmotionClassifier
from emojimation.detect.blazeface import Detector, FaceDetector, HaarDetector
from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces


class Tracker(Protocol):
    """What a pipeline asks of a tracker: numbered, smoothed faces for those of one more frame."""

    def update(self, faces: list[Face], time_s: float | None) -> list[Face]: ...


class Pipeline:
    """Detect, crop, classify all faces in one batch, then track if a tracker was given.

    model: name or path of an emotion model. detector: "blazeface" (also None), "haar", or any callable that takes a
    (H,W,3) BGR uint8 frame and returns faces. detector_model: another file for "blazeface". min_score: detector's
    threshold, 0 to 1. tiles: also look at overlapping tiles, for crowds. threads: processor threads per stage.
    threshold: confidence under which an answer is "not sure", None for the model's own.

    A pipeline belongs to one stream where its tracker or detector keeps a state, as Haar does; else threads may share
    it.
    """

    def __init__(
        self,
        model: str | Path = "default",
        detector: str | Detector | None = None,
        tracker: Tracker | None = None,
        threads: int = 1,
        min_score: float | None = None,
        tiles: bool = False,
        threshold: float | None = None,
        detector_model: str | Path | None = None,
    ):
        _check_fraction("threshold", threshold)
        _check_fraction("min_score", min_score)
        self.classifier = EmotionClassifier(model, threads)
        self.detector = _detector(detector, detector_model, min_score, tiles, threads)
        self.tracker = tracker
        self.threshold = self.classifier.threshold if threshold is None else threshold

    def __call__(self, frame: np.ndarray, time_s: float | None = None) -> list[Face]:
        """The faces of a (H,W,3) BGR uint8 frame with their probabilities; empty where there is none.

        time_s: the frame's time in seconds, for the tracker. Raises InputError for another type or shape.
        """
        faces = self._classified(_checked(frame), self.detector(frame))
        return faces if self.tracker is None else self.tracker.update(faces, time_s)

    def cropped(self, frame: np.ndarray) -> list[Face]:
        """The whole (H,W,3) BGR uint8 picture taken as the crop of one face, as FER data sets hold them."""
        height, width = _checked(frame).shape[:2]
        return self._classified(frame, [Face(np.array([0, 0, width, height], np.float32), score=1.0)])

    def _classified(self, frame: np.ndarray, faces: list[Face]) -> list[Face]:
        classifier = self.classifier
        crops = crop_faces(frame, faces, classifier.size, classifier.template, classifier.channels)
        answers = classifier.predict(crops)
        return [
            face.with_(probabilities=answer, threshold=self.threshold)
            for face, answer in zip(faces, answers, strict=True)
        ]


def _checked(frame: np.ndarray) -> np.ndarray:
    wanted = "Expected a frame of shape (height,width,3), BGR uint8"
    if not isinstance(frame, np.ndarray):
        raise InputError(f"{wanted}, got {type(frame).__name__}. Read files with analyze() or cv2.imread().")
    if frame.dtype != np.uint8:
        broken = np.issubdtype(frame.dtype, np.floating) and not np.isfinite(frame).all()
        got = f"{frame.dtype} with NaN or infinite values" if broken else str(frame.dtype)
        raise InputError(f"{wanted}, got {got}. Scale the values to 0..255 and convert with .astype('uint8').")
    if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise InputError(f"{wanted}, got shape {frame.shape}. Convert with cv2.cvtColor.")
    return frame


def _check_fraction(name: str, value: float | None) -> None:
    if value is not None and not 0 <= value <= 1:
        raise InputError(f"Expected {name} between 0 and 1, got {value}.")


def _detector(
    detector: str | Detector | None, model: str | Path | None, min_score: float | None, tiles: bool, threads: int
) -> Detector:
    if callable(detector):
        return detector
    asked: dict[str, Any] = {"model": model, "min_score": min_score, "tiles": tiles or None}
    given = {name: value for name, value in asked.items() if value is not None}
    if detector in (None, "blazeface"):
        return FaceDetector(threads=threads, **given)
    if detector != "haar":
        raise InputError(f"Expected the detector 'blazeface' or 'haar', got {detector!r}.")
    if given:
        raise InputError(f"The detector 'haar' knows no {', '.join(given)}. Leave it out, or take 'blazeface'.")
    return HaarDetector()
