"""An ONNX graph without what only people read: a small quantised model is a third names otherwise."""

from collections.abc import Iterator
from itertools import count

import onnx

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
