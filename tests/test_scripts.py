"""The scripts that keep runs and ship models do what they say, on folders of their own."""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import ROOT
from emojimation.training.data.load import Dataset, save
from tiny import card, write_model

sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]
import certainty_curves  # noqa: E402
import graph  # noqa: E402
import log_run  # noqa: E402
import models as models_benchmark  # noqa: E402
import readme_figures  # noqa: E402
import ship_model  # noqa: E402


def test_a_model_is_shipped_with_its_rows(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"a": {"file": "a.onnx", "sha256": "1"}}')
    (tmp_path / "LICENSES.md").write_text("# Licences\n| models/a.onnx | us | MIT | `1` |\n\n## Other\n")
    monkeypatch.setattr(ship_model, "MODELS", folder)
    monkeypatch.setattr(ship_model, "ASSETS", tmp_path)
    for content in (b"old", b"new"):
        (tmp_path / "x.onnx").write_bytes(content)
        ship_model.ship("b", tmp_path / "x.onnx", "made here")
    rows = json.loads((folder / "manifest.json").read_text())
    assert set(rows) == {"a", "b"} and (folder / "b.onnx").read_bytes() == b"new"
    lines = (tmp_path / "LICENSES.md").read_text().splitlines()
    assert [line[:20] for line in lines] == [
        "# Licences",
        "| models/a.onnx | us",
        "| models/b.onnx | ma",
        "",
        "## Other",
    ]
    assert rows["b"]["sha256"] in lines[2] and "made here" in lines[2]


def test_a_model_of_another_name_is_not_shipped(tmp_path, monkeypatch):
    write_model(tmp_path / "m.onnx", metadata=card(name="mine"))
    monkeypatch.setattr(
        sys, "argv", ["ship", "yours", "--onnx", str(tmp_path / "m.onnx"), "--data", "d", "--origin", "o"]
    )
    with pytest.raises(SystemExit, match="calls itself 'yours', got 'mine'"):
        ship_model.main()


def test_a_run_is_logged_with_scores_of_its_own_file(tmp_path, monkeypatch, capsys):
    run, rng = tmp_path / "run-1", np.random.default_rng(0)
    run.mkdir()
    write_model(run / "model.onnx", metadata=card())
    (run / "recipe.json").write_text('{"model": "vgg", "seed": 3, "start": {"name": "/home/me/old/weights.npz"}}')
    (run / "history.json").write_text('[{"epoch": 1, "minutes": 2.0}, {"epoch": 2, "minutes": 4.04}]')
    images, labels = rng.integers(0, 256, (20, 48, 48), np.uint8), rng.integers(0, 7, 20)
    save(Dataset.of(images, labels, ["train"] * 10 + ["val"] * 10), tmp_path / "d.parquet")
    monkeypatch.setattr(log_run, "ROOT", tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["log", str(run), "--data", str(tmp_path / "d.parquet"), "--hardware", "a desk", "--notes", "lost"]
    )
    log_run.main()
    kept = json.loads((tmp_path / "benchmarks/results/runs/run-1.json").read_text())
    assert kept["epochs"] == 2 and kept["minutes"] == 4.0 and kept["scores"]["n"] == 10
    assert kept["recipe"]["start"]["name"] == "weights.npz"
    constant = int(log_run.EmotionClassifier(run / "model.onnx").predict(images[:1]).argmax())
    assert kept["scores"]["accuracy"] == pytest.approx((labels[10:] == constant).mean())
    assert "| run-1 | vgg | 3 | 2 | a desk, 4 |" in capsys.readouterr().out


def test_every_models_size_and_speed_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["models", "--rounds", "3", "--out", str(tmp_path)])
    models_benchmark.main()
    figures = json.loads((tmp_path / "models.json").read_text())["default"]
    assert figures["bytes"] > 1e5 and 0 < figures["p5_ms"] <= figures["median_ms"] and figures["n"] == 3589


def test_the_table_of_models_has_the_scores_of_the_cards_and_the_stored_times(monkeypatch):
    table = "\n".join(readme_figures.models_table())
    assert table in (ROOT / "README.md").read_text("utf-8"), "scripts/readme_figures.py was not run"
    monkeypatch.setattr(readme_figures, "results", lambda _: {"lite": {"bytes": 1, "accuracy": 0.1, "median_ms": 0.4}})
    scores = json.loads((models_benchmark.MODELS / "lite.json").read_text())
    row = readme_figures.models_table()[-1]
    assert "KB | 0.4 ms |" in row and f"| {scores['accuracy']:.1%} (" in row and f"| {scores['ece']:.1%} |" in row


def test_a_split_prelu_answers_as_the_prelu_does_and_unused_outputs_go():
    rng = np.random.default_rng(0)
    given = rng.normal(0, 2, (2, 5, 7, 6)).astype(np.float32)
    for slopes in ([-1.5, 0, 0.3, 0.9, 1], [-1, 0.2, 1.4, 2, 0]):
        weights = np.array(slopes, np.float32).reshape(1, 5, 1, 1)
        model = helper.make_model(
            helper.make_graph(
                [helper.make_node("PRelu", ["x", "slope"], ["y"]), helper.make_node("Abs", ["y"], ["z"])],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, given.shape)],
                [helper.make_tensor_value_info(name, TensorProto.FLOAT, given.shape) for name in "yz"],
                [numpy_helper.from_array(weights, "slope")],
            ),
            opset_imports=[helper.make_opsetid("", 13)],
            ir_version=8,
        )
        graph.keep_outputs(model.graph, {"y"})
        graph.split_prelus(model.graph)
        onnx.checker.check_model(model, full_check=True)
        assert {node.op_type for node in model.graph.node} == {"Conv", "Relu", "Add"}
        assert "slope" not in {tensor.name for tensor in model.graph.initializer}
        (answer,) = ort.InferenceSession(model.SerializeToString()).run(None, {"x": given})
        assert answer == pytest.approx(np.where(given > 0, given, given * weights), abs=1e-5)


