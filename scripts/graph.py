"""Changes to ONNX graphs that leave their answers as they are.

Unused outputs and channels that stay at zero are removed, PReLUs and added channels written faster, normalisation
folded into weights.
"""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

MULTIPLE = 8  # of channels: what ONNX Runtime's blocked layout takes on every processor


def keep_outputs(graph: onnx.GraphProto, names: set[str]) -> None:
    """Remove all other outputs and whatever only they need."""
    needed, nodes = set(names), []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    replace(graph.node, nodes[::-1])
    replace(graph.output, [output for output in graph.output if output.name in names])
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])


def split_prelus(graph: onnx.GraphProto) -> None:
    """Write PReLU with slope a as a x + (1 - a) relu(x), the factors as depthwise convolutions of one pixel.

    ONNX Runtime keeps convolutions and ReLUs in a blocked layout, which a PReLU node interrupts, and its PReLU is not
    vectorised: together two thirds of the network's time. Where no slope exceeds 1, relu((1 - a) x) is the same, and
    the ReLU becomes part of its convolution.
    """
    slopes = {tensor.name: numpy_helper.to_array(tensor).ravel() for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += split_prelu(graph, node, slopes[node.input[1]]) if node.op_type == "PRelu" else [node]
    replace(graph.node, nodes)
    drop_unused(graph)


def split_prelu(graph: onnx.GraphProto, node: onnx.NodeProto, slope: np.ndarray) -> list[onnx.NodeProto]:
    """The nodes in place of one PReLU; their weights are added to the graph."""
    (given, _), (made,) = node.input, node.output

    def scaled(source: str, factor: np.ndarray, to: str) -> onnx.NodeProto:
        weights = numpy_helper.from_array(factor.astype(np.float32).reshape(-1, 1, 1, 1), f"{to}:factor")
        graph.initializer.append(weights)
        return helper.make_node("Conv", [source, weights.name], [to], group=len(factor), kernel_shape=[1, 1])

    line, bend, inner = f"{made}:line", f"{made}:bend", f"{made}:inner"
    if slope.max() <= 1:
        bent = [scaled(given, 1 - slope, inner), helper.make_node("Relu", [inner], [bend])]
    else:
        bent = [helper.make_node("Relu", [given], [inner]), scaled(inner, 1 - slope, bend)]
    return [*bent, scaled(given, slope, line), helper.make_node("Add", [line, bend], [made])]


def split_pads(graph: onnx.GraphProto) -> None:
    """Write relu(pad(x) + conv(y)), where the padding adds zero channels, as concat(relu(x + conv(y)), relu(conv(y))).

    The convolution is split by its outputs. ONNX Runtime's blocked layout knows concatenation, but no padding: each one
    interrupted it, and made additions and ReLUs of later layers steps of their own.
    """
    makers, takers = _makers(graph), _takers(graph)
    nodes: list[onnx.NodeProto] = []
    gone: list[str] = []
    for node in graph.node:
        made = {_op(makers.get(name)): makers.get(name) for name in node.input}
        if node.op_type == "Add" and made.keys() == {"Pad", "Conv"}:
            pad, conv, relu = made["Pad"], made["Conv"], takers[node.output[0]]
            nodes += split_pad(graph, pad, conv, relu.output[0])
            gone += [pad.output[0], conv.output[0], relu.output[0]]
        else:
            nodes.append(node)
    replace(graph.node, [node for node in nodes if node.op_type == "Concat" or node.output[0] not in gone])
    drop_unused(graph)


def split_pad(graph: onnx.GraphProto, pad: onnx.NodeProto, conv: onnx.NodeProto, made: str) -> list[onnx.NodeProto]:
    """The nodes in place of a padding, the convolution that is added to it, and the ReLU behind, whose output stays."""
    weights = _weights(graph)
    kernel, bias = (numpy_helper.to_array(weights[name]) for name in conv.input[1:])
    first = len(bias) - int(numpy_helper.to_array(weights[pad.input[1]])[5])

    def convolution(part: str, rows: slice) -> onnx.NodeProto:
        values = {f"{made}:{part}:kernel": kernel[rows], f"{made}:{part}:bias": bias[rows]}
        graph.initializer.extend(numpy_helper.from_array(value.copy(), name) for name, value in values.items())
        node = helper.make_node("Conv", [conv.input[0], *values], [f"{made}:{part}"])
        node.attribute.extend(conv.attribute)
        return node

    return [
        convolution("old", slice(None, first)),
        convolution("new", slice(first, None)),
        helper.make_node("Add", [pad.input[0], f"{made}:old"], [f"{made}:sum"]),
        helper.make_node("Relu", [f"{made}:sum"], [f"{made}:first"]),
        helper.make_node("Relu", [f"{made}:new"], [f"{made}:last"]),
        helper.make_node("Concat", [f"{made}:first", f"{made}:last"], [made], axis=1),
    ]


def fold_norms(graph: onnx.GraphProto) -> None:
    """Multiply each BatchNormalization that follows a ConvTranspose into its weights, as ONNX Runtime does for Conv."""
    weights, makers = _weights(graph), _makers(graph)
    norms = [node for node in graph.node if node.op_type == "BatchNormalization"]
    for norm in norms:
        maker = makers[norm.input[0]]
        assert maker.op_type == "ConvTranspose" and len(maker.input) == 2
        gain, shift, mean, variance = (numpy_helper.to_array(weights[name]) for name in norm.input[1:5])
        gain = gain / np.sqrt(variance + next(one.f for one in norm.attribute if one.name == "epsilon"))
        kernel = weights[maker.input[1]]
        scaled, bias = numpy_helper.to_array(kernel) * gain[None, :, None, None], weights[norm.input[2]]
        kernel.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), kernel.name))
        bias.CopyFrom(numpy_helper.from_array((shift - mean * gain).astype(np.float32), bias.name))
        maker.input.append(bias.name)
        maker.output[0] = norm.output[0]
    replace(graph.node, [node for node in graph.node if node not in norms])
    drop_unused(graph)


