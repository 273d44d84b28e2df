"""From logits to calibrated probabilities: one temperature, or a scale and a bias per class."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emojimation.errors import InputError
from emojimation.training.judge import metrics

KINDS = ("auto", "temperature", "vector")
FOLDS = 5
RIDGE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """probabilities = softmax(logits * scale + bias). scale, bias: (c,) float64; temperature: the one fitted alone.

    With `bias` 0 and `scale` 1 / temperature everywhere this is temperature scaling (Guo et al., ICML 2017); with one
    pair a class it is the paper's vector scaling.
    """

    scale: np.ndarray
    bias: np.ndarray
    temperature: float

    @classmethod
    def of_temperature(cls, temperature: float, classes: int = 7) -> "Calibration":
        """Temperature scaling as a Calibration."""
        return cls(np.full(classes, 1 / temperature), np.zeros(classes), temperature)

    @property
    def kind(self) -> str:
        """ "temperature" or "vector"."""
        return "temperature" if not self.bias.any() and np.ptp(self.scale) == 0 else "vector"

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities (n,c) float64 of logits (n,c)."""
        return metrics.softmax(logits * self.scale + self.bias)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; `from_dict` reads it back."""
        return {
            "kind": self.kind,
            "temperature": self.temperature,
            "scale": self.scale.tolist(),
            "bias": self.bias.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Calibration":
        """The Calibration that `to_dict` wrote."""
        return cls(np.array(values["scale"]), np.array(values["bias"]), float(values["temperature"]))


def fit_vector(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Scale and bias of each class with the lowest negative log likelihood, by Newton's method.

    The loss is convex in scale and bias. A small ridge holds them near temperature scaling, so that a class with few
    rows is not led astray, and fixes the sum of the biases, which the softmax leaves open.
    """
    classes = logits.shape[1]
    temperature = metrics.fit_temperature(logits, labels)
    start = np.stack([np.full(classes, 1 / temperature), np.zeros(classes)])
    features = np.stack([logits.astype(np.float64), np.ones_like(logits, np.float64)])  # (2,n,c)
    goal, weights = np.eye(classes)[labels], start.copy()
    for _ in range(25):
        p = metrics.softmax((features * weights[:, None]).sum(0))
        gradient = (features * (p - goal)).mean(1) + RIDGE * (weights - start)
        weighted = features * p
        hessian = -np.einsum("ink,jnl->ikjl", weighted, weighted) / len(labels)
        diagonal = np.einsum("ink,jnk->ijk", weighted, features) / len(labels)
        for k in range(classes):
            hessian[:, k, :, k] += diagonal[:, :, k] + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian.reshape(2 * classes, -1), gradient.reshape(-1)).reshape(2, classes)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return Calibration(weights[0], weights[1], temperature)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Temperature scaling of logits (n,c) for labels (n,)."""
    return Calibration.of_temperature(metrics.fit_temperature(logits, labels), logits.shape[1])


def fit(
    logits: np.ndarray, labels: np.ndarray, kind: str = "auto", seed: int = 0
) -> tuple[Calibration, dict[str, Any]]:
    """The better of temperature and vector scaling, or the one of `KINDS` asked for, fitted to all rows; and the
    figures.

    Vector scaling is taken only where five-fold cross-validation shows a lower negative log likelihood by more than
    the standard error of the paired difference, without a loss of accuracy: it has 14 numbers to overfit with, and it
    may change predictions. Raises InputError for an unknown kind.
    """
    if kind not in KINDS:
        raise InputError(f"Expected a calibration among {', '.join(KINDS)}, got {kind!r}: use one of these.")
    folds = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    single, vector = np.zeros(logits.shape), np.zeros(logits.shape)
    for k in range(FOLDS):
        held, rest = folds == k, folds != k
        single[held] = fit_temperature(logits[rest], labels[rest])(logits[held])
        vector[held] = fit_vector(logits[rest], labels[rest])(logits[held])
    rows = np.arange(len(labels))
    gain = np.log(np.maximum(vector[rows, labels], 1e-12)) - np.log(np.maximum(single[rows, labels], 1e-12))
    error = float(gain.std() / np.sqrt(len(gain)))
    figures: dict[str, Any] = {
        "folds": FOLDS,
        "temperature": _figures(single, labels),
        "vector": _figures(vector, labels),
        "nll_gain": float(gain.mean()),
        "nll_gain_standard_error": error,
    }
    no_loss = figures["vector"]["accuracy"] >= figures["temperature"]["accuracy"]
    wins = figures["nll_gain"] > error and no_loss
    vectored = wins if kind == "auto" else kind == "vector"
    chosen = fit_vector(logits, labels) if vectored else fit_temperature(logits, labels)
    return chosen, figures | {"chosen": chosen.kind, "asked": kind}


def _figures(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "nll": metrics.nll(probabilities, labels),
        "ece": metrics.ece(probabilities, labels),
        "accuracy": metrics.accuracy(probabilities, labels),
    }
