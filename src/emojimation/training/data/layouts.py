"""Other data sets of facial expressions, read as their owners ship them; the images are whole photos, not crops.

Sources of the layouts: RAF-DB (Li, Deng and Du, CVPR 2017), AffectNet (Mollahosseini, Hasani and Mahoor, IEEE TAC
2019), CK+ (Lucey et al., CVPR workshops 2010), JAFFE (Lyons et al., FG 1998), ExpW (Zhang et al., IJCV 2018).
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emojimation import media
from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces, iou
from emojimation.labels import CONTEMPT, EMOTIONS, emotion_of, split_of
from emojimation.training.data.dataset import Dataset

RAF = ("", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", CONTEMPT)  # 8 to 10: no emotion
CK = ("neutral", "angry", CONTEMPT, "disgust", "fear", "happy", "sad", "surprise")
SAME_FACE_IOU = 0.3  # of a found box with the data set's own, which are drawn by other rules
Detect = Callable[[np.ndarray], list[Face]]


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled face. label: an emotion or "contempt". xyxy: its box in pixels where the data set gives one."""

    path: Path
    label: str
    split: str
    xyxy: tuple[float, float, float, float] | None = None


def _raf(root: Path) -> Iterator[Photo]:
    """`EmoLabel/list_patition_label.txt` (their spelling): `train_00001.jpg 5`."""
    listed = _first(root, "**/list_patition_label.txt", "**/list_partition_label.txt")
    images = [path for name in ("original", "aligned") for path in root.glob(f"**/{name}") if path.is_dir()]
    if not images:
        raise InputError(f"Expected RAF-DB's folder Image/original or Image/aligned in {root}, got neither.")
    for name, label in _fields(listed, 2):
        stem, _, suffix = name.rpartition(".")
        choices = [folder / file for folder in images for file in (name, f"{stem}_aligned.{suffix}")]
        path = next((choice for choice in choices if choice.is_file()), choices[0])
        yield Photo(path, RAF[_class(label, RAF, listed)], split_of(name.split("_")[0]) or "test")


def _affectnet(root: Path) -> Iterator[Photo]:
    """The lists training.csv and validation.csv, or train_set and val_set with `annotations/0_exp.npy`."""
    lists = [path for name in ("training", "validation") for path in sorted(root.glob(f"**/{name}.csv"))]
    return _affectnet_lists(root, lists) if lists else _affectnet_arrays(root)


def _affectnet_lists(root: Path, lists: list[Path]) -> Iterator[Photo]:
    images = next((path for path in root.glob("**/Manually_Annotated_Images") if path.is_dir()), root)
    for listed in lists:
        split = "train" if listed.stem == "training" else "val"
        with listed.open(newline="", encoding="utf-8-sig") as stream:
            for row in csv.DictReader(stream):
                try:
                    path, label = images / row["subDirectory_filePath"], int(row["expression"])
                    x, y, w, h = (float(row[f"face_{name}"]) for name in ("x", "y", "width", "height"))
                except (KeyError, TypeError, ValueError):
                    raise InputError(f"Expected AffectNet's columns in {listed}, got {str(row)[:80]}.") from None
                if label < len(AFFECTNET):
                    yield Photo(path, AFFECTNET[label], split, (x, y, x + w, y + h))


def _affectnet_arrays(root: Path) -> Iterator[Photo]:
    _first(root, "**/annotations/*_exp.npy")
    for file in sorted(root.glob("**/annotations/*_exp.npy")):
        label = int(np.load(file, allow_pickle=False))
        image = file.parents[1] / "images" / f"{file.stem.removesuffix('_exp')}.jpg"
        if 0 <= label < len(AFFECTNET):
            yield Photo(image, AFFECTNET[label], "train" if "train" in file.parents[1].name else "val")


def _ck(root: Path) -> Iterator[Photo]:
    """The last image of each sequence with a label, `Emotion/S005/001/..._emotion.txt`, and its first as neutral."""
    _first(root, "**/*_emotion.txt")
    folder = next((path for path in root.glob("**/cohn-kanade-images") if path.is_dir()), None)
    if folder is None:
        raise InputError(f"Expected CK+'s folder cohn-kanade-images in {root}, got none.")
    for file in sorted(root.glob("**/*_emotion.txt")):
        person, number, _ = file.name.split("_", 2)
        frames = sorted((folder / person / number).glob("*.png"))
        if not frames:
            raise InputError(f"Expected the images of {file} in {folder / person / number}, got none.")
        yield Photo(frames[-1], CK[_class(file.read_text().strip(), CK, file)], "test")
        yield Photo(frames[0], "neutral", "test")


