"""Turn MediaPipe's face mesh and iris networks (TFLite) into the ONNX files that the package carries.

    pip download mediapipe==0.10.21 --no-deps
    python scripts/convert_mesh.py mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl

needs the extra `train` (tf2onnx, tensorflow). Every wheel of this version holds the same networks. What is changed on
the way: the input becomes (n,side,side,3) uint8 BGR, n free (the scaling to [0,1] goes into the graph, the channel swap
into the first convolution), every PReLU becomes convolutions and a ReLU (see `split_prelus`), large weights are stored
in float16 (those of the mesh are already in the original; the iris moves by 0.01 pixels), and the outputs are named.
`mesh`: `points` (n,1404), 468 times x, y, z in input pixels, and `logits` (n,1), the presence of a face. `iris`: `iris`
(n,15), 5 times x, y, z; its other output, the eye's contour, is left out with the half of the network behind it.
Licence of the networks: Apache-2.0 (Google; MediaPipe). The results' sha256 go into assets/models/manifest.json.
"""

import argparse
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from convert_blazeface import MODELS, describe, onnx_of, rename, take_uint8_bgr, write
from graph import keep_outputs, split_prelus
from onnx import numpy_helper

from emojimation.training.export.slim import halved


@dataclass(frozen=True)
class Network:
    """A network in the wheel: where it lies, its sha256, the side of its input in pixels, our names of the outputs
    that are kept."""

    member: str
    sha256: str
    side: int
    outputs: dict[str, tuple[str, int]]


NETWORKS = {
    "face_mesh": Network(
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        192,
        {"conv2d_21": ("points", 1404), "conv2d_31": ("logits", 1)},
    ),
    "iris": Network(
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
        64,
        {"output_iris": ("iris", 15)},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="mediapipe 0.10.21, a wheel for any system")
    parser.add_argument("--out", type=Path, default=MODELS, help="folder of the .onnx files")
    args = parser.parse_args()
    for name, network in NETWORKS.items():
        write(convert(network, read_tflite(args.wheel, network)), name, args.out / f"{name}.onnx")


def read_tflite(wheel: Path, network: Network) -> bytes:
    """The network's bytes out of the wheel, checked against the sha256 that this script was written for."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(network.member)
    digest = hashlib.sha256(data).hexdigest()
    if digest != network.sha256:
        raise SystemExit(f"{network.member} has sha256 {digest}, expected {network.sha256}: take mediapipe 0.10.21")
    return data


def convert(network: Network, tflite: bytes) -> onnx.ModelProto:
    """TFLite bytes -> our ONNX model: uint8 BGR in, any batch, flat named outputs, stable names, checked."""
    model = onnx_of(tflite)
    take_uint8_bgr(model.graph, network.side, 1 / 255, 0.0)
    keep_outputs(model.graph, set(network.outputs))
    split_prelus(model.graph)
    flatten_outputs(model.graph, network.outputs)
    rename(model.graph, Path(network.member).stem, {old: new for old, (new, _) in network.outputs.items()})
    notes = {
        "source": f"PyPI mediapipe 0.10.21, {network.member}",
        "source_sha256": network.sha256,
        "licence": "Apache-2.0",
        "input": f"(n,{network.side},{network.side},3) uint8 BGR",
        "changes": "scaling to [0,1] and BGR order inside, free batch, PReLUs split, weights in float16, "
        "flat outputs, names",
    }
    model = halved(model)
    describe(model, notes)
    onnx.checker.check_model(model, full_check=True)
    return model


def flatten_outputs(graph: onnx.GraphProto, outputs: dict[str, tuple[str, int]]) -> None:
    """Make every output (n,numbers), n free, by the reshape that produces it."""
    shapes = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "Reshape"}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for output in graph.output:
        tensor = weights[shapes[output.name]]
        tensor.CopyFrom(numpy_helper.from_array(np.array([0, -1], np.int64), tensor.name))
        shape = ["n", outputs[output.name][1]]
        output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, shape))
    graph.ClearField("value_info")


if __name__ == "__main__":
    main()
