"""A trained Keras network -> one ONNX file with scaling, softmax, calibration and metadata inside; other formats."""

import json
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort

from emojimation.errors import InputError
from emojimation.faces import TEMPLATE
from emojimation.files import write_whole
from emojimation.labels import EMOTIONS
from emojimation.training.judge.calibrate import Calibration

TOLERANCE = 1e-4
TOLERANCES_TFLITE = {"float16": 0.02, "int8": 0.1}  # more than such weights explain


def metadata(name: str, model: keras.Model, labels: Sequence[str] = EMOTIONS, **papers: Any) -> dict[str, str]:
    """The model contract's metadata; `papers` are temperature, threshold, data_sha256, commit and metrics.

    The seven emotions are written with commas between them, other classes as a JSON list: a folder's name may hold a
    comma.
    """
    _, size, _, channels = model.input_shape
    facts = {
        "emojimation": "1",
        "name": name,
        "labels": ",".join(EMOTIONS) if tuple(labels) == EMOTIONS else list(labels),
        "size": size,
        "channels": channels,
        "template": json.dumps(np.round(TEMPLATE, 4).tolist()),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **papers,
    }
    return metadata_text(facts)


def metadata_text(facts: dict[str, Any]) -> dict[str, str]:
    """Plain values as the texts that ONNX metadata hold: JSON for all that is no text."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}


def to_onnx(
    model: keras.Model, path: Path, calibration: Calibration | float, papers: dict[str, str], images: np.ndarray
) -> float:
    """Write `model` (logits) as ONNX with the softmax of its calibrated logits and the metadata `papers`.

    calibration: a temperature, or a `Calibration`. images: (n,s,s) uint8 on which the file is compared with Keras;
    returns the largest difference of a probability and refuses (InputError, nothing written) above 1e-4. Needs the
    TensorFlow backend.
    """
    calibration = _calibration(model, calibration)
    proto = _converted(model, calibration)
    onnx.helper.set_model_props(proto, papers)
    difference = parity(model, proto.SerializeToString(), calibration, images)
    if difference > TOLERANCE:
        raise InputError(
            f"Expected ONNX outputs within {TOLERANCE} of Keras, got a difference of {difference:.2g}: "
            f"{path} was not written; export with another version of tf2onnx."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, proto.SerializeToString())
    return difference


def add_papers(path: Path, **papers: Any) -> None:
    """Add to the metadata of an exported file; the network stays as it was checked."""
    proto = onnx.load(path)
    facts = {entry.key: entry.value for entry in proto.metadata_props} | metadata_text(papers)
    onnx.helper.set_model_props(proto, facts)
    write_whole(path, proto.SerializeToString())


def _calibration(model: keras.Model, calibration: Calibration | float) -> Calibration:
    if isinstance(calibration, Calibration):
        return calibration
    return Calibration.of_temperature(calibration, model.output_shape[-1])


def _converted(model: keras.Model, calibration: Calibration | float) -> Any:
    if keras.backend.backend() != "tensorflow":
        raise InputError("Expected the TensorFlow backend for export, got another: set KERAS_BACKEND=tensorflow.")
    import tensorflow as tf
    import tf2onnx

    scale, bias = _affine(_calibration(model, calibration))
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")]

    @tf.function(input_signature=signature)
    def probabilities(image: Any) -> Any:
        return {"probabilities": tf.nn.softmax(model(image, training=False) * scale + bias, axis=-1)}

    proto, _ = tf2onnx.convert.from_function(probabilities, input_signature=signature, opset=17)
    return proto


def _affine(calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    return calibration.scale.astype(np.float32), calibration.bias.astype(np.float32)


def parity(model: keras.Model, content: bytes, calibration: Calibration, images: np.ndarray) -> float:
    """Largest difference between the probabilities of Keras and of the ONNX file's bytes on `images` (n,s,s) uint8."""
    x = images[..., None].astype(np.float32)
    expected = calibration(np.asarray(model.predict_on_batch(x)))
    got = ort.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"image": x})[0]
    return float(np.abs(expected - got).max())


def whole_model(model: keras.Model, calibration: Calibration | float) -> keras.Model:
    """The Keras model from images in [0,255] to calibrated probabilities."""
    scale, bias = _affine(_calibration(model, calibration))
    scaled = keras.layers.Rescaling(scale.tolist(), bias.tolist(), name="calibration")(model(model.input))
    return keras.Model(model.input, keras.layers.Softmax(name="probabilities")(scaled), name=model.name)


