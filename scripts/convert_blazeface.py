"""Turn MediaPipe's BlazeFace full-range face detector (TFLite) into the ONNX file that the package carries.

    npm pack @mediapipe/face_detection@0.4.1657300184
    python scripts/convert_blazeface.py mediapipe-face_detection-0.4.1657300184.tgz

needs the extra `train` (tf2onnx, tensorflow). The same archive and versions give the same bytes. What is changed on
the way: the input becomes (n,h,w,3) uint8 BGR with n, h and w free, as the network is fully convolutional (the scaling
to [-1,1] goes into the graph, the channel swap into the first convolution), and the outputs are named: `boxes`
(n,cells,16) and `logits` (n,cells,1); channels are added by concatenation instead of padding, which takes an eighth off
the time and changes no answer; weights are stored in float16, which those of this network fit exactly. Licence of the
network: Apache-2.0 (Google; MediaPipe). The result's sha256 goes into assets/models/manifest.json.
"""

import argparse
import hashlib
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import onnx
import tf2onnx
from graph import split_pads
from onnx import TensorProto, helper, numpy_helper

from emojimation.training.export.slim import halved

MEMBER = "package/face_detection_full_range.tflite"
TFLITE_SHA256 = "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"
MODELS = Path(__file__).resolve().parents[1] / "src/emojimation/assets/models"
OUTPUTS = {"reshaped_regressor_face_4": "boxes", "reshaped_classifier_face_4": "logits"}
NOTES = {
    "source": "npm @mediapipe/face_detection 0.4.1657300184, face_detection_full_range.tflite",
    "source_sha256": TFLITE_SHA256,
    "licence": "Apache-2.0",
    "input": "(n,h,w,3) uint8 BGR, h and w multiples of 32",
    "changes": "scaling to [-1,1] and BGR order inside, free batch and size, no padding of channels, names",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="the npm package's .tgz")
    parser.add_argument("--out", type=Path, default=MODELS / "face_detector.onnx")
    args = parser.parse_args()
    model = convert(read_tflite(args.archive))
    write(model, "face_detector", args.out)


def write(model: onnx.ModelProto, name: str, path: Path) -> None:
    """Write the file, note its sha256 under `name` in the manifest, and print it."""
    path.write_bytes(model.SerializeToString(deterministic=True))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write_manifest(name, path, digest)
    print(f"{path}  {path.stat().st_size} bytes  sha256 {digest}")


def read_tflite(archive: Path) -> bytes:
    """The network's bytes out of the package, checked against the sha256 that this script was written for."""
    with tarfile.open(archive) as tar:
        data = tar.extractfile(MEMBER).read()
    digest = hashlib.sha256(data).hexdigest()
    if digest != TFLITE_SHA256:
        raise SystemExit(f"{MEMBER} has sha256 {digest}, expected {TFLITE_SHA256}: take version 0.4.1657300184")
    return data


def convert(tflite: bytes) -> onnx.ModelProto:
    """TFLite bytes -> our ONNX model: uint8 BGR in, any batch and size, named outputs, stable names, checked."""
    model = onnx_of(tflite)
    graph = model.graph
    take_uint8_bgr(graph, None, 1 / 127.5, -1.0)
    free_sizes(graph)
    split_pads(graph)
    rename(graph, "blazeface_full_range", OUTPUTS)
    describe(model, NOTES)
    onnx.checker.check_model(model, full_check=True)
    return halved(model)


def onnx_of(tflite: bytes) -> onnx.ModelProto:
    """TFLite bytes -> ONNX as tf2onnx makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(tflite)
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=13)
    return model


def take_uint8_bgr(graph: onnx.GraphProto, side: int | None, scale: float, shift: float) -> None:
    """Put x * scale + shift before the first node, and swap the first convolution's inputs from RGB to BGR.

    side: of the square input in pixels, None for an input of any height and width.
    """
    name = graph.input[0].name
    transpose, conv = graph.node[0], graph.node[1]
    assert transpose.input[0] == name and conv.op_type == "Conv" and conv.input[0] == transpose.output[0]
    for key, value in (("scale", scale), ("shift", shift)):
        graph.initializer.append(numpy_helper.from_array(np.float32(value), key))
    transpose.input[0] = "scaled"
    nodes = [
        helper.make_node("Cast", ["frames"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "scale"], ["multiplied"]),
        helper.make_node("Add", ["multiplied", "shift"], ["scaled"]),
        *graph.node,
    ]
    graph.ClearField("node")
    graph.node.extend(nodes)
    weights = next(i for i in graph.initializer if i.name == conv.input[1])
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights)[:, ::-1].copy(), weights.name))
    graph.ClearField("input")
    graph.input.append(helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", side or "h", side or "w", 3]))


def free_batch(graph: onnx.GraphProto) -> None:
    """Let any number of frames through: the reshapes keep the first axis instead of fixing it to 1."""
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in shapes:
            keep = np.concatenate([[0], numpy_helper.to_array(tensor)[1:]])
            tensor.CopyFrom(numpy_helper.from_array(keep.astype(np.int64), tensor.name))
    graph.ClearField("value_info")
    for output in graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = "n"


def free_sizes(graph: onnx.GraphProto) -> None:
    """Let frames of any number and size through: the reshapes fix the number of values of a cell only."""
    free_batch(graph)
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in shapes:
            free = np.array([0, -1, numpy_helper.to_array(tensor)[2]], np.int64)
            tensor.CopyFrom(numpy_helper.from_array(free, tensor.name))
    for output in graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = "cells"


def rename(graph: onnx.GraphProto, title: str, outputs: dict[str, str]) -> None:
    """Number all inner names in order of use (tf2onnx's change from run to run) and name the outputs."""
    graph.name = title
    names: dict[str, str] = {"": "", "frames": "frames", **outputs}
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type.lower()}{index}"
        for part in (node.input, node.output):
            for i, name in enumerate(part):
                part[i] = names.setdefault(name, f"t{len(names)}")
    for item in (*graph.initializer, *graph.output):
        item.name = names[item.name]
    tensors = sorted(graph.initializer, key=lambda tensor: int(tensor.name[1:]))
    graph.ClearField("initializer")
    graph.initializer.extend(tensors)


def describe(model: onnx.ModelProto, notes: dict[str, str]) -> None:
    """Write source, licence and layout into the file's metadata."""
    model.producer_name, model.producer_version, model.doc_string = "tf2onnx", tf2onnx.__version__, ""
    model.graph.doc_string = ""
    model.ClearField("metadata_props")
    helper.set_model_props(model, notes)


def write_manifest(name: str, path: Path, digest: str) -> None:
    """Note file and sha256 in the manifest beside the model, where there is one or the model is the package's own."""
    manifest = path.parent / "manifest.json"
    if path.parent != MODELS and not manifest.exists():
        return
    entries = json.loads(manifest.read_text()) if manifest.exists() else {}
    entries[name] = {"file": path.name, "sha256": digest}
    manifest.write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main()
