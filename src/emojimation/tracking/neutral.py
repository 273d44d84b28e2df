"""Calibration: two seconds of a person's neutral face shift the prior, so that this face reads as neutral afterwards.

Some faces at rest look sad or angry to a classifier. The correction is that of a changed prior: probabilities are
multiplied by one weight per emotion and divided by their sum (Saerens, Latinne and Decaestecker, "Adjusting the outputs
of a classifier to new a priori probabilities", Neural Computation 14, 2002). The weights are the mildest that suffice.
"""

import math
import threading

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.faces import Face
from emojimation.labels import LabelSet, emotion_of

# Probability of neutral that the neutral face should get after calibration: clearly sure, with room for doubt.
TARGET = 0.8
# No weight beyond e^3 = 20 either way, so that a clear expression still gets through.
MAX_SHIFT = 3.0
FLOOR = 1e-4  # smaller probabilities count as this
# The tracker's filter still remembers what came before, so the first part of the time is not counted.
SETTLE_SHARE = 0.25
MIN_FRAMES = 5
AWAY_S = 1.0
# Mean total variation from the mean answer, 0 to 1, above which the face was not held still.
MAX_UNREST = 0.25
# A face at rest is mistaken for sad or angry now and then, but never this clearly for a smile or a startle.
LIVELY = ("happy", "surprise")
LIVELY_FROM = 0.8


def shift_of(probabilities: np.ndarray, neutral: int, target: float = TARGET) -> np.ndarray:
    """Logarithms of the weights (k,) float64 that make a neutral face with (n,k) `probabilities` read as neutral.

    Zeros if it reads neutral with `target` already. Otherwise the overrepresented emotions are turned down to an equal
    share of the rest, and neutral is turned up as far as still needed. Emotions that the face does not show keep their
    weight. neutral: index of that class.
    """
    mean = np.exp(np.log(np.maximum(probabilities, FLOOR)).mean(axis=0))
    mean /= mean.sum()
    if mean[neutral] >= target:
        return np.zeros(len(mean))
    wanted = np.minimum(mean, (1 - target) / (len(mean) - 1))
    rest = wanted.sum() - wanted[neutral]
    wanted[neutral] = max(mean[neutral], rest * target / (1 - target))
    return np.clip(np.log(wanted / mean), -MAX_SHIFT, MAX_SHIFT)


def shifted(probabilities: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(k,) float32 probabilities under the prior that `shift` (k,) describes."""
    weighted = probabilities * np.exp(shift)
    return (weighted / weighted.sum()).astype(np.float32)


def rests_of(faces: list[Face]) -> dict[str, np.ndarray]:
    """What to add to the attributes of this person so that their face at rest measures like an average one."""
    found = {}
    for name, declared in ATTRIBUTES.items():
        seen = [face.attributes[name] for face in faces if name in face.attributes]
        seen = [values for values in seen if np.isfinite(values).all()]
        if declared.rest and seen:
            away = np.array(declared.rest, np.float32) - np.mean(seen, axis=0)
            found[name] = np.where(np.isfinite(away), away, 0).astype(np.float32)
    return found


class Neutral:
    """The calibrations of one session: call it with each frame's faces, and `start` when the person is ready.

    seconds: how long to observe. Nothing is written to disk. A calibration belongs to a track: a person who gets a new
    number has to calibrate again. Thread-safe.

    progress: 0 to 1 while calibrating, None otherwise. problem: why the last calibration failed, else None.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self.seconds = seconds
        self.progress: float | None = None
        self.problem: str | None = None
        self._shifts: dict[int | None, np.ndarray] = {}
        self._rests: dict[int | None, dict[str, np.ndarray]] = {}  # of the attributes
        self._watched: int | None = None
        self._chosen = False
        self._samples: list[tuple[float, Face]] = []
        self._labels: LabelSet | None = None
        self._begun_s = self._seen_s = 0.0
        self._lock = threading.Lock()

    @property
    def calibrated(self) -> tuple[int | None, ...]:
        """Track numbers of the people whose neutral face is known."""
        return tuple(self._shifts)

    def start(self, track_id: int | None = None) -> None:
        """Calibrate to the person of that number, or to the largest face of the next frame, from the next frame on."""
        with self._lock:
            self.progress, self.problem, self._samples = 0.0, None, []
            self._watched, self._chosen = track_id, track_id is not None
            self._begun_s = math.nan

    def stop(self) -> None:
        """Cancel the calibration in progress; finished ones stay."""
        with self._lock:
            self.progress = None

    def remove(self, track_id: int | None = None) -> None:
        """Forget the calibration of one person, or of all; one in progress is cancelled."""
        with self._lock:
            if track_id is None:
                self._shifts, self._rests = {}, {}
            self._shifts.pop(track_id, None)
            self._rests.pop(track_id, None)
            if track_id is None or track_id == self._watched:
                self.progress = None

    def __call__(self, faces: list[Face], time_s: float) -> list[Face]:
        """The faces of the frame at `time_s`, corrected where calibrated; a calibration in progress observes them."""
        with self._lock:
            if self.progress is not None:
                self._watch(faces, time_s)
            return [self._corrected(face) for face in faces]

    def _corrected(self, face: Face) -> Face:
        shift = self._shifts.get(face.track_id)
        if shift is None or face.probabilities is None:
            return face
        away = self._rests[face.track_id]
        attributes = {name: values + away.get(name, np.float32(0)) for name, values in face.attributes.items()}
        return face.with_(probabilities=shifted(face.probabilities, shift), attributes=attributes)

    def _watch(self, faces: list[Face], time_s: float) -> None:
        if math.isnan(self._begun_s) or time_s < self._seen_s:
            self._begun_s = self._seen_s = time_s
            self._samples = []
        if not self._chosen and faces:
            self._watched, self._chosen = max(faces, key=lambda face: face.size_px).track_id, True
        for face in faces:
            if self._chosen and face.track_id == self._watched and face.probabilities is not None:
                self._samples.append((time_s, face))
                self._labels = face.labels
                self._seen_s = time_s
        elapsed = time_s - self._begun_s
        self.progress = min(elapsed / self.seconds, 1.0) if self.seconds > 0 else 1.0
        if time_s - self._seen_s > AWAY_S:
            self._end("the face was out of view; stay in view and try again")
        elif elapsed >= self.seconds:
            self._finish()

    def _finish(self) -> None:
        settled = self._begun_s + SETTLE_SHARE * self.seconds
        faces = [face for time_s, face in self._samples if time_s >= settled]
        seen = np.array([face.probabilities for face in faces])
        if len(seen) < MIN_FRAMES:
            return self._end("the face was not visible often enough; come closer, find more light and try again")
        mean = seen.mean(axis=0)
        if np.abs(seen - mean).sum(axis=1).mean() / 2 > MAX_UNREST:
            return self._end("the expression kept changing; hold a neutral face and try again")
        labels = self._labels
        if labels is None or labels.neutral is None:
            return self._end("the model has no class for a neutral face; choose another model")
        clearest = int(mean.argmax())
        if emotion_of(labels.names[clearest]) in LIVELY and mean[clearest] >= LIVELY_FROM:
            return self._end(f"the face looked clearly {labels.names[clearest]}, not neutral; relax it and try again")
        self._shifts[self._watched], self._rests[self._watched] = shift_of(seen, labels.neutral), rests_of(faces)
        self._end(None)

    def _end(self, problem: str | None) -> None:
        self.progress, self.problem, self._samples = None, problem, []
