"""Base rates learned from a stream's own answers: for one person's history, or a video of one mood."""

from typing import Any

import numpy as np

from emojimation.faces import Face
from emojimation.priors import FLOOR, Prior, reweighted
from emojimation.tracking.track import NOMINAL_STEP_S, Tracker

START_S = 7.0  # how many seconds of one person's answers the initial base rates count for
LONGEST_STEP_S = 1.0  # one answer counts no longer than this, however late the next frame is


class StreamRates:
    """Corrects each answer of a stream for an estimate of how common the emotions are in it: call it with each frame.

    The estimate is online EM for base rates (Saerens, Latinne and Decaestecker 2002, see `priors`): each answer adds
    its corrected probabilities, times the seconds since the previous frame, to the counts. It starts from the base
    rates that the answers come with, and no emotion falls below `FLOOR`, so that rare ones survive.

    start: (k,) base rates that the answers come with.
    """

    def __init__(self, start: np.ndarray) -> None:
        self._start = np.asarray(start, np.float64)
        self._counts = self._start * START_S
        self._time_s: float | None = None

    @property
    def shares(self) -> np.ndarray:
        """The estimate so far, (k,) float64, sum 1."""
        floored = np.maximum(self._counts / self._counts.sum(), FLOOR)
        return floored / floored.sum()

    def __call__(self, faces: list[Face], time_s: float | None = None) -> list[Face]:
        """The faces of the next frame, their answers corrected."""
        step_s, shares = self._step(time_s), self.shares
        return [self._corrected(face, shares, step_s) for face in faces]

    def _step(self, time_s: float | None) -> float:
        before, self._time_s = self._time_s, time_s
        if before is None or time_s is None or time_s <= before:
            return NOMINAL_STEP_S
        return min(time_s - before, LONGEST_STEP_S)

    def _corrected(self, face: Face, shares: np.ndarray, step_s: float) -> Face:
        if face.probabilities is None:
            return face
        answer = reweighted(face.probabilities, shares, self._start)
        self._counts += answer * step_s
        return face.with_(probabilities=answer)


class AdaptingTracker(Tracker):
    """A `Tracker` that corrects each answer with `rates` first. Cuts do not reset them: the video is the same.

    Other arguments are those of `Tracker`.
    """

    def __init__(self, rates: StreamRates, **options: Any) -> None:
        super().__init__(**options)
        self.rates = rates

    def update(self, faces: list[Face], time_s: float | None = None) -> list[Face]:
        """As `Tracker.update`, with the answers corrected."""
        return super().update(self.rates(faces, time_s), time_s)


def rates_for(prior: Prior | None) -> StreamRates | None:
    """What learns the base rates of a stream if these are its own, else None."""
    return StreamRates(prior.shares) if prior is not None and prior.learns and prior.shares is not None else None


def tracker_for(prior: Prior | None, **options: Any) -> Tracker:
    """The tracker for answers under these base rates: one that learns them if they are the stream's own. options: of
    `Tracker`."""
    rates = rates_for(prior)
    return Tracker(**options) if rates is None else AdaptingTracker(rates, **options)
