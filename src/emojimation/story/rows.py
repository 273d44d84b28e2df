"""Results of a video as text and tables: a log with one line per frame during the run, then JSONL, CSV or Parquet.

The log is the memory of a run: each line is one finished frame, written immediately, so that after a crash every
finished frame can be read and the run can resume. The other files, with one row per face, are made from it at the end.
"""

import csv
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.extras import need
from emojimation.faces import Face
from emojimation.files import whole
from emojimation.labels import EMOTIONS, LabelSet, label_set

LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")  # right: the person's, on the viewer's left
GROUP_ROWS = 20_000  # of a Parquet file
# Column -> kind, of CSV and Parquet, before those of the classes and of the attributes.
_COLUMNS: dict[str, type] = {
    "frame": int,
    "time_s": float,
    "shot": int,
    "track_id": int,
    **dict.fromkeys(("x0", "y0", "x1", "y1", "score"), float),
    **dict.fromkeys((f"{name}_{axis}" for name in LANDMARKS for axis in "xy"), float),
    "emotion": str,
    "confidence": float,
    "certain": bool,
    "certainty": str,
    "words": str,
    "emoji": str,
}


def columns_of(classes: Sequence[str] = EMOTIONS, attributes: Sequence[str] = ()) -> dict[str, type]:
    """Column -> kind of a table of faces: place, answer, a column per class, those of each attribute, base rates."""
    measured = [f"{name}_{column}" for name in attributes for column in ATTRIBUTES[name].columns]
    return _COLUMNS | dict.fromkeys((*classes, *measured), float) | {"prior": str}


COLUMNS = columns_of()


@dataclass(frozen=True, slots=True, eq=False)
class LogLine:
    """A finished frame of the log. faces: as `Face.to_dict` gives them. shot: number of the shot, from 1. prior: name
    of the base rates, None if unknown."""

    frame: int
    time_s: float
    faces: list[dict[str, Any]]
    shot: int = 1
    prior: str | None = None


_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # what a spreadsheet would evaluate, or what is marked already


