"""Weights stored in half the size answer as before."""

import numpy as np
import pytest

from emojimation.classify.classifier import EmotionClassifier
from emojimation.weights import resolve

onnx = pytest.importorskip("onnx", reason='training packages are absent: pip install "emojimation[train]"')


@pytest.fixture
def in_float32():
    """`default` with weights that float16 does not hold exactly."""
    from emojimation.training.export.slim import HALVED_FROM, widened

    model = widened(onnx.load(resolve("default")))
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= HALVED_FROM:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * np.float32(1.0002), tensor.name))
    return model


def test_a_model_stored_in_float16_is_half_as_large_and_answers_as_before(tmp_path, fer_rows, in_float32):
    from emojimation.training.export.slim import halved

    source, target = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    onnx.save(in_float32, source)
    onnx.save(halved(in_float32), target)
    assert target.stat().st_size < 0.55 * source.stat().st_size
    before, after = EmotionClassifier(source), EmotionClassifier(target)
    assert after.card | {"path": ""} == before.card | {"path": ""}
    assert np.abs(before.predict(fer_rows.images) - after.predict(fer_rows.images)).max() < 0.005


def test_weights_stored_in_float16_are_float32_again_for_tools(in_float32):
    from emojimation.training.export.slim import halved, widened

    source = in_float32
    whole = widened(halved(source))
    assert not [tensor for tensor in whole.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16]
    assert [node.op_type for node in whole.graph.node] == [node.op_type for node in source.graph.node]
    before, after = (
        {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        for model in (source, whole)
    )
    assert before.keys() == after.keys()
    assert all(np.allclose(before[name], after[name], rtol=1e-3, atol=1e-6) for name in before)
    assert not all(np.array_equal(before[name], after[name]) for name in before)


def test_each_member_of_an_ensemble_has_a_first_and_a_last_layer():
    """Which layers stay float when a model is quantised."""
    from emojimation.training.export.ensemble import _loaded, mean_graph
    from emojimation.training.export.quantize import ends, heavy_layers

    one = onnx.load(resolve("default"))
    layers = heavy_layers(one)
    assert ends(one) == ([layers[0]], [layers[1]], [layers[-1]])
    assert [net.card["precision"] for net in _loaded(["default", resolve("default")])] == ["float32"] * 2
    both = mean_graph([one, one], (48, 1, 7), mirror=True)
    assert len(both.graph.initializer) == 2 * len(one.graph.initializer) + 7, "each network once, for both views"
    assert ends(both) == tuple([f"{member}_{layers[at]}" for member in ("m0", "m1")] for at in (0, 1, -1))


def test_weights_beyond_float16_are_refused():
    from emojimation.training.export.slim import HALVED_FROM, halved

    values = np.full(HALVED_FROM, 1e6, np.float32)
    tensor = onnx.numpy_helper.from_array(values, "w")
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    kind = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([node], "g", [kind("x", 1, [HALVED_FROM])], [kind("y", 1, [HALVED_FROM])], [tensor])
    with pytest.raises(ValueError, match="beyond float16"):
        halved(onnx.helper.make_model(graph))
