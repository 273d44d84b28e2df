"""Coverage and precision of sure and leaning answers, and calibration error, on the validation split for each prior.

Run: python scripts/certainty_curves.py --data fer2013.csv [--ferplus FILE] [--model default] [--precision 0.956]
     [--out FILE.json]
"fer2013" are the rows as they are. "everyday" and "uniform" weight each row so that the labels have the mix of that
prior, and correct the answers for it, as the programs do. Precision is agreement with the clear majority of FER+ where
there is one; of leaning answers it counts those that have it among their two words. To compare models with each other,
"at_precision" says which share of the faces each could be sure about if its sure answers were correct that often.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.certainty import PAIR_THRESHOLD
from emojimation.classify.classifier import EmotionClassifier
from emojimation.labels import EMOTION_LABELS
from emojimation.priors import NAMES, prior_of, reweighted, trained_shares
from emojimation.training.data.ferplus import clear_majority
from emojimation.training.data.load import load
from emojimation.weights import resolve

PAIRS = (0.6, 0.65, PAIR_THRESHOLD, 0.75, 0.8)
BINS = 15


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--precision", type=float, default=0.956)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows, classifier = load(args.data, ferplus=args.ferplus).split("val"), EmotionClassifier(resolve(args.model))
    answers = classifier.predict(rows.images)
    ids = clear_majority(rows.votes)
    clear = ids >= 0
    found = {
        "model": args.model,
        "threshold": classifier.threshold,
        "n": len(rows),
        "n_clear": int(clear.sum()),
        "priors": {
            name: figures(answers, rows.labels, ids, clear, classifier.threshold, name, args.precision)
            for name in NAMES
        },
    }
    text = json.dumps(found, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n", "utf-8")


def figures(
    answers: np.ndarray,
    labels: np.ndarray,
    ids: np.ndarray,
    clear: np.ndarray,
    threshold: float,
    name: str,
    precision: float,
) -> dict[str, Any]:
    """Coverage and precision of each degree under the prior `name`, and the calibration error against the labels."""
    trained, shares = trained_shares(EMOTION_LABELS), prior_of(name, EMOTION_LABELS).shares
    assert trained is not None
    corrected = answers if shares is None else reweighted(answers, shares, trained)
    by_label, by_vote = (
        np.ones(len(of)) if shares is None else (shares / np.maximum(mix(of), 1e-9))[of] for of in (labels, ids[clear])
    )
    seen = corrected[clear]
    order = np.argsort(-seen, axis=1)
    ordered = np.take_along_axis(seen, order, axis=1)
    right = order[:, 0] == ids[clear]
    sure, either = ordered[:, 0] >= threshold, (order[:, :2] == ids[clear][:, None]).any(1)
    leaning = [
        {"pair_threshold": pair, **share(~sure & (ordered[:, :2].sum(1) >= pair), either, by_vote)} for pair in PAIRS
    ]
    return {
        "accuracy": round(float(np.average(right, weights=by_vote)), 4),
        "nll": round(
            float(np.average(-np.log(np.maximum(seen[np.arange(len(seen)), ids[clear]], 1e-9)), weights=by_vote)), 4
        ),
        "sure": share(sure, right, by_vote),
        "at_precision": at_precision(ordered[:, 0], right, by_vote, precision),
        "leaning": leaning,
        "ece": round(weighted_ece(corrected, labels, by_label), 4),
        "ece_uncorrected": round(weighted_ece(answers, labels, by_label), 4),
    }


def mix(ids: np.ndarray) -> np.ndarray:
    """Shares (7,) of the classes among `ids` (n,)."""
    return np.bincount(ids, minlength=7) / len(ids)


def share(chosen: np.ndarray, right: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Weighted share of rows that are chosen, and of these that are correct."""
    precision = np.average(right[chosen], weights=weights[chosen]) if chosen.any() else 0.0
    return {"coverage": round(float(np.average(chosen, weights=weights)), 4), "precision": round(float(precision), 4)}


def at_precision(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray, precision: float) -> dict[str, float]:
    """The lowest threshold above which at least `precision` of the answers are correct, and the share above it."""
    order = np.argsort(-confidence, kind="stable")
    above = np.cumsum(weights[order])
    good = np.flatnonzero(np.cumsum((weights * right)[order]) >= precision * above)
    if not good.size:
        return {"precision": precision, "coverage": 0.0, "threshold": 1.0}
    last = good[-1]
    coverage, threshold = above[last] / above[-1], confidence[order[last]]
    return {"precision": precision, "coverage": round(float(coverage), 4), "threshold": round(float(threshold), 4)}


def weighted_ece(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Expected calibration error over `BINS` equal bins, rows weighted."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    cell = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(cell, weights * (right - confidence), BINS)
    return float(np.abs(gap).sum() / weights.sum())


if __name__ == "__main__":
    main()
