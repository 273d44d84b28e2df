"""Base rates: how common each emotion is where the images come from, and the correction for it.

A classifier assumes the mix of classes that it was trained on. FER2013 calls 17 % of its images neutral; among photos
of people, and in front of a camera, about half are. For another mix the probabilities are multiplied by
prior_new / prior_trained and divided by their sum (Saerens, Latinne and Decaestecker, "Adjusting the outputs of a
classifier to new a priori probabilities: a simple procedure", Neural Computation 14, 2002).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import CONTEMPT, EMOTIONS, LabelSet, emotion_of

# Rows of each emotion in FER2013's Training split, in the order of `EMOTIONS`.
FER2013_COUNTS = dict(zip(EMOTIONS, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True))
# A mild version of the mix that people assigned to 12,700 press photos of faces (accuracy there: 66.0 -> 87.5 %).
EVERYDAY = dict(zip(EMOTIONS, (0.06, 0.02, 0.05, 0.30, 0.10, 0.07, 0.40), strict=True)) | {CONTEMPT: 0.02}
NAMES = ("everyday", "fer2013", "uniform")
STREAM = "stream"  # the everyday ones at first, then those of the stream itself: see `tracking.adapt`
WORDS_SHOWN = 3
FLOOR = 0.01  # minimum share of a class in an estimate from a stream, so that rare emotions survive


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Base rates that answers are corrected for.

    name: as requested, or "own". shares: (k,) float64 that sum to 1, or None for those that the model was trained on.
    """

    name: str
    shares: np.ndarray | None = None

    @property
    def learns(self) -> bool:
        """Whether a stream's tracker replaces the shares by its own estimate."""
        return self.name == STREAM


def prior_of(asked: "str | Sequence[float] | Prior", labels: LabelSet) -> Prior:
    """The base rates `asked` for: one of `NAMES`, `STREAM`, a number of at least 0 for each class (or their
    text, separated by commas), or a `Prior`.

    "fer2013" are those of the training data: nothing is corrected. "everyday" corrects models whose classes are the
    emotions; for other classes the everyday mix is unknown, and nothing is corrected either. "stream" begins like
    "everyday". Raises InputError.
    """
    if isinstance(asked, Prior):
        return asked
    if isinstance(asked, str):
        numbers = _numbers(asked)
        if numbers is None:
            return _named(asked, labels)
        asked = numbers
    try:
        values = np.array(asked, np.float64)
    except (TypeError, ValueError):  # other objects than numbers
        values = np.empty(0)
    if values.shape != (len(labels),) or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise InputError(
            f"Expected a prior of {len(labels)} numbers of at least 0 ({', '.join(labels.names)}), got {asked!r}."
        )
    return Prior("own", values / values.sum())


def of_photos(asked: str) -> str:
    """The base rates for photos where `asked` holds for streams and photos alike: those that a stream begins with."""
    return "everyday" if asked == STREAM else asked


def _numbers(text: str) -> tuple[float, ...] | None:
    """The numbers of a text such as "0.1,0.2,0.7"; None for any other text."""
    try:
        return tuple(float(share) for share in text.split(",")) if "," in text else None
    except ValueError:
        return None


def _named(name: str, labels: LabelSet) -> Prior:
    if name not in (*NAMES, STREAM):
        names = ", ".join((*NAMES, STREAM))
        raise InputError(f"Expected the prior {names} or a number for each class, got {name!r}.")
    if name == "uniform":
        return Prior(name, np.full(len(labels), 1 / len(labels)))
    known = [emotion_of(one) or one for one in labels.names]
    if name == "fer2013" or not set(known) <= set(EVERYDAY):
        return Prior(name)
    shares = np.array([EVERYDAY[one] for one in known])
    return Prior(name, shares / shares.sum())


def words_of(prior: Prior, shares: dict[str, float] | None) -> str:
    """The base rates for people: the name and, if they were learned, the most common classes; shares: by class."""
    if not prior.learns or shares is None:
        return prior.name
    most = sorted(shares, key=lambda name: -shares[name])[:WORDS_SHOWN]
    return f"{prior.name} ({', '.join(f'{name} {shares[name]:.0%}' for name in most)})"


def trained_shares(labels: LabelSet, counts: Sequence[float] | None = None) -> np.ndarray | None:
    """Shares (k,) of the classes in the training data: from `counts`, else FER2013's; None if neither is known."""
    known = [emotion_of(one) for one in labels.names]
    if counts is None and all(known):
        counts = [FER2013_COUNTS[str(one)] for one in known]
    if counts is None or len(counts) != len(labels) or min(counts) <= 0:
        return None
    return np.array(counts, np.float64) / np.sum(counts)


def reweighted(probabilities: np.ndarray, new: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Probabilities (n,k) under the base rates `new` (k,) instead of `trained` (k,) -> (n,k) float32, rows sum to 1."""
    weighted = probabilities * (new / trained)
    return (weighted / np.maximum(weighted.sum(axis=-1, keepdims=True), 1e-12)).astype(np.float32)


def corrected(probabilities: np.ndarray, prior: Prior, trained: np.ndarray | None) -> np.ndarray:
    """Answers (n,k) under `prior`; unchanged if it is the training data's own, or if those, `trained`, are unknown."""
    shares = prior.shares
    return probabilities if shares is None or trained is None else reweighted(probabilities, shares, trained)


def estimated(probabilities: np.ndarray, start: np.ndarray, rounds: int = 100) -> np.ndarray:
    """Base rates (k,) of a stream from its answers (n,k) under the base rates `start` (k,): EM of the paper above.

    Each round corrects the answers by the estimate and takes their mean as the next one. No class falls below `FLOOR`.
    """
    shares = start
    for _ in range(rounds):
        mean = reweighted(probabilities, shares, start).mean(axis=0, dtype=np.float64)
        new = np.maximum(mean, FLOOR)
        new /= new.sum()
        if np.abs(new - shares).max() < 1e-5:
            return new
        shares = new
    return shares
