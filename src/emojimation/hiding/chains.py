"""Detections (finds) of one face over time: how they are linked, when they count as a face, smoothing, and size."""

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.faces import Face
from emojimation.labels import EMOTION_LABELS, LabelSet
from emojimation.tracking.blinks import Blinks
from emojimation.tracking.fading import Fading
from emojimation.tracking.people import sum_of

# A chain's score is the mean of its finds' scores over the best stretch of so many seconds and at least so many finds.
STRETCH_S, STRETCH_HITS = 0.2, 3
LONE_SCORE = 0.75  # minimum score of an isolated find
DENSE = 0.3  # share of the searched frames of the best stretch that must have a find
HELD_SCORE = 0.6  # minimum score of a chain that is held beyond its ends
# What is covered, and what is a person with a number and rows, is sure for a moment or less sure for long: (score,
# seconds, share of the searched frames with a find). Measured: docs/decisions.md.
COVERED = ((0.5, STRETCH_S, DENSE), (0.42, 1.0, 0.5))
PERSON = ((0.7, 0.4, 0.5), (0.6, 3.0, 0.5))
# Largest distance of a find from where the chain should be: in face sizes, plus more per second.
REACH, REACH_PER_S = 0.6, 1.6
SIZE_RATIO = 2.2
VELOCITY_S = 0.25  # over which the velocity at a chain's end is measured
SMOOTH_BOX_S, SMOOTH_CLASSES_S = 0.06, 0.3
SIZE_HOLD_S = 0.5  # a cover is as large as the face was within this time: half a face gets half a box
_BOX, _MARKS, _SCORE, _CLASSES = (
    slice(0, 4),
    slice(4, 14),
    14,
    15,
)  # columns of a find; then the probabilities and attributes


@dataclass(slots=True, eq=False)
class Chain:
    """The finds of one face over time, packed: a video of hours must fit into memory.

    from_s, until_s: cuts before and after it, across which it is not held. number: of the person, None for a chain that
    is not one. held: whether it is covered beyond its ends. growth: (n,) of the covers beyond the finds' own sizes.
    attributes: names of those that the finds have. appearance: sum of the finds' vectors, None if there are none.
    """

    times: array = field(default_factory=lambda: array("d"))
    packed: array = field(default_factory=lambda: array("f"))
    marks: bool = True
    width: int = 0
    labels: LabelSet = EMOTION_LABELS
    attributes: tuple[str, ...] = ()
    number: int | None = None
    held: bool = False
    from_s: float = -math.inf
    until_s: float = math.inf
    growth: np.ndarray = field(default_factory=lambda: np.ones(0))
    appearance: np.ndarray | None = None

    def add(self, time_s: float, face: Face) -> None:
        """Add the find of a frame, later than all before it."""
        self.times.append(time_s)
        self.marks &= face.landmarks is not None
        self.labels = face.labels
        landmarks = np.zeros(10) if face.landmarks is None else face.landmarks.ravel()
        probabilities = np.full(len(face.labels.names), np.nan) if face.probabilities is None else face.probabilities
        self.attributes = tuple(face.attributes)
        measured = (value for values in face.attributes.values() for value in values)
        row = [float(v) for v in (*face.xyxy, *landmarks, face.score, *probabilities, *measured)]
        self.width = len(row)
        self.packed.extend(row)
        self.appearance = sum_of(self.appearance, face.appearance)

    def columns(self) -> dict[str, slice]:
        """Attribute -> its columns of a find."""
        start, found = _CLASSES + len(self.labels.names), {}
        for name in self.attributes:
            found[name] = slice(start, start + len(ATTRIBUTES[name].columns))
            start = found[name].stop
        return found

    def count_blinks(self) -> None:
        """Append the attribute "blinks" to finds with a mesh, as a tracker does; before smoothing."""
        if "mesh" not in self.attributes:
            return
        blinks, steps = Blinks(), np.diff(np.frombuffer(self.times, np.float64), prepend=self.times[0])
        values, mesh = self.values(), self.columns()["mesh"]
        counted = [blinks(row[mesh], step) for row, step in zip(values, steps, strict=True)]
        rows = np.hstack([values, counted]).astype(np.float32)
        self.packed, self.width = array("f", rows.ravel().tobytes()), rows.shape[1]
        self.attributes = (*self.attributes, "blinks")

    def fade(self) -> None:
        """Keep what a mesh said for a moment after it was lost, as a tracker does; in place, before smoothing."""
        if "mesh" not in self.attributes:
            return
        fading, steps = Fading(), np.diff(np.frombuffer(self.times, np.float64), prepend=self.times[0])
        columns = self.columns()
        for row, step in zip(self.values(), steps, strict=True):
            for name, values in fading({name: row[part] for name, part in columns.items()}, float(step)).items():
                row[columns[name]] = values

    def values(self) -> np.ndarray:
        """(n,15+k+a) float32 without a copy: box, landmarks, score, probabilities, attributes."""
        return np.frombuffer(self.packed, np.float32).reshape(-1, self.width)

    def last(self) -> np.ndarray:
        """The last find's row."""
        return np.array(self.packed[-self.width :])

    def face(self, row: np.ndarray, threshold: float) -> Face:
        """The face that a row of `values` describes."""
        probabilities: Any = row[_CLASSES : _CLASSES + len(self.labels.names)]
        return Face(
            xyxy=row[_BOX].copy(),
            score=float(row[_SCORE]),
            landmarks=row[_MARKS].reshape(5, 2).copy() if self.marks else None,
            probabilities=None if np.isnan(probabilities).any() else probabilities / probabilities.sum(),
            track_id=self.number,
            threshold=threshold,
            labels=self.labels,
            attributes={name: row[part].astype(np.float32) for name, part in self.columns().items()},
        )

    def overlaps(self, other: "Chain") -> bool:
        """Whether both were visible at the same time."""
        return self.times[0] <= other.times[-1] and other.times[0] <= self.times[-1]


