"""Train, evaluate, export, report on a fiftieth of the data, by the commands, in under a minute."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import real_path
from emojimation.classify.classifier import EmotionClassifier
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.load import load, save
from stripes import TINY, stripes
from toy import invoke as run

pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
SECONDS = 60


def fiftieth() -> Dataset:
    """2 % of FER2013, every fiftieth row; where it is absent, as many images of stripes."""
    path = real_path()
    return load(path).take(slice(None, None, 50)) if path else stripes(646)


@pytest.mark.slow
def test_the_whole_chain_on_two_per_cent(tmp_path: Path) -> None:
    dataset = fiftieth()
    data, place, recipe = tmp_path / "some.parquet", tmp_path / "run", tmp_path / "quick.json"
    save(dataset, data)
    options = {"base": "default", "options": TINY, "epochs": 2, "batch": 32, "ema": 0.9, "precision": "float32"}
    recipe.write_text(json.dumps(options))
    start = time.process_time()  # not the clock: a busy machine is no failure
    run("train", "--data", data, "--recipe", recipe, "--out", place)
    run("evaluate", "--data", data, "--model", place / "model.onnx", "--tta", "--json", tmp_path / "scores.json")
    run("export", place, "--data", data, "--format", "int8")
    run("report", place, "--data", data, "--scores", tmp_path / "scores.json", "--sample", 20)
    assert time.process_time() - start < SECONDS
    files = {"model.onnx", "model.int8.onnx", "report.html", "MODEL_CARD.md"}
    assert files <= {path.name for path in place.iterdir()}
    val, metrics = dataset.split("val"), json.loads((place / "metrics.json").read_text())
    assert metrics["n"] == len(val) and metrics["keras_onnx_parity"] <= 1e-4
    answers = EmotionClassifier(place / "model.onnx").predict(val.images)
    assert metrics["accuracy"] == pytest.approx((answers.argmax(1) == val.labels).mean())
    assert np.isfinite(answers).all() and f"{len(val):,}" in (place / "MODEL_CARD.md").read_text("utf-8")