def tensor(rng, name, *shape):
    return numpy_helper.from_array(rng.normal(0, 1, shape).astype(np.float32), name)


def block(rng):
    """x -> expansion to 24 channels, nine of them always below zero -> depthwise -> projection -> enlarged, normed."""
    bias = np.where(np.arange(24) % 8 < 3, -1e3, 1).astype(np.float32)
    weights = [tensor(rng, "wide", 24, 4, 1, 1), numpy_helper.from_array(bias, "wide_bias")]
    weights += [tensor(rng, "deep", 24, 1, 3, 3), numpy_helper.from_array(np.zeros(24, np.float32), "deep_bias")]
    weights += [tensor(rng, "narrow", 4, 24, 1, 1), tensor(rng, "up", 4, 4, 2, 2)]
    weights += [tensor(rng, name, 4) for name in ("gain", "shift", "mean")]
    weights.append(numpy_helper.from_array(np.array([0.5, 1, 2, 3], np.float32), "variance"))
    nodes = [
        helper.make_node("Conv", ["x", "wide", "wide_bias"], ["a"], kernel_shape=[1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "deep", "deep_bias"], ["c"], group=24, kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "narrow"], ["e"], kernel_shape=[1, 1]),
        helper.make_node("ConvTranspose", ["e", "up"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["f", "gain", "shift", "mean", "variance"], ["y"], epsilon=1e-3),
    ]
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 12, 10])
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 6, 5])
    whole = helper.make_graph(nodes, "g", [given], [made], weights)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_silent_channels_and_norms_go_without_a_change_of_the_answer():
    rng = np.random.default_rng(1)
    model, given = block(rng), {"x": rng.normal(0, 1, (1, 4, 6, 5)).astype(np.float32)}
    (before,) = ort.InferenceSession(model.SerializeToString()).run(["y"], given)
    graph.fold_norms(model.graph)
    peaks = np.where(np.arange(24) % 8 < 3, 0.0, 5.0)
    assert graph.drop_silent(model.graph, {"d": peaks}, 0.01) == 8  # the ninth fills the last block of eight
    onnx.checker.check_model(model, full_check=True)
    (after,) = ort.InferenceSession(model.SerializeToString()).run(["y"], given)
    assert after == pytest.approx(before, abs=1e-5)
    shapes = {one.name: list(one.dims) for one in model.graph.initializer}
    assert shapes["deep"] == [16, 1, 3, 3] and shapes["narrow"] == [4, 16, 1, 1] and "variance" not in shapes
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}


def test_added_channels_are_concatenated_without_a_change_of_the_answer():
    rng, shape = np.random.default_rng(2), [1, 12, 5, 4]
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Pad", ["x", "pads"], ["b"]),
        helper.make_node("Add", ["b", "a"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 4, 0, 0], np.int64), "pads")
    value = helper.make_tensor_value_info
    weights = [tensor(rng, "kernel", 12, 8, 3, 3), tensor(rng, "bias", 12), pads]
    whole = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [1, 8, 5, 4])], [value("y", TensorProto.FLOAT, shape)], weights
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    given = {"x": rng.normal(0, 1, (1, 8, 5, 4)).astype(np.float32)}
    (before,) = ort.InferenceSession(model.SerializeToString()).run(["y"], given)
    graph.split_pads(model.graph)
    onnx.checker.check_model(model, full_check=True)
    (after,) = ort.InferenceSession(model.SerializeToString()).run(["y"], given)
    assert after == pytest.approx(before, abs=1e-5) and before.max() > 1
    assert sorted(node.op_type for node in model.graph.node) == ["Add", "Concat", "Conv", "Conv", "Relu", "Relu"]


@pytest.mark.parametrize("name", ["face_mesh", "iris"])
def test_the_mesh_networks_have_no_prelu_which_would_take_most_of_their_time(name):
    model = onnx.load(ROOT / "src/emojimation/assets/models" / f"{name}.onnx")
    assert "PRelu" not in {node.op_type for node in model.graph.node}


@pytest.mark.parametrize(("precision", "coverage", "threshold"), [(1.0, 0.25, 0.9), (0.75, 1.0, 0.4), (0.9, 0.25, 0.9)])
def test_coverage_at_a_precision_weighs_each_answer(precision, coverage, threshold):
    confidence, right = np.array([0.4, 0.9, 0.6, 0.5]), np.array([True, True, False, True])
    found = certainty_curves.at_precision(confidence, right, np.ones(4), precision)
    assert found == {"precision": precision, "coverage": coverage, "threshold": threshold}
    weighted = certainty_curves.at_precision(confidence, right, np.array([7, 1, 1, 1]), 0.9)
    assert weighted == {"precision": 0.9, "coverage": 1.0, "threshold": 0.4}
    assert certainty_curves.at_precision(confidence, np.zeros(4, bool), np.ones(4), 0.5)["coverage"] == 0
