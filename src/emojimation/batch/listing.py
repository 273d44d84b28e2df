"""The input of a batch: images from a folder, a glob, a list file, an address in storage, or a Parquet file."""

import fnmatch
import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from emojimation.errors import InputError
from emojimation.files import clean
from emojimation.media import SUFFIXES, files_below, is_drawn
from emojimation.story.rows import load_parquet

LIST_SUFFIXES = (".txt", ".lst", ".list")
TABLE_SUFFIXES = (".parquet", ".pq")
PICTURE_COLUMNS = ("image", "picture", "bytes", "content", "data")
# A dictionary lets a few bytes of a Parquet file stand for the same large cell in every row, and compression shrinks
# what is empty: rows are read one at a time, and what expands more than any image file does is refused.
MOST_CELL_BYTES, MOST_EXPANSION, SMALL_BYTES = 256 << 20, 200, 64 << 20
_BINARY = ("binary", "large_binary")


@dataclass(frozen=True, slots=True)
class Item:
    """One image to process. source: its name in the results. path: what to open, None if `data` has the file's bytes.
    error: why it cannot be read, if known from the listing."""

    source: str
    path: str | None = None
    data: bytes | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of one source.

    total: how many. items: of files. groups: of Parquet files, (file, row group, first row). skipped: names of files
    in folders that are not images. copies: names of the annotated images in them, which `image` wrote.
    Iterating yields every item, with the bytes of those in Parquet files; it can be repeated.
    """

    total: int
    items: list[Item] = field(default_factory=list)
    groups: list[tuple[str, int, int]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Item]:
        yield from self.items
        for group in self.groups:
            yield from group_items(*group)


def listing_of(source: str) -> Listing:
    """All images that `source` names, sorted, each once. Raises InputError if there are none.

    A subfolder that cannot be read is an item with `error`, so that it is reported and the others are processed.
    """
    if "://" in source:
        return _files(_stored(source), source)
    path = Path(source).expanduser()
    if path.is_dir():
        skipped: list[str] = []
        copies: list[str] = []
        found = _files(_walked(path, skipped, copies), f"the folder {source}")
        return replace(found, skipped=skipped, copies=copies)
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        return _table(path)
    if path.is_file() and path.suffix.lower() in LIST_SUFFIXES:
        return _files(_listed(path), f"the list {source}")
    if path.is_file():
        return _files([_file(str(path))], source)
    if glob.has_magic(source):
        return _files(
            (_file(name) for name in sorted(glob.glob(str(path), recursive=True)) if _is_picture(name)), source
        )
    raise InputError(
        f"Expected a folder, a glob, a list file (.txt), a Parquet file or an address, got {source}, which does "
        "not exist."
    )


def bytes_of(path: str, base: str) -> bytes:
    """The bytes of a file in storage. path: as in `Item.path`. base: the address that was listed. Raises InputError."""
    store, name = (filesystem(_fixed(base))[0], path.split("://", 1)[1]) if "://" in base else _located(path)
    try:
        with store.open_input_file(name) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise InputError(f"Expected an image, got {path}, which cannot be read ({_line(error)}).") from error


@lru_cache(maxsize=8)
def filesystem(address: str) -> tuple[Any, str]:
    """pyarrow's file system for "s3://bucket/folder", "gs://...", "file:///..." and the path in it, or InputError."""
    load_parquet()
    from pyarrow.fs import FileSystem

    try:
        return FileSystem.from_uri(address)
    except (OSError, ValueError) as error:  # pyarrow's own errors are subclasses
        raise InputError(f"Expected an address that pyarrow can open, got {address} ({_line(error)}).") from error


def group_items(file: str, group: int, first: int) -> Iterator[Item]:
    """The images of one row group of a Parquet file, named FILE#ROW."""
    _, parquet = load_parquet()
    with parquet.ParquetFile(file) as table:
        column = _picture_column(table.schema_arrow, file)
        number = first
        for batch in table.iter_batches(1, row_groups=[group], columns=[column]):
            yield _cell_item(f"{clean(file)}#{number}", batch.column(0)[0].as_py())
            number += 1


def _cell_item(source: str, value: Any) -> Item:
    data = value.get("bytes") if isinstance(value, dict) else value
    if not data:
        return Item(source, error="Expected an image, got an empty cell.")
    if len(data) > MOST_CELL_BYTES:
        return Item(source, error=f"Expected an image of at most {MOST_CELL_BYTES} bytes, got {len(data)}.")
    return Item(source, data=data)


def _files(items: Iterable[Item], what: str) -> Listing:
    places: dict[str, Item] = {}
    for item in items:
        places.setdefault(_place(item), item)
    once = list(places.values())
    if not any(item.error is None for item in once):
        reason = f" ({once[0].error})" if once else f" (looked for {' '.join(sorted(SUFFIXES))})"
        raise InputError(f"Expected images in {what}, got none{reason}.")
    return Listing(len(once), once)


