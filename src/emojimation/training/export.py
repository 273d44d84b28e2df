"""A trained Keras network -> one ONNX file with scaling, softmax and calibration inside and its papers in the metadata."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort

from emojimation.errors import InputError
from emojimation.faces import TEMPLATE
from emojimation.labels import EMOTIONS
from emojimation.training.calibrate import Calibration
from emojimation.training.runs import write_whole

TOLERANCE = 1e-4


def metadata(name: str, model: keras.Model, **papers: Any) -> dict[str, str]:
    """The model contract's metadata; `papers` are temperature, threshold, data_sha256, commit and metrics."""
    _, size, _, channels = model.input_shape
    facts = {
        "emojimation": "1", "name": name, "labels": ",".join(EMOTIONS), "size": size, "channels": channels,
        "template": json.dumps(np.round(TEMPLATE, 4).tolist()),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **papers,
    }  # fmt: skip
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}


def to_onnx(
    model: keras.Model, path: Path, calibration: Calibration | float, papers: dict[str, str], images: np.ndarray
) -> float:
    """Write `model` (logits) as ONNX with the softmax of its calibrated logits and the metadata `papers`.

    calibration: a temperature, or a `Calibration`. images: (n,s,s) uint8 on which the file is compared with Keras; returns the largest difference of a probability and
    refuses (InputError, nothing written) above 1e-4. Needs the TensorFlow backend.
    """
    calibration = _calibration(model, calibration)
    proto = _converted(model, calibration)
    for key, value in papers.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    difference = parity(model, proto.SerializeToString(), calibration, images)
    if difference > TOLERANCE:
        raise InputError(
            f"Expected ONNX outputs within {TOLERANCE} of Keras, got a difference of {difference:.2g}: "
            f"{path} was not written; export with another version of tf2onnx."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, proto.SerializeToString())
    return difference


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


def parity(model: keras.Model, onnx: bytes, calibration: Calibration, images: np.ndarray) -> float:
    """Largest difference between the probabilities of Keras and of the ONNX bytes on `images` (n,s,s) uint8."""
    x = images[..., None].astype(np.float32)
    expected = calibration(np.asarray(model.predict_on_batch(x)))
    got = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"]).run(None, {"image": x})[0]
    return float(np.abs(expected - got).max())


def to_tflite(model: keras.Model, path: Path, calibration: Calibration | float, images: np.ndarray) -> float:
    """Write `model` as TFLite with float16 weights and the softmax of its calibrated logits inside.

    Returns the largest difference of a probability to Keras on `images` (n,s,s) uint8, as float16 weights make it.
    """
    import tensorflow as tf

    scale, bias = _affine(_calibration(model, calibration))
    scaled = keras.layers.Rescaling(scale.tolist(), bias.tolist())(model(model.input))
    whole = keras.Model(model.input, keras.layers.Softmax(name="probabilities")(scaled))
    with tempfile.TemporaryDirectory() as folder:
        whole.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    write_whole(path, content)
    x = images[..., None].astype(np.float32)
    return float(np.abs(np.asarray(whole.predict_on_batch(x)) - _run_tflite(content, x)).max())


def _run_tflite(content: bytes, x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    given, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, x)
    interpreter.invoke()
    return interpreter.get_tensor(answer)
