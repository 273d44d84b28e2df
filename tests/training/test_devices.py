"""Several devices at once: two processors that JAX makes of one stand for two accelerators."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
import keras, numpy as np
from emojimation.training.fit import trainer as fit
from emojimation.training.fit.augment import NONE
from emojimation.training.fit.recipe import Recipe
from stripes import TINY, stripes
data = stripes()
recipe = Recipe(options=TINY | {"dropout": 0.0}, epochs=1, batch=14, ema=0.0, precision="float32", augmentation=NONE,
                learning_rate=0.01)
trainer = fit.fit(data.split("train"), data.split("val"), recipe, Path(sys.argv[1]))
spread = keras.distribution.distribution()
print(len(keras.distribution.list_devices()), type(spread).__name__)
np.savez(sys.argv[2], *trainer.model.get_weights())
"""


def trained_on(devices: int, folder: Path) -> tuple[str, list[np.ndarray]]:
    env = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
    }
    out = folder / f"{devices}.npz"
    command = [sys.executable, "-c", SCRIPT, str(folder / f"run-{devices}"), str(out)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as saved:
        return done.stdout.strip().splitlines()[-1], [saved[key] for key in saved.files]


@pytest.mark.slow
def test_two_devices_learn_what_one_does(tmp_path: Path) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is absent: pip install jax")
    pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    alone, expected = trained_on(1, tmp_path)
    together, got = trained_on(2, tmp_path)
    assert alone == "1 NoneType" and together == "2 DataParallel"
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.slow
def test_training_starts_where_nothing_draws_or_exports() -> None:
    """As on a lent accelerator, which has neither; scripts/train_on_accelerator.sh would fail at once."""
    absent = "import sys; sys.modules.update(dict.fromkeys(['onnx', 'tf2onnx', 'matplotlib']));"
    command = [sys.executable, "-c", f"{absent} import emojimation.cli.train, emojimation.training.train"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
