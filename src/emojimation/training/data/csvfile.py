"""FER2013's csv formats: `emotion,pixels,Usage` in any column order and spelling, read row by row."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS, SPLIT_ALIASES, split_of
from emojimation.training.data.dataset import Dataset, encode_classes, resize

SIDE_PX = 48
PIXELS = SIDE_PX * SIDE_PX
LABEL_COLUMNS = ("emotion", "label")
PIXEL_COLUMNS = ("pixels", "pixel")
SPLIT_COLUMNS = ("usage", "split")
USAGES = {"train": "Training", "val": "PublicTest", "test": "PrivateTest"}


def column_of(header: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Position of the first column whose name, stripped and in lower case, is one of `wanted`, or None."""
    names = [name.strip().lower() for name in header]
    return next((names.index(name) for name in wanted if name in names), None)


def header_of(stream: BinaryIO) -> list[str]:
    """The column names in the first line of `stream` (at most 64 kB of it), stripped."""
    line = stream.readline(65_536).decode("utf-8-sig", "replace").strip()
    return [name.strip().strip('"').strip() for name in line.split(",")]


def is_fer_header(header: Sequence[str]) -> bool:
    """Whether the columns contain labelled pixels."""
    return column_of(header, PIXEL_COLUMNS) is not None and column_of(header, LABEL_COLUMNS) is not None


def rows_of(stream: BinaryIO, where: str) -> Iterator[list[str]]:
    """The rows of a csv stream, without empty lines; InputError names `where` for a file that is not csv text."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise InputError(f"{where}: line {reader.line_num}: not readable as csv ({error})") from None


def read_csv(stream: BinaryIO, where: str, size: int = SIDE_PX, default_split: str = "train") -> Dataset:
    """A csv with a label column, a pixel column and perhaps `Usage`, as a Dataset of (n,size,size) images.

    Labels are FER2013's ids 0 to 6, or class words. Rows without `Usage` belong to `default_split`. InputError gives
    the number of the first bad row, counted from 1 after the header.
    """
    rows = rows_of(stream, where)
    columns = _columns(next(rows, []), where)
    pixels, words, splits = bytearray(), [], []
    for number, row in enumerate(rows, 1):
        word, text, usage = _fields(row, columns, f"{where}: row {number}")
        pixels += parse_pixels(text, f"{where}: row {number}").tobytes()
        words.append(word)
        splits.append(default_split if usage is None else parse_usage(usage, f"{where}: row {number}"))
    class_names, labels = parse_labels(words, where)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE_PX, SIDE_PX)
    if size != SIDE_PX and len(images):
        images = np.stack([resize(image, size) for image in images])
    return Dataset.of(images, labels, splits, class_names=class_names, source=where)


def _columns(header: Sequence[str], where: str) -> tuple[int, int, int | None]:
    label, pixel = column_of(header, LABEL_COLUMNS), column_of(header, PIXEL_COLUMNS)
    found = ", ".join(name.strip() for name in header)[:200] or "an empty file"
    if pixel is None:
        raise InputError(f"{where}: missing column 'pixels'; expected emotion,pixels,Usage, found {found}")
    if label is None:
        hint = "Kaggle's test.csv has no labels, use icml_face_data.csv or fer2013.csv"
        raise InputError(f"{where}: missing column 'emotion'; found {found} ({hint})")
    return label, pixel, column_of(header, SPLIT_COLUMNS)


def _fields(row: list[str], columns: tuple[int, int, int | None], where: str) -> tuple[str, str, str | None]:
    label, pixel, usage = columns
    expected = max(label, pixel, usage or 0) + 1
    if len(row) < expected:
        raise InputError(f"{where}: expected {expected} columns, found {len(row)}")
    return row[label].strip(), row[pixel], None if usage is None else row[usage]


def parse_pixels(text: str, where: str) -> np.ndarray:
    """2304 numbers 0 to 255 separated by spaces as (2304,) uint8; InputError says what is wrong with them."""
    # int64, not uint8: numpy silently wraps numbers that are too large, which would become wrong pixels.
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except ValueError:
        bad = next(
            (word for word in text.split() if not word.lstrip("-").isascii() or not word.lstrip("-").isdigit()), "?"
        )
        raise InputError(f"{where}: expected whole numbers 0 to 255 as pixels, found {bad[:20]!r}") from None
    if len(values) != PIXELS:
        raise InputError(f"{where}: expected {PIXELS} pixels ({SIDE_PX}x{SIDE_PX}), found {len(values)}")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 255:
        raise InputError(f"{where}: expected pixels from 0 to 255, found {low if low < 0 else high}")
    return values.astype(np.uint8)


def parse_usage(word: str, where: str) -> str:
    """The split ("train", "val", "test") for a word of the `Usage` column."""
    split = split_of(word)
    if split is None:
        known = ", ".join(USAGES.values())
        raise InputError(
            f"{where}: unknown Usage {word.strip()[:40]!r}; expected {known} (or {', '.join(SPLIT_ALIASES)})"
        )
    return split


def parse_labels(words: Sequence[str], where: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Class names and labels: FER2013's ids if the first row holds a number, class words otherwise."""
    if not words or not _is_number(words[0]):
        blank = next((i for i, word in enumerate(words, 1) if not word), None)
        if blank is not None:
            raise InputError(f"{where}: row {blank}: expected a label 0 to {len(EMOTIONS) - 1}, found nothing")
        return encode_classes(words)
    ids = {str(i): i for i in range(len(EMOTIONS))}
    for number, word in enumerate(words, 1):
        if word not in ids:
            raise InputError(f"{where}: row {number}: expected a label 0 to {len(EMOTIONS) - 1}, found {word[:20]!r}")
    return EMOTIONS, np.array([ids[word] for word in words], np.int64)


