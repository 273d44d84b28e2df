"""The command `image`: images in, faces with emotions out, and the images annotated."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emojimation.cli.options import Art, Character, Cropped, Json, Search, Strength, Style, Threads, searching
from emojimation.cli.printing import console, counted, face_line, print_json
from emojimation.errors import InputError
from emojimation.files import copies_words, skipped_words

if TYPE_CHECKING:
    from emojimation.photos import Given, ImageResult

STDIN = "-"


@searching
def image(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Image files, folders, globs; - is one image from standard input."),
    ],
    search: Search,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for annotated images.", show_default=False)
    ] = None,
    as_json: Json = False,
    style: Style = None,
    art: Art = "noto",
    character: Character = "emoji",
    cropped: Cropped = False,
    strength: Strength = None,
    threads: Threads = 1,
) -> int:
    """Find the faces in images and their emotions.

    Exit code 0: every image was analysed (including those without a face). 1: some could not be read. 2: none could.
    """
    if style not in (None, "none") and out is None:
        raise InputError(f"Expected --out DIR together with --style {style}, got none. Say where the images should go.")
    if style == "none" and out is not None:
        raise InputError(f"Expected a style that draws together with --out {out}, got none. Omit one of them.")
    from emojimation.draw.styles import HIDING
    from emojimation.photos import listed, run_images

    how = search.strength(strength, style in HIDING)
    sources, skipped, copies = listed(_given() if path == STDIN else path for path in paths)
    pipeline = search.pipeline(threads=threads)
    results = run_images(sources, pipeline, out, style or "boxes", cropped, art, how, search.min_score, character)
    code = report(_shown(results, as_json, len(sources)))
    if skipped:
        console.print(skipped_words([path.name for path in skipped]), markup=False)
    if copies:
        console.print(copies_words([path.name for path in copies]), markup=False)
    return code


def _given() -> "Given":
    from emojimation.media import decode_image
    from emojimation.photos import Given

    return Given(STDIN, lambda: decode_image(sys.stdin.buffer.read(), "standard input"))


def _shown(results: "Iterator[ImageResult]", as_json: bool, total: int) -> "Iterator[ImageResult]":
    """Print each result as it arrives and pass it on."""
    with _progress(total) as on_result:
        for result in results:
            if as_json:
                print_json(result.to_dict())
            elif result.size_wh is not None:
                _print_result(result)
            on_result()
            yield result


@contextmanager
def _progress(total: int) -> "Iterator[Any]":
    """A bar on standard error while standard output goes to a file; nothing if a person reads the results."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), TextColumn("pictures"), BarColumn(), TextColumn("left"), TimeRemainingColumn())
    hidden = not console.is_terminal or sys.stdout.isatty() or total == 1
    with Progress(*columns, console=console, disable=hidden, redirect_stdout=False) as bar:
        task = bar.add_task("image", total=total)
        yield lambda: bar.advance(task)


def _print_result(result: "ImageResult") -> None:
    count = len(result.faces)
    print(f"{result.source}: {counted(count, 'face')}" if count else f"{result.source}:", end="")
    print(f"  ({'; '.join(result.notes)})" if result.notes else "")
    for face in result.faces:
        print(f"  {face_line(face)}")
    if result.written:
        print(f"  written: {result.written}", flush=True)


def report(results: "Iterable[ImageResult]") -> int:
    """List the failed ones at the end and return the exit code. Raises InputError if there was only one image."""
    total, failed = 0, []
    for result in results:
        total += 1
        if result.error:
            failed.append(result)
    if not failed:
        return 0
    if total == 1:
        raise InputError(str(failed[0].error))
    sys.stdout.flush()
    print(f"Error: {len(failed)} of {total} images failed:", file=sys.stderr)
    for result in failed:
        print(f"  {result.error}", file=sys.stderr)
    return 2 if len(failed) == total else 1