def csv_cells(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a CSV file: a text that a spreadsheet would take for a formula gets a leading apostrophe."""
    return {key: f"'{v}" if isinstance(v, str) and _FORMULA.match(v) else v for key, v in row.items()}


def of_csv_cells(row: dict[str, str]) -> dict[str, str]:
    """Undo `csv_cells`; all values are texts."""
    return {key: v[1:] if v.startswith("'") and _FORMULA.match(v) else v for key, v in row.items()}


def face_row(
    frame: int, time_s: float, face: dict[str, Any], shot: int = 1, prior: str | None = None
) -> dict[str, Any]:
    """The row of a face in a video: `Face.to_dict` after the frame's number, time and shot, before the base rates."""
    return {"frame": frame, "time_s": round(time_s, 4), "shot": shot, **face, "prior": prior}


def flat_row(row: dict[str, Any], columns: Collection[str] = tuple(COLUMNS)) -> dict[str, Any]:
    """A row of `face_row` as one value per name in `columns`; None where there is none."""
    values = {key: row.get(key) for key in columns}
    values.update(zip(("x0", "y0", "x1", "y1"), row["xyxy"], strict=True))
    if row["landmarks"] is not None:
        points = (value for point in row["landmarks"] for value in point)
        values.update(zip((f"{name}_{axis}" for name in LANDMARKS for axis in "xy"), points, strict=True))
    measured = {
        f"{name}_{column}": value
        for name, numbers in row.get("attributes", {}).items()
        for column, value in numbers.items()
    }
    return values | {key: value for key, value in ((row["probabilities"] or {}) | measured).items() if key in values}


def face_of(row: dict[str, Any], threshold: float = 0.5) -> Face:
    """The `Face` that a row describes, up to the rounding of its numbers."""
    vector = row["probabilities"]
    names = tuple(vector) if vector else EMOTIONS
    return Face(
        xyxy=np.array(row["xyxy"], np.float32),
        score=row["score"],
        landmarks=None if row["landmarks"] is None else np.array(row["landmarks"], np.float32),
        probabilities=None if vector is None else np.array(list(vector.values()), np.float32),
        track_id=row["track_id"],
        threshold=threshold,
        labels=_classes(names),
        attributes={
            name: np.array([np.nan if value is None else value for value in numbers.values()], np.float32)
            for name, numbers in row.get("attributes", {}).items()
        },
        appearance=_unpacked(row.get("appearance")),
    )


def find_row(face: Face) -> dict[str, Any]:
    """`Face.to_dict` with the appearance, for a run's private log of its finds; `face_of` reads it again."""
    row = face.to_dict()
    return row if face.appearance is None else row | {"appearance": _packed(face.appearance)}


def _packed(vector: np.ndarray) -> str:
    return b64encode(vector.astype("<f2").tobytes()).decode()


def _unpacked(text: str | None) -> np.ndarray | None:
    return None if text is None else np.frombuffer(b64decode(text), "<f2").astype(np.float32)


@lru_cache(maxsize=8)
def _classes(names: tuple[str, ...]) -> LabelSet:
    """The label set of a row's classes, which are the same in all rows of a run."""
    return label_set(names)


class Log:
    """Appends frames to a log file, one line each, handed to the operating system immediately.

    keep: how many frames of an existing log to keep; later ones, and a truncated line, are dropped. 0: start afresh.
    prior: name of the base rates that the answers are corrected for. finds: private to the run, with appearances.
    """

    def __init__(self, path: Path, keep: int = 0, prior: str | None = None, finds: bool = False):
        self.path, self._prior, self._row = path, prior, find_row if finds else Face.to_dict
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = 0
        if keep and path.exists():
            lines = _truncate(path, keep)
        self._file: TextIO = path.open("a" if lines else "w", encoding="utf-8", newline="\n", buffering=1)
        self.frames = lines

    def write(self, frame: int, time_s: float, faces: list[Face], shot: int = 1) -> list[dict[str, Any]]:
        """Log a frame and return its rows. Raises OSError if the disk is full."""
        rows = [self._row(face) for face in faces]
        line = {"frame": frame, "time_s": round(time_s, 6), "shot": shot, "prior": self._prior, "faces": rows}
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self.frames += 1
        return [face_row(frame, time_s, row, shot, self._prior) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_log(path: Path) -> Iterator[LogLine]:
    """The finished frames of a log; a truncated last line is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            line = _parsed(raw)
            if line is None:
                return
            yield line


def _parsed(raw: bytes) -> LogLine | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
        return LogLine(line["frame"], line["time_s"], line["faces"], line.get("shot", 1), line.get("prior"))
    except (ValueError, KeyError, TypeError):
        return None


def _truncate(path: Path, keep: int) -> int:
    """Cut a log after its first `keep` valid lines; returns how many remain."""
    lines = length = 0
    with path.open("rb+") as file:
        for raw in file:
            if lines == keep or _parsed(raw) is None:
                break
            lines, length = lines + 1, length + len(raw)
        file.truncate(length)
    return lines


def rows_of(log: Path) -> Iterator[dict[str, Any]]:
    """One row per face of a log."""
    for line in read_log(log):
        for face in line.faces:
            yield face_row(line.frame, line.time_s, face, line.shot, line.prior)


def export(log: Path, target: Path, kind: str) -> Path:
    """Write the rows of a log as `kind` ("jsonl", "csv" or "parquet"); the file appears complete or not at all.

    Raises InputError if Parquet's package is missing, OSError if the disk is full.
    """
    with whole(target) as part:
        _WRITERS[kind](rows_of(log), part, columns_for(rows_of(log)))
    return target


def columns_for(rows: Iterable[dict[str, Any]]) -> dict[str, type]:
    """The columns for the classes and attributes of the faces in `rows`, which are the same for all of them."""
    for row in rows:
        if row["probabilities"]:
            return columns_of(tuple(row["probabilities"]), tuple(row.get("attributes", {})))
    return COLUMNS


def _write_jsonl(rows: Iterator[dict[str, Any]], path: Path, columns: dict[str, type]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_csv(rows: Iterator[dict[str, Any]], path: Path, columns: dict[str, type]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(csv_cells(flat_row(row, columns)))


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path, columns: dict[str, type]) -> None:
    pa, parquet = load_parquet()
    kinds = {int: pa.int32(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        group: list[dict[str, Any]] = []
        for row in rows:
            group.append(flat_row(row, columns))
            if len(group) == GROUP_ROWS:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema))


def load_parquet() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet. Raises InputError that says what to install if they are missing."""
    need("video", "pyarrow")
    import pyarrow
    import pyarrow.parquet

    return pyarrow, pyarrow.parquet


_WRITERS: dict[str, Callable[[Iterator[dict[str, Any]], Path, dict[str, type]], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
KINDS = tuple(_WRITERS)
