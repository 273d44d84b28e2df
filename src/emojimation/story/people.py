"""One person in a video: the time series of a track, and statistics about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from emojimation.labels import EMOTION_LABELS, LabelSet

NOT_SURE = "not sure"
MAX_GAP_S = 1.0  # a person not seen for longer was away
MIN_SPAN_S = 0.4  # shorter flickers of a label are not reported
PEAKS = 6  # per person
PEAK_WIDTH = 0.02  # moments within this margin of the strongest count as equal; the middle one shows more than an edge


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, seconds, in which a person's label (an emotion or "not sure") stayed; strength: its mean
    probability; for "not sure" that of the most probable emotion."""

    start_s: float
    end_s: float
    label: str
    strength: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The strongest moment of an emotion other than neutral within one span. frame: as in the rows. xyxy: face box."""

    time_s: float
    frame: int
    emotion: str
    probability: float
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """The series of one track, n rows in chronological order.

    times_s: (n,) seconds. frames: (n,) ints. probabilities: (n,k). named: (n,) bool, whether the answer names a class,
    surely or leaning to it. boxes: (n,4) xyxy pixels. classes: those of the probabilities. measured: column, such as
    "pose_yaw" -> (n,), see `story.measured`.
    """

    track_id: int
    times_s: np.ndarray
    frames: np.ndarray
    probabilities: np.ndarray
    named: np.ndarray
    boxes: np.ndarray
    classes: LabelSet = EMOTION_LABELS
    measured: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def step_s(self) -> float:
        """The usual time between two rows."""
        steps = np.diff(self.times_s)
        steps = steps[steps <= MAX_GAP_S]
        return float(np.median(steps)) if len(steps) else 1 / 25

    @property
    def weights_s(self) -> np.ndarray:
        """(n,) how many seconds each row represents: until the next one, or the usual step before an absence."""
        steps = np.append(np.diff(self.times_s), np.inf)
        return np.where(steps <= MAX_GAP_S, steps, self.step_s)

    @property
    def seen_s(self) -> float:
        """For how long the person was visible."""
        return float(self.weights_s.sum())

    @property
    def labels(self) -> np.ndarray:
        """(n,) indices into `words`."""
        return np.where(self.named, self.probabilities.argmax(axis=1), len(self.classes))

    @property
    def words(self) -> tuple[str, ...]:
        """Names of the labels: the classes, then "not sure"."""
        return (*self.classes.names, NOT_SURE)

    def shares(self) -> dict[str, float]:
        """Share of the time seen, 0 to 1, that each label held; they sum to 1."""
        seconds = np.bincount(self.labels, weights=self.weights_s, minlength=len(self.words))
        return {label: float(s) for label, s in zip(self.words, seconds / seconds.sum(), strict=True)}

    def mean_probabilities(self) -> dict[str, float]:
        """Mean probability over the time seen of each emotion."""
        mean = np.average(self.probabilities, axis=0, weights=self.weights_s)
        return {name: float(p) for name, p in zip(self.classes.names, mean, strict=True)}

    def spans(self, min_s: float = MIN_SPAN_S) -> list[Span]:
        """Stretches of one label, in order; those under `min_s` join the longer neighbour. Absences end them."""
        weights_s = self.weights_s
        return [self._span(start, end, label, weights_s[start:end]) for start, end, label in self._runs(min_s)]

    def changes(self, min_s: float = MIN_SPAN_S) -> list[tuple[float, str, str]]:
        """(time in seconds, label before, label after) wherever one span follows another without an absence."""
        spans = self.spans(min_s)
        return [
            (after.start_s, before.label, after.label)
            for before, after in pairwise(spans)
            if after.start_s == before.end_s
        ]

    def peaks(self, count: int = PEAKS) -> list[Peak]:
        """The strongest moments, at most one per span and `count` in all, in chronological order.

        The best of each emotion comes before the second best of another, so that rare ones are not crowded out.
        """
        dull = (self.classes.neutral, len(self.classes))
        best = [self._peak(*run) for run in self._runs(MIN_SPAN_S) if run[2] not in dull]
        best.sort(key=lambda peak: -peak.probability)
        rank = {id(peak): sum(other.emotion == peak.emotion for other in best[:i]) for i, peak in enumerate(best)}
        chosen = sorted(best, key=lambda peak: (rank[id(peak)], -peak.probability))[:count]
        return sorted(chosen, key=lambda peak: peak.time_s)

    def _peak(self, start: int, end: int, label: int) -> Peak:
        strengths = self.probabilities[start:end, label]
        best = np.flatnonzero(strengths >= strengths.max() - PEAK_WIDTH)
        row = start + int(best[len(best) // 2])
        x0, y0, x1, y1 = (float(v) for v in self.boxes[row])
        probability = float(self.probabilities[row, label])
        return Peak(float(self.times_s[row]), int(self.frames[row]), self.words[label], probability, (x0, y0, x1, y1))

    def _span(self, start: int, end: int, label: int, weights_s: np.ndarray) -> Span:
        strengths = self.probabilities[start:end]
        strengths = strengths[:, label] if label < len(self.classes) else strengths.max(axis=1)
        end_s = float(self.times_s[end - 1] + weights_s[-1])
        if end < len(self.times_s) and self.times_s[end] - self.times_s[end - 1] <= MAX_GAP_S:
            end_s = float(
                self.times_s[end]
            )  # exact, so that a span that follows without an absence can be recognised by it
        return Span(
            float(self.times_s[start]), end_s, self.words[label], float(np.average(strengths, weights=weights_s))
        )

    def _runs(self, min_s: float) -> list[tuple[int, int, int]]:
        """(first row, row after the last, label) of each span."""
        away = np.flatnonzero(np.diff(self.times_s) > MAX_GAP_S) + 1
        bounds = [0, *away, len(self.times_s)]
        labels, weights_s, runs = self.labels, self.weights_s, []
        for start, end in pairwise(bounds):
            runs += _merged(labels[start:end], weights_s[start:end], min_s, start)
        return runs


def _merged(labels: np.ndarray, weights_s: np.ndarray, min_s: float, offset: int) -> list[tuple[int, int, int]]:
    """Runs of equal labels, where each run that is too short takes the label of its longer neighbour."""
    starts = [0, *(np.flatnonzero(np.diff(labels)) + 1)]
    runs = [[int(s), int(e), int(labels[s])] for s, e in zip(starts, [*starts[1:], len(labels)], strict=True)]
    until = np.append(0, np.cumsum(weights_s))
    lengths = [float(until[end] - until[start]) for start, end, _ in runs]
    while len(runs) > 1 and min(lengths) < min_s:
        short = lengths.index(min(lengths))
        beside = [i for i in (short - 1, short + 1) if 0 <= i < len(runs)]
        runs[short][2] = runs[max(beside, key=lengths.__getitem__)][2]
        for i in (short, short - 1):
            _join(runs, lengths, i)
    return [(start + offset, end + offset, label) for start, end, label in runs]


def _join(runs: list[list[int]], lengths: list[float], i: int) -> None:
    """Merge the i-th run with the next, if both exist and their labels agree."""
    if 0 <= i < len(runs) - 1 and runs[i][2] == runs[i + 1][2]:
        runs[i][1] = runs.pop(i + 1)[1]
        lengths[i] += lengths.pop(i + 1)
