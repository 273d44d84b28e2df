"""A trained Keras network -> one ONNX file with scaling, softmax and temperature inside and its papers in the metadata."""

import json
import os
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


def to_onnx(model: keras.Model, path: Path, temperature: float, papers: dict[str, str], images: np.ndarray) -> float:
    """Write `model` (logits) as ONNX with softmax at `temperature` and the metadata `papers`.

    images: (n,s,s) uint8 on which the file is compared with Keras; returns the largest difference of a probability and
    refuses (InputError, nothing written) above 1e-4. Needs the TensorFlow backend.
    """
    proto = _converted(model, temperature)
    for key, value in papers.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    difference = parity(model, proto.SerializeToString(), temperature, images)
    if difference > TOLERANCE:
        raise InputError(
            f"Expected ONNX outputs within {TOLERANCE} of Keras, got a difference of {difference:.2g}: "
            f"{path} was not written; export with another version of tf2onnx."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(proto.SerializeToString())
    os.replace(partial, path)
    return difference


def _converted(model: keras.Model, temperature: float) -> Any:
    if keras.backend.backend() != "tensorflow":
        raise InputError("Expected the TensorFlow backend for export, got another: set KERAS_BACKEND=tensorflow.")
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")]

    @tf.function(input_signature=signature)
    def probabilities(image: Any) -> Any:
        return {"probabilities": tf.nn.softmax(model(image, training=False) / temperature, axis=-1)}

    proto, _ = tf2onnx.convert.from_function(probabilities, input_signature=signature, opset=17)
    return proto


def parity(model: keras.Model, onnx: bytes, temperature: float, images: np.ndarray) -> float:
    """Largest difference between the probabilities of Keras and of the ONNX bytes on `images` (n,s,s) uint8."""
    from emojimation.training.metrics import softmax

    x = images[..., None].astype(np.float32)
    expected = softmax(np.asarray(model.predict_on_batch(x)), temperature)
    got = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"]).run(None, {"image": x})[0]
    return float(np.abs(expected - got).max())


def to_tflite(model: keras.Model, path: Path, temperature: float, images: np.ndarray) -> float:
    """Write `model` as TFLite with float16 weights and softmax at `temperature` inside.

    Returns the largest difference of a probability to Keras on `images` (n,s,s) uint8, as float16 weights make it.
    """
    import tensorflow as tf

    scaled = keras.layers.Rescaling(1 / temperature)(model(model.input))
    whole = keras.Model(model.input, keras.layers.Softmax(name="probabilities")(scaled))
    with tempfile.TemporaryDirectory() as folder:
        whole.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    path.write_bytes(content)
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
