"""A tracker that learns the base rates of its own stream: for one person's history, or a video of one mood."""

import numpy as np

from emojimation.faces import Face
from emojimation.priors import FLOOR, reweighted
from emojimation.tracking.track import Tracker

START_WEIGHT = 200  # how many answers of the stream the initial base rates count for


class AdaptingTracker(Tracker):
    """A `Tracker` that corrects each answer for an estimate of how common the emotions are in this stream.

    The estimate is online EM for base rates (Saerens, Latinne and Decaestecker 2002, see `priors`): each answer adds
    its corrected probabilities to the counts. It starts from the base rates that the answers come with, and no emotion
    falls below `FLOOR`, so that rare ones survive.

    start: (k,) base rates that the answers come with. Other arguments are those of `Tracker`.
    """

    def __init__(self, start: np.ndarray, **options: float) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._start = np.asarray(start, np.float64)
        self._counts = self._start * START_WEIGHT

    @property
    def shares(self) -> np.ndarray:
        """The estimate so far, (k,) float64, sum 1."""
        floored = np.maximum(self._counts / self._counts.sum(), FLOOR)
        return floored / floored.sum()

    def update(self, faces: list[Face], time_s: float | None = None) -> list[Face]:
        """As `Tracker.update`, with the answers corrected."""
        return super().update([self._adapted(face) for face in faces], time_s)

    def _adapted(self, face: Face) -> Face:
        if face.probabilities is None:
            return face
        answer = reweighted(face.probabilities, self.shares, self._start)
        self._counts += answer
        return face.with_(probabilities=answer)
