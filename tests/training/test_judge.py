"""The commands after a training on a toy run: evaluate with its options, int8 and vector export, report, mistakes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from stripes import stripes
from tiny import card, write_model
from toy import invoke as run

pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
onnx = pytest.importorskip("onnx", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.classify.classifier import EmotionClassifier  # noqa: E402
from emojimation.errors import InputError  # noqa: E402
from emojimation.training.data import corrupt  # noqa: E402
from emojimation.training.data.load import load, save  # noqa: E402
from emojimation.training.export import quantize  # noqa: E402
from emojimation.training.fit import runs  # noqa: E402
from emojimation.training.fit.recipe import Recipe  # noqa: E402
from emojimation.training.judge import calibrate  # noqa: E402
from emojimation.training.train import read_teacher, train  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(toy: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The toy run in a folder of its own, as these tests write into it."""
    folder = tmp_path_factory.mktemp("judge") / "run"
    shutil.copytree(toy[1], folder)
    return toy[0], folder


@pytest.fixture(scope="module")
def int8(made: tuple[Path, Path]) -> Path:
    run("export", made[1], "--data", made[0], "--format", "int8")
    return made[1] / "model.int8.onnx"


def test_int8_is_eight_bits_and_keeps_its_papers(made: tuple[Path, Path], int8: Path) -> None:
    figures = json.loads((made[1] / "int8.json").read_text())
    float_card, card = EmotionClassifier(made[1] / "model.onnx").card, EmotionClassifier(int8).card
    own = ("name", "path", "precision")
    assert {k: card[k] for k in card if k not in own} == {k: float_card[k] for k in card if k not in own}
    assert (card["precision"], float_card["precision"]) == ("int8", "float32")
    assert card["name"] == float_card["name"] + "-int8"
    graph = onnx.load(int8).graph
    quantised = {t.name for t in graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 4}
    convolutions = quantize.heavy_layers(onnx.load(made[1] / "model.onnx"))
    assert len(quantised) == len(convolutions) - len(figures["float_layers"]) >= 1
    val = load(made[0]).split("val")
    accuracy = (EmotionClassifier(int8).predict(val.images).argmax(1) == val.labels).mean()
    assert figures["accuracy"] == pytest.approx(accuracy) and figures["accuracy_drop"] <= 0.01
    assert 0 < figures["largest_difference"] < 0.5 and figures["ms"] > 0


def test_int8_that_costs_too_much_is_not_written(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize, "TOLERATED_DROP", -1.0)
    with pytest.raises(InputError, match="ship the float model"):
        quantize.to_int8(made[1] / "model.onnx", tmp_path / "small.onnx", load(made[0]))
    assert not list(tmp_path.iterdir())