def drop_silent(graph: onnx.GraphProto, peaks: dict[str, np.ndarray], below: float) -> int:
    """Remove the channels between two convolutions of one pixel that never reach `below`; returns how many.

    peaks: output of each ReLU behind a depthwise convolution -> largest value (channels,) that it ever had. As many
    channels stay as `MULTIPLE` divides.
    """
    weights, makers, takers, gone = _weights(graph), _makers(graph), _takers(graph), 0
    for deep in [node for node in graph.node if _groups(node) > 1]:
        wide, narrow = makers[makers[deep.input[0]].input[0]], takers[takers[deep.output[0]].output[0]]
        peak = peaks[takers[deep.output[0]].output[0]]
        silent = int((peak < below).sum()) // MULTIPLE * MULTIPLE
        kept = np.sort(np.argsort(peak, kind="stable")[silent:])
        cuts = [(name, 0) for node in (wide, deep) for name in node.input[1:]]
        for name, axis in [*cuts, (narrow.input[1], 1)]:
            part = np.take(numpy_helper.to_array(weights[name]), kept, axis)
            weights[name].CopyFrom(numpy_helper.from_array(part, name))
        next(one for one in deep.attribute if one.name == "group").i = len(kept)
        gone += silent
    return gone


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove the weights that no node reads."""
    used = {name for node in graph.node for name in node.input}
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])


def _weights(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in graph.initializer}


def _makers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Output -> its node."""
    return {node.output[0]: node for node in graph.node}


def _takers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Input -> the last node that reads it."""
    return {name: node for node in graph.node for name in node.input}


def _op(node: onnx.NodeProto | None) -> str:
    return "" if node is None else node.op_type


def _groups(node: onnx.NodeProto) -> int:
    return next((one.i for one in node.attribute if one.name == "group"), 1)


def replace(field: Any, items: list[Any]) -> None:
    """Put other items into a repeated field of a graph."""
    kept = list(items)
    del field[:]
    field.extend(kept)
