"""Face crops -> emotion probabilities. The model file carries its own labels, crop template and calibration."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from emojimation.errors import InputError
from emojimation.files import checked_threads
from emojimation.labels import label_set
from emojimation.precision import suited
from emojimation.priors import trained_shares
from emojimation.weights import resolve

FORMAT = "1"  # of the metadata, kept under the key "emojimation"
BATCH = 256  # crops per run, which bounds the memory for activations

_LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class EmotionClassifier:
    """A loaded emotion model. `predict` may be called from several threads at once.

    model: name of a bundled model, run in eight bits where `precision.suited` says so, or path of an ONNX file written
    by `emojimation export`, run as it is. threads: processor threads
    for one `predict`. labels: the classes that the caller needs, in order; None accepts whatever the file has.
    label_set: the file's classes with their emoji and colours. trained_prior: (k,) shares of the classes in its
    training data, None if unknown. size: side of a crop in pixels. channels: 1 grey, 3 BGR. template: (5,2) float32,
    where the landmarks of a face lie in the unit square of a crop. threshold: confidence below which an answer is "not
    sure". card: dict of the file's metadata (name, labels, temperature, metrics, data_sha256, commit, created) with its
    path.

    Raises InputError if the file is not an ONNX model, was not written by Emojimation, or has other classes.
    """

    def __init__(self, model: str | Path = "default", threads: int = 1, labels: Sequence[str] | None = None):
        path = resolve(suited(model))
        self._session = _session(path, threads)
        self.card = _card(path, self._session.get_modelmeta().custom_metadata_map, labels)
        self.labels: tuple[str, ...] = tuple(self.card["labels"])
        drawn = self.card["drawn"]
        self.label_set = label_set(self.labels, drawn.get("emoji", ()), drawn.get("colours", ()))
        self.trained_prior = trained_shares(self.label_set, self.card["train_counts"])
        self.size: int = self.card["size"]
        self.channels: int = self.card["channels"]
        self.template = np.array(self.card["template"], np.float32)
        self.threshold: float = self.card["threshold"]
        self._input = self._session.get_inputs()[0].name
        _check_graph(path, self._session, self.size, self.channels, len(self.labels))

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Probabilities of each crop.

        crops: (n,size,size) grey or (n,size,size,channels) uint8, BGR for three channels. Returns (n,k) float32 in
        the order of `labels`; every row sums to 1. No crops give (0,k). Raises InputError for another type or shape.
        """
        crops = self._checked(crops)
        if not len(crops):
            return np.zeros((0, len(self.labels)), np.float32)
        parts = [crops[i : i + BATCH].astype(np.float32) for i in range(0, len(crops), BATCH)]
        return np.concatenate([self._session.run(None, {self._input: part})[0] for part in parts])

    def _checked(self, crops: np.ndarray) -> np.ndarray:
        wanted = f"(n,{self.size},{self.size},{self.channels}) uint8"
        if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8:
            raise InputError(f"Expected crops as {wanted}, got {_described(crops)}. Give pixel values from 0 to 255.")
        flat = crops.ndim == 3 and self.channels == 1
        if crops.ndim != 4 - flat or (*crops.shape[1:], 1)[:3] != (self.size, self.size, self.channels):
            raise InputError(f"Expected crops as {wanted}, got {_described(crops)}. Cut them with crop_faces().")
        return crops[..., None] if flat else crops


def _described(value: object) -> str:
    if not isinstance(value, np.ndarray):
        return type(value).__name__
    broken = np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all()
    return f"{value.shape} {value.dtype}" + (" with NaN or infinite values" if broken else "")


def _session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = checked_threads(threads), 1
    options.log_severity_level = 4  # errors are raised; ONNX Runtime's own log would only repeat them
    # Spinning threads save a few microseconds and cost a whole core between two frames.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"Expected an ONNX model, got {path}, which cannot be loaded ({reason}).") from error


def _card(path: Path, meta: dict[str, str], expected: Sequence[str] | None) -> dict[str, Any]:
    """The metadata as plain values. Raises InputError if they are missing, damaged or of other classes."""
    if "emojimation" not in meta:
        raise InputError(
            f"{path} is not an Emojimation model: its metadata have no key 'emojimation'. Use `emojimation export`."
        )
    if meta["emojimation"] != FORMAT:
        raise InputError(
            f"Expected a model of format {FORMAT}, got format {meta['emojimation']} in {path}. Export it again."
        )
    labels = _labels(path, meta.get("labels", ""), expected)
    try:
        card = {
            "name": meta.get("name", path.stem),
            "path": str(path),
            "labels": list(labels),
            "size": int(meta["size"]),
            "channels": int(meta["channels"]),
            "template": json.loads(meta["template"]),
            "precision": meta.get("precision", "float32"),
            "temperature": float(meta["temperature"]),
            "threshold": float(meta["threshold"]),
            "metrics": json.loads(meta.get("metrics", "{}")),
            "drawn": json.loads(meta.get("drawn", "{}")),
            "train_counts": json.loads(meta.get("train_counts", "null")),
        }
    except (KeyError, ValueError) as error:
        raise InputError(
            f"The metadata of {path} are damaged ({type(error).__name__}: {error}). Export it again."
        ) from error
    if np.shape(card["template"]) != (5, 2) or card["channels"] not in (1, 3) or card["size"] < 1:
        raise InputError(f"The metadata of {path} are damaged (template, size or channels). Export it again.")
    return card | {key: meta.get(key, "unknown") for key in ("data_sha256", "commit", "created")}


def _labels(path: Path, text: str, expected: Sequence[str] | None) -> tuple[str, ...]:
    """The classes in the metadata: the seven emotions separated by commas, or any others as a JSON list."""
    try:
        labels = tuple(map(str, json.loads(text))) if text.startswith("[") else tuple(text.split(","))
    except ValueError as error:
        raise InputError(f"The metadata of {path} are damaged (labels: {error}). Export it again.") from error
    if not all(labels) or len(set(labels)) < len(labels):
        raise InputError(f"The metadata of {path} are damaged (labels {text!r}). Export it again.")
    if expected is not None and labels != tuple(expected):
        raise InputError(f"Expected the labels {','.join(expected)}, got {','.join(labels) or 'none'} in {path}.")
    return labels


def _check_graph(path: Path, session: ort.InferenceSession, size: int, channels: int, classes: int) -> None:
    """Reject a graph whose input or output breaks its metadata's promise; the single run also warms up the session."""
    (first, *more), outputs = session.get_inputs(), session.get_outputs()
    wanted = (size, size, channels)
    fits = len(first.shape) == 4 and all(
        not isinstance(got, int) or got == want for got, want in zip(first.shape[1:], wanted, strict=True)
    )
    if more or first.type != "tensor(float)" or not fits:
        raise InputError(
            f"Expected a float32 input of (n,{size},{size},{channels}), got {first.type} {first.shape} in {path}."
        )
    answer = session.run([outputs[0].name], {first.name: np.zeros((1, *wanted), np.float32)})[0]
    if answer.shape != (1, classes) or not np.isclose(answer.sum(), 1, atol=1e-3):
        raise InputError(
            f"Expected {classes} probabilities, got an output of {answer.shape} that is not probabilities in {path}."
        )
