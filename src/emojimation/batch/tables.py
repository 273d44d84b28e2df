"""The rows of many images as Parquet, CSV or JSON lines, written and read back.

JSON lines: one object per image, as `image --json` prints it. Parquet and CSV: one row per face, `columns_of` the
model's classes; an image without a face has one row whose `face` is empty, so that every image is in the table.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS
from emojimation.story import rows

Row = dict[str, Any]
GROUP_ROWS = 4000  # of a Parquet file
# Of a video only.
_LEFT_OUT = ("frame", "time_s", "shot", "track_id")
Columns = dict[str, type]


def columns_of(classes: Sequence[str] = EMOTIONS, measures: Sequence[str] = ()) -> Columns:
    """Column -> kind of the tables of a model with those classes, with the columns of those attributes."""
    face = {name: kind for name, kind in rows.columns_of(classes, measures).items() if name not in _LEFT_OUT}
    return {"source": str, "width": int, "height": int, "faces": int, "face": int, **face, "prior": str, "notes": str}


COLUMNS = columns_of()
_FIRST_COLUMNS = f"the columns {', '.join(list(COLUMNS)[:5])}, ... of the same model"


@dataclass(frozen=True, slots=True)
class Format:
    """How a kind of file is written and read. rows: of an image, as they appear in the file. read raises InputError."""

    rows: Callable[[Row], list[Row]]
    write: Callable[[Path, Iterable[Row]], None]
    read: Callable[[Path], Iterator[Row]]


def format_of(path: Path, classes: Sequence[str] = EMOTIONS, measures: Sequence[str] = ()) -> Format:
    """The format that a file's suffix names, for a model with those classes. Raises InputError for another suffix."""
    columns = columns_of(classes, measures)
    formats = {
        ".parquet": Format(
            partial(flat_rows, columns), partial(_write_parquet, columns), partial(_read_parquet, columns)
        ),
        ".csv": Format(partial(flat_rows, columns), partial(_write_csv, columns), partial(_read_csv, columns)),
        ".jsonl": Format(lambda row: [row], write_jsonl, read_jsonl),
    }
    found = formats.get(path.suffix.lower())
    if found is None:
        raise InputError(f"Expected an output file ending in {', '.join(formats)}, got {path}.")
    return found


def flat_rows(columns: Columns, row: Row) -> list[Row]:
    """The row of an image as one row per face, or a single one if there is no face."""
    head = {"source": row["source"], "width": row["width"], "height": row["height"], "faces": len(row["faces"])}
    notes = {"prior": row.get("prior"), "notes": "; ".join(row.get("notes", ())) or None}
    empty = dict.fromkeys(columns)
    found = [rows.flat_row(face, columns) | head | {"face": number} | notes for number, face in enumerate(row["faces"])]
    return found or [{**empty, **head, **notes}]


def write_jsonl(path: Path, lines: Iterable[Row]) -> None:
    """One object per line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _write_csv(columns: Columns, path: Path, lines: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(rows.csv_cells, lines))


def _schema(pa: Any, columns: Columns) -> Any:
    kinds = {int: pa.int32(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
    return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])


def _write_parquet(columns: Columns, path: Path, lines: Iterable[Row]) -> None:
    pa, parquet = rows.load_parquet()
    schema = _schema(pa, columns)
    with parquet.ParquetWriter(path, schema) as writer:
        group: list[Row] = []
        for line in lines:
            group.append(line)
            if len(group) == GROUP_ROWS:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema))


def read_jsonl(path: Path) -> Iterator[Row]:
    """The lines of a file of results or errors. Raises InputError for anything else."""
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict) or not isinstance(row.get("source"), str) or not _is_answer(row):
                raise _foreign(path, "lines with source and faces")
            yield row


def _is_answer(row: Row) -> bool:
    return isinstance(row.get("faces"), list) or isinstance(row.get("error"), str)


def _read_csv(columns: Columns, path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        try:
            if reader.fieldnames != list(columns):
                raise _foreign(path, _FIRST_COLUMNS)
            for row in reader:
                if None in row or None in row.values():
                    raise _foreign(path, f"{len(columns)} columns in each line")
                yield rows.of_csv_cells(row)
        except (UnicodeDecodeError, csv.Error) as error:
            raise _foreign(path, _FIRST_COLUMNS) from error


def _read_parquet(columns: Columns, path: Path) -> Iterator[Row]:
    pa, parquet = rows.load_parquet()
    try:
        with parquet.ParquetFile(path) as table:
            if not table.schema_arrow.equals(_schema(pa, columns)):
                raise _foreign(path, _FIRST_COLUMNS)
            for batch in table.iter_batches(GROUP_ROWS):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise _foreign(path, "a whole Parquet file") from error


def _foreign(path: Path, wanted: str) -> InputError:
    return InputError(
        f"Expected results of `emojimation batch` ({wanted}), got something else in {path}. Choose another --out."
    )
