"""The command line: `emojimation image`, `demo`, `info`, and the commands that other modules add.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import emojimation
from emojimation.cli import data as cli_data
from emojimation.cli import desktop as cli_desktop
from emojimation.cli import serve as cli_serve
from emojimation.cli import train as cli_train
from emojimation.cli import video as cli_video
from emojimation.cli import web as cli_web
from emojimation.cli.printing import face_line, top_emotions
from emojimation.errors import InputError
from emojimation.weights import ASSETS

if TYPE_CHECKING:
    from emojimation.photos import ImageResult

SAMPLES = ASSETS / "samples"
NEXT = """Next, try:
  {program} image YOUR-PHOTO.jpg --out annotated
  {program} image FOLDER --out hidden --style emoji
  {program} info
  {program} --help"""

app = typer.Typer(
    name="emojimation",
    help="Faces in photos, named with honest emotion probabilities and emoji, on your own machine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Style(StrEnum):
    """How an annotated picture is drawn."""

    boxes = "boxes"
    emoji = "emoji"
    blur = "blur"
    pixelate = "pixelate"
    none = "none"


class DetectorName(StrEnum):
    """The face detectors in the package."""

    blazeface = "blazeface"
    haar = "haar"


Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for annotated pictures.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Model = Annotated[str, typer.Option("--model", help="Name or path of the emotion model.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Processor threads.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"emojimation {emojimation.__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """The options before a command; `--debug` is carried out by `__main__`, which takes it in any place."""


@app.command()
def image(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Picture files, folders, globs.")],
    out: Out = None,
    as_json: Json = False,
    style: Annotated[
        Style | None, typer.Option("--style", help="How to draw the pictures in --out.", show_default="boxes")
    ] = None,
    cropped: Annotated[bool, typer.Option("--cropped", help="Every picture is one face, already cut out.")] = False,
    model: Model = "default",
    detector: Annotated[DetectorName, typer.Option("--detector", help="Face detector.")] = DetectorName.blazeface,
    detector_model: Annotated[
        Path | None, typer.Option("--detector-model", help="File of another face detector.", show_default=False)
    ] = None,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Detector's threshold, 0 to 1.", show_default="the detector's")
    ] = None,
    tiles: Annotated[bool, typer.Option("--tiles", help="Look at overlapping tiles too: finds small faces.")] = False,
    threads: Threads = 1,
) -> int:
    """Name the emotions of all faces in pictures.

    Exit code 0: all pictures were answered (also those without a face). 1: some could not be read. 2: none could.
    """
    if style not in (None, Style.none) and out is None:
        raise InputError(
            f"Expected --out DIR together with --style {style}, got none. Say where the pictures shall go."
        )
    from emojimation.photos import run_images
    from emojimation.pipeline import make_pipeline

    pipeline = make_pipeline(model, detector.value, None, threads, min_score, tiles, detector_model=detector_model)
    results = run_images(paths, pipeline, out, style or Style.boxes, cropped)
    return _report(_shown(results, as_json))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the annotated pictures.")] = Path(
        "emojimation-demo"
    ),
    model: Model = "default",
    threads: Threads = 1,
) -> int:
    """Analyse the sample photos that come with the package and write them annotated."""
    from emojimation.photos import run_images
    from emojimation.pipeline import make_pipeline

    pipeline = make_pipeline(model, threads=threads)
    results = list(run_images([SAMPLES], pipeline, out, Style.boxes))
    emoji = list(run_images([SAMPLES], pipeline, out, Style.emoji))
    _print_table(results)
    print(f"\n{sum(r.written is not None for r in results + emoji)} annotated pictures are in {out.resolve()}")
    print(NEXT.format(program=_program()))
    return _report(results)


@app.command()
def info(as_json: Json = False, model: Model = "default") -> None:
    """Show versions, the model's card, processors, and which extras are installed."""
    from emojimation.cli.info import facts, print_facts

    found = facts(model)
    if as_json:
        print(_json(found))
    else:
        print_facts(found)


def _program() -> str:
    """How this program is called from here: by name where it is on the path, else as it was called."""
    if shutil.which("emojimation"):
        return "emojimation"
    called = Path(sys.argv[0])
    return os.path.relpath(called) if called.stem == "emojimation" else "python -m emojimation"


def _json(row: object) -> str:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(row, ensure_ascii=not utf8)


def _shown(results: "Iterator[ImageResult]", as_json: bool) -> "Iterator[ImageResult]":
    """Print each result as it comes and pass it on."""
    for result in results:
        if as_json:
            print(_json(result.to_dict()), flush=True)
        elif result.size_wh is not None:
            _print_result(result)
        yield result


def _print_result(result: "ImageResult") -> None:
    count = len(result.faces)
    print(f"{result.source}: {count} face{'' if count == 1 else 's'}" if count else f"{result.source}:", end="")
    print(f"  ({'; '.join(result.notes)})" if result.notes else "")
    for face in result.faces:
        print(f"  {face_line(face)}")
    if result.written:
        print(f"  written: {result.written}", flush=True)


def _print_table(results: "list[ImageResult]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Photo", "", "Emotion", "Confidence", "Then", box=None, padding=(0, 2, 0, 0))
    for result in results:
        name = Path(result.source).name
        for i, face in enumerate(result.faces):
            word = face.emotion if face.certain else f"not sure ({face.emotion})"
            table.add_row(
                "" if i else name, face.emoji, word, f"{face.confidence:.0%}", top_emotions(face).split(", ", 1)[1]
            )
        if not result.faces:
            table.add_row(name, "", "; ".join(result.notes), "", "")
    Console().print(table)


def _report(results: "Iterator[ImageResult] | list[ImageResult]") -> int:
    """List the failed ones at the end and tell the exit code."""
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
    print(f"Error: {len(failed)} of {total} pictures failed:", file=sys.stderr)
    for result in failed:
        print(f"  {result.error}", file=sys.stderr)
    return 2 if len(failed) == total else 1


app.add_typer(cli_data.app, name="data")
for part in (cli_train, cli_video, cli_web, cli_desktop, cli_serve):
    part.add_to(app)
