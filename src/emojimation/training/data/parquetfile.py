"""Parquet with images and labels: our own files, Hugging Face's layout, and what others write."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.labels import EMOTIONS, FERPLUS_COLUMNS
from emojimation.training.data.csvfile import (
    LABEL_COLUMNS,
    PIXEL_COLUMNS,
    SPLIT_COLUMNS,
    USAGES,
    column_of,
    parse_labels,
    parse_pixels,
    parse_usage,
)
from emojimation.training.data.dataset import Dataset, decode_grey, encode_classes, resize
from emojimation.training.data.pictures import encode_png

IMAGE_COLUMNS = ("image", "img", *PIXEL_COLUMNS)
NAME_COLUMNS = ("image name",)
CLASSES_KEY = b"emojimation.class_names"


def _pyarrow() -> Any:
    need("train", "pyarrow")
    import pyarrow
    import pyarrow.parquet

    return pyarrow


def read_parquet(path: Path, size: int = 48, default_split: str = "train") -> Dataset:
    """A Parquet file with an image column and a label column.

    Images are file bytes, Hugging Face's struct of them, raw pixels or pixels written out as in the csv. `Usage` or
    `split`, `Image name` and the ten FER+ vote columns are taken where they are. Number labels are FER2013's ids,
    unless the file's own metadata names its classes.
    """
    pyarrow = _pyarrow()
    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: not readable as Parquet ({str(error).splitlines()[0]})") from None
    columns = {wanted[0]: column_of(table.column_names, wanted) for wanted in (IMAGE_COLUMNS, LABEL_COLUMNS)}
    for name, found in columns.items():
        if found is None:
            raise InputError(f"{path}: missing column {name!r}; found {', '.join(table.column_names)[:200]}")
    class_names, labels = _labels(table, columns["emotion"], str(path))
    return Dataset.of(
        _images(table.column(columns["image"]).to_pylist(), size, str(path)),
        labels,
        _splits(table, default_split, str(path)),
        _names(table),
        _votes(table, str(path)),
        class_names,
        str(path),
    )


def _values(table: Any, wanted: Sequence[str]) -> list[Any] | None:
    column = column_of(table.column_names, wanted)
    return None if column is None else table.column(column).to_pylist()


def _images(cells: list[Any], size: int, where: str) -> np.ndarray:
    if not cells:
        raise InputError(f"{where}: no rows; expected at least one labelled image")
    return np.stack([_image(cell, size, f"{where}: row {i}") for i, cell in enumerate(cells, 1)])


def _image(cell: Any, size: int, where: str) -> np.ndarray:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(data, str):
        return resize(parse_pixels(data, where).reshape(48, 48), size)
    if isinstance(data, list):
        return resize(parse_pixels(" ".join(map(str, np.ravel(data))), where).reshape(48, 48), size)
    if not isinstance(data, bytes):
        raise InputError(f"{where}: expected the bytes of an image, found {type(data).__name__}")
    if len(data) == 48 * 48 and not data.startswith((b"\x89PNG", b"\xff\xd8")):
        return resize(np.frombuffer(data, np.uint8).reshape(48, 48), size)
    return decode_grey(data, size, where)


def _labels(table: Any, column: int | None, where: str) -> tuple[tuple[str, ...], np.ndarray]:
    cells = table.column(column).to_pylist()
    names = _declared_classes(table, table.column_names[column])
    if names is None:
        return parse_labels(["" if cell is None else str(cell) for cell in cells], where)
    for row, cell in enumerate(cells, 1):
        if not isinstance(cell, int) or not 0 <= cell < len(names):
            raise InputError(f"{where}: row {row}: expected a label 0 to {len(names) - 1}, found {cell!r}")
    class_names, ids = encode_classes(names)
    if class_names is not EMOTIONS:
        return tuple(names), np.array(cells, np.int64)
    return class_names, ids[np.array(cells, np.int64)]


def _declared_classes(table: Any, column: str) -> list[str] | None:
    """Class names in the file's own order, from our metadata or Hugging Face's: theirs are often alphabetical."""
    metadata = table.schema.metadata or {}
    try:
        if CLASSES_KEY in metadata:
            return list(json.loads(metadata[CLASSES_KEY]))
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return features[column.strip()].get("names")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _splits(table: Any, default_split: str, where: str) -> list[str] | str:
    cells = _values(table, SPLIT_COLUMNS)
    return (
        default_split if cells is None else [parse_usage(str(c), f"{where}: row {i}") for i, c in enumerate(cells, 1)]
    )


def _names(table: Any) -> list[str] | None:
    cells = _values(table, NAME_COLUMNS)
    return None if cells is None else [cell or str(i) for i, cell in enumerate(cells)]


def _votes(table: Any, where: str) -> np.ndarray | None:
    columns = [_values(table, (name.lower(),)) for name in FERPLUS_COLUMNS]
    if any(column is None for column in columns):
        return None
    try:
        return np.array(columns, np.uint8).T.copy()
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where}: expected FER+ votes as numbers 0 to 255 in every row") from None


def write_parquet(dataset: Dataset, path: Path) -> None:
    """PNG bytes, label, `Usage`, `Image name` and, where present, FER+ votes; own class names go into the metadata."""
    pyarrow = _pyarrow()
    columns: dict[str, Any] = {
        "image": pyarrow.array([encode_png(image) for image in dataset.images], pyarrow.binary()),
        "emotion": pyarrow.array(dataset.labels.astype(np.int32)),
        "Usage": [USAGES[split] for split in dataset.splits],
        "Image name": dataset.names.tolist(),
    }
    if dataset.votes is not None:
        columns |= dict(zip(FERPLUS_COLUMNS, dataset.votes.T, strict=True))
    table = pyarrow.table(columns)
    if dataset.class_names != EMOTIONS:
        table = table.replace_schema_metadata({CLASSES_KEY: json.dumps(dataset.class_names)})
    pyarrow.parquet.write_table(table, path)