def test_vector_scaling_is_in_the_graph(made: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(made[1], folder)
    run("export", folder, "--data", made[0], "--calibration", "vector")
    scores = json.loads((folder / "metrics.json").read_text())
    assert scores["calibration"]["kind"] == "vector" and scores["keras_onnx_parity"] <= 1e-4
    from emojimation.training.fit.trainer import predict_logits

    images = load(made[0]).split("test").images
    logits = predict_logits(runs.load_keras(folder), images)
    expected = calibrate.Calibration.from_dict(scores["calibration"])(logits)
    np.testing.assert_allclose(EmotionClassifier(folder / "model.onnx").predict(images), expected, atol=1e-4)
    run("export", folder, "--data", made[0], "--format", "tflite")
    assert (folder / "model.tflite").stat().st_size > 1000


def test_two_models_corruptions_and_sample(made: tuple[Path, Path], int8: Path, tmp_path: Path) -> None:
    model = made[1] / "model.onnx"
    out = tmp_path / "deep" / "scores.json"
    run(
        "evaluate", "--data", made[0], "--model", model, "--model", int8, "--corruptions", "--sample", 20, "--json", out
    )
    scores = json.loads(out.read_text())
    pair = scores["comparisons"][0]
    assert [one["model"] for one in scores["models"]] == [pair["a"], pair["b"]] == [str(model), str(int8)]
    assert scores["accuracy"] == pair["accuracy_a"] and 0 <= pair["p"] <= 1
    assert scores["corruptions"]["n"] == 20 and len(scores["corruptions"]["rows"]) == corrupt.steps()
    assert scores["reliability"] and scores["coverage"][0]["coverage"] == 1.0


def test_probabilities_of_several_models_are_a_teacher(made: tuple[Path, Path], int8: Path, tmp_path: Path) -> None:
    data, folder = made
    pair, out = (folder / "model.onnx", int8), tmp_path / "teacher.npy"
    run("evaluate", "--data", data, "--split", "train", "--model", pair[0], "--model", pair[1], "--probabilities", out)
    rows = load(data).split("train")
    one, two = (EmotionClassifier(path).predict(rows.images) for path in pair)
    np.testing.assert_allclose(read_teacher(out, rows), (one + two) / 2, atol=1e-6)


def test_ensemble_is_the_calibrated_mean(made: tuple[Path, Path], int8: Path, tmp_path: Path) -> None:
    data, folder = made
    pair, out, figures = (folder / "model.onnx", int8), tmp_path / "pair.onnx", tmp_path / "pair.json"
    run("ensemble", *pair, "--data", data, "--out", out, "--json", figures)
    joined, val = EmotionClassifier(out), load(data).split("val")
    views = (val.images, np.ascontiguousarray(val.images[:, :, ::-1]))
    mean = np.mean([EmotionClassifier(path).predict(view) for path in pair for view in views], axis=0)
    scaled = mean ** (1 / joined.card["temperature"])
    np.testing.assert_allclose(joined.predict(val.images), scaled / scaled.sum(1, keepdims=True), atol=1e-3)
    assert json.loads(figures.read_text())["members"] == [EmotionClassifier(path).card["name"] for path in pair]
    alone = tmp_path / "alone.onnx"
    run("ensemble", pair[0], pair[0], "--data", data, "--no-mirror", "--out", alone)
    assert (
        EmotionClassifier(alone).predict(val.images).argmax(1)
        == EmotionClassifier(pair[0]).predict(val.images).argmax(1)
    ).all()


def test_members_of_an_ensemble_also_see_close_ups(made: tuple[Path, Path], tmp_path: Path) -> None:
    """The mean over four views, against OpenCV's enlargement and the member's own answers to floats."""
    data, model, out, figures = made[0], made[1] / "model.onnx", tmp_path / "views.onnx", tmp_path / "views.json"
    run("ensemble", model, "--data", data, "--close-up", "--out", out, "--json", figures)
    assert json.loads(figures.read_text())["close_up"] is True
    joined, val = EmotionClassifier(out), load(data).split("val").images[:40]
    enlarge = cv2.getRotationMatrix2D((23.5, 23.5), 0, 1.15)
    larger = [cv2.warpAffine(image.astype(np.float32), enlarge, (48, 48)) for image in val]
    views = [val.astype(np.float32), np.stack(larger)]
    views += [view[:, :, ::-1] for view in views]
    session = onnxruntime.InferenceSession(model)
    answers = [session.run(None, {"image": np.ascontiguousarray(view[..., None])})[0] for view in views]
    scaled = np.mean(answers, axis=0) ** (1 / joined.card["temperature"])
    np.testing.assert_allclose(joined.predict(val), scaled / scaled.sum(1, keepdims=True), atol=5e-3)


def test_ensemble_of_different_inputs_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    write_model(other, ("n", 32, 32, 1), card(size="32"))
    with pytest.raises(InputError, match="one input size"):
        run("ensemble", made[1] / "model.onnx", other, "--data", made[0], "--out", tmp_path / "none.onnx")
    assert not (tmp_path / "none.onnx").exists()


def test_stripes_are_no_faces(made: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="Expected faces in the 5 images, got none"):
        run("evaluate", "--data", made[0], "--model", made[1] / "model.onnx", "--end-to-end", "--sample", 5)


def test_report_with_data_and_test_scores(made: tuple[Path, Path], int8: Path, tmp_path: Path) -> None:
    data, folder = made
    run(
        "evaluate",
        "--data",
        data,
        "--split",
        "PrivateTest",
        "--model",
        folder / "model.onnx",
        "--json",
        tmp_path / "test.json",
    )
    run("report", folder, "--data", data, "--scores", tmp_path / "test.json", "--sample", 10)
    page, text = (folder / "report.html").read_text("utf-8"), (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "Corruption robustness" in page and "<h2>int8</h2>" in page and page.count("<svg") == 6
    assert "|  | validation | test |" in text
    before = (folder / "corruptions.json").stat().st_mtime_ns
    run("report", folder, "--data", data, "--sample", 10)
    assert (folder / "corruptions.json").stat().st_mtime_ns == before, "the same table is not measured twice"
    run("report", folder, "--data", data, "--sample", 12)
    assert json.loads((folder / "corruptions.json").read_text())["n"] == 12


def test_report_on_other_data_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    save(stripes(seed=9), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="got other rows"):
        run("report", made[1], "--data", tmp_path / "other.parquet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", "--split", "holdout"), "Expected --split train, val, test, got 'holdout'"),
        (("evaluate", "--model", "nothing"), "neither"),
        (("export", "RUN", "--format", "keras2"), "Expected --format onnx, int8, keras, h5, tflite, tflite-int8"),
        (("export", "RUN", "--calibration", "platt"), "auto, temperature, vector"),
        (("export", "NONE"), "which is not one"),
        (("export", "NONE", "--format", "int8"), "which is not one"),
        (("report", "NONE"), "which is not one"),
        (("report", "RUN", "--scores", "nothing.json"), "not a file"),
    ],
)
def test_mistakes_take_one_line(made: tuple[Path, Path], arguments: tuple[str, ...], words: str) -> None:
    places = {"RUN": made[1], "NONE": made[1] / "nowhere"}
    with pytest.raises(InputError, match=words) as caught:
        run(*[places.get(a, a) for a in arguments], "--data", made[0])
    assert "\n" not in str(caught.value)


