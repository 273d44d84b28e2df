"""A data set that a network can learn in seconds: the class is the direction of stripes."""

import numpy as np

from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, FERPLUS_TO_EMOTION
from emojimation.training.data.dataset import Dataset

TINY = {"widths": (6, 8), "depths": (2, 2)}  # options that make vgg_se a net of 3,000 weights


def stripes(n: int = 210, seed: int = 3) -> Dataset:
    """`n` noisy images of stripes at k * 180/7 degrees for class k, with FER+ votes that agree with the label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 7
    y, x = np.mgrid[:48, :48]
    angle, phase = np.pi * labels / 7, rng.uniform(0, 2 * np.pi, n)
    along = x * np.cos(angle)[:, None, None] + y * np.sin(angle)[:, None, None]
    waves = 127 + 80 * np.sin(along + phase[:, None, None]) + rng.normal(0, 10, (n, 48, 48))
    column = {EMOTIONS.index(e): FERPLUS_COLUMNS.index(c) for c, e in FERPLUS_TO_EMOTION.items()}
    votes = np.zeros((n, 10), np.uint8)
    votes[np.arange(n), [column[int(k)] for k in labels]] = 8
    votes[:, FERPLUS_COLUMNS.index("unknown")] += 2
    splits = np.where(np.arange(n) < n * 0.7, "train", np.where(np.arange(n) < n * 0.85, "val", "test"))
    return Dataset.of(np.clip(waves, 0, 255).astype(np.uint8), labels, splits, votes=votes, source="stripes")
