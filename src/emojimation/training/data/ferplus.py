"""The votes of FER+ (Barsoum et al. 2016): ten people per image, eight emotions, "unknown" and "NF" (no face).

Everywhere: votes (n,10) uint8 in the order of `labels.FERPLUS_COLUMNS`; class ids are indices into `EIGHT`, whose first
seven are `EMOTIONS`, and -1 stands for none.
"""

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import CONTEMPT, EMOTIONS, FERPLUS_COLUMNS, FERPLUS_LABELS, FERPLUS_TO_EMOTION
from emojimation.training.data.dataset import Dataset

EIGHT = FERPLUS_LABELS.names
_OURS = {**FERPLUS_TO_EMOTION, CONTEMPT: CONTEMPT}
_IDS = np.array([EIGHT.index(_OURS[column]) if column in _OURS else -1 for column in FERPLUS_COLUMNS])
_COLUMNS = np.argsort(_IDS)[-len(EIGHT) :]

CLEAR_RULE = (
    "FER+ seven-emotion majority, our own rule: images where one of the seven emotions has more than half of all ten "
    "FER+ votes; majorities for contempt, unknown or not-a-face, and images without a majority, are left out"
)
PUBLISHED_RULE = (
    "FER+ 8-class majority, the rule of its authors: single votes are dropped, then one of eight emotions needs more "
    "than half of the rest; majorities for unknown or not-a-face, and images without a majority, are left out; "
    "contempt is always an error for a model that does not have this class"
)


def clear_majority(votes: np.ndarray) -> np.ndarray:
    """Class ids (n,) by `CLEAR_RULE`, -1 where the image is left out."""
    ids = _majority(votes)
    return np.where(ids < len(EMOTIONS), ids, -1)


def published_majority(votes: np.ndarray) -> np.ndarray:
    """Class ids (n,) by `PUBLISHED_RULE`, -1 where the image is left out."""
    return _majority(without_single_votes(votes))


def without_single_votes(votes: np.ndarray) -> np.ndarray:
    """The votes with every 1 set to 0: a single voter counts as an outlier, as for FER+'s authors."""
    return np.where(votes > 1, votes, 0)


def _majority(votes: np.ndarray) -> np.ndarray:
    return np.where(2 * votes.max(1).astype(np.int64) > votes.sum(1), _IDS[votes.argmax(1)], -1)


def first(votes: np.ndarray) -> np.ndarray:
    """Class ids (n,) of what has most votes, the first of equals; -1 for unknown, no face, or no votes at all."""
    return np.where(votes.any(1), _IDS[votes.argmax(1)], -1)


def shares(votes: np.ndarray, classes: int = len(EMOTIONS)) -> np.ndarray:
    """Share of each of the first `classes` of `EIGHT`, (n,classes) float32; all zero where none of them has a vote."""
    chosen = votes[:, _COLUMNS[:classes]].astype(np.float32)
    return chosen / np.maximum(chosen.sum(1, keepdims=True), 1)


def distribution(votes: np.ndarray) -> np.ndarray:
    """Share of each of the ten columns, (n,10) float32; rows without any vote are "NF"."""
    votes = votes.astype(np.float32)
    votes[votes.sum(1) == 0, FERPLUS_COLUMNS.index("NF")] = 1
    return votes / votes.sum(1, keepdims=True)


def not_faces(votes: np.ndarray) -> np.ndarray:
    """(n,) bool: at least half of the voters said that the image shows no face."""
    return votes[:, FERPLUS_COLUMNS.index("NF")] * 2 >= np.maximum(votes.sum(axis=1), 1)


def votes_of(rows: Dataset) -> np.ndarray | None:
    """The votes where there are any and the classes are the seven emotions or `EIGHT`, which alone they speak of."""
    known = rows.class_names in (EMOTIONS, EIGHT) and rows.votes is not None and rows.votes.any()
    return rows.votes if known else None


def in_classes(dataset: Dataset, names: tuple[str, ...]) -> Dataset:
    """The data set with the classes `names`; FER2013's seven become `eight_classes` where these are asked for.

    InputError where it has rows of other classes, or FER+'s eight are asked for and there are no votes.
    """
    asked_for_votes = names == EIGHT and dataset.class_names == EMOTIONS
    return eight_classes(dataset) if asked_for_votes else dataset.with_classes(names)


def eight_classes(dataset: Dataset) -> Dataset:
    """The data set labelled by its FER+ votes with the classes `EIGHT`, as FER+'s authors train and test.

    Training rows get what most voters say; those of unknown and no face are left out. Validation and test rows are
    those of `PUBLISHED_RULE`. Raises InputError where there are no votes.
    """
    votes = votes_of(dataset)
    if votes is None:
        raise InputError(f"Expected FER+ votes to label {dataset.source} with, got none: add --ferplus fer2013new.csv.")
    ids = np.where(dataset.splits == "train", first(without_single_votes(votes)), published_majority(votes))
    kept = np.flatnonzero(ids >= 0)
    return Dataset.of(
        dataset.images[kept], ids[kept], dataset.splits[kept], dataset.names[kept], votes[kept], EIGHT, dataset.source
    )