def test_an_absent_split_is_named(made: tuple[Path, Path], tmp_path: Path) -> None:
    dataset = stripes()
    save(dataset.take(dataset.splits == "train"), tmp_path / "train.parquet")
    save(dataset.take(dataset.splits == "val"), tmp_path / "only.parquet")
    with pytest.raises(InputError, match="no rows in split 'test'; splits present: train"):
        run("evaluate", "--data", tmp_path / "train.parquet", "--split", "test", "--model", made[1] / "model.onnx")
    with pytest.raises(InputError, match="no rows in split 'train'; splits present: val"):
        run("train", "--data", tmp_path / "only.parquet", "--out", tmp_path / "run")
    with pytest.raises(InputError, match="no rows in split 'val'"):
        train(dataset.take(dataset.splits == "train"), Recipe(), tmp_path / "run")


def test_votes_of_other_rows_are_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "fer2013new.csv").write_text(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
        "PublicTest,fer1.png,10,0,0,0,0,0,0,0,0,0\n"
    )
    with pytest.raises(InputError, match="FER\\+ rows"):
        run("evaluate", "--data", made[0], "--ferplus", tmp_path / "fer2013new.csv", "--model", made[1] / "model.onnx")


def test_a_network_of_another_version_or_half_a_file(made: tuple[Path, Path], tmp_path: Path) -> None:
    for content in (b"PK\x03\x04 half", b"", (made[1] / "model.keras").read_bytes()[:2000]):
        (tmp_path / "model.keras").write_bytes(content)
        with pytest.raises(InputError, match="does not load"):
            run("export", tmp_path, "--data", made[0])
    import keras

    class Strange(keras.layers.Activation):
        pass

    inputs = keras.layers.Input((4,))
    keras.Model(inputs, Strange("relu")(inputs)).save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="does not load") as caught:
        run("export", tmp_path, "--data", made[0])
    assert "\n" not in str(caught.value)


def test_other_classes_have_no_emotion_figures(tmp_path: Path) -> None:
    dataset = stripes()
    cats = replace(dataset, class_names=("a", "b", "c", "d", "e", "f", "g"), votes=None)
    save(cats, tmp_path / "cats.parquet")
    with pytest.raises(InputError, match="Expected the classes angry"):
        run("evaluate", "--data", tmp_path / "cats.parquet")
