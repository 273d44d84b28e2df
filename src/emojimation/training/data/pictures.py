"""Image folders and archives: members with names and bytes, classes and splits read from the names."""

import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.labels import emotion_of, split_of
from emojimation.training.data.csvfile import USAGES
from emojimation.training.data.dataset import Dataset, decode_grey, encode_classes

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
# "Training_10118481.jpg": the official split of a FER2013 row, and a number that keeps the order of the rows.
OFFICIAL = re.compile(r"(Training|PublicTest|PrivateTest)_(\d+)", re.IGNORECASE)


class Member(NamedTuple):
    """One file of a folder or archive: its path inside, and a function that opens it for reading bytes."""

    path: PurePosixPath
    open: Callable[[], BinaryIO]

    @property
    def is_picture(self) -> bool:
        return self.path.suffix.lower() in SUFFIXES


def members(path: Path) -> Iterator[Member]:
    """The files of a folder, zip or tar (of any compression), hidden ones left out.

    Read each before asking for the next. Nothing is ever unpacked to the disk, so a hostile path inside an
    archive does no harm.
    """
    walk = _folder if path.is_dir() else _zip if zipfile.is_zipfile(path) else _tar
    for member in walk(path):
        if not any(part.startswith((".", "__MACOSX")) for part in member.path.parts):
            yield member


def _folder(path: Path) -> Iterator[Member]:
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield Member(PurePosixPath(file.relative_to(path).as_posix()), partial(_open_file, file))


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield Member(PurePosixPath(info.filename), partial(_open_zipped, archive, info, path))


def _open_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> BinaryIO:
    try:
        return archive.open(info)  # type: ignore[return-value]
    except RuntimeError as error:  # zipfile's way of saying that the member is encrypted
        raise InputError(f"{path}: {info.filename}: {error}; unpack it first") from None


def _tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for info in archive:
            if info.isfile():
                yield Member(PurePosixPath(info.name), partial(archive.extractfile, info))  # type: ignore[arg-type]


def class_words(paths: Sequence[PurePosixPath]) -> list[str | None]:
    """Class word of each image's path inside its set, None for one outside any class folder.

    Folders named like a split do not count, so `train/angry/x.jpg` and `angry/train/x.jpg` read alike, nor does one
    that holds all the others. Of nested folders the class is the level on which all are emotions (`anna/angry/x.jpg`),
    or else the highest (`bored/anna/monday/x.jpg`), as in torchvision's ImageFolder and scikit-learn's load_files.
    """
    folders = [[part for part in path.parts[:-1] if split_of(part) is None] for path in paths]
    shared = 0
    while min(map(len, folders)) > shared + 1 and len({parts[shared] for parts in folders}) == 1:
        shared += 1
    levels = range(shared, min(map(len, folders)))
    named = (level for level in levels if all(emotion_of(parts[level]) for parts in folders))
    level = next(named, shared)
    return [parts[level] if len(parts) > level else None for parts in folders]


def split_in(path: PurePosixPath, default_split: str) -> str:
    """Split of an image's path: by the official file name, else the nearest folder named like one, or the default."""
    named = [split for part in reversed(path.parts[:-1]) if (split := split_of(part))]
    official = OFFICIAL.match(path.name)
    split = split_of(official[1]) if official else None
    return split or next(iter(named), default_split)


def order_of(paths: Iterable[PurePosixPath]) -> list[int]:
    """Positions of the paths in row order: by the number in official names if all have one, by path otherwise."""
    keys = [(OFFICIAL.match(path.name), path.as_posix()) for path in paths]
    if all(match for match, _ in keys):
        return sorted(range(len(keys)), key=lambda i: (int(keys[i][0][2]), keys[i][1]))  # type: ignore[index]
    return sorted(range(len(keys)), key=lambda i: keys[i][1])


def read_pictures(
    files: Iterable[Member], where: str, size: int, default_split: str, skipped: list[str] | None = None
) -> Dataset:
    """The images among `files`, one class a folder, grey and resized to (n,size,size), in row order.

    skipped: gets the names of the images that cannot be read, which are left out. Without it they are an InputError,
    which names them all.
    """
    paths, images = decode_members((member for member in files if member.is_picture), where, size, skipped)
    if not paths:
        raise InputError(
            f"{where}: expected a FER2013 csv or images in class folders (train/happy/x.jpg), found neither"
        )
    order = order_of(paths)
    words = class_words([paths[i] for i in order])
    stray = next((paths[i] for i, word in zip(order, words, strict=True) if word is None), None)
    if stray is not None:
        raise InputError(f"{where}: {stray} is not in a class folder; expected class/picture or split/class/picture")
    class_names, labels = encode_classes([str(word) for word in words])
    names = [paths[i].as_posix() for i in order]
    splits = [split_in(paths[i], default_split) for i in order]
    return Dataset.of(images[order], labels, splits, names, class_names=class_names, source=where)


def decode_members(
    files: Iterable[Member], where: str, size: int, skipped: list[str] | None = None
) -> tuple[list[PurePosixPath], np.ndarray]:
    """Paths and grey images (n,size,size) uint8 of the files that can be read; for `skipped` see `read_pictures`."""
    paths, images, bad = [], [], []
    for member in files:
        try:
            images.append(_decode(member, where, size))
            paths.append(member.path)
        except InputError:
            bad.append(str(member.path))
    if skipped is not None:
        skipped += bad
    elif bad:
        raise InputError(
            f"{where}: expected image files (PNG, JPEG ...), found {len(bad)} that cannot be read: {', '.join(bad)}; "
            "fix them, or skip them with --skip-bad"
        )
    return paths, np.array(images, np.uint8).reshape(-1, size, size)


def _decode(member: Member, where: str, size: int) -> np.ndarray:
    with member.open() as stream:
        return decode_grey(stream.read(), size, f"{where}: {member.path}")


def write_folder(dataset: Dataset, root: Path) -> None:
    """`train/angry/Training_00001.png` and so on below `root`; the numbers keep the order of the rows.

    Raises InputError if `root` is not empty, because old images would mix with the new.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root}: is not empty; expected a new or empty folder to write images to")
    digits = max(5, len(str(len(dataset))))
    for i, (image, label, split) in enumerate(zip(dataset.images, dataset.labels, dataset.splits, strict=True)):
        folder = root / split / dataset.class_names[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{USAGES[split]}_{i:0{digits}}.png").write_bytes(encode_png(image))


def encode_png(image: np.ndarray) -> bytes:
    """A grey uint8 image as the bytes of a PNG file."""
    return cv2.imencode(".png", image)[1].tobytes()
