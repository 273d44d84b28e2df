"""An exported ONNX model in eight bits: smaller, faster, and measured against the float one."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from emojimation.classify.classifier import EmotionClassifier
from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.training.data.dataset import Dataset
from emojimation.training.export.slim import slim, widened

CALIBRATION_PICTURES = 512
BATCH = 64
TOLERATED_DROP = 0.01  # of accuracy on the validation split
# Dense layers with fewer weights (attention, the classes) keep float: they cost no time and their errors reach far.
DENSE_WEIGHTS = 65_536


class Inputs(CalibrationDataReader):
    """Feeds a network's inputs to ONNX Runtime's calibration, which notes the range of each activation.

    name: of the network's input. inputs: what it takes, one run after the other.
    """

    def __init__(self, name: str, inputs: Iterable[np.ndarray]) -> None:
        self._name, self._left = name, iter(inputs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input by its name, None at the end."""
        values = next(self._left, None)
        return None if values is None else {self._name: values}


def to_int8(
    source: Path, target: Path, dataset: Dataset, name: str = "", seed: int = 0, seven_bits: bool = False
) -> dict[str, Any]:
    """Quantise the float model `source` to `target` and compare both on the validation split.

    Static, with QDQ nodes: 8-bit weights per channel, activations by their range on 512 Training images. The first
    convolution keeps float, in an ensemble that of each member; where the accuracy falls by more than a point, so do
    the last and then the second. Scaling, calibration, threshold and labels stay in the file. seven_bits: leave a bit
    of each weight free, so that no processor saturates. Returns the figures of `compare`; InputError, and nothing
    written, where every choice costs more than a point.
    """
    rows = dataset.split("train").images
    some = rows[np.random.default_rng(seed).permutation(len(rows))[:CALIBRATION_PICTURES]]
    val, figures = dataset.split("val"), {"accuracy_drop": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        whole, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("whole", "prepared", "small"))
        onnx.save(widened(onnx.load(source)), whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(prepared)
        layers, (first, second, last) = heavy_layers(model), ends(model)
        for kept in (first, [*first, *last], [*first, *second, *last]):
            batches = (some[i : i + BATCH, ..., None].astype(np.float32) for i in range(0, len(some), BATCH))
            quantise(
                prepared, small, [name for name in layers if name not in kept], Inputs("image", batches), seven_bits
            )
            _keep_papers(source, small, name)
            figures = compare(source, small, val) | {"float_layers": kept, "calibration_pictures": len(some)}
            if figures["accuracy_drop"] <= TOLERATED_DROP:
                write_whole(target, small.read_bytes())
                return figures
    raise InputError(
        f"Expected at most {TOLERATED_DROP:.1%} less accuracy in int8, got {figures['accuracy_drop']:.1%}: "
        f"{target} was not written; ship the float model."
    )


def heavy_layers(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions and large dense layers, first to last."""
    weights = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv"
        or (node.op_type in ("MatMul", "Gemm") and weights.get(node.input[1], 0) >= DENSE_WEIGHTS)
    ]


def ends(model: onnx.ModelProto) -> tuple[list[str], list[str], list[str]]:
    """Names of the heavy layers with none before them, with one before them, and with none behind them.

    A single network has one of each, an ensemble one for each member, or for each of its views where those are apart.
    """
    heavy = set(heavy_layers(model))
    before: dict[str, int] = {}  # tensor -> heavy layers on the longest way to it
    depths: dict[str, int] = {}
    feeds: set[str] = set()  # tensors that some heavy layer depends on
    for node in model.graph.node:
        depths[node.name] = max((before.get(name, 0) for name in node.input), default=0)
        before |= dict.fromkeys(node.output, depths[node.name] + (node.name in heavy))
    last = []
    for node in reversed(model.graph.node):
        if feeds.isdisjoint(node.output):
            last += [node.name] if node.name in heavy else []
        if node.name in heavy or not feeds.isdisjoint(node.output):
            feeds.update(node.input)
    at = {depth: [name for name in depths if name in heavy and depths[name] == depth] for depth in (0, 1)}
    return at[0], at[1], last[::-1]


def quantise(source: Path, target: Path, layers: list[str], inputs: Inputs, seven_bits: bool) -> None:
    """Write the network `source` to `target` with the layers of those names in eight bits, calibrated on `inputs`.

    Weights per channel, activations by their range; seven_bits: see `to_int8`.
    """
    quantize_static(
        str(source),
        str(target),
        inputs,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        reduce_range=seven_bits,
        nodes_to_quantize=layers or ["none"],
    )


def _keep_papers(source: Path, target: Path, name: str) -> None:
    """Give the quantised file the metadata of the float one and a name of its own, by default NAME-int8."""
    old, new = onnx.load(source), slim(onnx.load(target))
    papers = {entry.key: entry.value for entry in old.metadata_props}
    papers |= {"name": name or f"{papers.get('name', source.stem)}-int8", "precision": "int8"}
    del new.metadata_props[:]
    for key, value in papers.items():
        new.metadata_props.add(key=key, value=value)
    onnx.save(new, target)


def compare(source: Path, target: Path, rows: Dataset) -> dict[str, Any]:
    """Accuracy, agreement, difference, size and speed of two model files on the same rows, `source` the reference.

    Milliseconds are the median of 200 single images on one thread, the two models in turn.
    """
    pair = [EmotionClassifier(path, labels=rows.class_names) for path in (source, target)]
    before, after = (model.predict(rows.images) for model in pair)
    accuracy = [float((p.argmax(1) == rows.labels).mean()) for p in (before, after)]
    times = speeds(pair, rows.images[:1])
    return {
        "n": len(rows),
        "accuracy_float": accuracy[0],
        "accuracy": accuracy[1],
        "accuracy_drop": accuracy[0] - accuracy[1],
        "agreement": float((before.argmax(1) == after.argmax(1)).mean()),
        "largest_difference": float(np.abs(before - after).max()),
        "mean_difference": float(np.abs(before - after).mean()),
        "ms_float": times[0],
        "ms": times[1],
        "bytes_float": source.stat().st_size,
        "bytes": target.stat().st_size,
    }


def speeds(models: list[EmotionClassifier], image: np.ndarray, rounds: int = 200) -> list[float]:
    """Median milliseconds for one image (1,s,s) of each model, in turn, so that a busy machine is fair to all."""
    times: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for model, spent in zip(models, times, strict=True):
            start = time.perf_counter()
            model.predict(image)
            spent.append(1000 * (time.perf_counter() - start))
    return [float(np.median(spent)) for spent in times]
