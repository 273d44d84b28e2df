"""The start of `face`: dlib's weights in our network give dlib's features."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

keras = pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.training.fit import models  # noqa: E402
from emojimation.weights import resolve  # noqa: E402

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.slow
def test_dlib_weights_give_dlib_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the end of the stage of 64 channels, on images of the size that dlib's file takes."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.delitem(sys.modules, "start_from_dlib", raising=False)
    import start_from_dlib

    images = np.random.default_rng(0).integers(0, 256, (8, 150, 150, 1)).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = models.build("face_resnet", size=150, inner_size=150, widths=(32, 64), depths=(3, 4))
    untrained = np.asarray(features_of(model)(images))
    start_from_dlib.fill(model, start_from_dlib.convolutions(resolve("face_appearance")), images)
    given = np.asarray(features_of(model)(images))
    expected = dlib_features(np.repeat((images - 115) / 256, 3, 3).transpose(0, 3, 1, 2))
    np.testing.assert_allclose(given, expected, atol=1e-3, rtol=1e-3)
    assert np.abs(untrained - expected).mean() > 0.05


def features_of(model: keras.Model) -> keras.Model:
    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    return keras.Model(model.input, pooled.output)


def dlib_features(faces: np.ndarray) -> np.ndarray:
    """Channel means (n,64) of what goes into dlib's first convolution with 128 filters."""
    model = onnx.load(resolve("face_appearance"))
    shape = {one.name: list(one.dims) for one in model.graph.initializer}
    for node in model.graph.node:  # kernels are stored in eight bits, and scaled and shifted in the graph
        if node.op_type in ("Cast", "Mul", "Add") and node.input[0] in shape:
            shape[node.output[0]] = shape[node.input[0]]
    first = next(n for n in model.graph.node if n.op_type == "Conv" and shape.get(n.input[1], [0])[0] == 128)
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(first.input[0]))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([first.input[0]], {session.get_inputs()[0].name: faces.astype(np.float32)})[0].mean((2, 3))
