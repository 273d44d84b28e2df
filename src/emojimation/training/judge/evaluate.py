"""Honest scores of a model file: the one that ships, through onnxruntime, on any split, duplicates counted apart."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, FERPLUS_TO_EMOTION
from emojimation.training.data.dataset import Dataset
from emojimation.training.judge import metrics

Predict = Callable[[np.ndarray], np.ndarray]

FERPLUS_RULE = (
    "pictures where one of our seven emotions has more than half of the ten FER+ votes; "
    "majorities for contempt, unknown or not-a-face, and pictures without a majority, are left out"
)
FERPLUS8_RULE = (
    "pictures where one of FER+'s eight emotions has the most votes (the first of equals) and unknown or "
    "not-a-face has not; "
    "contempt always counts as a wrong answer, because no FER2013 label means it"
)


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

    labels: the model's classes, which have to be those of `dataset`. train: rows whose byte-identical twins are left
    out of `accuracy_without_duplicates`; by default the training rows of `dataset` itself, where it has any. tta: mean
    over each picture and its mirror image.
    """
    rows = rows_of(dataset, split, labels)
    probabilities = predict_views(predict, rows.images, tta)
    return judge(probabilities, rows, train_images(dataset, split, train)) | {"tta": "flip" if tta else "none"}


def rows_of(dataset: Dataset, split: str, labels: Sequence[str] = EMOTIONS) -> Dataset:
    """The rows of `split`; InputError where there are none, or where their classes are not the model's `labels`."""
    rows = dataset.split(split)
    if rows.class_names != tuple(labels):
        raise InputError(
            f"Expected the classes {', '.join(labels)}, got {', '.join(rows.class_names)} in {rows.source}: "
            "give data with the classes of the model."
        )
    return rows


def judge(probabilities: np.ndarray, rows: Dataset, seen: np.ndarray | None) -> dict[str, Any]:
    """The contract's figures for answers (n,c) to `rows`; `seen` are pictures that the model may know, or None."""
    result = metrics.summary(probabilities, rows.labels, rows.class_names)
    result |= _without_duplicates(probabilities, rows, seen) | _ferplus(probabilities, rows)
    return result | {"split": str(rows.splits[0]), "data_sha256": rows.sha256, "commit": commit()}


def predict_views(predict: Predict, images: np.ndarray, tta: bool) -> np.ndarray:
    """Probabilities (n,c) of `images` (n,s,s) uint8; with `tta` the mean over each picture and its mirror image."""
    probabilities = predict(images)
    return (probabilities + predict(np.ascontiguousarray(images[:, :, ::-1]))) / 2 if tta else probabilities


def train_images(dataset: Dataset, split: str, train: Dataset | None) -> np.ndarray | None:
    """Pictures that a model may have seen: those of `train`, else of the training split of `dataset`, else None."""
    if train is not None:
        return train.split("train").images
    known = split != "train" and "train" in dataset.splits_present
    return dataset.split("train").images if known else None


def twins(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n,) bool: which pictures have a byte-identical one among `others`."""
    seen = {other.tobytes() for other in others}
    return np.array([image.tobytes() in seen for image in images], bool)


def _without_duplicates(probabilities: np.ndarray, rows: Dataset, seen: np.ndarray | None) -> dict[str, Any]:
    if seen is None:
        return {"n_without_duplicates": None, "accuracy_without_duplicates": None}
    fresh = ~twins(rows.images, seen)
    score = metrics.accuracy(probabilities[fresh], rows.labels[fresh]) if fresh.any() else None
    return {"n_without_duplicates": int(fresh.sum()), "accuracy_without_duplicates": score}


def ferplus_labels(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FER+ votes (n,10) -> (class ids (n,), clear (n,) bool) by `FERPLUS_RULE`."""
    winner = votes.argmax(1)
    total = np.maximum(votes.sum(1), 1)
    ids = _column_ids()[winner]
    return ids, (ids >= 0) & (votes.max(1) > total / 2)


def _column_ids() -> np.ndarray:
    """(10,) our class id of each FER+ column, -1 where there is none."""
    names = [FERPLUS_TO_EMOTION.get(column) for column in FERPLUS_COLUMNS]
    return np.array([-1 if name is None else EMOTIONS.index(name) for name in names])


def _votes(rows: Dataset) -> np.ndarray | None:
    """FER+'s votes where there are any and the classes are the seven emotions, which alone they speak of."""
    known = rows.class_names == EMOTIONS and rows.votes is not None and rows.votes.any()
    return rows.votes if known else None


def _ferplus(probabilities: np.ndarray, rows: Dataset) -> dict[str, Any]:
    votes = _votes(rows)
    if votes is None:
        return {"ferplus_n": 0, "ferplus_accuracy": None, "ferplus_rule": FERPLUS_RULE}
    ids, clear = ferplus_labels(votes)
    eight = (votes.argmax(1) < FERPLUS_COLUMNS.index("unknown")) & votes.any(1)
    answers = probabilities.argmax(1)
    return {
        "ferplus_n": int(clear.sum()),
        "ferplus_accuracy": float((answers[clear] == ids[clear]).mean()) if clear.any() else None,
        "ferplus_rule": FERPLUS_RULE,
        "ferplus8_n": int(eight.sum()),
        "ferplus8_accuracy": float((answers[eight] == ids[eight]).mean()) if eight.any() else None,
        "ferplus8_rule": FERPLUS8_RULE,
    }


def clear_threshold(probabilities: np.ndarray, rows: Dataset, wanted: float = 0.9) -> float:
    """The confidence for "not sure": answers above it agree with a clear FER+ majority at least as often as `wanted`."""
    votes = _votes(rows)
    if votes is None:
        return metrics.threshold_for(probabilities, rows.labels, wanted)
    ids, clear = ferplus_labels(votes)
    return metrics.threshold_for(probabilities[clear], ids[clear], wanted)


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
