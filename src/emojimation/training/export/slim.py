"""An ONNX graph without what only people read: a small quantised model is a third names otherwise."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import onnx

HALVED_FROM = 256  # values; smaller constants stay as they are
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def slim(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that computes the same: short names inside, equal constants once, no shapes of what lies between.

    Names of inputs, outputs and metadata stay.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    same = _unique_constants(graph)
    fixed = {tensor.name for tensor in (*graph.input, *graph.output)} | {""}
    short: dict[str, str] = {}
    fresh = (name for name in _names() if name not in fixed)

    def renamed(name: str) -> str:
        name = same.get(name, name)
        return name if name in fixed else short.setdefault(name, next(fresh))

    for tensor in graph.initializer:
        tensor.name, tensor.doc_string = renamed(tensor.name), ""
    for node in graph.node:
        node.name, node.doc_string = "", ""
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
    del graph.value_info[:]
    graph.doc_string = out.doc_string = ""
    onnx.checker.check_model(out)
    return out


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large constants are stored in float16, half the size, and computed with in float32 as before.

    The casts are of constants: ONNX Runtime does them once, when it loads the file. Weights change by at most one part
    in 2048; raises ValueError where one does not fit into float16.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    casts = []
    for tensor in out.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALVED_FROM:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"{tensor.name} has values beyond float16")
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *out.graph.node]
    del out.graph.node[:]
    out.graph.node.extend(nodes)
    onnx.checker.check_model(out)
    return out


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose constants that `halved` stored in float16 are float32 again, for tools that look for them there."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    half = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in half]
    for node in casts:
        tensor = half.pop(node.input[0])
        values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, node.output[0]))
        graph.node.remove(node)
    return out


def _unique_constants(graph: onnx.GraphProto) -> dict[str, str]:
    """Drop initializers that hold what an earlier one holds; {dropped name: the one that stays}."""
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    same, kept = {}, []
    for tensor in graph.initializer:
        key = (tensor.data_type, tuple(tensor.dims), onnx.numpy_helper.to_array(tensor).tobytes())
        if key in first:
            same[tensor.name] = first[key]
        else:
            first[key] = tensor.name
            kept.append(tensor)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return same


def _names() -> Iterator[str]:
    """a, b, ... Z, ba, bb, ..."""
    for number in count():
        name = ""
        while True:
            number, digit = divmod(number, len(_LETTERS))
            name = _LETTERS[digit] + name
            if not number:
                break
        yield name
