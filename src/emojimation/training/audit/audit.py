"""Problems in a data set: duplicates, leaks, contradictions, blank images, non-faces, doubtful labels.

`audit` returns plain lists, dicts, numbers and words, ready for JSON. Rows are positions in the loaded data set, from
0.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from emojimation.labels import EMOTIONS
from emojimation.training.audit.doubt import check_probabilities, doubts, out_of_fold
from emojimation.training.audit.exclude import DOUBTFUL, REASONS, exclusions, pixels_sha256
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.duplicates import groups_of, identical_ids, near_ids

# On FER2013 every image below this spread, or with this share of one grey level, is one that FER+ calls not a face.
FLAT_STD = 8.0
FLAT_SHARE = 0.6
RANKED = 1000


def audit(dataset: Dataset, probabilities: np.ndarray | None = None) -> dict:
    """The findings on `dataset`, JSON-ready.

    probabilities: (n,classes) of a model not trained on these rows (out-of-fold or held-out); without them a
      quick model is fitted out of fold. Raises InputError where their shape or sums are wrong.
    """
    identical = identical_ids(dataset.images)
    near, pairs = near_ids(dataset.images, identical)
    if probabilities is None:
        model, likely = "HOG and kernel ridge, 5 folds", _quick(dataset, near)
    else:
        model, likely = "given", check_probabilities(probabilities, dataset)
    result = {
        "source": dataset.source,
        "sha256": dataset.sha256,
        "n": len(dataset),
        "class_names": list(dataset.class_names),
        "balance": balance(dataset),
        "identical": group_findings(dataset, identical),
        "near": {**pairs, **group_findings(dataset, near)},
        "flat": flat_rows(dataset.images).tolist(),
        "not_a_face": None if dataset.votes is None else np.flatnonzero(ferplus.not_faces(dataset.votes)).tolist(),
        "ferplus": ferplus_findings(dataset),
        "doubt": doubt_findings(dataset, likely, model),
    }
    reasons = exclusions(dataset, identical, near, result, doubts(likely, dataset.labels))
    counts = Counter(reason for row in reasons.values() for reason in row)
    result["exclude"] = {
        "n": len(reasons),
        "by_reason": {reason: counts[reason] for reason in REASONS},
        "rows": {str(row): reasons[row] for row in sorted(reasons)},
        "sha256": {str(row): pixels_sha256(dataset.images[row]) for row in sorted(reasons)},
    }
    return result


def _quick(dataset: Dataset, groups: np.ndarray) -> np.ndarray:
    classes = len(dataset.class_names)
    if len(dataset) < 20 or len(np.unique(groups)) < 10 or len(np.unique(dataset.labels)) < 2:
        return np.eye(classes, dtype=np.float32)[dataset.labels]  # too little to learn from: no label is doubted
    return out_of_fold(dataset.images, dataset.labels, groups, classes)


def balance(dataset: Dataset) -> dict:
    """Rows per split and class, and how many times larger the largest class of a split is than its smallest."""
    counts = dataset.counts()
    ratios = {split: round(max(row.values()) / max(1, min(row.values())), 2) for split, row in counts.items()}
    return {"counts": counts, "largest_to_smallest": ratios}


def group_findings(dataset: Dataset, ids: np.ndarray) -> dict:
    """Numbers of groups of two or more, within and across splits, duplicates of evaluation rows, and the groups."""
    groups = groups_of(ids)
    listed = [_group(dataset, rows) for rows in groups]
    present = dataset.splits_present
    inside = {split: _groups_inside(groups, dataset.splits == split) for split in present}
    return {
        "groups": len(groups),
        "pictures": sum(map(len, groups)),
        "groups_inside": inside,
        "rows_with_twin_in_train": {split: _known(dataset, ids, split) for split in present if split != "train"},
        "contradictory": sum(group["contradictory"] for group in listed),
        "across_splits": sum(len(set(group["splits"])) > 1 for group in listed),
        "list": listed,
    }


def _group(dataset: Dataset, rows: np.ndarray) -> dict:
    labels = dataset.labels[rows].tolist()
    return {
        "rows": rows.tolist(),
        "labels": [dataset.class_names[label] for label in labels],
        "splits": dataset.splits[rows].tolist(),
        "contradictory": len(set(labels)) > 1,
    }


def _groups_inside(groups: list[np.ndarray], mask: np.ndarray) -> int:
    return sum(int(mask[rows].sum()) > 1 for rows in groups)


def _known(dataset: Dataset, ids: np.ndarray, split: str) -> int:
    return int(np.isin(ids[dataset.splits == split], ids[dataset.splits == "train"]).sum())


def flat_rows(images: np.ndarray) -> np.ndarray:
    """Positions of images (n,s,s) uint8 with hardly any contrast, or mostly of one single grey level."""
    pixels = images.reshape(len(images), -1)
    common = np.array([np.bincount(row, minlength=256).max() for row in pixels]) / pixels.shape[1]
    spread = np.array([row.std() for row in pixels])
    return np.flatnonzero((spread < FLAT_STD) | (common > FLAT_SHARE))


def ferplus_findings(dataset: Dataset) -> dict | None:
    """How far FER+'s clear majorities (`ferplus.CLEAR_RULE`) agree with the labels, and the rows where they do not.

    None without votes or for other classes than the seven. Rows are ranked by the number of votes for another emotion.
    """
    if dataset.votes is None or dataset.class_names != EMOTIONS:
        return None
    emotion, votes = ferplus.clear_majority(dataset.votes), dataset.votes.max(1)
    clear = emotion >= 0
    agree = emotion == dataset.labels
    per_class = {
        name: round(float(agree[clear & (dataset.labels == i)].mean()), 4)
        for i, name in enumerate(EMOTIONS)
        if (clear & (dataset.labels == i)).any()
    }
    rows = np.flatnonzero(clear & ~agree)
    rows = rows[np.argsort(-votes[rows], kind="stable")]
    ranked = [
        {"row": int(i), "label": EMOTIONS[dataset.labels[i]], "ferplus": EMOTIONS[emotion[i]], "votes": int(votes[i])}
        for i in rows[:RANKED]
    ]
    return {
        "clear_rows": int(clear.sum()),
        "agreement": round(float(agree[clear].mean()), 4) if clear.any() else None,
        "agreement_per_class": per_class,
        "disagreements": len(rows),
        "ranked": ranked,
    }


def doubt_findings(dataset: Dataset, probabilities: np.ndarray, model: str) -> dict:
    """Rows ranked by how much likelier another label is than theirs, the first `RANKED` of those above 0."""
    doubt = doubts(probabilities, dataset.labels)
    best = probabilities.argmax(axis=1)
    order = np.argsort(-doubt, kind="stable")
    ranked = [
        {
            "row": int(i),
            "label": dataset.class_names[dataset.labels[i]],
            "suggested": dataset.class_names[best[i]],
            "p_label": round(float(probabilities[i, dataset.labels[i]]), 4),
            "p_suggested": round(float(probabilities[i, best[i]]), 4),
        }
        for i in order[:RANKED]
        if doubt[i] > 0
    ]
    accuracy = round(float((best == dataset.labels).mean()), 4)
    return {"model": model, "accuracy": accuracy, "strong": int((doubt >= DOUBTFUL).sum()), "ranked": ranked}


def write_json(found: dict, path: Path) -> None:
    """The whole result of `audit` as one JSON object."""
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
