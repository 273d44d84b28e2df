"""The one record that every loader produces and every training, audit and evaluation reads."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, SPLITS, emotion_of


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled grey images. Build it with `Dataset.of`, which checks the shapes and computes `sha256`.

    images: (n,s,s) uint8 grey, 0 to 255; s is 48 unless another size was requested.
    labels: (n,) int64, index into `class_names`.
    splits: (n,) str, each "train", "val" or "test".
    names: (n,) str, file name, FER+ name or number of the row.
    votes: (n,10) uint8 FER+ votes in the order of `labels.FERPLUS_COLUMNS`, or None.
    class_names: `EMOTIONS` wherever the classes are the seven emotions or some of them.
    sha256: hex digest of pixels and labels; the same for the same rows in the same order, whatever file they came from.
    source: path that the rows came from, for people to read.
    """

    images: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    names: np.ndarray
    votes: np.ndarray | None
    class_names: tuple[str, ...]
    sha256: str
    source: str

    @classmethod
    def of(
        cls,
        images: np.ndarray,
        labels: Iterable[int],
        splits: Iterable[str] | str = "train",
        names: Iterable[str] | None = None,
        votes: np.ndarray | None = None,
        class_names: Sequence[str] = EMOTIONS,
        source: str = "",
    ) -> "Dataset":
        """A checked Dataset; `splits` may be one word for all rows, `names` None counts the rows from 0.

        Raises InputError if lengths differ, a label is out of range or a split is not one of `labels.SPLITS`.
        """
        n = len(images)
        y = np.asarray(labels if isinstance(labels, np.ndarray) else list(labels), np.int64).reshape(-1)
        words = np.full(n, splits, "<U5") if isinstance(splits, str) else np.asarray(list(splits), "<U5")
        ids = np.asarray([str(i) for i in range(n)] if names is None else list(names), np.str_)
        _check(images, y, words, ids, votes, class_names, source)
        digest = content_sha256(images, y)
        return cls(images, y, words, ids, votes, tuple(class_names), digest, source)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size_px(self) -> int:
        """Side of the square images in pixels."""
        return int(self.images.shape[1])

    @property
    def splits_present(self) -> tuple[str, ...]:
        """The splits that have at least one row, in the order train, val, test."""
        return tuple(split for split in SPLITS if (self.splits == split).any())

    def take(self, index: np.ndarray | Sequence[int] | slice) -> "Dataset":
        """The rows that `index` (positions, a boolean mask or a slice) selects, in its order, with their own sha256."""
        rows = np.arange(len(self))[index if isinstance(index, slice) else np.asarray(index)]
        votes = None if self.votes is None else self.votes[rows]
        return Dataset.of(
            self.images[rows],
            self.labels[rows],
            self.splits[rows],
            self.names[rows],
            votes,
            self.class_names,
            self.source,
        )

    def split(self, name: str) -> "Dataset":
        """The rows of one split ("train", "val" or "test"); InputError names the splits present where it has none."""
        mask = self.splits == name
        if not mask.any():
            present = ", ".join(self.splits_present) or "none"
            raise InputError(f"{self.source or 'the data set'}: no rows in split {name!r}; splits present: {present}")
        return self.take(mask)

    def with_classes(self, names: Sequence[str]) -> "Dataset":
        """The same rows with the classes `names`, in their order; InputError where a row has another class."""
        if tuple(names) == self.class_names:
            return self
        places = {name: i for i, name in enumerate(names)}
        others = [name for i, name in enumerate(self.class_names) if name not in places and (self.labels == i).any()]
        if others:
            raise InputError(
                f"Expected the classes {', '.join(names)}, got {', '.join(others)} in {self.source}: "
                "give data with the classes of the model."
            )
        labels = np.array([places.get(name, -1) for name in self.class_names])[self.labels]
        return Dataset.of(self.images, labels, self.splits, self.names, self.votes, names, self.source)

    def counts(self) -> dict[str, dict[str, int]]:
        """Rows per split present and class name, zeros included."""
        return {split: self._class_counts(self.splits == split) for split in self.splits_present}

    def _class_counts(self, mask: np.ndarray) -> dict[str, int]:
        numbers = np.bincount(self.labels[mask], minlength=len(self.class_names))
        return {name: int(number) for name, number in zip(self.class_names, numbers, strict=True)}


def _check(
    images: np.ndarray,
    labels: np.ndarray,
    splits: np.ndarray,
    names: np.ndarray,
    votes: np.ndarray | None,
    class_names: Sequence[str],
    source: str,
) -> None:
    where = source or "data set"
    n = len(images)
    if n == 0:
        raise InputError(f"{where}: no rows; expected at least one labelled image")
    if images.ndim != 3 or images.dtype != np.uint8 or images.shape[1] != images.shape[2]:
        raise InputError(f"{where}: expected square images (n,s,s) uint8, found {images.shape} {images.dtype}")
    if not len(labels) == len(splits) == len(names) == n:
        raise InputError(f"{where}: {n} images, {len(labels)} labels, {len(splits)} splits, {len(names)} names")
    if labels.min() < 0 or labels.max() >= len(class_names):
        bad = int(np.flatnonzero((labels < 0) | (labels >= len(class_names)))[0])
        raise InputError(f"{where}: row {bad}: label {labels[bad]} is out of range 0 to {len(class_names) - 1}")
    if not np.isin(splits, SPLITS).all():
        raise InputError(f"{where}: expected splits {', '.join(SPLITS)}, found {set(splits.tolist()) - set(SPLITS)}")
    if votes is not None and votes.shape != (n, len(FERPLUS_COLUMNS)):
        raise InputError(f"{where}: expected FER+ votes of shape {(n, len(FERPLUS_COLUMNS))}, found {votes.shape}")


def content_sha256(images: np.ndarray, labels: np.ndarray) -> str:
    """Hex sha256 over the shape, the pixels (n,s,s) uint8 and the labels (n,) as little-endian int64, in row order."""
    digest = hashlib.sha256(str(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()


def encode_classes(words: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Class names and labels (n,) int64 for one class word a row.

    Where every word is a spelling of one of the seven emotions, the classes are `EMOTIONS` in their order; otherwise
    they are the words themselves, sorted.
    """
    distinct = sorted(set(words))
    emotions = [emotion_of(word) for word in distinct]
    if None in emotions:
        names, ids = tuple(distinct), {word: i for i, word in enumerate(distinct)}
    else:
        names, ids = EMOTIONS, {word: EMOTIONS.index(str(emotion_of(word))) for word in distinct}
    return names, np.array([ids[word] for word in words], np.int64)


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """A grey uint8 image of any shape as (size,size), by area averaging."""
    if image.shape == (size, size):
        return image
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def decode_grey(data: bytes, size: int, where: str) -> np.ndarray:
    """The image file `data` as (size,size) uint8 grey; InputError names `where` if OpenCV cannot read it."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{where}: expected an image file (PNG, JPEG ...), found {len(data)} bytes that are not one")
    return resize(image, size)
