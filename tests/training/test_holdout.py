"""Data without a validation split get one: the same rows every time, of every class, no photo on both sides."""

from dataclasses import replace

import cv2
import numpy as np

from emojimation.training.data.dataset import Dataset
from emojimation.training.data.holdout import with_validation
from stripes import stripes


def unsplit(n: int = 210) -> Dataset:
    """Images as unlike each other as photos are, seven classes, all of them training rows."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (n, 7, 7)).astype(np.uint8)
    return Dataset.of(np.stack([cv2.resize(one, (48, 48), interpolation=2) for one in small]), np.arange(n) % 7)


def test_a_share_of_every_class_is_held_out_and_it_is_always_the_same() -> None:
    first, held = with_validation(unsplit())
    again, _ = with_validation(unsplit())
    assert (first.splits == again.splits).all() and held == (first.splits == "val").sum()
    assert 0.12 < held / len(first) < 0.18
    assert set(first.split("val").labels.tolist()) == set(first.split("train").labels.tolist()) == set(range(7))


def test_a_set_with_a_validation_split_or_no_training_rows_stays_as_it_is() -> None:
    for dataset in (stripes(), replace(stripes(), splits=np.full(210, "test"))):
        assert with_validation(dataset) == (dataset, 0)


def test_copies_of_a_photo_stay_on_one_side() -> None:
    rows = unsplit(70)
    images = np.concatenate([rows.images, rows.images, np.clip(rows.images * 0.9 + 10, 0, 255).astype(np.uint8)])
    tripled = Dataset.of(images, np.tile(rows.labels, 3))
    split, held = with_validation(tripled)
    sides = split.splits.reshape(3, 70)
    assert held and (sides == sides[0]).all()


def test_a_class_of_one_image_is_learned_from_and_not_judged() -> None:
    rows = unsplit(30)
    few = rows.take(np.r_[np.flatnonzero(rows.labels != 6), np.flatnonzero(rows.labels == 6)[:1]])
    split, _ = with_validation(few)
    assert 6 in split.split("train").labels and 6 not in split.split("val").labels
