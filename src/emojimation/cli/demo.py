"""The command `demo`: the sample photos, analysed and annotated."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emojimation.cli.image import report
from emojimation.cli.options import Detector, DetectorModel, Model, Prior, Threads
from emojimation.cli.printing import top_emotions
from emojimation.weights import ASSETS

if TYPE_CHECKING:
    from emojimation.photos import ImageResult

SAMPLES = ASSETS / "samples"
NEXT = """Next, try:
  {program} image YOUR-PHOTO.jpg --out annotated
  {program} image FOLDER --out hidden --style emoji
  {program} info
  {program} --help"""


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the annotated images.")] = Path(
        "emojimation-demo"
    ),
    model: Model = "default",
    detector: Detector = "blazeface",
    detector_model: DetectorModel = None,
    prior: Prior = "everyday",
    threads: Threads = 1,
) -> int:
    """Analyse the sample photos that come with the package and write them annotated."""
    from emojimation.photos import run_images
    from emojimation.pipeline import make_pipeline

    pipeline = make_pipeline(model, detector, threads=threads, detector_model=detector_model, prior=prior)
    results = list(run_images([SAMPLES], pipeline, out, "boxes"))
    emoji = list(run_images([SAMPLES], pipeline, out, "emoji"))
    _print_table(results)
    print(f"\n{sum(r.written is not None for r in results + emoji)} annotated images are in {out.resolve()}")
    print(NEXT.format(program=_program()))
    return report(results)


def _program() -> str:
    """How to call this program from here: by name if it is on the path, else as it was called."""
    if shutil.which("emojimation"):
        return "emojimation"
    called = Path(sys.argv[0])
    return os.path.relpath(called) if called.stem == "emojimation" else "python -m emojimation"


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
