"""A tiny emotion model whose answers can be told by hand."""

import json
from pathlib import Path

import numpy as np

from emojimation.faces import TEMPLATE
from emojimation.labels import EMOTIONS


def write_model(path: Path, shape: tuple = ("n", 48, 48, 1), metadata: dict | None = None, classes: int = 7) -> Path:
    """A tiny Emojimation model: the brighter a crop, the happier; the darker, the sadder. Softmax of mean * slope."""
    from onnx import TensorProto, helper, save

    slope = np.zeros((1, classes), np.float32)
    bright, dark = (EMOTIONS.index("happy"), EMOTIONS.index("sad")) if classes > 4 else (1, 0)
    slope[0, bright], bias = 8, np.zeros(classes, np.float32)
    bias[dark] = 3
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["frames"], ["mean"], axes=list(range(1, len(shape))), keepdims=0),
            helper.make_node("Reshape", ["mean", "column"], ["means"]),
            helper.make_node("Div", ["means", "white"], ["brightness"]),
            helper.make_node("MatMul", ["brightness", "slope"], ["raw"]),
            helper.make_node("Add", ["raw", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", classes])],
        [
            helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
            helper.make_tensor("white", TensorProto.FLOAT, [1], [255.0]),
            helper.make_tensor("slope", TensorProto.FLOAT, slope.shape, slope.ravel().tolist()),
            helper.make_tensor("bias", TensorProto.FLOAT, bias.shape, bias.tolist()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, card() if metadata is None else metadata)
    save(model, str(path))
    return path


def card(**changes: str) -> dict[str, str]:
    """The metadata that `emojimation export` writes, with some of them changed."""
    return {
        "emojimation": "1",
        "name": "tiny",
        "labels": ",".join(EMOTIONS),
        "size": "48",
        "channels": "1",
        "template": json.dumps(TEMPLATE.tolist()),
        "temperature": "1.25",
        "threshold": "0.6",
        "metrics": json.dumps({"accuracy": 0.5}),
        "data_sha256": "0" * 64,
        "commit": "f" * 40,
        "created": "2026-11-22",
    } | changes