def _place(item: Item) -> str:
    """What is the same for all spellings of a file's path."""
    if item.path is None or "://" in item.path:
        return item.source
    folder, name = os.path.split(item.path)
    # ".." leads elsewhere from a linked folder than it seems to.
    folder = os.path.realpath(folder) if ".." in folder else os.path.abspath(folder)
    return os.path.join(folder, name)


def _file(path: str) -> Item:
    return Item(clean(path), path)


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _walked(folder: Path, skipped: list[str], copies: list[str]) -> Iterator[Item]:
    """Images below a folder; skipped, copies: get the names of the other files and of annotated images."""
    failed: dict[Path, str] = {}
    for path in files_below(folder, failed):
        if not _is_picture(path.name):
            skipped.append(clean(path.name))
        elif is_drawn(path):
            copies.append(clean(path.name))
        else:
            yield _file(str(path))
    yield from (Item(clean(str(path)), error=reason) for path, reason in failed.items())


def _listed(path: Path) -> Iterator[Item]:
    """Lines of a list file: paths, relative ones to the list's folder, and addresses. Lines with # are comments."""
    try:
        lines = path.read_text("utf-8-sig", errors="surrogateescape").splitlines()
    except OSError as error:
        raise InputError(f"Expected a list file, got {path} ({error.strerror}).") from error
    for line in lines:
        name = line.strip()
        if "\0" in name:
            raise InputError(f"Expected a list of paths, one per line, got {path}, which holds something else.")
        if name and not name.startswith("#"):
            yield _file(_local(name) or (name if "://" in name else str(path.parent / name)))


def _local(address: str) -> str | None:
    """The path that an address file:///... means on this machine; None for any other text."""
    return unquote(urlsplit(address).path) if address.lower().startswith("file://") else None


def _located(address: str) -> tuple[Any, str]:
    """The file system of a file's address, opened once a bucket, and the file's path in it."""
    scheme, host, path, query, _ = urlsplit(address)
    store, root = filesystem(f"{scheme}://{host}/" + (f"?{query}" if query else ""))
    return store, f"{root.rstrip('/')}/{unquote(path).lstrip('/')}"


def _stored(address: str) -> Iterator[Item]:
    """Images in storage below an address, or those that match a glob in its last parts."""
    from pyarrow.fs import FileSelector, FileType

    scheme = address.split("://", 1)[0]
    plain, fixed = address.partition("?")[0], _fixed(address)
    store, path = filesystem(fixed)
    fixed = fixed.partition("?")[0]
    try:
        info = store.get_file_info(path)
        found = [info] if info.type == FileType.File else store.get_file_info(FileSelector(path, recursive=True))
    except (OSError, ValueError) as error:
        raise InputError(f"Expected images in {address}, which cannot be listed ({_line(error)}).") from error
    names = sorted(info.path for info in found if info.type == FileType.File and _is_picture(info.path))
    pattern = None if fixed == plain else f"{path.rstrip('/')}{plain[len(fixed) :]}".replace("**/", "*")
    yield from (_file(f"{scheme}://{name}") for name in names if pattern is None or fnmatch.fnmatchcase(name, pattern))


def _fixed(address: str) -> str:
    """An address up to the first * or [, with its query."""
    plain, mark, query = address.partition("?")
    if glob.has_magic(plain):
        plain = plain[: min(plain.index(sign) for sign in "*[" if sign in plain)].rpartition("/")[0]
    return plain + mark + query


def _table(path: Path) -> Listing:
    pa, parquet = load_parquet()
    try:
        with parquet.ParquetFile(path) as table:
            column = _picture_column(table.schema_arrow, str(path))
            groups = [table.metadata.row_group(i) for i in range(table.metadata.num_row_groups)]
            _check_expansion(groups, column, path)
            sizes = [group.num_rows for group in groups]
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"Expected a Parquet file, got {path} ({_line(error)}).") from error
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    if not sum(sizes):
        raise InputError(f"Expected images in {path}, got no rows.")
    return Listing(sum(sizes), groups=[(str(path), i, first) for i, first in enumerate(firsts)])


def _check_expansion(groups: list[Any], column: str, path: Path) -> None:
    for chunk in (group.column(i) for group in groups for i in range(group.num_columns)):
        whole, packed = chunk.total_uncompressed_size, max(chunk.total_compressed_size, 1)
        ours = chunk.path_in_schema.partition(".")[0] == column
        if ours and whole > SMALL_BYTES and whole / packed > MOST_EXPANSION:
            raise InputError(
                f"Expected image files in {path}, got data that expand {whole // packed}-fold to {whole} bytes."
            )


def _picture_column(schema: Any, file: str) -> str:
    """The column with encoded images: binary, or a struct with `bytes` as in Hugging Face's data sets."""
    for name in (*PICTURE_COLUMNS, *schema.names):
        kind = schema.field(name).type if name in schema.names else None
        inner = [] if kind is None or not hasattr(kind, "fields") else [child.name for child in kind.fields]
        if kind is not None and (str(kind) in _BINARY or "bytes" in inner):
            return name
    raise InputError(
        f"Expected a column with the bytes of image files in {file}, got {', '.join(schema.names) or 'no column'}."
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
