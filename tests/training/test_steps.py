"""The step that stays on an accelerator against Keras' own, on JAX' processor backend."""

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
from itertools import islice
import keras, numpy as np
from emojimation.training.fit import batches, network, steps
from emojimation.training.fit.recipe import Recipe
from stripes import TINY, stripes
rows = stripes().split("train")
recipe = Recipe(options=TINY, batch=14, precision="float32", ferplus_head=0.5, weight_decay=0.01, ema=0.9)
goals = batches.targets(rows.labels, None, 7, recipe) | {"votes": np.eye(10, dtype=np.float32)[rows.labels]}
feed = batches.Batches(rows.images, rows.labels, goals, recipe, np.linspace(0.5, 1.5, len(rows), dtype=np.float32))
def run(kind, cut):
    keras.utils.set_random_seed(1)
    model = network.compiled(recipe, 7, 48, True)
    do, losses = kind(model, recipe), []
    for number, batch in enumerate(islice(feed.stream(), 9)):
        losses.append(float(do(batch, 0.05 / (1 + number))))
        if number == cut:
            do.publish()
            do.adopt(do.average, do.count)
    do.publish()
    return [np.array(losses), *model.get_weights(), *do.average]
keras_s, jax_s, resumed = run(steps.KerasSteps, -1), run(steps.JaxSteps, -1), run(steps.JaxSteps, 4)
np.savez(sys.argv[1], n=len(keras_s), **{f"{kind}{i}": a for kind, arrays in (("keras", keras_s), ("jax", jax_s),
         ("resumed", resumed)) for i, a in enumerate(arrays)})
"""


@pytest.mark.slow
def test_a_step_on_the_device_is_keras_own_step(tmp_path: Path) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is absent: pip install jax")
    pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    paths = [str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "out.npz")]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "out.npz") as out:
        number = int(out["n"])
        weights = 1 + (number - 1) // 2  # the losses and the weights; the averages follow
        for i in range(number):
            np.testing.assert_allclose(out[f"resumed{i}"], out[f"jax{i}"], atol=1e-6)
            # Keras' average is updated at every fourth step alone.
            np.testing.assert_allclose(out[f"keras{i}"], out[f"jax{i}"], atol=1e-5 if i < weights else 0.1)
