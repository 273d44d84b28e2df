"""Where the eyes, nose and mouth sit in FER2013's images: the numbers of `faces.TEMPLATE`.

    python scripts/measure_template.py fer2013_train_val.parquet --per-class 600

Takes that many Training images of every class (fewer where a class has fewer), enlarges them, runs the face
detector, and prints median and interquartile range of the five landmarks in the unit square, over all images and for
each class. Needs pyarrow; one thread, about 7 ms an image. Only rows whose `Usage` is Training are read.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emojimation.detect import FaceDetector
from emojimation.labels import EMOTIONS

ENLARGED_PX = 192
NAMES = ("right eye", "left eye", "nose", "right mouth corner", "left mouth corner")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parquet", type=Path, help="columns image (PNG bytes), emotion (0-6), Usage")
    parser.add_argument("--per-class", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pictures, labels = sample(args.parquet, args.per_class, args.seed)
    detect = FaceDetector()
    found = [landmarks(detect, picture) for picture in pictures]
    points = np.array([p for p in found if p is not None])
    classes = np.array([label for p, label in zip(found, labels, strict=True) if p is not None])
    print(f"{len(points)} of {len(pictures)} images with a face ({len(points) / len(pictures):.1%})")
    report(points, classes)


def sample(path: Path, per_class: int, seed: int) -> tuple[list[bytes], list[int]]:
    """PNG bytes and labels of up to `per_class` random Training rows of each class."""
    table = pq.read_table(path, columns=["image", "emotion", "Usage"])
    table = table.filter(pc.equal(table["Usage"], "Training"))
    labels = table["emotion"].to_numpy()
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(labels == k))[:per_class] for k in range(len(EMOTIONS))]
    picked = np.sort(np.concatenate(rows))
    return table["image"].take(picked).to_pylist(), labels[picked].tolist()


def landmarks(detect: FaceDetector, png: bytes) -> np.ndarray | None:
    """(5,2) landmarks of the image's largest face in its unit square, or None."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    enlarged = cv2.resize(picture, (ENLARGED_PX, ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
    faces = detect(enlarged)
    return faces[0].landmarks / ENLARGED_PX if faces else None


def report(points: np.ndarray, classes: np.ndarray) -> None:
    low, median, high = np.percentile(points, [25, 50, 75], axis=0)
    for name, middle, spread in zip(NAMES, median, high - low, strict=True):
        print(f"{name:20} x {middle[0]:.3f} (IQR {spread[0]:.3f})  y {middle[1]:.3f} (IQR {spread[1]:.3f})")
    for index, emotion in enumerate(EMOTIONS):
        chosen = points[classes == index]
        print(f"{emotion:10} n {len(chosen):4}  median {np.median(chosen, axis=0).round(3).tolist()}")
    symmetric = mirror_mean(median)
    print("mirror-symmetric:", json.dumps(symmetric.round(3).tolist()))


def mirror_mean(points: np.ndarray) -> np.ndarray:
    """The mean of (5,2) points and their mirror image: training flips images, so the template must not lean."""
    mirrored = np.stack([1 - points[:, 0], points[:, 1]], axis=1)[[1, 0, 2, 4, 3]]
    return (points + mirrored) / 2


if __name__ == "__main__":
    main()
