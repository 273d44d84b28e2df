"""A validation split for data without one, such as a user's own folder of images: the same rows every time."""

from dataclasses import replace

import numpy as np

from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import identical_ids, near_ids

SHARE = 0.15
# Comparing all pairs is quick up to FER2013's size; beyond, only identical images are kept together.
COMPARED = 60_000


def with_validation(dataset: Dataset, share: float = SHARE) -> tuple[Dataset, int]:
    """The data set with a part of its training rows as "val", and how many those are; unchanged and 0 if it has "val".

    About `share` of each class is taken, by chance with a fixed seed, and at least one row of a class that has two.
    Images of one photo (identical or near duplicates) stay in one split, or validation would include training data.
    """
    if "val" in dataset.splits_present or "train" not in dataset.splits_present:
        return dataset, 0
    train = np.flatnonzero(dataset.splits == "train")
    held = train[_held(dataset.images[train], dataset.labels[train], share)]
    splits = dataset.splits.copy()
    splits[held] = "val"
    return replace(dataset, splits=splits), len(held)


def _held(images: np.ndarray, labels: np.ndarray, share: float) -> np.ndarray:
    ids = identical_ids(images)
    if len(images) <= COMPARED:
        ids, _ = near_ids(images, ids)
    groups = [rows for _, rows in sorted(_by_group(ids).items())]
    shuffled = [groups[i] for i in np.random.default_rng(0).permutation(len(groups))]
    left, held = np.bincount(labels), np.zeros(len(labels), bool)
    wanted = np.maximum(np.round(share * left), left > 1)
    # Small groups first: one photo in many copies would be most of the validation split.
    for rows in sorted(shuffled, key=len):
        counts = np.bincount(labels[rows], minlength=len(left))
        mine = counts > 0
        if (wanted[mine] > 0).all() and (left - counts)[mine].min() >= 1:
            wanted, left = wanted - counts, left - counts
            held[rows] = True
    return np.flatnonzero(held)


def _by_group(ids: np.ndarray) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = {}
    for row, group in enumerate(ids.tolist()):
        rows.setdefault(group, []).append(row)
    return rows
