"""How the commands show a face, a row of JSON and a number of things."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.faces import Face

TOP = 3  # emotions shown for a face
console = Console(stderr=True)


def face_line(face: "Face") -> str:
    """One face for people: emoji, words, the most probable emotions in percent, position."""
    x0, y0, x1, y1 = (round(float(v)) for v in face.xyxy)
    return f"{face.emoji} {face.words:<8}  {top_emotions(face)}  (at {x0},{y0}, {x1 - x0} x {y1 - y0} pixels)"


def top_emotions(face: "Face") -> str:
    """The most probable emotions in percent, best first."""
    if face.probabilities is None:
        return "not classified"
    values = face.to_dict()["probabilities"]
    return ", ".join(f"{name} {values[name]:.0%}" for name in face.ranked()[:TOP])


def print_json(row: Any) -> None:
    """One line of JSON on standard output, flushed; non-ASCII only if the terminal can show it."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    with writing_out():
        print(json.dumps(row, ensure_ascii=not utf8), flush=True)


@contextmanager
def writing_out() -> Iterator[None]:
    """End a command whose standard output is closed: quietly if a reader such as `head` has enough, with an InputError
    if its disk is full. Buffered output is discarded, or it would fail again at exit.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        with suppress(OSError, ValueError):  # not a file at all, as in a test
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit from None
        raise InputError(
            f"Expected to write to standard output, got {error.strerror}: free some space or redirect it elsewhere."
        ) from error


def counted(number: int, thing: str, several: str = "") -> str:
    """ "1 face", "2 faces"."""
    return f"{number} {thing if number == 1 else several or f'{thing}s'}"
