"""scripts/store_views.py on a tiny run: its views are augmented rows, its answers those of the calibrated ensemble."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stripes import TINY, stripes

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.training.data.load import save  # noqa: E402
from emojimation.training.fit import network, trainer  # noqa: E402
from emojimation.training.fit.recipe import Recipe  # noqa: E402
from emojimation.training.judge.metrics import fit_temperature, softmax  # noqa: E402
from emojimation.training.train import teacher_of, unseen  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "scripts" / "store_views.py"
DATA = stripes()


@pytest.mark.slow
def test_the_answers_are_those_of_the_calibrated_mean_of_view_and_mirror_image(tmp_path: Path) -> None:
    train, val = DATA.split("train"), DATA.split("val")
    recipe = Recipe(options=TINY, epochs=2, batch=14, precision="float32")
    trainer.fit(train, val, recipe, tmp_path / "run")
    save(DATA, tmp_path / "data.parquet")
    (tmp_path / "views.json").write_text(json.dumps({"precision": "float32", "augmentation": {"camera": 0.5}}))
    command = [sys.executable, str(SCRIPT), str(tmp_path / "run"), str(tmp_path / "run"), "--mirror", "--views", "2"]
    given = ["--data", tmp_path / "data.parquet", "--recipe", tmp_path / "views.json", "--out", tmp_path / "views"]
    done = subprocess.run([*command, *map(str, given)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

    stored = teacher_of(tmp_path / "views", train)
    rows = np.arange(len(train))
    model = network.trained(tmp_path / "run", 7, 48, "one")
    chosen = unseen(val, train)
    temperature = fit_temperature(network.predict_logits(model, chosen.images), chosen.labels)
    first, answers = stored.read(0, rows)
    second, _ = stored.read(1, rows)
    assert (first != train.images).any((1, 2)).all() and (first != second).any()
    both = [network.predict_logits(model, views) for views in (first, np.ascontiguousarray(first[:, :, ::-1]))]
    expected = np.mean([softmax(logits / temperature) for logits in both], 0)
    np.testing.assert_allclose(answers, expected, atol=0.02)  # the script may compute in bfloat16