def _jaffe(root: Path) -> Iterator[Photo]:
    """`KA.AN1.39.tiff`: person, emotion, number of the image."""
    _first(root, "**/*.tiff", "**/*.tif")
    for path in sorted(root.glob("**/*.tif*")):
        found = re.match(r"[A-Z]{2}\.([A-Z]{2})\d*\.\d+", path.name)
        label = emotion_of(found[1]) if found else None
        if label:
            yield Photo(path, label, "test")


def _expw(root: Path) -> Iterator[Photo]:
    """`label/label.lst`: image, number of the face, top, left, right, bottom, confidence, class id as in FER2013."""
    listed = _first(root, "**/label.lst")
    images = next((path for path in root.glob("**/origin") if path.is_dir()), root)
    for name, _, top, left, right, bottom, _, label in _fields(listed, 8):
        x0, y0, x1, y1 = (float(value) for value in (left, top, right, bottom))
        yield Photo(images / name, EMOTIONS[_class(label, EMOTIONS, listed)], "test", (x0, y0, x1, y1))


LAYOUTS: dict[str, Callable[[Path], Iterator[Photo]]] = {
    "affectnet": _affectnet,
    "ckplus": _ck,
    "expw": _expw,
    "jaffe": _jaffe,
    "rafdb": _raf,
}


def photos_of(root: Path, layout: str) -> list[Photo]:
    """The labelled faces of a data set in one of `LAYOUTS`. Raises InputError for another name or other files."""
    if layout not in LAYOUTS:
        raise InputError(f"Expected the layout {', '.join(LAYOUTS)}, got {layout!r}.")
    if not root.is_dir():
        raise InputError(f"Expected the folder of {layout}, got {root}: unpack the data set first.")
    photos = list(LAYOUTS[layout](root))
    if not photos:
        raise InputError(f"Expected labelled faces in the layout of {layout} in {root}, got none.")
    return photos


def read_photos(
    photos: Iterable[Photo], detect: Detect, size: int, template: np.ndarray, classes: tuple[str, ...], source: str
) -> tuple[Dataset, int]:
    """The faces of photos, detected and aligned as in the product: (n,size,size) grey; and how many were not found.

    Photos with a label that is not among `classes` are left out and not counted. Of several faces the one in the
    data set's box is meant, or the largest. Raises InputError for a photo that cannot be read and if none has a face.
    """
    crops, kept, missed = [], [], 0
    for photo in photos:
        if photo.label not in classes:
            continue
        frame = media.read_image(photo.path).frame
        face = _meant(detect(frame), photo)
        missed += face is None
        if face is not None:
            crops.append(crop_faces(frame, [face], size, template)[0, ..., 0])
            kept.append(photo)
    if not kept:
        raise InputError(f"Expected faces of {', '.join(classes)} in {source}, found none.")
    labels = [classes.index(photo.label) for photo in kept]
    names = [photo.path.name for photo in kept]
    return (
        Dataset.of(np.stack(crops), labels, [photo.split for photo in kept], names, class_names=classes, source=source),
        missed,
    )


def _meant(faces: list[Face], photo: Photo) -> Face | None:
    if photo.xyxy is None or not faces:
        return max(faces, key=lambda face: face.size_px, default=None)
    shares = iou(np.array([photo.xyxy], np.float32), np.stack([face.xyxy for face in faces]))[0]
    return faces[int(shares.argmax())] if shares.max() >= SAME_FACE_IOU else None


def _first(root: Path, *patterns: str) -> Path:
    found = next((path for pattern in patterns for path in sorted(root.glob(pattern))), None)
    if found is None:
        raise InputError(
            f"Expected {patterns[0].removeprefix('**/')} in {root}, got no such file: is it this data set?"
        )
    return found


def _fields(listed: Path, count: int) -> Iterator[list[str]]:
    for number, line in enumerate(listed.read_text("utf-8").splitlines(), 1):
        words = line.split()
        if words and len(words) != count:
            raise InputError(f"Expected {count} words in line {number} of {listed}, got {line[:60]!r}.")
        if words:
            yield words


def _class(word: str, classes: tuple[str, ...], where: Path) -> int:
    try:
        number = int(float(word))
    except ValueError:
        number = -1
    if not 0 <= number < len(classes) or not classes[number]:
        raise InputError(f"Expected a class from 0 to {len(classes) - 1} in {where}, got {word[:20]!r}.")
    return number
