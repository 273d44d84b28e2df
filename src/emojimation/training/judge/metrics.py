"""Metrics of predicted probabilities: accuracy, calibration, intervals. Pure numpy.

Everywhere: probabilities (n,c) float, rows sum to 1; labels (n,) int class ids.
"""

from math import exp, lgamma, log
from typing import Any

import numpy as np


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is the label, 0 to 1."""
    return float((probabilities.argmax(1) == labels).mean())


def wilson_ci95(share: float, n: int) -> list[float]:
    """95 % interval of a share of `n` images (Wilson 1927), which holds for few images and shares of 0 and 1."""
    z2 = 1.959964**2
    centre, half = share + z2 / (2 * n), np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n)))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return [float(max(low, 0.0)), float(min(high, 1.0))]


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
    """(c,c) int64: row is the label, column the prediction."""
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
    """The effect of "not sure": for thresholds of the confidence, the share answered and the accuracy among those."""
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
    """The lowest confidence from which on the answers are correct at least as often as `wanted`, in steps of 0.01.

    The search begins at 1/c, which the likeliest of c classes always reaches. Where no confidence is enough, it is the
    highest that any answer has, rounded down, so that the model can still reach it.
    """
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    for percent in range(int(np.ceil(100 / probabilities.shape[1])), 100):
        kept = confidence >= percent / 100
        if kept.any() and correct[kept].mean() >= wanted:
            return percent / 100
    return min(float(np.floor(100 * confidence.max())) / 100, 0.99)


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (n,c) of logits (n,c) at a temperature."""
    z = logits.astype(np.float64) / temperature
    z = np.exp(z - z.max(1, keepdims=True))
    return z / z.sum(1, keepdims=True)


LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.2, 5.0
# Strength of the prior for a temperature of 1, in images: negligible against PublicTest's 3,589, but large against 18,
# on which the temperature fitted without it was 0.17.
BELIEF = 3.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature from 0.2 to 5 with the lowest negative log likelihood, by successive refinement.

    A penalty of `BELIEF` / n times the squared logarithm holds it near 1 where n, the number of images, is small.
    """
    ends = np.log([LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE])
    low, high = ends
    for _ in range(5):
        grid = np.linspace(low, high, 25)
        losses = [nll(softmax(logits, float(np.exp(t))), labels) + BELIEF / len(labels) * t * t for t in grid]
        best, step = grid[int(np.argmin(losses))], grid[1] - grid[0]
        low, high = np.clip([best - step, best + step], *ends)
    return float(np.exp(best))


def mcnemar_p(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """Two-sided exact McNemar test: the chance of a difference at least this large if both models were equally good.

    The binomial tail is summed in logarithms from its largest term on, until the terms no longer count.
    """
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    n, k = only_a + only_b, min(only_a, only_b)
    tail, term = 0.0, 1.0
    for i in range(k, -1, -1):  # terms relative to that of k
        tail += term
        term *= i / (n - i + 1)
        if term < 1e-17 * tail:
            break
    largest = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2)
    return min(1.0, 2 * exp(largest) * tail) if n else 1.0


def summary(probabilities: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """The figures that `evaluate` writes for one set of answers.

    Macro F1 is over the classes that a label or an answer names, balanced accuracy over those that a label names, as
    scikit-learn has them.
    """
    confusion = confusion_matrix(probabilities, labels)
    classes = per_class(confusion, names)
    present = [row for row in classes.values() if row["n"]]
    named = [row for row, answered in zip(classes.values(), confusion.sum(0), strict=True) if row["n"] or answered]
    return {
        "n": len(labels),
        "accuracy": accuracy(probabilities, labels),
        "accuracy_ci95": wilson_ci95(accuracy(probabilities, labels), len(labels)),
        "macro_f1": float(np.mean([row["f1"] for row in named])),
        "balanced_accuracy": float(np.mean([row["recall"] for row in present])),
        "ece": ece(probabilities, labels),
        "nll": nll(probabilities, labels),
        "per_class": classes,
        "confusion_matrix": confusion.tolist(),
        "labels": list(names),
        "reliability": reliability(probabilities, labels),
        "coverage": coverage_curve(probabilities, labels),
    }
