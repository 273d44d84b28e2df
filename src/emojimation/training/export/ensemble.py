"""Several exported models -> one ONNX file: the mean of their answers, each also on other views of an image if asked.

The mean of the probabilities is calibrated anew on the validation split with one temperature over its logarithm. The
file obeys the model contract, so every part of the engine takes it by its path, like any other model.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, compose, helper

from emojimation import __version__
from emojimation.classify.classifier import EmotionClassifier
from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.labels import EMOTIONS
from emojimation.training.data.dataset import Dataset
from emojimation.training.judge import calibrate
from emojimation.training.judge.evaluate import clear_threshold, commit, evaluate, rows_of
from emojimation.weights import resolve

OPSET = 17
TINY = 1e-7  # under the logarithm, so that a probability of 0 stays finite
TOLERANCE = 1e-4
CLOSE_UP = 1.15  # how much larger than the image its close-up is


def join(
    members: list[str | Path],
    target: Path,
    dataset: Dataset,
    name: str = "",
    mirror: bool = True,
    close_up: bool = False,
) -> dict[str, Any]:
    """Write the ensemble of the model files or names `members` to `target`; returns its figures on the validation
    split.

    mirror: each member answers the image and its mirror image. close_up: it also answers the middle of the image,
    enlarged by 15 %, and with `mirror` that one's mirror image. dataset: fits the temperature and the threshold, and
    scores the file. Raises InputError for no member, members of different size, channels or classes, or of another
    calibration than a softmax; nothing is written then.
    """
    nets = _loaded(members)
    labels = nets[0].labels
    val = rows_of(dataset, "val", labels)
    shape = (nets[0].size, nets[0].channels, len(labels))
    models = [onnx.load(net.card["path"]) for net in nets]
    graph = mean_graph(models, shape, mirror, close_up)
    images = val.images if val.images.ndim == 4 else val.images[..., None]
    probabilities = _run(graph, images)
    _check_mean(probabilities[:64], models, images[:64], mirror, close_up)
    logits = np.log(probabilities + TINY)
    chosen, _ = calibrate.fit(logits, val.labels, "temperature")
    papers = nets[0].card | {
        "name": name or target.stem,
        "temperature": round(chosen.temperature, 4),
        "members": [net.card["name"] for net in nets],
        "mirror": mirror,
        "close_up": close_up,
        "commit": commit(),
        "threshold": clear_threshold(chosen(logits), val),
    }
    whole = _with_papers(_calibrated(graph, chosen.temperature), papers)
    write_whole(target, whole.SerializeToString())
    scores = evaluate(EmotionClassifier(target).predict, dataset, "val", labels=labels)
    return (
        scores
        | {key: papers[key] for key in ("members", "mirror", "close_up", "temperature", "threshold")}
        | {
            "model": papers["name"],
            "bytes": target.stat().st_size,
            "version": __version__,
        }
    )


def _loaded(members: list[str | Path]) -> list[EmotionClassifier]:
    if not members:
        raise InputError("Expected the models of an ensemble, got none: name at least one.")
    nets = [EmotionClassifier(resolve(member)) for member in members]  # a name's float model, wherever this runs
    kinds = {(net.size, net.channels, net.labels, str(net.template.round(3).tolist())) for net in nets}
    if len(kinds) > 1:
        raise InputError(
            "Expected models of one input size, channels, classes and template, got several: leave one out."
        )
    return nets


def mean_graph(
    models: list[onnx.ModelProto], shape: tuple[int, int, int], mirror: bool, close_up: bool = False
) -> onnx.ModelProto:
    """One model (n,size,size,channels) float32 -> (n,classes): the mean of the softmax outputs of `models`.

    All views of all images go through each member as one batch. shape: size, channels, classes.
    """
    size, channels, classes = shape
    nodes, weights, views = _views(size, mirror, close_up)
    answers = []
    for number, model in enumerate(models):
        graph = compose.add_prefix_graph(model.graph, f"m{number}_")
        nodes += [helper.make_node("Identity", ["views"], [graph.input[0].name]), *graph.node]
        weights += graph.initializer
        answers.append(graph.output[0].name)
    nodes += [
        helper.make_node("Mean", answers, ["of_views"]),
        helper.make_node("Reshape", ["of_views", "by_view"], ["stacked"]),
        helper.make_node("ReduceSum", ["stacked", "first"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "share"], ["mean"]),
    ]
    weights += [
        helper.make_tensor("by_view", TensorProto.INT64, [3], [views, -1, classes]),
        helper.make_tensor("first", TensorProto.INT64, [1], [0]),
        helper.make_tensor("share", TensorProto.FLOAT, [], [1 / views]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", size, size, channels])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", classes])
    return _model(helper.make_graph(nodes, "ensemble", [image], [mean], weights), models)


def _views(size: int, mirror: bool, close_up: bool) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto], int]:
    """Nodes and weights that turn "image" (n,...) into "views" (views * n,...), and the number of views."""
    nodes, weights, views = [], [], ["image"]
    if close_up:
        enlarge = enlarging(size)
        weights += [onnx.numpy_helper.from_array(enlarge, "down"), onnx.numpy_helper.from_array(enlarge.T, "across")]
        nodes += [
            helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("MatMul", ["down", "planes"], ["taller"]),
            helper.make_node("MatMul", ["taller", "across"], ["larger"]),
            helper.make_node("Transpose", ["larger"], ["close_up"], perm=[0, 2, 3, 1]),
        ]
        views.append("close_up")
    if mirror:
        parts = {"from": -1, "to": np.iinfo(np.int64).min, "axis": 2, "step": -1}
        weights += [helper.make_tensor(key, TensorProto.INT64, [1], [value]) for key, value in parts.items()]
        mirrored = [f"{view}_mirrored" for view in views]
        nodes += [
            helper.make_node("Slice", [view, *parts], [other]) for view, other in zip(views, mirrored, strict=True)
        ]
        views += mirrored
    return [*nodes, helper.make_node("Concat", views, ["views"], axis=0)], weights, len(views)


def enlarging(size: int, factor: float = CLOSE_UP) -> np.ndarray:
    """(size,size) float32: times a column of pixels, its middle enlarged by `factor`, by linear interpolation.

    The centres of the pixels count as their positions; from the edges on the last pixel is repeated.
    """
    middle = (size - 1) / 2
    at = np.clip((np.arange(size) - middle) / factor + middle, 0, size - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(size)), 0).astype(np.float32)


def _model(graph: onnx.GraphProto, models: list[onnx.ModelProto]) -> onnx.ModelProto:
    domains = {entry.domain: entry.version for model in models for entry in model.opset_import}
    domains[""] = max(OPSET, domains.get("", OPSET))
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=max(m.ir_version for m in models))


def _calibrated(model: onnx.ModelProto, temperature: float) -> onnx.ModelProto:
    """The softmax of the mean's logarithm over the temperature behind the mean."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    for key, value in (("tiny", TINY), ("inverse", 1 / temperature)):
        graph.initializer.append(helper.make_tensor(key, TensorProto.FLOAT, [], [value]))
    graph.node.extend(
        [
            helper.make_node("Add", ["mean", "tiny"], ["positive"]),
            helper.make_node("Log", ["positive"], ["logarithm"]),
            helper.make_node("Mul", ["logarithm", "inverse"], ["scaled"]),
            helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=-1),
        ]
    )
    graph.output[0].name = "probabilities"
    onnx.checker.check_model(out)
    return out


