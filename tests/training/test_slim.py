"""Weights stored in half the size answer as before."""

import numpy as np
import pytest

from emojimation.classify.classifier import EmotionClassifier
from emojimation.weights import resolve

onnx = pytest.importorskip("onnx", reason='training packages are absent: pip install "emojimation[train]"')


def test_a_model_stored_in_float16_is_half_as_large_and_answers_as_before(tmp_path, fer_rows):
    from emojimation.training.export.slim import halved

    source = resolve("default")
    target = tmp_path / "half.onnx"
    onnx.save(halved(onnx.load(source)), target)
    assert target.stat().st_size < 0.55 * source.stat().st_size
    before, after = EmotionClassifier(source), EmotionClassifier(target)
    assert after.card | {"path": ""} == before.card | {"path": ""}
    assert np.abs(before.predict(fer_rows.images) - after.predict(fer_rows.images)).max() < 0.005


def test_weights_beyond_float16_are_refused():
    from emojimation.training.export.slim import HALVED_FROM, halved

    values = np.full(HALVED_FROM, 1e6, np.float32)
    tensor = onnx.numpy_helper.from_array(values, "w")
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    kind = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([node], "g", [kind("x", 1, [HALVED_FROM])], [kind("y", 1, [HALVED_FROM])], [tensor])
    with pytest.raises(ValueError, match="beyond float16"):
        halved(onnx.helper.make_model(graph))
