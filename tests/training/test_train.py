"""The whole chain on a small set: the commands train, evaluate and export, and what the run folder holds."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import SAMPLES
from stripes import stripes
from toy import invoke as run
from toy import write_recipe

pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.classify.classifier import EmotionClassifier
from emojimation.cli import train as cli
from emojimation.errors import InputError
from emojimation.labels import FERPLUS_COLUMNS
from emojimation.precision import suited
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.load import load, save
from emojimation.training.data.pictures import encode_png
from emojimation.training.export import card
from emojimation.training.fit import recipe as recipes
from emojimation.training.fit import runs
from emojimation.training.fit.models import Conv, build
from emojimation.training.fit.trainer import fit
from emojimation.training.train import prepared, read_teacher, teacher_of, thin_classes, train, unseen, without_rows
from emojimation.weights import resolve, sha256

pytestmark = pytest.mark.slow


def test_the_run_folder_is_complete(toy: tuple[Path, Path]) -> None:
    data, folder = toy
    scores = json.loads((folder / "metrics.json").read_text())
    assert scores["accuracy"] > 0.8 and scores["keras_onnx_parity"] <= 1e-4
    assert json.loads((folder / "recipe.json").read_text())["seed"] == 0
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"
    card = EmotionClassifier(folder / "model.onnx").card
    assert card["data_sha256"] == load(data).split("train").sha256
    assert card["metrics"]["accuracy"] == pytest.approx(scores["accuracy"], abs=1e-4)
    assert card["temperature"] == pytest.approx(scores["temperature"], abs=1e-4)


def test_evaluate_scores_the_file(toy: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = toy
    model = folder / "model.onnx"
    run("evaluate", "--data", data, "--split", "test", "--model", model, "--tta", "--json", tmp_path / "s.json")
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["n"] == len(load(data).split("test")) and scores["tta"] == "flip"
    printed = json.loads(run("evaluate", "--data", data, "--model", model, "--json", "-"))
    assert printed["accuracy"] == json.loads((folder / "metrics.json").read_text())["accuracy"]


def test_a_run_is_not_overwritten_and_not_resumed_as_another(toy: tuple[Path, Path]) -> None:
    dataset, folder = load(toy[0]), toy[1]
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
        train(dataset.take((dataset.labels != 1) | (dataset.splits == "val")), recipes.Recipe(), tmp_path / "run")


@pytest.mark.slow
def test_fine_tuning_and_teaching_by_command_and_the_start_is_kept(toy: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = toy
    rows = load(data).split("train")
    np.save(tmp_path / "teacher.npy", np.eye(7, dtype=np.float32)[rows.labels])
    recipe = write_recipe(tmp_path, epochs=1, learning_rate=1e-6)
    options = ("--from", folder, "--teacher", tmp_path / "teacher.npy", "--out", tmp_path / "tuned", "--seeds", 2)
    run("train", "--data", data, "--recipe", recipe, *options, "--seed", 0)
    for seed in (0, 1):  # ten steps at no rate: without the start this would be a seventh
        after = json.loads((tmp_path / "tuned" / f"seed-{seed}" / "metrics.json").read_text())["accuracy"]
        assert after > 0.6
    kept = recipes.read(tmp_path / "tuned" / "seed-0" / "recipe.json")
    assert kept.start == {"name": str(folder), "sha256": sha256(folder / "weights.npz")}
    assert kept.start["sha256"] in card.model_card(runs.open_run(tmp_path / "tuned" / "seed-0"), [])
    scores = train(load(data), kept, tmp_path / "again")
    assert scores["accuracy"] > 0.6, "the recipe alone starts from the same weights"
    with pytest.raises(InputError, match="Expected the weights that the recipe's run began with"):
        train(load(data), kept.changed(start=kept.start | {"sha256": "0" * 64}), tmp_path / "other")


@pytest.mark.slow
def test_a_folder_of_other_classes_from_training_to_use(toy: tuple[Path, Path], tmp_path: Path, command) -> None:
    """As a user would: three folders of images without splits, fine-tuned, judged, made small, and used."""
    rows, names = stripes(), ("cat, tabby", "dog", "owl")
    pictures = tmp_path / "pictures"
    for i in np.flatnonzero(rows.labels < 3):
        folder = pictures / names[rows.labels[i]]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(encode_png(rows.images[i]))
    recipe, place = write_recipe(tmp_path, epochs=4, learning_rate=0.05, ema=0.0), tmp_path / "run"
    run("train", "--data", pictures, "--recipe", recipe, "--from", toy[1], "--out", place)
    scores = json.loads((place / "metrics.json").read_text())
    assert scores["labels"] == list(names) and 9 <= scores["n"] <= 25 and scores["accuracy"] > 0.7
    model = place / "model.onnx"
    printed = json.loads(run("evaluate", "--data", pictures, "--model", model, "--json", "-"))
    assert printed["accuracy"] == scores["accuracy"] and printed["ferplus_accuracy"] is None
    run("export", place, "--data", pictures, "--format", "int8")
    run("report", place, "--data", pictures, "--sample", 5)
    assert "cat, tabby" in (place / "MODEL_CARD.md").read_text("utf-8")
    for path in (model, place / "model.int8.onnx"):
        classifier = EmotionClassifier(path, labels=None)
        assert classifier.labels == names and classifier.predict(rows.images[:2]).shape == (2, 3)
        assert classifier.predict(rows.images[:0]).shape == (0, 3)
    code, _, told = command("image", SAMPLES / "astronaut.jpg", "--model", model, "--json")
    assert code == 0, told
    with pytest.raises(InputError, match="Expected the classes cat, tabby, dog, owl, got angry"):
        run("evaluate", "--data", toy[0], "--model", model)


@pytest.mark.slow
def test_ctrl_c_by_command_exits_130_and_resume_needs_no_recipe(
    toy: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command
) -> None:
    def interrupting(bar: object, events: object) -> object:
        return lambda row: os.kill(os.getpid(), signal.SIGINT) if row.get("progress", 0) > 0.4 else None

    place, recipe = tmp_path / "run", write_recipe(tmp_path, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(cli, "_reporter", interrupting)
        code, _, told = command("train", "--data", toy[0], "--recipe", recipe, "--out", place)
    assert code == 130 and "--resume" in told and "Traceback" not in told
    assert (place / "checkpoint.npz").exists() and not (place / "model.onnx").exists()
    code, _, told = command("train", "--data", toy[0], "--out", place, "--resume")
    assert code == 0 and EmotionClassifier(place / "model.onnx").size == 48
    assert recipes.read(place / "recipe.json") == recipes.read(recipe)


def test_a_teacher_of_other_rows_is_refused(tmp_path: Path) -> None:
    rows = stripes().split("train")
    np.save(tmp_path / "short.npy", np.full((5, 7), 1 / 7))
    with pytest.raises(InputError, match="one row for each training row"):
        read_teacher(tmp_path / "short.npy", rows)
    (tmp_path / "text.npy").write_text("0.5")
    with pytest.raises(InputError, match="which is not one"):
        read_teacher(tmp_path / "text.npy", rows)


def test_a_validation_photo_that_is_in_training_does_not_choose_the_epoch() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 48, 48), dtype=np.uint8)
    rows = Dataset.of(noise, np.arange(60) % 7, np.where(np.arange(60) < 40, "train", "val"))
    known, val = rows.split("train"), rows.split("val")
    assert len(unseen(val, known)) == 20
    images = val.images.copy()
    images[3], images[7] = known.images[0], np.clip(known.images[1].astype(int) + 9, 0, 255)
    left = unseen(replace(val, images=images), known)
    np.testing.assert_array_equal(left.images, np.delete(images, [3, 7], 0))
    images[:15] = known.images[:15]
    assert len(unseen(replace(val, images=images), known)) == 20, "too few would be left"
    assert len(unseen(replace(val, images=known.images[:20]), known)) == 20, "none would be left"


def test_a_teacher_of_other_classes_or_another_size_is_refused() -> None:
    rows = stripes().split("train")
    assert teacher_of("lite", rows).sha256 == sha256(resolve(suited("lite")))
    with pytest.raises(InputError, match="Expected the labels"):
        teacher_of("ferplus", rows)
    large = Dataset.of(np.zeros((len(rows), 64, 64), np.uint8), rows.labels, rows.splits)
    with pytest.raises(InputError, match="grey images of 64 pixels"):
        teacher_of("lite", large)


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"learning_rat": 1}', "did you mean 'learning_rate'"),
        ('{"augmentation": {"shif_px": 1}}', "did you mean 'shift_px'"),
        ('{"augmentation": 3}', "augmentation as a JSON object"),
        ('{"options": {"width": [4, 8]}}', "did you mean 'widths'"),
        ('{"base": "defalt"}', "among default"),
        ('{"epochs": "ten"}', "epochs as a whole number"),
        ('{"epochs": 0}', "of at least 1"),
        ('{"augmentation": {"flip": 2}}', "flip as true or false"),
        ('{"schedule": "cosin"}', "cosine, onecycle, plateau, constant"),
        ('{"model": "alexnet"}', "vgg, vgg_se, resnet"),
        ("[1]", "as a JSON object"),
        ("epochs: 3", "in JSON"),
    ],
)
def test_a_recipe_file_with_a_mistake_is_reported_in_one_line(
    toy: tuple[Path, Path], tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        run("train", "--data", toy[0], "--recipe", tmp_path / "mine.json", "--out", tmp_path / "run")
    assert "\n" not in str(caught.value) and not (tmp_path / "run" / "checkpoint.npz").exists()


def test_a_run_folder_of_another_version_is_not_resumed(toy: tuple[Path, Path], tmp_path: Path) -> None:
    data, place = toy[0], tmp_path / "run"
    place.mkdir()
    (place / "recipe.json").write_text((toy[1] / "recipe.json").read_text())
    np.savez(place / "checkpoint.npz", state='{"epoch": 3}')
    with pytest.raises(InputError, match="of another version or network"):
        run("train", "--data", data, "--out", place, "--resume")
    (place / "checkpoint.npz").write_bytes((toy[1] / "checkpoint.npz").read_bytes()[:5000])
    with pytest.raises(InputError, match="damaged file"):
        run("train", "--data", data, "--out", place, "--resume")
    (place / "recipe.json").write_text('{"model": "vgg_se", "momentum": 0.9}')
    with pytest.raises(InputError, match=r"recipe\.json: Expected a field of a recipe, got 'momentum'"):
        run("train", "--data", data, "--out", place, "--resume")


def test_other_rows_or_targets_do_not_resume_a_run(toy: tuple[Path, Path], tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    for name in ("recipe.json", "checkpoint.npz"):
        (place / name).write_bytes((toy[1] / name).read_bytes())
    (tmp_path / "rows.csv").write_text("row\n0\n")
    with pytest.raises(InputError, match="same --data"):
        run("train", "--data", toy[0], "--out", place, "--resume", "--exclude", tmp_path / "rows.csv")


def test_training_switches_onednn_on_unless_the_user_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    from emojimation.training.fit.backend import need_training

    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    need_training()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    need_training()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_the_strided_recipe_builds_and_has_no_teacher_to_lean_on() -> None:
    chosen = recipes.load("strided")
    model = build(chosen.model, **chosen.options)
    first = next(layer for layer in model.layers if isinstance(layer, Conv))
    assert first.strides == (2, 2), "the first convolution halves the image"
    assert chosen.ferplus_mix == 0.3 and chosen.seed == 21 and chosen.best_by == "loss"


@pytest.mark.slow
def test_three_of_the_seven_emotions_are_three_classes(toy: tuple[Path, Path], tmp_path: Path) -> None:
    rows = stripes()
    some = rows.take(np.isin(rows.labels, (0, 3, 4)))
    assert prepared(some, recipes.Recipe()).class_names == ("angry", "happy", "sad")
    recipe = recipes.from_json(write_recipe(tmp_path, epochs=1).read_text())
    scores = train(some, recipe, tmp_path / "run")
    classifier = EmotionClassifier(tmp_path / "run" / "model.onnx", labels=None)
    assert tuple(classifier.labels) == ("angry", "happy", "sad") == tuple(scores["labels"])
    assert classifier.card["train_counts"] == list(some.split("train").counts()["train"].values())[0:1] * 3
    save(some, tmp_path / "some.parquet")
    printed = json.loads(
        run("evaluate", "--data", tmp_path / "some.parquet", "--model", tmp_path / "run" / "model.onnx", "--json", "-")
    )
    assert printed["accuracy"] == scores["accuracy"]


def test_classes_of_few_images_are_named() -> None:
    rows = stripes(70)
    few = rows.take((rows.labels != 2) | (np.cumsum(rows.labels == 2) == 1))
    (train_line, val_line) = thin_classes(few)
    assert "10 train images: angry (7), disgust (7), fear (1)" in train_line and "val images" in val_line
    assert thin_classes(stripes(1400)) == []


@pytest.mark.slow
def test_eight_classes_of_ferplus_from_training_to_report(tmp_path: Path) -> None:
    rows = stripes(280)
    votes = rows.votes.copy()
    contempt = rows.labels == 1  # nobody is disgusted here
    votes[contempt] = 0
    votes[contempt, FERPLUS_COLUMNS.index("contempt")] = 9
    votes[contempt, FERPLUS_COLUMNS.index("disgust")] = 1
    votes[0] = 0
    votes[0, FERPLUS_COLUMNS.index("NF")] = 10
    disgusted = np.flatnonzero(rows.labels == 0)[::2]
    votes[disgusted] = votes[disgusted][:, [0, 1, 2, 3, 5, 4, 6, 7, 8, 9]]  # half of the angry ones
    votes[0] = np.eye(10, dtype=np.uint8)[FERPLUS_COLUMNS.index("NF")] * 10
    save(replace(rows, votes=votes), tmp_path / "data.parquet")
    recipe, place = write_recipe(tmp_path, epochs=6, vote_weight=0.5), tmp_path / "run"
    options = ("--data", tmp_path / "data.parquet", "--recipe", recipe)
    run("train", *options, "--labels", "ferplus", "--out", place)
    scores = json.loads((place / "metrics.json").read_text())
    assert scores["labels"] == list(ferplus.EIGHT) and scores["per_class"]["contempt"]["recall"] > 0.5
    assert scores["accuracy"] == scores["ferplus8_accuracy"] and scores["n"] == scores["ferplus8_n"]
    assert scores["train"]["n"] == len(rows.split("train")) - 1, "what shows no face is left out"
    model = place / "model.onnx"
    printed = json.loads(run("evaluate", "--data", tmp_path / "data.parquet", "--model", model, "--json", "-"))
    assert printed["accuracy"] == scores["accuracy"]
    run("report", place, "--data", tmp_path / "data.parquet", "--sample", 5)
    run("export", place, "--data", tmp_path / "data.parquet", "--format", "h5")
    two = tmp_path / "two.onnx"
    run("ensemble", model, model, "--data", tmp_path / "data.parquet", "--no-mirror", "--out", two)
    assert EmotionClassifier(two).labels == ferplus.EIGHT
    assert (place / "calibrated.h5").is_file() and "knows 8 classes" in (place / "MODEL_CARD.md").read_text("utf-8")
    with pytest.raises(InputError, match="Expected FER\\+ votes"):
        prepared(replace(rows, votes=None), recipes.load("ferplus"))


@pytest.mark.slow
def test_the_accuracy_of_training_rows_is_kept_and_the_bar_ends_full(toy: tuple[Path, Path], tmp_path: Path) -> None:
    history = json.loads((toy[1] / "history.json").read_text())
    assert history[-1]["train_accuracy"] > history[0]["train_accuracy"]
    told: list[dict[str, float]] = []
    recipe = recipes.from_json(write_recipe(tmp_path, epochs=3, patience=1, learning_rate=1e-9).read_text())
    rows = stripes(70)
    fit(rows.split("train"), rows.split("val"), recipe, tmp_path / "run", report=told.append)
    assert [row["progress"] for row in told if "progress" in row][-1] == 1.0