def _is_number(word: str) -> bool:
    return word.lstrip("+-").replace(".", "", 1).isdigit()


def write_csv(dataset: Dataset, stream: BinaryIO) -> None:
    """`emotion,pixels` and, if there is more than train, `Usage`; InputError unless the images are 48x48."""
    if dataset.size_px != SIDE_PX:
        raise InputError(f"a csv holds {SIDE_PX}x{SIDE_PX} images, these are {dataset.size_px}; use folder or parquet")
    usage = dataset.splits_present != ("train",)
    fer = dataset.class_names == EMOTIONS
    words = [str(i) if fer else name for i, name in enumerate(dataset.class_names)]
    if not fer and any(map(_is_number, words)):
        raise InputError(
            f"a csv would take the class names {', '.join(words)[:80]} for FER2013's ids; use folder or parquet"
        )
    digits = [str(value) for value in range(256)]
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["emotion", "pixels", "Usage"] if usage else ["emotion", "pixels"])
    for image, label, split in zip(dataset.images, dataset.labels, dataset.splits, strict=True):
        row = [words[label], " ".join([digits[value] for value in image.tobytes()])]
        writer.writerow([*row, USAGES[split]] if usage else row)
    text.flush()
    text.detach()


def read_ferplus(stream: BinaryIO, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """fer2013new.csv: splits (n,) str, image names (n,) str (empty where FER+ has none), votes (n,10) uint8."""
    rows = rows_of(stream, where)
    header = next(rows, [])
    wanted = ("usage", "image name", *(column.lower() for column in FERPLUS_COLUMNS))
    columns = [column_of(header, (name,)) for name in wanted]
    missing = [name for name, column in zip(wanted, columns, strict=True) if column is None]
    if missing:
        raise InputError(f"{where}: missing FER+ columns {', '.join(missing)}; expected fer2013new.csv of FER+")
    at = [column for column in columns if column is not None]
    splits, names, votes = [], [], []
    for number, row in enumerate(rows, 1):
        if len(row) <= max(at):
            raise InputError(f"{where}: row {number}: expected {max(at) + 1} columns, found {len(row)}")
        splits.append(parse_usage(row[at[0]], f"{where}: row {number}"))
        names.append(row[at[1]].strip())
        votes.append(_parse_votes([row[column] for column in at[2:]], f"{where}: row {number}"))
    return (
        np.array(splits, "<U5"),
        np.array(names, np.str_),
        np.array(votes, np.uint8).reshape(-1, len(FERPLUS_COLUMNS)),
    )


def _parse_votes(words: Sequence[str], where: str) -> list[int]:
    if not all(word.strip().isascii() and word.strip().isdigit() and int(word) <= 255 for word in words):
        raise InputError(f"{where}: expected {len(words)} numbers of votes from 0 to 255, found {','.join(words)[:60]}")
    return [int(word) for word in words]
