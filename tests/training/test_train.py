"""The whole chain on a small set: the commands train, evaluate and export, and what the run folder holds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stripes import TINY, stripes
from typer import Typer
from typer.testing import CliRunner

pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.classify import EmotionClassifier
from emojimation.cli import train as cli_train
from emojimation.errors import InputError
from emojimation.training import recipe as recipes
from emojimation.training.data import load, save
from emojimation.training.dataset import Dataset
from emojimation.training.train import read_teacher, train, without_rows

app = Typer()
cli_train.add_to(app)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("chain")
    save(stripes(), folder / "fer2013.parquet")
    original = recipes.load
    tiny = replace(original("default"), options=TINY, epochs=10, batch=14, ema=0.9, precision="float32")
    tiny = tiny.changed(augmentation=replace(tiny.augmentation, flip=False, rotation_deg=2, camera=0, erase=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "load", lambda name: tiny)
        run("train", "--data", folder / "fer2013.parquet", "--out", folder / "run", "--seed", 4)
    return folder / "fer2013.parquet", folder / "run"


def test_the_run_folder_is_complete(trained: tuple[Path, Path]) -> None:
    data, folder = trained
    scores = json.loads((folder / "metrics.json").read_text())
    assert scores["accuracy"] > 0.8 and scores["keras_onnx_parity"] <= 1e-4
    assert json.loads((folder / "recipe.json").read_text())["seed"] == 4
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"
    card = EmotionClassifier(folder / "model.onnx").card
    assert card["data_sha256"] == load(data).split("train").sha256
    assert card["metrics"]["accuracy"] == pytest.approx(scores["accuracy"], abs=1e-4)
    assert card["temperature"] == pytest.approx(scores["temperature"], abs=1e-4)


def test_evaluate_scores_the_file(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = trained
    model = folder / "model.onnx"
    run("evaluate", "--data", data, "--split", "test", "--model", model, "--tta", "--json", tmp_path / "s.json")
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["n"] == len(load(data).split("test")) and scores["tta"] == "flip"
    printed = json.loads(run("evaluate", "--data", data, "--model", model, "--json", "-"))
    assert printed["accuracy"] == json.loads((folder / "metrics.json").read_text())["accuracy"]


def test_export_again_as_tflite(trained: tuple[Path, Path]) -> None:
    data, folder = trained
    run("export", folder, "--data", data, "--format", "tflite")
    assert (folder / "model.tflite").stat().st_size > 1000


def test_a_run_is_not_overwritten_and_not_resumed_as_another(trained: tuple[Path, Path]) -> None:
    dataset, folder = load(trained[0]), trained[1]
    used = recipes.from_json((folder / "recipe.json").read_text())
    with pytest.raises(InputError, match="add --resume"):
        train(dataset, used, folder)
    with pytest.raises(InputError, match="another model, batch or seed"):
        train(dataset, used.changed(seed=5), folder, resume=True)
    with pytest.raises(InputError, match=r"no checkpoint\.npz"):
        train(dataset, used, folder / "nothing", resume=True)


def test_a_class_without_training_rows_is_named(tmp_path: Path) -> None:
    dataset = stripes()
    with pytest.raises(InputError, match="none of disgust"):
        train(dataset.take(dataset.labels != 1), recipes.Recipe(), tmp_path / "run")


def test_fine_tuning_and_teaching_by_command(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = trained
    rows = load(data).split("train")
    np.save(tmp_path / "teacher.npy", np.eye(7, dtype=np.float32)[rows.labels])
    options = ("--epochs", 1, "--learning-rate", 1e-6, "--batch", 14, "--precision", "float32", "--seeds", 2)
    options = (*options, "--from", folder, "--teacher", tmp_path / "teacher.npy", "--out", tmp_path / "tuned")
    run("train", "--data", data, *options)
    before = json.loads((folder / "metrics.json").read_text())["accuracy"]
    for seed in (0, 1):
        after = json.loads((tmp_path / "tuned" / f"seed-{seed}" / "metrics.json").read_text())["accuracy"]
        assert after == pytest.approx(before, abs=0.1)


def test_a_teacher_of_other_rows_is_refused(tmp_path: Path) -> None:
    rows = stripes().split("train")
    np.save(tmp_path / "short.npy", np.full((5, 7), 1 / 7))
    with pytest.raises(InputError, match="one row for each training row"):
        read_teacher(tmp_path / "short.npy", rows)
    (tmp_path / "text.npy").write_text("0.5")
    with pytest.raises(InputError, match="which is none"):
        read_teacher(tmp_path / "text.npy", rows)


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    rows = stripes()
    alone = Dataset.of(rows.images, np.zeros(len(rows), int), rows.splits, class_names=("cat",))
    with pytest.raises(InputError, match="at least two classes"):
        train(alone, recipes.Recipe(), tmp_path / "run")


def test_excluded_rows_are_left_out(tmp_path: Path) -> None:
    dataset = stripes()
    (tmp_path / "rows.csv").write_text("row,reason\n0,leak\n3,flat\n")
    left = without_rows(dataset, tmp_path / "rows.csv")
    assert len(left) == len(dataset) - 2 and left.names[0] == dataset.names[1]


def test_recipes_of_the_package_load_and_tell_the_nearest_name() -> None:
    assert {"default", "vgg"} <= set(recipes.names())
    for name in recipes.names():
        chosen = recipes.load(name)
        assert recipes.from_json(chosen.to_json()) == chosen
    with pytest.raises(InputError, match="did you mean 'learning_rate'"):
        recipes.Recipe().changed(learning_rat=0.1)
    with pytest.raises(InputError, match="default"):
        recipes.load("nothing")
