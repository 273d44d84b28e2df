"""Weights of dlib's face recognition network as the start of a training: the network `face_resnet`.

    python scripts/start_from_dlib.py fer2013_train_val.parquet dlib.npz
    emojimation train --data fer2013_train_val.parquet --recipe face --from dlib.npz --out runs/face

The weights are those of the package's own face_appearance.onnx (CC0, see assets/LICENSES.md). dlib's network has a
fixed scale and shift where ours has batch normalisation; the statistics of 512 Training images make ours give the same
features, so that training starts from what dlib's network knows. The three kernels of colour become their sum, as the
images are grey.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from emojimation.training.data.load import load
from emojimation.training.fit import models
from emojimation.training.fit.network import save_weights
from emojimation.training.fit.recipe import load as load_recipe
from emojimation.weights import resolve

IMAGES = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    recipe = load_recipe("face")
    rows = load(args.data).split("train")
    keras.utils.set_random_seed(recipe.seed)
    model = models.build(recipe.model, classes=len(rows.class_names), size=rows.size_px, **recipe.options)
    chosen = np.random.default_rng(0).permutation(len(rows))[:IMAGES]
    fill(model, convolutions(resolve("face_appearance")), rows.images[chosen, ..., None].astype(np.float32))
    save_weights(model, recipe, args.out)
    print(f"{args.out}: {model.count_params():,} parameters")


def convolutions(path: Path) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Kernel (h,w,in,out), scale and shift (out,) of each convolution of the ONNX file, in its order."""
    graph = onnx.load(path).graph
    fixed = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    scaled: dict[str, int] = {}  # output of a convolution, or of its scale and shift: its place in the list
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for node in graph.node:
        first, *others = node.input
        if node.op_type == "Conv":
            kernel = fixed[others[0]]
            shift = fixed[others[1]] if len(others) > 1 else np.zeros(len(kernel))
            found.append((kernel.transpose(2, 3, 1, 0).astype(np.float32), np.ones(len(kernel)), shift))
            scaled[node.output[0]] = len(found) - 1
        elif first in scaled and node.op_type in ("Mul", "Add") and others[0] in fixed:
            kernel, scale, shift = found[scaled[first]]
            value = fixed[others[0]].ravel()
            found[scaled[first]] = (
                (kernel, scale * value, shift * value) if node.op_type == "Mul" else (kernel, scale, shift + value)
            )
            scaled[node.output[0]] = scaled[first]
        elif node.op_type in ("Cast", "Mul", "Add") and first in fixed:  # kernels are stored in eight bits
            value = fixed[first]
            fixed[node.output[0]] = (
                value.astype(np.float32)
                if node.op_type == "Cast"
                else value * fixed[others[0]]
                if node.op_type == "Mul"
                else value + fixed[others[0]]
            )
    return found


def fill(model: keras.Model, known: list[tuple[np.ndarray, np.ndarray, np.ndarray]], images: np.ndarray) -> None:
    """Set the kernels and norms of `model` so that it computes scale * convolution + shift on `images` (n,h,w,1)."""
    kernels = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [layer for layer in model.layers if isinstance(layer, models.BatchNorm)]
    if len(kernels) != len(norms) or len(kernels) > len(known):
        raise SystemExit(f"Expected at most {len(known)} convolutions, each with a norm, got {len(kernels)}")
    for layer, norm, (kernel, scale, shift) in zip(kernels, norms, known[: len(kernels)], strict=True):
        summed = kernel.sum(2, keepdims=True) if layer is kernels[0] else kernel
        layer.set_weights([summed])
        norm.set_weights([scale, shift, np.zeros_like(scale), np.full_like(scale, 1 - norm.epsilon)])
    inside = keras.Model(model.input, [layer.output for layer in kernels]).predict(images, batch_size=64, verbose=0)
    for norm, (_, scale, shift), features in zip(norms, known[: len(kernels)], inside, strict=True):
        mean, variance = features.mean((0, 1, 2)), features.var((0, 1, 2))
        norm.set_weights([scale * np.sqrt(variance + norm.epsilon), shift + scale * mean, mean, variance])


if __name__ == "__main__":
    main()
