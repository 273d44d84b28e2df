"""The journal of a running batch: a line per finished image, so that after a crash none is analysed twice."""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from emojimation.errors import InputError
from emojimation.files import changed_settings

try:
    import fcntl
except ImportError:  # no file locks on Windows; two runs with the same output are not detected there
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Journal:
    """Appends rows to `path`, one piece at a time, handed to the operating system immediately; use with `with`.

    asked: what the results depend on; a journal that was started with other settings is refused, as is one that another
    run writes to. overwrite: start afresh, and replace finished results at the end; a resumed journal remembers it.
    answered: names of the images in it.
    """

    def __init__(self, path: Path, asked: dict[str, Any], overwrite: bool = False):
        self.path, self.asked, self.overwrite = path, asked, overwrite
        self.answered, self._empty = set[str](), True
        self._file = _opened(path)
        try:
            self._begin({"emojimation_batch": FORMAT, **asked})
        except InputError:
            self._file.close()
            raise
        except OSError as error:
            self._file.close()
            if not path.stat().st_size:
                path.unlink()
            raise full_disk(error, path) from error

    def write(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append and return the rows of images that are not in it yet. Raises InputError if the disk is full."""
        new = {row["source"]: row for row in rows if row["source"] not in self.answered}
        data = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in new.values()).encode()
        try:
            self._append(data)
        except OSError as error:
            raise full_disk(error, self.path) from error
        self.answered.update(new)
        self._empty &= not new
        return list(new.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows, in the order in which they were written."""
        yield from map(json.loads, islice(self._lines(), 1, None))

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if error is not None and self._empty:
            self.path.unlink()  # nothing to resume

    def _begin(self, head: dict[str, Any]) -> None:
        """Take over what an earlier run has written, up to its last complete line."""
        end = 0
        for number, line in enumerate(() if self.overwrite else self._lines()):
            row = _parsed(line)
            if row is None:
                break
            if number == 0:
                check_settings(row, head, self.path)
                self.overwrite = row.get("overwrite", False)
            else:
                self.answered.add(row["source"])
                self._empty = False
            end += len(line)
        self._file.truncate(end)
        if not end:
            self._append((json.dumps(head | {"overwrite": self.overwrite}) + "\n").encode())

    def _lines(self) -> Iterator[bytes]:
        """Of the file that is locked, whatever has happened to its name."""
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as file:
            yield from file

    def _append(self, data: bytes) -> None:
        while data:  # a nearly full disk accepts a part and refuses the rest
            data = data[self._file.write(data) :]


def _opened(path: Path) -> Any:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)
    except OSError as error:
        raise InputError(f"Expected a place to write to, got {path.parent} ({error.strerror}).") from error
    if not _locked(file, path):
        file.close()
        raise InputError(f"Expected {path} for this run alone, but another one is writing to it.")
    return file


def _locked(file: Any, path: Path) -> bool:
    """Lock a file; False if another run holds it, or has just finished and deleted it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and ("source" in row or "emojimation_batch" in row) else None


def check_settings(found: dict[str, Any], asked: dict[str, Any], path: Path) -> None:
    """Raise InputError if `path` was started with other settings than those asked for."""
    changed = changed_settings(found, asked)
    if changed:
        raise InputError(
            f"Expected the settings with which {path} was started, got another {', '.join(changed)}. "
            "Give the same ones, another --out, or --overwrite to start afresh."
        )


def full_disk(error: OSError, path: Path) -> InputError:
    """The error for a file that cannot be written."""
    if error.errno not in FULL:
        return InputError(f"Expected a file that can be written, got {path} ({error.strerror}).")
    return InputError(
        f"Expected space on the disk, got none for {path} ({error.strerror}): finished results are kept. "
        "Free some space and continue with --resume."
    )