def to_keras(
    model: keras.Model,
    path: Path,
    calibration: Calibration | float,
    images: np.ndarray,
    labels: Sequence[str] = EMOTIONS,
) -> float:
    """Write `model` as .keras with the softmax of its calibrated logits inside, of Keras' own layers.

    labels.txt inside the file, which is a zip, names the classes. Returns the largest difference of a probability
    between the file, loaded again, and the calibration's own formula on `images` (n,s,s) uint8; InputError, and nothing
    written, above 1e-4.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        whole_model(model, calibration).save(saved)
        _add_labels(saved, labels)
        return _checked(model, calibration, images, saved, path)


def to_h5(
    model: keras.Model,
    path: Path,
    calibration: Calibration | float,
    images: np.ndarray,
    labels: Sequence[str] = EMOTIONS,
) -> float:
    """Write `model` as HDF5 (.h5), the format of older Keras programs; otherwise as `to_keras`.

    The classes are in the file's attribute "labels" as JSON. Keras reads several axes of a LayerNormalization wrongly
    from HDF5, without an error; a GroupNormalization of one group computes the same from plain numbers.
    """
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.h5"
        with warnings.catch_warnings():  # it recommends .keras at every use
            warnings.simplefilter("ignore", UserWarning)
            whole_model(_plainly_standardised(model), calibration).save(saved)
        with h5py.File(saved, "a") as file:
            file.attrs["labels"] = json.dumps(list(labels))
        return _checked(model, calibration, images, saved, path)


def _plainly_standardised(model: keras.Model) -> keras.Model:
    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        if not isinstance(layer, keras.layers.LayerNormalization):
            return type(layer).from_config(layer.get_config())
        same = {"center": False, "scale": False, "epsilon": layer.epsilon, "dtype": "float32"}
        return keras.layers.GroupNormalization(groups=1, name=layer.name, **same)

    clone = keras.models.clone_model(model, clone_function=copy)
    clone.set_weights(model.get_weights())
    return clone


def _checked(
    model: keras.Model, calibration: Calibration | float, images: np.ndarray, saved: Path, target: Path
) -> float:
    """Move the file `saved` to `target` if, loaded again, it answers as `model` does; the largest difference."""
    x = images[..., None].astype(np.float32)
    got = np.asarray(keras.models.load_model(saved, compile=False).predict_on_batch(x))
    expected = _calibration(model, calibration)(np.asarray(model.predict_on_batch(x)))
    difference = float(np.abs(got - expected).max())
    if difference > TOLERANCE:
        raise InputError(
            f"Expected {target.name} within {TOLERANCE} of the run's model, got {difference:.2g}: not written."
        )
    write_whole(target, saved.read_bytes())
    return difference


def _add_labels(path: Path, labels: Sequence[str]) -> None:
    """Put labels.txt, one class a line, into a .keras file, or behind a TFLite model as its metadata format does."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "".join(f"{label}\n" for label in labels))


def to_tflite(
    model: keras.Model,
    path: Path,
    calibration: Calibration | float,
    images: np.ndarray,
    labels: Sequence[str] = EMOTIONS,
    weights: str = "float16",
) -> float:
    """Write `model` as TFLite with the softmax of its calibrated logits inside, and labels.txt for the classes.

    weights: "float16", or "int8" for eight bits per channel with activations in float (half the size; dynamic range
    quantisation). Returns the largest difference of a probability to Keras on `images` (n,s,s) uint8; InputError, and
    nothing written, above 0.02 or, in eight bits, 0.1.
    """
    import tensorflow as tf

    whole = whole_model(model, calibration)
    with tempfile.TemporaryDirectory() as folder:
        whole.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16] if weights == "float16" else []
        saved = Path(folder) / "model.tflite"
        saved.write_bytes(converter.convert())
        _add_labels(saved, labels)
        content = saved.read_bytes()
    x = images[..., None].astype(np.float32)
    difference = float(np.abs(np.asarray(whole.predict_on_batch(x)) - _run_tflite(content, x)).max())
    if difference > TOLERANCES_TFLITE[weights]:
        raise InputError(
            f"Expected a TFLite file within {TOLERANCES_TFLITE[weights]} of Keras, got a difference of "
            f"{difference:.2g}: "
            f"{path} was not written."
        )
    write_whole(path, content)
    return difference


def _run_tflite(content: bytes, x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    with warnings.catch_warnings():  # it warns about its move to another package at every use
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(model_content=content)
    given, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, x)
    interpreter.invoke()
    return interpreter.get_tensor(answer)
