"""Files that appear complete or not at all, and how many processors this process may use."""

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emojimation.errors import InputError

NAMED = 3  # files that are listed by name, of many
STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/")  # even where they lead to a file, others write to it too
MOST_THREADS = 256  # more than any processor gains from; some thousands would take minutes to start
CGROUP = Path("/sys/fs/cgroup/cpu.max")  # microseconds of processor time per period, in a container (cgroup v2)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary name to write to; when the block succeeds, the file becomes `path`, or what the link `path` leads to.

    Until then, and after an exception, the previous file stays. A named pipe, a device or a terminal is never replaced:
    it gets the content when all is written. The folder is made if needed. May raise OSError.
    """
    if _is_stream(path):
        with TemporaryDirectory() as folder:
            part = Path(folder) / path.name
            yield part
            with part.open("rb") as content, path.open("ab") as stream:
                shutil.copyfileobj(content, stream)
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        synced(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """Whether a path leads to something other than a file or a folder, which would be lost if it were replaced."""
    return str(path).startswith(STREAMS) or (path.exists() and not path.is_file() and not path.is_dir())


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file, text as UTF-8, that appears complete. Raises InputError if it cannot be written."""
    try:
        with whole(path) as part:
            part.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise InputError(
            f"Expected a file that can be written, got {path} ({error.strerror or error}): "
            "free some space or choose another folder."
        ) from error
    return path


def synced(path: Path) -> None:
    """Wait until a file is on the disk: otherwise a power cut may leave a new name without its content."""
    number = os.open(path, os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def usable_processors() -> int:
    """How many processors this process may use: those in its affinity mask, but no more than its container's quota or
    `MOST_THREADS`."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(bound, _quota(bound), MOST_THREADS))


def checked_threads(number: int, what: str = "threads") -> int:
    """A number of threads or of processes. Raises InputError for anything but 1 to `MOST_THREADS`."""
    if not isinstance(number, Integral) or not 1 <= number <= MOST_THREADS:
        raise InputError(f"Expected 1 to {MOST_THREADS} {what}, got {number!r}.")
    return int(number)


def _quota(without: int) -> int:
    try:
        share, period = CGROUP.read_text("ascii").split()
        return math.ceil(int(share) / int(period))
    except (OSError, ValueError):  # no container, another operating system, or "max"
        return without


def changed_settings(before: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Names of the settings asked for that differ from those read back from a run's JSON."""
    return [key for key, value in asked.items() if before.get(key) != json.loads(json.dumps(value))]


def clean(name: str) -> str:
    """A file's name as text that every format can hold: bytes that are not UTF-8 become backslash escapes."""
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def skipped_words(names: Sequence[str]) -> str:
    """What to tell people about files in a folder that were skipped; names: without their folders."""
    what = "1 file that is not an image" if len(names) == 1 else f"{len(names)} files that are not images"
    return f"Skipped {what}: {some(names)}"


def copies_words(names: Sequence[str]) -> str:
    """As `skipped_words`, about images that an earlier run has annotated."""
    return f"Skipped {len(names)} annotated {'copy' if len(names) == 1 else 'copies'}: {some(names)}"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
