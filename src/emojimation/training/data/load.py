"""Every format of FER2013 and of folder-per-class sets, read into one `Dataset` and written back."""

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from emojimation.errors import InputError
from emojimation.files import whole
from emojimation.labels import split_of
from emojimation.training.data import csvfile
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.labelled import NAME, is_label_header, read_labelled
from emojimation.training.data.parquetfile import read_parquet, write_parquet
from emojimation.training.data.pictures import members, read_pictures, write_folder

__all__ = ["FORMATS", "Dataset", "format_of", "join_ferplus", "load", "save"]

FORMATS = ("csv", "folder", "parquet")
_OPENERS: dict[bytes, Callable[..., BinaryIO]] = {b"\x1f\x8b": gzip.open, b"\xfd7": lzma.open, b"BZ": bz2.open}  # type: ignore[dict-item]
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError)


def load(
    path: str | Path, ferplus: str | Path | None = None, size: int = 48, skipped: list[str] | None = None
) -> Dataset:
    """Labelled images from any common format of FER2013, as (n,size,size) uint8 grey.

    path: fer2013.csv, icml_face_data.csv or train.csv, plain, gz, xz or inside a zip or tar; a Parquet file; image
      folders (`train/angry/x.jpg`, official splits from file names such as `PublicTest_1.jpg`), also zipped or tarred;
      any folder-per-class set; a csv of `path,label`, or the folder with such a labels.csv. The format is detected
      from the content, not from the suffix.
    ferplus: fer2013new.csv, whose votes are matched by row order.
    skipped: a list that gets the names of damaged image files, which are left out; without it they are an InputError.
    Rows keep the order of the file. Rows of a file that names no splits belong to the split that is its own name
    ("test.csv", "test-00000-of-00001.parquet", "val/"), or to "train". Raises InputError with one line for whatever a
    user can fix.
    """
    path = present(Path(path))
    try:
        dataset = _read(path, size, skipped)
    except _DAMAGED as error:
        raise InputError(
            f"{path}: damaged or truncated ({' '.join(str(error).split())[:80]}); download or pack it again"
        ) from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    return dataset if ferplus is None else join_ferplus(dataset, Path(ferplus))


def _read(path: Path, size: int, skipped: list[str] | None) -> Dataset:
    split = _split_in_name(path)
    listed = path / NAME if path.is_dir() else path
    if _lists_labels(listed):
        return read_labelled(listed, size, split, skipped)
    if path.is_dir():
        return _read_members(path, size, split, skipped)
    magic = _magic(path)
    if magic == b"PAR1":
        return read_parquet(path, size, split)
    if magic == b"PK\x03\x04" or tarfile.is_tarfile(path):
        return _read_members(path, size, split, skipped)
    with _open(path) as stream:
        return csvfile.read_csv(stream, str(path), size, split)


def _lists_labels(path: Path) -> bool:
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open("rb") as stream:
        header = csvfile.header_of(stream)
    return is_label_header(header) and not csvfile.is_fer_header(header)


def _split_in_name(path: Path) -> str:
    """The split that a whole name says ("test-00000-of-00001.parquet", "train.csv.gz", "val/"), else "train"."""
    return split_of(re.sub(r"(-\d+-of-\d+)?(\.[a-z0-9]+)*$", "", path.resolve().name.lower())) or "train"


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise InputError(f"{path}: the file is empty")
    return magic


def _open(path: Path) -> BinaryIO:
    return _OPENERS.get(_magic(path)[:2], open)(path, "rb")


def _read_members(path: Path, size: int, split: str, skipped: list[str] | None) -> Dataset:
    """The best labelled csv of a folder or archive, or else its only Parquet file, or else its images."""
    name = _best_csv(path)
    if name is not None:
        return _read_member(path, name, size, split)
    parquets = sorted(path.rglob("*.parquet")) if path.is_dir() else []
    if len(parquets) > 1:
        names = ", ".join(file.name for file in parquets[:5])
        raise InputError(f"{path}: holds {len(parquets)} Parquet files ({names}); name the one to read")
    if parquets:
        return _read(parquets[0], size, skipped)
    return read_pictures(members(path), str(path), size, split, skipped)


