"""Validation splits and folds for data without them, such as a user's own images: the same rows every time."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from emojimation.errors import InputError
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import group_ids, identical_ids, near_ids
from emojimation.training.data.groups import groups_by

SHARE = 0.15
# Comparing all pairs is quick up to FER2013's size; beyond, only identical images are kept together.
COMPARED = 60_000


def with_validation(dataset: Dataset, share: float = SHARE, group_by: str | None = None) -> tuple[Dataset, int]:
    """The data set with a part of its training rows as "val", and how many those are; unchanged and 0 if it has "val".

    About `share` of each class is taken, by chance with a fixed seed, and at least one row of a class that has two.
    Images of one photo (identical or near duplicates) stay in one split, or validation would include training data; so
    do those that `group_by` puts together, see `groups.groups_by`.
    """
    if "val" in dataset.splits_present or "train" not in dataset.splits_present:
        return dataset, 0
    train = np.flatnonzero(dataset.splits == "train")
    held = train[_held(_together(dataset.take(train), group_by), dataset.labels[train], share)]
    if not len(held):
        raise InputError(
            f"Expected images that can be held out for validation, got too few groups in {dataset.source}: add a "
            "folder val, or group the images in another way."
        )
    splits = dataset.splits.copy()
    splits[held] = "val"
    return replace(dataset, splits=splits), len(held)


def folds(dataset: Dataset, count: int, group_by: str | None = None) -> Iterator[Dataset]:
    """The data set `count` times, each time with another part of its rows as "val" and the others as "train".

    Rows of "test" stay. Groups stay whole as in `with_validation`; each goes, large ones first, to the fold that has
    fewest images of its classes. Raises InputError where there are fewer groups than folds.
    """
    rows = np.flatnonzero(dataset.splits != "test")
    fold = np.full(len(dataset), -1)
    fold[rows] = _spread(_groups(_together(dataset.take(rows), group_by)), dataset.labels[rows], count)
    for number in range(count):
        splits = np.where(fold == number, "val", np.where(fold < 0, dataset.splits, "train"))
        yield replace(dataset, splits=splits.astype("<U5"))


def _spread(groups: list[list[int]], labels: np.ndarray, count: int) -> np.ndarray:
    if len(groups) < count:
        raise InputError(f"Expected at least as many groups as folds, got {len(groups)} groups for {count} folds.")
    shares = 1 / np.maximum(np.bincount(labels), 1)
    filled = np.zeros((count, len(shares)))
    fold = np.zeros(len(labels), np.int64)
    shuffled = [groups[i] for i in np.random.default_rng(0).permutation(len(groups))]
    for rows in sorted(shuffled, key=len, reverse=True):
        mine = np.bincount(labels[rows], minlength=len(shares)) * shares
        chosen = int((filled @ mine + 1e-6 * filled.sum(1)).argmin())
        filled[chosen] += mine
        fold[rows] = chosen
    return fold


def _together(dataset: Dataset, group_by: str | None) -> np.ndarray:
    """For each row the group, (n,) int64, of which no part may be held out alone."""
    ids = identical_ids(dataset.images)
    if len(dataset) <= COMPARED:
        ids, _ = near_ids(dataset.images, ids)
    if group_by is None:
        return ids
    rows = np.arange(len(ids))
    named = groups_by(group_by, dataset.names.tolist(), dataset.class_names)
    return group_ids(len(ids), np.concatenate([np.stack([ids, rows], 1), np.stack([named, rows], 1)]))


def _held(ids: np.ndarray, labels: np.ndarray, share: float) -> np.ndarray:
    groups = _groups(ids)
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


def _groups(ids: np.ndarray) -> list[list[int]]:
    """The rows of each group, in the order of the groups."""
    rows: dict[int, list[int]] = {}
    for row, group in enumerate(ids.tolist()):
        rows.setdefault(group, []).append(row)
    return [rows for _, rows in sorted(rows.items())]
