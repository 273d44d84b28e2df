"""The command `ensemble`: several models combined into one file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from emojimation.cli.options import Data, Ferplus
from emojimation.cli.scores import print_scores
from emojimation.extras import need
from emojimation.files import write_whole


def ensemble(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Bundled models by name, or ONNX files.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = Path("ensemble.onnx"),
    name: Annotated[str, typer.Option(help="Name in the model's metadata; by default the file's.")] = "",
    mirror: Annotated[bool, typer.Option(help="Each member also sees the mirror image.")] = True,
    close_up: Annotated[
        bool, typer.Option(help="Each member also sees the middle of the image, enlarged by 15 %.")
    ] = False,
    ferplus: Ferplus = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Combine models into one ONNX file that averages their probabilities, and score it on the validation split."""
    need("train", "onnx")
    from emojimation.training.data.load import load
    from emojimation.training.export.ensemble import join

    scores = join(list(models), out, load(data, ferplus=ferplus), name, mirror, close_up)
    if json_out is not None:
        write_whole(json_out, json.dumps(scores, indent=1) + "\n")
    print_scores(scores)
    typer.echo(f"Written: {out}", err=True)
