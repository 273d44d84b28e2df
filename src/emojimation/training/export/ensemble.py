"""Several exported models -> one ONNX file: the mean of their answers, each also on the mirror image if asked.

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

OPSET = 17
TINY = 1e-7  # under the logarithm, so that a probability of 0 stays finite
TOLERANCE = 1e-4


def join(
    members: list[str | Path], target: Path, dataset: Dataset, name: str = "", mirror: bool = True
) -> dict[str, Any]:
    """Write the ensemble of the model files or names `members` to `target`; returns its figures on the validation
    split.

    mirror: each member answers the image and its mirror image. dataset: fits the temperature and the threshold, and
    scores the file. Raises InputError for no member, members of different size, channels or classes, or of another
    calibration than a softmax; nothing is written then.
    """
    nets = _loaded(members)
    labels = nets[0].labels
    val = rows_of(dataset, "val", labels)
    shape = (nets[0].size, nets[0].channels, len(labels))
    graph = mean_graph([onnx.load(net.card["path"]) for net in nets], shape, mirror)
    probabilities = _run(graph, val.images)
    _check_mean(probabilities[:64], nets, val.images[:64], mirror)
    logits = np.log(probabilities + TINY)
    chosen, _ = calibrate.fit(logits, val.labels, "temperature")
    papers = nets[0].card | {
        "name": name or target.stem,
        "temperature": round(chosen.temperature, 4),
        "members": [net.card["name"] for net in nets],
        "mirror": mirror,
        "commit": commit(),
        "threshold": clear_threshold(chosen(logits), val),
    }
    whole = _with_papers(_calibrated(graph, chosen.temperature), papers)
    write_whole(target, whole.SerializeToString())
    scores = evaluate(EmotionClassifier(target).predict, dataset, "val", labels=labels)
    return (
        scores
        | {key: papers[key] for key in ("members", "mirror", "temperature", "threshold")}
        | {
            "model": papers["name"],
            "bytes": target.stat().st_size,
            "version": __version__,
        }
    )


def _loaded(members: list[str | Path]) -> list[EmotionClassifier]:
    if not members:
        raise InputError("Expected the models of an ensemble, got none: name at least one.")
    nets = [EmotionClassifier(member) for member in members]
    kinds = {(net.size, net.channels, net.labels, str(net.template.round(3).tolist())) for net in nets}
    if len(kinds) > 1:
        raise InputError(
            "Expected models of one input size, channels, classes and template, got several: leave one out."
        )
    return nets


def mean_graph(models: list[onnx.ModelProto], shape: tuple[int, int, int], mirror: bool) -> onnx.ModelProto:
    """One model (n,size,size,channels) float32 -> (n,classes): the mean of the softmax outputs of `models`.

    shape: size, channels, classes.
    """
    size, channels, classes = shape
    seen, joined = ("views", "of_members") if mirror else ("image", "mean")
    before, after, weights = _both_views(classes) if mirror else ([], [], [])
    nodes, answers = before, []
    for number, model in enumerate(models):
        graph = compose.add_prefix_graph(model.graph, f"m{number}_")
        weights += graph.initializer
        nodes += [helper.make_node("Identity", [seen], [graph.input[0].name]), *graph.node]
        answers.append(graph.output[0].name)
    nodes += [helper.make_node("Mean", answers, [joined]), *after]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", size, size, channels])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", classes])
    return _model(helper.make_graph(nodes, "ensemble", [image], [mean], weights), models)


def _both_views(classes: int) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes before the members, which put images and mirror images into one batch, those behind them, their constants.

    In one batch a member takes less time than in two, and is there once.
    """
    before = [
        helper.make_node("Slice", ["image", "from", "to", "axis", "step"], ["mirrored"]),
        helper.make_node("Concat", ["image", "mirrored"], ["views"], axis=0),
    ]
    after = [
        helper.make_node("Reshape", ["of_members", "by_view"], ["of_views"]),
        helper.make_node("Gather", ["of_views", "straight"], ["of_straight"], axis=0),
        helper.make_node("Gather", ["of_views", "turned"], ["of_turned"], axis=0),
        helper.make_node("Mean", ["of_straight", "of_turned"], ["mean"]),
    ]
    far = np.iinfo(np.int64).min
    lists = {"from": [-1], "to": [far], "axis": [2], "step": [-1], "by_view": [2, -1, classes]}
    constants = [helper.make_tensor(key, TensorProto.INT64, [len(value)], value) for key, value in lists.items()]
    constants += [helper.make_tensor(key, TensorProto.INT64, [], [at]) for key, at in (("straight", 0), ("turned", 1))]
    return before, after, constants


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
    x = images if images.ndim == 4 else images[..., None]
    parts = [x[i : i + batch].astype(np.float32) for i in range(0, len(x), batch)]
    return np.concatenate([session.run(None, {"image": part})[0] for part in parts])


def _check_mean(got: np.ndarray, nets: list[EmotionClassifier], images: np.ndarray, mirror: bool) -> None:
    """Refuse a graph that is not the mean of its members' own answers."""
    views = [images, np.ascontiguousarray(images[:, :, ::-1])] if mirror else [images]
    difference = float(np.abs(np.mean([net.predict(v) for net in nets for v in views], axis=0) - got).max())
    if difference > TOLERANCE:
        raise InputError(
            f"Expected the mean of the members within {TOLERANCE}, got a difference of {difference:.2g}: "
            "nothing was written; export the members again."
        )
