"""Measure the mean face: the canonical model of head pose, and how a face at rest measures.

    python scripts/measure_canonical.py fer2013_train_val.parquet [--per-class 100]

runs the face mesh on neutral Training pictures of FER2013, twice each (the second crop follows from the first mesh),
and averages the meshes together with their mirror images after aligning them (generalised Procrustes analysis). The
result has no turn and no tilt by symmetry; it looks straight ahead where the line from the top of the forehead to the
chin is parallel to the image. One unit is the distance between the outer corners of the eyes. The points that stray
least from the mean over all expressions are marked as rigid. Writes assets/models/canonical_face.npz.
"""

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
from measure_template import sample

from emojimation.labels import EMOTIONS
from emojimation.mesh.network import FaceMesh, Region, region_around
from emojimation.tracking.assign import assign
from emojimation.weights import MODELS

SIZE = 48
FOREHEAD, CHIN, RIGHT, LEFT = 10, 152, 33, 263
RIGID = 128
MIRRORED = (-1, 1, 1)
# The person's right and left: outer and inner corners of the eyes, corners of the mouth, wings of the nose.
PAIRS = ((33, 263), (133, 362), (61, 291), (129, 358))


def meshes_of(pictures: list[bytes]) -> np.ndarray:
    """(n,468,3) meshes of the PNG pictures that surely show a face, x, y and z in their pixels."""
    mesh, found = FaceMesh(), []
    for picture in pictures:
        frame = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        first = mesh.at(frame, [Region(SIZE / 2, SIZE / 2, 1.2 * SIZE, 0.0)])[0]
        second = mesh.at(frame, [region_around(first.points)])[0]
        if second.presence > 0.9:
            found.append(second.points)
    return np.array(found, np.float64)


def aligned(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`source` (n,3) moved, turned and scaled onto `target` (n,3): Umeyama's solution."""
    s0, t0 = source - source.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(t0.T @ s0)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    return (s0 @ (u * sign @ vt).T) * ((d * sign).sum() / (s0**2).sum()) + target.mean(0)


def partners(mean: np.ndarray) -> np.ndarray:
    """For each point of a symmetric mean face the index of its mirror image."""
    return np.array([j for _, j in assign(np.linalg.norm((mean * MIRRORED)[:, None] - mean[None], axis=2))])


def mean_of(shapes: np.ndarray) -> np.ndarray:
    mean = shapes[0]
    for _ in range(4):
        mean = np.mean([aligned(shape, mean) for shape in shapes], axis=0)
    return mean


def upright(mean: np.ndarray) -> np.ndarray:
    """Centred between the eyes, the forehead-to-chin line in the image plane, the eyes one unit apart."""
    down = mean[CHIN] - mean[FOREHEAD]
    tilt = np.arctan2(down[2], down[1])
    cos, sin = np.cos(tilt), np.sin(tilt)
    turned = mean @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]]).T
    eyes = turned[[RIGHT, LEFT]]
    return (turned - eyes.mean(axis=0)) / np.linalg.norm(eyes[1] - eyes[0])


def symmetric(mean: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The mean of a face and its mirror image."""
    return (mean + aligned((mean * MIRRORED)[mirror], mean)) / 2


def centred(mean: np.ndarray) -> np.ndarray:
    """The mean face turned so that pairs of mirror images differ in x only, judged by the corners of eyes and mouth."""
    x = sum(mean[left] - mean[right] for right, left in PAIRS)
    x /= np.linalg.norm(x)
    y = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y /= np.linalg.norm(y)
    turned = mean - mean[[right for right, _ in PAIRS] + [left for _, left in PAIRS]].mean(axis=0)
    return turned @ np.stack([x, y, np.cross(x, y)]).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parquet", type=Path, help="columns image (PNG bytes), emotion (0-6), Usage")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--out", type=Path, default=MODELS / "canonical_face.npz")
    args = parser.parse_args()
    pictures, labels = sample(args.parquet, args.per_class, seed=0)
    neutral = [picture for picture, label in zip(pictures, labels, strict=True) if EMOTIONS[label] == "neutral"]
    rest, moving = meshes_of(neutral), meshes_of(pictures)
    mean = centred(mean_of(rest))
    canonical = upright(centred(symmetric(mean, partners(mean))))
    strays = np.sqrt(np.mean([((aligned(m, canonical) - canonical) ** 2).sum(axis=1) for m in moving], axis=0))
    rigid = np.sort(np.argsort(strays)[:RIGID])
    np.savez(args.out, points=canonical.astype(np.float32), rigid=rigid.astype(np.int16))
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    print(f"{args.out}  {len(rest)} faces at rest, {len(moving)} in all  sha256 {digest}")
    print(f"rigid points stray by up to {strays[rigid].max():.3f}, others by up to {strays.max():.3f}")


if __name__ == "__main__":
    main()
