"""A data set that a network can learn in seconds: the class is where a bright patch lies."""

import numpy as np

from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, FERPLUS_TO_EMOTION
from emojimation.training.dataset import Dataset

TINY = {"widths": (4, 8), "depths": (2, 2)}  # options that make vgg_se a net of 3,000 weights


def patches(n: int = 140, seed: int = 3) -> Dataset:
    """`n` noisy pictures, a bright 14 px square at one of seven places by class, FER+ votes that agree with the label."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, 48, 48), dtype=np.uint8)
    labels = np.arange(n) % 7
    for image, label in zip(images, labels, strict=True):
        y, x = divmod(int(label), 3)
        image[2 + 15 * y : 16 + 15 * y, 2 + 15 * x : 16 + 15 * x] += 150
    column = {EMOTIONS.index(e): FERPLUS_COLUMNS.index(c) for c, e in FERPLUS_TO_EMOTION.items()}
    votes = np.zeros((n, 10), np.uint8)
    votes[np.arange(n), [column[int(y)] for y in labels]] = 8
    votes[:, FERPLUS_COLUMNS.index("unknown")] += 2
    splits = np.where(np.arange(n) < n * 0.7, "train", np.where(np.arange(n) < n * 0.85, "val", "test"))
    return Dataset.of(images, labels, splits, votes=votes, source="patches")