def score_of(chain: Chain, frame_times: np.ndarray, stretch_s: float = STRETCH_S, dense: float = DENSE) -> float:
    """The chain's score: mean over its best stretch of `stretch_s`, 0 if finds are too few or too far apart.

    frame_times: (m,) seconds of all searched frames, increasing. A weak find stays weak, however often it is
    repeated.
    """
    times, scores = np.frombuffer(chain.times, np.float64), chain.values()[:, _SCORE].astype(np.float64)
    if len(times) < STRETCH_HITS:
        return float(scores.max()) if scores.max() >= LONE_SCORE and stretch_s <= STRETCH_S else 0.0
    first = np.arange(len(times))
    ends = np.maximum(np.searchsorted(times, times + stretch_s - 1e-6, "left") + 1, first + STRETCH_HITS)
    whole = ends <= len(times)
    if not whole.any() and stretch_s > STRETCH_S:
        return 0.0
    first, ends = (first[whole], ends[whole]) if whole.any() else (first[:1], np.array([len(times)]))
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    searched = np.searchsorted(frame_times, times[ends - 1], "right") - np.searchsorted(frame_times, times[first])
    means = (sums[ends] - sums[first]) / (ends - first)
    return float(max(means[ends - first >= dense * searched], default=0.0))


def reaches(chain: Chain, frame_times: np.ndarray, rules: tuple[tuple[float, float, float], ...]) -> bool:
    """Whether a chain reaches one of the rules; in a video shorter than a rule's stretch, its whole length will do."""
    length_s = float(frame_times[-1] - frame_times[0])
    return any(score_of(chain, frame_times, min(s, length_s), dense) >= score for score, s, dense in rules)


def distance_to(chain: Chain, time_s: float, face: Face) -> float:
    """How far a find is from the chain, 1 at the limit; the nearer of where it was and where it should be now."""
    last = chain.last()
    side, gap_s = max(side_of(last), face.size_px), time_s - chain.times[-1]
    if side > SIZE_RATIO * min(side_of(last), face.size_px):
        return math.inf
    velocity = velocity_at(chain.times, chain.values(), -1)
    centre = centre_of(face.xyxy)
    apart = min(
        float(np.linalg.norm(centre - centre_of(last[:4]))),
        float(np.linalg.norm(centre - centre_of(last[:4]) - velocity * gap_s)),
    )
    return apart / (side * (REACH + REACH_PER_S * gap_s))


def velocity_at(times: array, values: np.ndarray, end: int) -> np.ndarray:
    """Mean velocity (2,) in pixels per second over `VELOCITY_S` at the first (0) or last (-1) find of a chain."""
    if end == 0:
        other = min(bisect_left(times, times[0] + VELOCITY_S), len(times) - 1)
    else:
        other = max(bisect_left(times, times[-1] - VELOCITY_S) - 1, 0)
    span = times[end] - times[other]
    return np.zeros(2) if abs(span) < 1e-6 else (centre_of(values[end][:4]) - centre_of(values[other][:4])) / span


def smooth(chain: Chain) -> None:
    """Smooth boxes, landmarks, probabilities and attributes in place, forwards and backwards: nothing lags behind."""
    values = chain.values()  # shares the chain's memory
    steps = np.diff(np.frombuffer(chain.times, np.float64))
    classes = slice(_CLASSES, _CLASSES + len(chain.labels.names))
    measured = [(part, ATTRIBUTES[name].memory_s) for name, part in chain.columns().items()]
    for columns, memory_s in ((slice(0, 14), SMOOTH_BOX_S), (classes, SMOOTH_CLASSES_S), *measured):
        if memory_s <= 0:
            continue
        keep = np.exp(-steps / memory_s)
        part = values[:, columns].astype(np.float64)
        known = np.asarray(np.isfinite(part).all(axis=1))
        keep = keep * (known[1:] & known[:-1])  # nothing is smoothed across unknown values
        part, unknown = np.where(known[:, None], part, 0), part[~known]
        forwards, backwards = part.copy(), part.copy()
        for i in range(1, len(part)):
            forwards[i] += keep[i - 1] * (forwards[i - 1] - part[i])
        for i in range(len(part) - 2, -1, -1):
            backwards[i] += keep[i] * (backwards[i + 1] - part[i])
        values[:, columns] = (forwards + backwards) / 2
        values[~known, columns] = unknown


def hold_sizes(chains: list[Chain]) -> None:
    """Set `growth` of all chains: to the second largest find of the chain within `SIZE_HOLD_S`.

    A face that goes behind something, or turns, is detected smaller and off centre before it is lost. The largest find
    alone may be a false positive.
    """
    for chain in chains:
        times, boxes = np.frombuffer(chain.times, np.float64), chain.values()[:, :4]
        side = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1e-6)
        starts, ends = np.searchsorted(times, times - SIZE_HOLD_S), np.searchsorted(times, times + SIZE_HOLD_S, "right")
        known = [np.sort(side[start:end])[-2:][0] for start, end in zip(starts, ends, strict=True)]
        chain.growth = np.clip(np.array(known) / side, 1.0, SIZE_RATIO)


def centre_of(xyxy: np.ndarray) -> np.ndarray:
    """Centre (2,) of a box."""
    return (xyxy[:2] + xyxy[2:4]) / 2


def side_of(row: np.ndarray) -> float:
    """Longer side of a find's box."""
    return float(max(row[2] - row[0], row[3] - row[1]))
