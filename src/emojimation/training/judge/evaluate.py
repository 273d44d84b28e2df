"""Scores of a model file: the one that ships, run by onnxruntime, on any split, with and without duplicates."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.labels import EMOTIONS
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import identical_ids, near_ids
from emojimation.training.judge import metrics

Predict = Callable[[np.ndarray], np.ndarray]


def evaluate(
    predict: Predict,
    dataset: Dataset,
    split: str,
    train: Dataset | None = None,
    tta: bool = False,
    labels: Sequence[str] = EMOTIONS,
) -> dict[str, Any]:
    """Score `predict` ((n,s,s) uint8 -> (n,c)) on one split; the result is the contract's JSON without the model's
    name.

    labels: the model's classes: those of `dataset`, or FER+'s eight where it has the votes. train: rows whose
    duplicates are left out of `accuracy_without_duplicates` (byte-identical) and `accuracy_without_same_photo`
    (near copies too); by default the training rows of `dataset` itself, where it has any. tta: mean over each image
    and its mirror image.
    """
    rows = rows_of(dataset, split, labels)
    probabilities = predict_views(predict, rows.images, tta)
    return judge(probabilities, rows, train_images(dataset, split, train)) | {"tta": "flip" if tta else "none"}


def rows_of(dataset: Dataset, split: str, labels: Sequence[str] = EMOTIONS) -> Dataset:
    """The rows of `split` in the classes of the model, see `ferplus.in_classes`; InputError where there are none."""
    return ferplus.in_classes(dataset.split(split), tuple(labels))


def judge(probabilities: np.ndarray, rows: Dataset, seen: np.ndarray | None) -> dict[str, Any]:
    """The contract's figures for answers (n,c) to `rows`; `seen` are images that the model may know, or None."""
    result = metrics.summary(probabilities, rows.labels, rows.class_names)
    result |= _without_duplicates(probabilities, rows, seen) | _ferplus(probabilities, rows)
    return result | {"split": str(rows.splits[0]), "data_sha256": rows.sha256, "commit": commit()}


def predict_views(predict: Predict, images: np.ndarray, tta: bool) -> np.ndarray:
    """Probabilities (n,c) of `images` (n,s,s) uint8; with `tta` the mean over each image and its mirror image."""
    probabilities = predict(images)
    return (probabilities + predict(np.ascontiguousarray(images[:, :, ::-1]))) / 2 if tta else probabilities


def train_images(dataset: Dataset, split: str, train: Dataset | None) -> np.ndarray | None:
    """Images that a model may have seen: those of `train`, else of the training split of `dataset`, else None."""
    if train is not None:
        return train.split("train").images
    known = split != "train" and "train" in dataset.splits_present
    return dataset.split("train").images if known else None


def identical(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) bool: which images have a byte-identical one among `others`."""
    seen = {other.tobytes() for other in others}
    return np.array([image.tobytes() in seen for image in images], bool)


def same_photo(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) bool: which images show a photo that is among `others` too, identical or a near copy, as in the audit."""
    both = np.concatenate([others, images])
    first = identical_ids(both)
    asked = np.flatnonzero((first == np.arange(len(both))) & (first >= len(others)))
    groups, _ = near_ids(both, first, asked)
    return np.isin(groups[len(others) :], groups[: len(others)])


def _without_duplicates(probabilities: np.ndarray, rows: Dataset, seen: np.ndarray | None) -> dict[str, Any]:
    """Accuracy without images that the model may know, by both meanings of duplicate."""
    result: dict[str, Any] = {}
    for name, found in (("duplicates", identical), ("same_photo", same_photo)):
        fresh = None if seen is None else ~found(rows.images, seen)
        result |= _share(f"accuracy_without_{name}", f"n_without_{name}", probabilities, rows.labels, fresh)
    return result


def _share(key: str, count: str, p: np.ndarray, ids: np.ndarray, kept: np.ndarray | None) -> dict[str, Any]:
    """Accuracy on the rows `kept` (n,) bool with its interval and their number; None each where there are none."""
    n = None if kept is None else int(kept.sum())
    share = metrics.accuracy(p[kept], ids[kept]) if n else None
    interval = metrics.wilson_ci95(share, n) if share is not None and n else None
    return {count: n, key: share, f"{key}_ci95": interval}


def _ferplus(probabilities: np.ndarray, rows: Dataset) -> dict[str, Any]:
    votes = ferplus.votes_of(rows)
    result: dict[str, Any] = {"ferplus_rule": ferplus.CLEAR_RULE, "ferplus8_rule": ferplus.PUBLISHED_RULE}
    rules = (("ferplus", ferplus.clear_majority), ("ferplus8", ferplus.published_majority))
    for name, rule in rules:
        ids = np.full(len(rows), -1) if votes is None else rule(votes)
        result |= _share(f"{name}_accuracy", f"{name}_n", probabilities, ids, ids >= 0)
    return result


def clear_threshold(probabilities: np.ndarray, rows: Dataset, wanted: float = 0.9) -> float:
    """The confidence for "not sure": of answers above it, `wanted` agree with a clear FER+ majority (or the label)."""
    votes = ferplus.votes_of(rows) if rows.class_names == EMOTIONS else None  # eight classes are majorities already
    ids = rows.labels if votes is None else ferplus.clear_majority(votes)
    clear = ids >= 0
    return metrics.threshold_for(probabilities[clear], ids[clear], wanted) if clear.any() else 0.99


def commit() -> str:
    """The git commit of this source tree with "+" if it has changes, or the package's version outside a checkout."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return found.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        from importlib.metadata import version

        return f"v{version('emojimation')}"
