"""Labels in a CSV file beside the images, `path,label`: what `emojimation data label` writes and `--data` reads."""

import csv
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.training.data.csvfile import LABEL_COLUMNS, column_of, rows_of
from emojimation.training.data.dataset import Dataset, encode_classes
from emojimation.training.data.pictures import Member, decode_members, split_in

NAME = "labels.csv"
PATH_COLUMNS = ("path", "file", "filename", "image")


def is_label_header(header: list[str]) -> bool:
    """Whether the columns hold paths of images and their labels, and no pixels."""
    return column_of(header, PATH_COLUMNS) is not None and column_of(header, LABEL_COLUMNS) is not None


def read_labels(path: Path) -> dict[str, str]:
    """Label of each image path, as written; {} without such a file. Raises InputError for another kind of csv."""
    if not path.exists():
        return {}
    with path.open("rb") as stream:
        rows = rows_of(stream, str(path))
        header = next(rows, [])
        if not is_label_header(header):
            raise InputError(f"Expected the columns path,label in {path}, got {','.join(header)[:80] or 'no header'}.")
        file, label = column_of(header, PATH_COLUMNS), column_of(header, LABEL_COLUMNS)
        return {row[file]: row[label].strip() for row in rows if len(row) > max(file, label) and row[label].strip()}  # type: ignore[index, type-var, operator]


def write_labels(path: Path, labels: Mapping[str, str]) -> None:
    """Write the labels in one step, so that a crash leaves the old file or the new one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label"])
    writer.writerows(labels.items())
    write_whole(path, text.getvalue())


def read_labelled(path: Path, size: int, default_split: str, skipped: list[str] | None = None) -> Dataset:
    """The images that a labels file names, relative to its folder, as (n,size,size) grey in the order of the file.

    skipped: gets the names of images that are missing or damaged; without it they are an InputError.
    """
    labels = read_labels(path)
    if not labels:
        raise InputError(f"Expected labelled images in {path}, got none: label some with `emojimation data label`.")
    files = [Member(PurePosixPath(name), partial(_open, path.parent / name)) for name in labels]
    paths, images = decode_members(files, str(path), size, skipped)
    class_names, ids = encode_classes([labels[str(file)] for file in paths])
    splits = [split_in(file, default_split) for file in paths]
    return Dataset.of(images, ids, splits, map(str, paths), class_names=class_names, source=str(path))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"Expected the image {path}, got {error.strerror}.") from None
