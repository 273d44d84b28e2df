"""What a vector of probabilities is worth: accuracy, calibration, intervals. Pure numpy.

Everywhere: probabilities (n,c) float, rows sum to 1; labels (n,) int class ids.
"""

from typing import Any

import numpy as np


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is the label, 0 to 1."""
    return float((probabilities.argmax(1) == labels).mean())


def accuracy_ci95(right: np.ndarray, seed: int = 0, draws: int = 2000) -> list[float]:
    """95 % bootstrap interval (percentiles, seeded) of the mean of `right` (n,) bool.

    A resample of n answers counts its right ones by a binomial draw, which is the same distribution.
    """
    counts = np.random.default_rng(seed).binomial(len(right), right.mean(), draws)
    return [float(v) for v in np.percentile(counts / len(right), [2.5, 97.5])]


def nll(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log likelihood of the labels, in nats."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict[str, float]]:
    """Equal-width bins of the confidence: mean confidence, accuracy and count of each bin that has rows."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for b in np.unique(index):
        inside = index == b
        rows.append(
            {
                "confidence": float(confidence[inside].mean()),
                "accuracy": float(right[inside].mean()),
                "n": int(inside.sum()),
            }
        )
    return rows


def ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017), 0 to 1."""
    rows = reliability(probabilities, labels, bins)
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / len(labels)


def confusion_matrix(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(c,c) int64: row is the label, column the answer."""
    classes = probabilities.shape[1]
    flat = np.bincount(labels * classes + probabilities.argmax(1), minlength=classes * classes)
    return flat.reshape(classes, classes)


def per_class(confusion: np.ndarray, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and count of each class; 0 where nothing was answered or present."""
    right, answered, present = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    precision, recall = right / np.maximum(answered, 1), right / np.maximum(present, 1)
    f1 = 2 * right / np.maximum(answered + present, 1)
    columns = zip(names, precision, recall, f1, present, strict=True)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(n)} for name, p, r, f, n in columns
    }


def coverage_curve(probabilities: np.ndarray, labels: np.ndarray, points: int = 50) -> list[dict[str, float]]:
    """What "not sure" buys: for thresholds of the confidence, the share answered and the accuracy among those."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    rows = []
    for threshold in np.linspace(0, 0.98, points):
        kept = confidence >= threshold
        if kept.any():
            rows.append(
                {
                    "threshold": float(threshold),
                    "coverage": float(kept.mean()),
                    "accuracy": float(right[kept].mean()),
                }
            )
    return rows


def threshold_for(probabilities: np.ndarray, labels: np.ndarray, wanted: float = 0.9) -> float:
    """The lowest confidence from which on the answers are right at least as often as `wanted`, rounded up to 0.01."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    for percent in range(15, 100):
        kept = confidence >= percent / 100
        if kept.any() and right[kept].mean() >= wanted:
            return percent / 100
    return 0.99


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (n,c) of logits (n,c) at a temperature."""
    z = logits.astype(np.float64) / temperature
    z = np.exp(z - z.max(1, keepdims=True))
    return z / z.sum(1, keepdims=True)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the lowest negative log likelihood, by a finer and finer search between 0.2 and 5."""
    low, high = np.log(0.2), np.log(5.0)
    for _ in range(5):
        grid = np.linspace(low, high, 25)
        losses = [nll(softmax(logits, float(np.exp(t))), labels) for t in grid]
        best, step = grid[int(np.argmin(losses))], grid[1] - grid[0]
        low, high = best - step, best + step
    return float(np.exp(best))


def mcnemar_p(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """Two-sided exact McNemar test: the chance of a difference at least this large if both models were equally good."""
    from math import comb

    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    n, k = only_a + only_b, min(only_a, only_b)
    return min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0


def summary(probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """The figures that `evaluate` writes for one set of answers."""
    confusion = confusion_matrix(probabilities, labels)
    classes = per_class(confusion, names)
    present = [row for row in classes.values() if row["n"]]
    return {
        "n": len(labels),
        "accuracy": accuracy(probabilities, labels),
        "accuracy_ci95": accuracy_ci95(probabilities.argmax(1) == labels),
        "macro_f1": float(np.mean([row["f1"] for row in present])),
        "balanced_accuracy": float(np.mean([row["recall"] for row in present])),
        "ece": ece(probabilities, labels),
        "nll": nll(probabilities, labels),
        "per_class": classes,
        "confusion_matrix": confusion.tolist(),
        "labels": list(names),
        "reliability": reliability(probabilities, labels),
        "coverage": coverage_curve(probabilities, labels),
    }
