import json

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.training.judge import calibrate, metrics


def drawn(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Honest logits (n,7) and labels drawn from their softmax."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 7))
    return logits, (rng.random((n, 1)) > metrics.softmax(logits).cumsum(1)).sum(1)


SCALE = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 1.0, 0.8])
BIAS = np.array([0.0, 1.0, -1.0, 0.5, 0.0, -0.5, 0.0])


def test_scale_and_bias_are_found_again() -> None:
    honest, labels = drawn()
    found = calibrate.fit_vector((honest - BIAS) / SCALE, labels)
    np.testing.assert_allclose(found.scale, SCALE, rtol=0.2)
    np.testing.assert_allclose(found.bias - found.bias.mean(), BIAS - BIAS.mean(), atol=0.25)


def test_the_fit_is_a_minimum() -> None:
    honest, labels = drawn(800)
    found = calibrate.fit_vector(honest * 2, labels)
    best = metrics.nll(found(honest * 2), labels)
    rng = np.random.default_rng(1)
    for _ in range(20):
        near = calibrate.Calibration(found.scale + rng.normal(0, 0.1, 7), found.bias + rng.normal(0, 0.1, 7), 1.0)
        assert metrics.nll(near(honest * 2), labels) > best - 1e-3


def test_vector_wins_where_classes_need_it_and_only_there() -> None:
    honest, labels = drawn()
    chosen, decided = calibrate.fit((honest - BIAS) / SCALE, labels)
    assert chosen.kind == decided["chosen"] == "vector"
    assert decided["vector"]["nll"] < decided["temperature"]["nll"] and decided["nll_gain"] > 0.05
    few, decided = calibrate.fit(honest[:200] * 1.7, labels[:200])
    assert few.kind == "temperature" and few.temperature == pytest.approx(1.7, rel=0.3)
    assert decided["nll_gain"] < decided["nll_gain_standard_error"]


def test_one_may_be_asked_for() -> None:
    honest, labels = drawn(300)
    assert calibrate.fit(honest, labels, "vector")[0].kind == "vector"
    assert calibrate.fit((honest - BIAS) / SCALE, labels, "temperature")[0].kind == "temperature"
    with pytest.raises(InputError, match="auto, temperature, vector"):
        calibrate.fit(honest, labels, "platt")


def test_a_class_without_rows_and_few_rows_do_no_harm() -> None:
    honest, labels = drawn(60)
    for rows in (labels != 1, np.arange(60) < 7):
        chosen, _ = calibrate.fit(honest[rows], labels[rows])
        assert np.isfinite(chosen(honest)).all()
        np.testing.assert_allclose(chosen(honest).sum(1), 1)


def test_json_and_back() -> None:
    found = calibrate.Calibration(SCALE, BIAS, 1.3)
    again = calibrate.Calibration.from_dict(json.loads(json.dumps(found.to_dict())))
    logits = drawn(50)[0]
    np.testing.assert_array_equal(found(logits), again(logits))
    assert again.kind == "vector" and calibrate.Calibration.of_temperature(2.0).kind == "temperature"
    np.testing.assert_allclose(calibrate.Calibration.of_temperature(2.0)(logits), metrics.softmax(logits, 2.0))
