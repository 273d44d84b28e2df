import math
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.training.judge import metrics

NAMES = ("a", "b", "c")


def certain(answers: list[int], sure: float = 1.0) -> np.ndarray:
    rows = np.full((len(answers), 3), (1 - sure) / 2)
    rows[np.arange(len(answers)), answers] = sure
    return rows


def test_summary_of_known_answers() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    scores = metrics.summary(certain([0, 0, 1, 2, 2, 2]), labels, NAMES)
    assert scores["accuracy"] == pytest.approx(5 / 6)
    assert scores["confusion_matrix"] == [[2, 0, 0], [0, 1, 1], [0, 0, 2]]
    assert scores["per_class"]["b"] == pytest.approx({"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "n": 2})
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 0.8) / 3)
    assert scores["balanced_accuracy"] == pytest.approx(5 / 6)
    low, high = scores["accuracy_ci95"]
    assert low < 5 / 6 < high <= 1


def test_ece_is_the_gap_between_confidence_and_accuracy() -> None:
    labels = np.zeros(100, int)
    answers = certain([0] * 60 + [1] * 40, sure=0.9)
    assert metrics.ece(answers, labels) == pytest.approx(0.3)
    assert metrics.ece(certain([0] * 90 + [1] * 10, sure=0.9), labels) == pytest.approx(0.0)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.4, 2.5), st.integers(0, 50))
def test_temperature_is_found_again(temperature: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, (4000, 3))
    cumulative = metrics.softmax(honest).cumsum(1)
    labels = (rng.random((4000, 1)) > cumulative).sum(1)
    assert metrics.fit_temperature(honest * temperature, labels) == pytest.approx(temperature, rel=0.15)


def test_threshold_keeps_the_wanted_accuracy() -> None:
    probabilities = np.concatenate([certain([0] * 50, 0.95), certain([1] * 50, 0.5)])
    labels = np.zeros(100, int)
    threshold = metrics.threshold_for(probabilities, labels, 0.9)
    assert 0.5 < threshold <= 0.95
    assert metrics.threshold_for(probabilities, np.full(100, 2), 0.9) == 0.95, "an answer can still reach it"


def test_threshold_of_three_classes_begins_where_the_likeliest_class_always_is() -> None:
    assert metrics.threshold_for(certain([0] * 50, 0.6), np.zeros(50, int)) == 0.34
    doubtful = np.tile([0.5, 0.3, 0.2], (50, 1))
    assert metrics.threshold_for(doubtful, np.full(50, 2)) == 0.5


def test_intervals_of_few_images_do_not_claim_certainty() -> None:
    low, high = metrics.wilson_ci95(1.0, 18)
    assert low == pytest.approx(0.8241, abs=1e-4) and high == 1.0
    low, high = metrics.wilson_ci95(0.7, 3589)
    assert (low, high) == pytest.approx((0.6848, 0.7148), abs=1e-4)


def test_temperature_stays_in_its_bounds_and_near_one_on_few_images() -> None:
    labels = np.arange(3589) % 3
    sure = 4 * np.eye(3)[labels]
    assert metrics.fit_temperature(sure / 40, labels) == pytest.approx(0.2)
    assert metrics.fit_temperature(50 * np.eye(3)[(labels + 1) % 3], labels) == pytest.approx(5.0)
    assert metrics.fit_temperature(sure[:18], labels[:18]) > 0.5


def test_macro_f1_counts_classes_that_are_only_answered() -> None:
    """scikit-learn's f1_score([0, 0, 1], [0, 2, 1], average="macro") is 0.5556."""
    scores = metrics.summary(certain([0, 2, 1]), np.array([0, 0, 1]), NAMES)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["balanced_accuracy"] == pytest.approx(0.75)


def test_coverage_curve_falls_from_everything() -> None:
    rng = np.random.default_rng(0)
    probabilities = metrics.softmax(rng.normal(0, 2, (500, 3)))
    rows = metrics.coverage_curve(probabilities, rng.integers(0, 3, 500))
    assert rows[0]["coverage"] == 1.0
    assert all(a["coverage"] >= b["coverage"] for a, b in pairwise(rows))


def test_mcnemar_by_hand() -> None:
    a = np.array([True] * 8 + [False] * 2)
    b = np.array([False] * 8 + [True] * 2)
    assert metrics.mcnemar_p(a, b) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert metrics.mcnemar_p(a, a) == 1.0


def test_mcnemar_of_many_rows_ends_and_agrees_with_the_normal_approximation() -> None:
    a, b = np.zeros(200_000, bool), np.zeros(200_000, bool)
    a[:100_400] = True
    b[100_400:] = True
    start = time.perf_counter()
    p = metrics.mcnemar_p(a, b)
    assert time.perf_counter() - start < 1
    assert p == pytest.approx(math.erfc((800 - 1) / math.sqrt(2 * 200_000)), rel=0.001)
