"""Several models on the same images: which is better, and whether the difference could be chance."""

from itertools import combinations
from typing import Any

import numpy as np

from emojimation.training.judge.metrics import mcnemar_p

TEST = "exact two-sided McNemar test on the images that one model classifies correctly and the other does not"


def compare(answers: dict[str, np.ndarray], labels: np.ndarray) -> list[dict[str, Any]]:
    """Every pair of models: accuracies, images that only one classifies correctly, and the test's p.

    answers: model -> class ids (n,) of the same images. labels: (n,). A p of several pairs is not corrected for
    their number.
    """
    right = {model: ids == labels for model, ids in answers.items()}
    return [_pair(a, b, right[a], right[b]) for a, b in combinations(right, 2)]


def _pair(a: str, b: str, right_a: np.ndarray, right_b: np.ndarray) -> dict[str, Any]:
    return {
        "a": a,
        "b": b,
        "accuracy_a": float(right_a.mean()),
        "accuracy_b": float(right_b.mean()),
        "only_a_right": int((right_a & ~right_b).sum()),
        "only_b_right": int((right_b & ~right_a).sum()),
        "p": mcnemar_p(right_a, right_b),
        "test": TEST,
    }