def _read_member(path: Path, name: str, size: int, split: str) -> Dataset:
    # The generator holds the archive open, so the member is read while the loop is alive.
    for member in members(path):
        if member.path.as_posix() == name:
            with member.open() as stream:
                return csvfile.read_csv(stream, f"{path}: {name}", size, split)
    raise InputError(f"{path}: {name} disappeared while being read; try again")


def _best_csv(path: Path) -> str | None:
    """Inside name of the csv that holds labelled pixels, one with `Usage` before one without, or None."""
    found = []
    for member in members(path):
        if member.path.suffix.lower() == ".csv":
            with member.open() as stream:
                header = csvfile.header_of(stream)
            if csvfile.is_fer_header(header):
                found.append((csvfile.column_of(header, csvfile.SPLIT_COLUMNS) is None, member.path.as_posix()))
    return min(found)[1] if found else None


def present(path: Path) -> Path:
    """The path of a data set. Raises InputError if nothing is there."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; expected FER2013 as csv, archive, image folders or Parquet")
    return path


def join_ferplus(dataset: Dataset, path: Path) -> Dataset:
    """`dataset` with the votes and image names of FER+'s fer2013new.csv, matched by row order.

    FER+ rows of splits that the data set does not have (Kaggle's train.csv has Training alone) are left out first.
    Raises InputError if then the numbers of rows differ or a row's Usage does.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected FER+'s fer2013new.csv")
    with _open(path) as stream:
        splits, names, votes = csvfile.read_ferplus(stream, str(path))
    here = np.isin(splits, dataset.splits_present)
    splits, names, votes = splits[here], names[here], votes[here]
    if len(splits) != len(dataset):
        present = ", ".join(dataset.splits_present)
        raise InputError(f"{path}: {len(splits)} FER+ rows in {present}, but {dataset.source} has {len(dataset)} rows")
    differ = np.flatnonzero(splits != dataset.splits)
    if len(differ):
        row = int(differ[0])
        theirs, ours = splits[row].item(), dataset.splits[row].item()
        raise InputError(
            f"{path}: row {row + 1} is {theirs!r}, but {ours!r} in {dataset.source}; "
            "expected the same rows in the same order"
        )
    return replace(dataset, votes=votes, names=np.where(names == "", dataset.names, names))


def format_of(path: str | Path) -> str:
    """The format that a target's name asks for: "csv" (also .csv.gz, .csv.xz), "parquet", "folder" without suffix."""
    name = Path(path).name.lower()
    if name.endswith((".csv", ".csv.gz", ".csv.xz")):
        return "csv"
    if name.endswith((".parquet", ".pq")):
        return "parquet"
    if "." not in name.strip("."):
        return "folder"
    raise InputError(f"{path}: cannot infer the format from the name; expected .csv, .csv.gz, .parquet or a folder")


def save(dataset: Dataset, path: str | Path, format: str | None = None) -> None:
    """Write every row in its order as "csv", "folder" or "parquet" (by the name of `path` where `format` is None).

    Reading it back gives the same `sha256`. Only Parquet keeps FER+ votes and image names. A file is replaced in one
    step when it is complete; a folder must be new or empty.
    """
    path = Path(path)
    format = format or format_of(path)
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}; expected one of {', '.join(FORMATS)}")
    if format == "folder":
        return write_folder(dataset, path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the name of a {format} file")
    with whole(path) as part:
        _write_file(dataset, part, format)


def _write_file(dataset: Dataset, path: Path, format: str) -> None:
    if format == "parquet":
        return write_parquet(dataset, path)
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    with opener(path, "wb") as stream:  # type: ignore[operator]
        csvfile.write_csv(dataset, stream)
