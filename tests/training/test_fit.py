"""Runs of a tiny network on pictures that it can learn: it learns, resumes exactly, stops well."""

import json
from pathlib import Path

import numpy as np
import pytest
from stripes import TINY, stripes

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.errors import InputError  # noqa: E402
from emojimation.training import batches, fit  # noqa: E402
from emojimation.training.augment import Augmentation  # noqa: E402
from emojimation.training.recipe import Recipe  # noqa: E402

LIGHT = Augmentation(flip=False, shift_px=1, scale=0, rotation_deg=0, light=0.1)
RECIPE = Recipe(
    options=TINY, epochs=8, batch=14, learning_rate=0.1, ema=0.8, precision="float32", augmentation=LIGHT,
    ferplus_mix=0.3, ferplus_head=0.5,
)  # fmt: skip
DATA = stripes()
TRAIN, VAL = DATA.split("train"), DATA.split("val")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[fit.Trainer, Path]:
    folder = tmp_path_factory.mktemp("unbroken")
    return fit.fit(TRAIN, VAL, RECIPE, folder), folder


def test_it_learns_and_leaves_a_run_folder(unbroken: tuple[fit.Trainer, Path]) -> None:
    trainer, folder = unbroken
    assert trainer.best.accuracy > 0.9
    assert {p.name for p in folder.iterdir()} == {"recipe.json", "history.json", "checkpoint.npz", "model.keras"}
    assert [row["epoch"] for row in json.loads((folder / "history.json").read_text())] == list(range(1, 9))
    logits = fit.predict_logits(keras.models.load_model(folder / "model.keras"), VAL.images)
    assert (logits.argmax(1) == VAL.labels).mean() == pytest.approx(trainer.best.accuracy)


def test_resumed_equals_unbroken(unbroken: tuple[fit.Trainer, Path], tmp_path: Path) -> None:
    def stop_after_three(row: dict[str, float]) -> None:
        if row.get("val_loss") and row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit.fit(TRAIN, VAL, RECIPE, tmp_path, report=stop_after_three)
    resumed = fit.fit(TRAIN, VAL, RECIPE, tmp_path, resume=True)
    assert len(resumed.history) == 8
    for a, b in zip(resumed.model.get_weights(), unbroken[0].model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for a, b in zip(resumed.best.weights, unbroken[0].best.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(
    unbroken: tuple[fit.Trainer, Path], tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.npz").write_bytes((unbroken[1] / "checkpoint.npz").read_bytes())
    before = (tmp_path / "checkpoint.npz").read_bytes()
    with pytest.raises(InputError, match="lower the learning rate"):
        fit.fit(TRAIN, VAL, RECIPE.changed(learning_rate=1e30, warmup_epochs=0.0), tmp_path)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit.fit(TRAIN, VAL, RECIPE.changed(epochs=1), tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()

    def full(path: Path, **arrays: np.ndarray) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left"):
        fit.fit(TRAIN, VAL, RECIPE.changed(epochs=2), tmp_path, resume=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_patience_ends_a_run_that_no_longer_gains(tmp_path: Path) -> None:
    idle = RECIPE.changed(learning_rate=1e-12, patience=2, epochs=9, ema=0.0)
    trainer = fit.fit(TRAIN, VAL, idle, tmp_path)
    assert len(trainer.history) == trainer.best.epoch + 1 + 2


def test_a_time_budget_ends_the_run_at_its_end_of_schedule(tmp_path: Path) -> None:
    trainer = fit.fit(TRAIN, VAL, RECIPE.changed(epochs=500, minutes=0.05), tmp_path)
    assert len(trainer.history) < 500
    assert trainer.history[-1]["rate"] < RECIPE.learning_rate / 4


def test_schedules() -> None:
    rates = [fit.learning_rate(RECIPE.changed(warmup_epochs=0.8), p) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates == pytest.approx([0.001, 0.05, 0.1, 0.05, 0.0001], rel=1e-6)
    assert fit.learning_rate(RECIPE.changed(schedule="plateau"), 0.9) == 0.1


def test_targets_mix_labels_smoothing_and_votes() -> None:
    labels = np.array([3, 6])
    votes = np.array([[0, 5, 5, 0, 0, 0, 0, 0, 0, 0], [0] * 10], np.uint8)  # half happy, half surprise; no votes at all
    goal = batches.targets(labels, votes, 7, Recipe(ferplus_mix=0.5, ferplus_head=1.0, label_smoothing=0.0))
    np.testing.assert_allclose(goal["logits"][0], [0, 0, 0, 0.75, 0, 0.25, 0])
    np.testing.assert_allclose(goal["logits"][1], np.eye(7)[6])
    np.testing.assert_allclose(goal["votes"][1], np.eye(10)[9])
    np.testing.assert_allclose(goal["votes"].sum(1), 1)
    smooth = batches.targets(labels, None, 7, Recipe(label_smoothing=0.07))["logits"]
    np.testing.assert_allclose(smooth[0], [0.01, 0.01, 0.01, 0.94, 0.01, 0.01, 0.01], rtol=1e-5)


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    goals = {"logits": np.eye(7, dtype=np.float32)[TRAIN.labels]}
    third, again = batches.Batches(TRAIN.images, goals, RECIPE), batches.Batches(TRAIN.images, goals, RECIPE, 2)
    third.on_epoch_end()
    third.on_epoch_end()
    assert (third[1][0] == again[1][0]).all()
    assert (third[1][0] != batches.Batches(TRAIN.images, goals, RECIPE)[1][0]).any()
    assert sorted(np.concatenate([third.order])) == list(range(len(TRAIN)))
