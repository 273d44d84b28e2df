"""Finds of one face over time: how they are linked, smoothed, and how large the face is when only half of it is found."""

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np

from emojimation.faces import Face

GAP_S = 1.0
SURE_SCORE, SURE_HITS = 0.6, 3  # a chain with either is a person; only people come into the rows
WEAK_HOLD_S = 0.2  # of a chain that is a single doubtful find
# A find belongs to a chain when it is no farther from where the chain should be: in face sizes, and more per second.
REACH, REACH_PER_S = 0.6, 1.6
SIZE_RATIO = 2.2
VELOCITY_S = 0.25  # over which the velocity at a chain's end is taken
SMOOTH_BOX_S, SMOOTH_LOOK_S = 0.06, 0.3
SIZE_HOLD_S = 0.5  # a cover is as large as the largest find close by within this time: half a face gets half a box
_WIDTH = 22  # numbers of a find: box 4, landmarks 10, probabilities 7, score 1


@dataclass(slots=True, eq=False)
class Chain:
    """The finds of one face over time, packed: a film of hours must fit into memory."""

    times: array = field(default_factory=lambda: array("d"))
    packed: array = field(default_factory=lambda: array("f"))
    marks: bool = True
    number: int | None = None
    growth: np.ndarray = field(default_factory=lambda: np.ones(0))  # (n,) of the covers beyond the finds' own sizes

    def add(self, time_s: float, face: Face) -> None:
        self.times.append(time_s)
        self.marks &= face.landmarks is not None
        landmarks = np.zeros(10) if face.landmarks is None else face.landmarks.ravel()
        look = np.full(7, np.nan) if face.probabilities is None else face.probabilities
        self.packed.extend(float(v) for v in (*face.xyxy, *landmarks, *look, face.score))

    def values(self) -> np.ndarray:
        """(n,22) float32, without a copy."""
        return np.frombuffer(self.packed, np.float32).reshape(-1, _WIDTH)

    @property
    def sure(self) -> bool:
        return len(self.times) >= SURE_HITS or float(self.values()[:, -1].max()) >= SURE_SCORE

    @property
    def hold_s(self) -> float:
        return GAP_S if self.sure else WEAK_HOLD_S

    def last(self) -> np.ndarray:
        return np.array(self.packed[-_WIDTH:])


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
    """Mean velocity (2,) in pixels a second over `VELOCITY_S` at the first (0) or last (-1) find of a chain."""
    if end == 0:
        other = min(bisect_left(times, times[0] + VELOCITY_S), len(times) - 1)
    else:
        other = max(bisect_left(times, times[-1] - VELOCITY_S) - 1, 0)
    span = times[end] - times[other]
    return np.zeros(2) if abs(span) < 1e-6 else (centre_of(values[end][:4]) - centre_of(values[other][:4])) / span


def smooth(chain: Chain) -> None:
    """Smooth boxes, landmarks and looks in place, forwards and backwards, so that nothing lags behind."""
    values = chain.values()  # shares the chain's memory
    steps = np.diff(np.frombuffer(chain.times, np.float64))
    for columns, memory_s in ((slice(0, 14), SMOOTH_BOX_S), (slice(14, 21), SMOOTH_LOOK_S)):
        keep = np.exp(-steps / memory_s)
        part = values[:, columns].astype(np.float64)
        forwards, backwards = part.copy(), part.copy()
        for i in range(1, len(part)):
            forwards[i] += keep[i - 1] * (forwards[i - 1] - part[i])
        for i in range(len(part) - 2, -1, -1):
            backwards[i] += keep[i] * (backwards[i + 1] - part[i])
        values[:, columns] = (forwards + backwards) / 2


def hold_sizes(chains: list[Chain]) -> None:
    """Set `growth` of all chains: to the largest find, of any chain, not farther than its side and `SIZE_HOLD_S` away.

    A face that goes behind something, or turns, is found smaller and off its centre before it is lost.
    """
    times = np.concatenate([np.frombuffer(chain.times, np.float64) for chain in chains] or [np.zeros(0)])
    boxes = np.concatenate([chain.values()[:, :4] for chain in chains] or [np.zeros((0, 4))])
    order = np.argsort(times, kind="stable")
    growth = np.ones(len(times))
    at, box = times[order], boxes[order]
    middle, side = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).max(axis=1, initial=0)
    starts, ends = np.searchsorted(at, at - SIZE_HOLD_S), np.searchsorted(at, at + SIZE_HOLD_S, "right")
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        near = np.hypot(*(middle[start:end] - middle[i]).T) <= side[start:end]
        growth[order[i]] = min(max(1.0, side[start:end][near].max(initial=0) / max(side[i], 1e-6)), SIZE_RATIO)
    for chain, part in zip(chains, np.split(growth, np.cumsum([len(c.times) for c in chains])[:-1]), strict=False):
        chain.growth = part


def centre_of(xyxy: np.ndarray) -> np.ndarray:
    return (xyxy[:2] + xyxy[2:4]) / 2


def side_of(row: np.ndarray) -> float:
    return float(max(row[2] - row[0], row[3] - row[1]))
