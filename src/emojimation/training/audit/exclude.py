"""Training rows that are better excluded, the reasons, and the csv that passes them from audit to training."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import groups_of

DOUBTFUL = 0.5
REASONS = {
    "identical_copy": "the same bytes as an earlier training image with the same label",
    "contradictory": "the same bytes as other images, with a label that is not their majority",
    "leak": "the same photo is in validation or test",
    "flat": "a blank or nearly blank image",
    "not_a_face": "at least half of FER+'s voters saw no face",
    "doubtful": "the model strongly prefers another label, and FER+, where it is present, does not back the label",
}


def exclusions(
    dataset: Dataset, identical: np.ndarray, near: np.ndarray, found: dict, doubt: np.ndarray
) -> dict[int, list[str]]:
    """Training rows that `train --exclude` should leave out, with the reasons (keys of `REASONS`).

    Validation and test rows are never listed: changing what is measured on would make scores incomparable.
    """
    train = dataset.splits == "train"
    contradictory = _against_majority(dataset, identical)
    masks = {
        "identical_copy": _later_copies(dataset, identical, train) & ~contradictory,
        "contradictory": contradictory,
        "leak": np.isin(near, near[~train]),
        "flat": _mask(len(dataset), found["flat"]),
        "not_a_face": _mask(len(dataset), found["not_a_face"] or []),
        "doubtful": _doubtful(dataset, doubt),
    }
    reasons: dict[int, list[str]] = {}
    for reason, mask in masks.items():
        for row in np.flatnonzero(mask & train).tolist():
            reasons.setdefault(row, []).append(reason)
    return reasons


def _mask(n: int, rows: list[int]) -> np.ndarray:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _later_copies(dataset: Dataset, identical: np.ndarray, train: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(train)
    keys = identical[rows] * len(dataset.class_names) + dataset.labels[rows]
    _, first = np.unique(keys, return_index=True)
    return _mask(len(dataset), np.delete(rows, first).tolist())


def _against_majority(dataset: Dataset, identical: np.ndarray) -> np.ndarray:
    """Rows whose label is not the one that more than half of their identical images have."""
    against = []
    for rows in groups_of(identical):
        label, number = Counter(dataset.labels[rows].tolist()).most_common(1)[0]
        majority = label if 2 * number > len(rows) else -1
        against += rows[dataset.labels[rows] != majority].tolist()
    return _mask(len(dataset), against)


def _doubtful(dataset: Dataset, doubt: np.ndarray) -> np.ndarray:
    strong = doubt >= DOUBTFUL
    if dataset.votes is None or dataset.class_names != EMOTIONS:
        return strong
    return strong & (ferplus.first(dataset.votes) != dataset.labels)


def write_exclude(found: dict, path: Path) -> None:
    """Columns `row` (position in the loaded data set, from 0), `reason` (several joined by ";"), `sha256` of pixels."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row", "reason", "sha256"])
        hashes = found["exclude"]["sha256"]
        writer.writerows([row, ";".join(why), hashes[row]] for row, why in found["exclude"]["rows"].items())


def pixels_sha256(image: np.ndarray) -> str:
    """The first 16 hex digits of the sha256 of an image's pixels, to recognise a row."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]


def read_exclude(path: Path, images: np.ndarray) -> np.ndarray:
    """The rows of a csv from `write_exclude` (or any csv with a column `row`), (k,) int64, each once, sorted.

    images: (n,s,s) uint8, the images of the data set. Raises InputError for a missing column, a word that is no row
    number, a row not below n, or a row whose image is not the one that the column `sha256`, where there is one, has.
    """
    n = len(images)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the exclude.csv of `emojimation data audit`")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if "row" not in (reader.fieldnames or []):
            raise InputError(f"{path}: missing column 'row'; found {', '.join(reader.fieldnames or []) or 'nothing'}")
        listed = [((row["row"] or "").strip(), (row.get("sha256") or "").strip()) for row in reader]
    words = [word for word, _ in listed]
    for line, (word, digest) in enumerate(listed, 2):
        if not (word.isascii() and word.isdigit() and int(word) < n):
            raise InputError(f"{path}: line {line}: expected a row from 0 to {n - 1}, found {word[:20]!r}")
        if digest and digest != pixels_sha256(images[int(word)]):
            raise InputError(
                f"{path}: line {line}: expected the image that was audited in row {word}, found another: audit this "
                "data set again"
            )
    return np.unique(np.array([int(word) for word in words], np.int64))
