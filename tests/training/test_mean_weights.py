"""scripts/mean_weights.py: the weights between two runs, and one line for runs of different networks."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from stripes import TINY

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.errors import InputError  # noqa: E402
from emojimation.training.fit import models, network  # noqa: E402
from emojimation.training.fit.recipe import Recipe  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import mean_weights  # noqa: E402


def run_of(folder: Path, value: float, options: dict) -> Path:
    """A run folder whose weights all have one value."""
    recipe = Recipe(options=options)
    model = models.build(recipe.model, **options)
    model.set_weights([np.full_like(w, value) for w in model.get_weights()])
    folder.mkdir()
    model.save(folder / "model.keras")
    network.save_weights(model, recipe, folder / "weights.npz")
    (folder / "recipe.json").write_text(recipe.to_json())
    (folder / "history.json").write_text(f"[{value}]")
    return folder


def test_the_share_is_the_continuations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = run_of(tmp_path / "one", 1.0, TINY), run_of(tmp_path / "two", 3.0, TINY)
    out = tmp_path / "mean"
    monkeypatch.setattr(sys, "argv", ["x", str(one), str(two), "--share", "0.25", "--out", str(out)])
    mean_weights.main()
    for weights in (
        network.load_start(out / "weights.npz")[2],
        keras.models.load_model(out / "model.keras").get_weights(),
    ):
        assert all((w == 1.5).all() for w in weights)
    assert (out / "history.json").read_text() == "[3.0]"


def test_runs_of_different_networks_have_no_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = run_of(tmp_path / "one", 1.0, TINY), run_of(tmp_path / "two", 3.0, TINY | {"widths": (4, 8)})
    monkeypatch.setattr(sys, "argv", ["x", str(one), str(two), "--out", str(tmp_path / "mean")])
    with pytest.raises(InputError, match="two runs of one network"):
        mean_weights.main()
    assert not (tmp_path / "mean").exists()


def test_weights_to_pass_on_name_no_folder_of_this_machine(tmp_path: Path) -> None:
    recipe = Recipe(options=TINY, start={"name": "/home/me/runs/old/weights.npz", "sha256": "0" * 64})
    network.save_weights(models.build(recipe.model, **TINY), recipe, tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz") as saved:
        assert json.loads(str(saved["recipe"]))["start"] == {"name": "weights.npz", "sha256": "0" * 64}
