"""Folders that one process uses: temporary ones, which outlive not even a kill for long, and ones that are kept."""

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted either
    fcntl = None  # type: ignore[assignment]

from emojimation.errors import InputError

LOCK = "in-use"
YOUNG_S = 60.0  # a folder may be this old before its lock exists


class Temporary:
    """A folder that is deleted by `close`, or when the next one with this prefix is made there.

    parent: by default the system's temporary folder.
    """

    def __init__(self, prefix: str, parent: Path | None = None):
        parent = parent or Path(tempfile.gettempdir())
        _remove_abandoned(parent, prefix)
        self._made = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
        self.path = Path(self._made.name)
        self._lock = _locked(self.path)

    def close(self) -> None:
        """Delete it."""
        self._lock.close()
        self._made.cleanup()


class Kept:
    """A folder that stays, and is refused to a second process. Raises InputError."""

    def __init__(self, path: Path):
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / LOCK).open("wb")
        except OSError as error:
            raise InputError(f"Expected a folder to write to, got {path} ({error.strerror}).") from error
        try:
            if fcntl is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise InputError(f"Expected {path} for this run alone, but another run is writing to it.") from error

    def close(self) -> None:
        """Let another process use it."""
        self._lock.close()

    def remove(self) -> None:
        """Delete it and everything in it."""
        if fcntl is None:
            self.close()
        shutil.rmtree(self.path, ignore_errors=True)
        self.close()


def _locked(folder: Path) -> IO[bytes]:
    """A file in the folder that marks it, while open, as in use."""
    if fcntl is None:
        return (folder / LOCK).open("wb")
    file = (folder / f"{LOCK}.new").open("wb")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    Path(file.name).rename(folder / LOCK)  # never visible without its lock
    return file


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Delete this user's folders left behind by killed processes."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # in use, or being deleted by another process
            info = folder.lstat()
            if stat.S_ISDIR(info.st_mode) and info.st_uid == _user():
                _take_lock(folder / LOCK, time.time() - info.st_mtime)
                shutil.rmtree(folder)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0  # like `lstat` on Windows


def _take_lock(path: Path, age_s: float) -> None:
    """Raise OSError if a process holds the folder, or may just be making it."""
    if not path.exists():
        if age_s < YOUNG_S:
            raise BlockingIOError
    elif fcntl is None:
        path.unlink()
    else:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
