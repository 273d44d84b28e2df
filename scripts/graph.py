"""Changes to ONNX graphs that leave their answers as they are: unused outputs removed, PReLUs written faster."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


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
    used = {name for node in nodes for name in node.input}
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])


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


def replace(field: Any, items: list[Any]) -> None:
    """Put other items into a repeated field of a graph."""
    kept = list(items)
    del field[:]
    field.extend(kept)