def _with_papers(model: onnx.ModelProto, papers: dict[str, Any]) -> onnx.ModelProto:
    seven = tuple(papers["labels"]) == EMOTIONS
    facts = {"emojimation": "1", **papers, "labels": ",".join(EMOTIONS) if seven else papers["labels"], "metrics": {}}
    facts.pop("path")
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    return model


def _run(model: onnx.ModelProto, images: np.ndarray, batch: int = 64) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (name,) = (source.name for source in session.get_inputs())
    parts = [images[i : i + batch].astype(np.float32) for i in range(0, len(images), batch)]
    return np.concatenate([session.run(None, {name: part})[0] for part in parts])


def _check_mean(
    got: np.ndarray, models: list[onnx.ModelProto], images: np.ndarray, mirror: bool, close_up: bool
) -> None:
    """Refuse a graph that is not the mean of its members' own answers to images (n,size,size,channels)."""
    enlarge = enlarging(images.shape[1])
    views = [images, np.einsum("ij,njkc,lk->nilc", enlarge, images, enlarge)][: 1 + close_up]
    views += [view[:, :, ::-1] for view in views if mirror]
    difference = float(np.abs(np.mean([_run(model, view) for model in models for view in views], axis=0) - got).max())
    if difference > TOLERANCE:
        raise InputError(
            f"Expected the mean of the members within {TOLERANCE}, got a difference of {difference:.2g}: "
            "nothing was written; export the members again."
        )
