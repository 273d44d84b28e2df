"""The command that joins models into one file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from emojimation.cli.judge import DATA, FERPLUS, need, print_scores, write


def ensemble(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Names of models in the package, or ONNX files.")
    ],
    data: DATA,
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = Path("ensemble.onnx"),
    name: Annotated[str, typer.Option(help="Name that the model gives itself; by default the file's.")] = "",
    mirror: Annotated[bool, typer.Option(help="Each member also answers the mirror image.")] = True,
    ferplus: FERPLUS = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Join models into one ONNX file that answers with their calibrated mean, and score it on the validation split."""
    need("onnx")
    from emojimation.training.data.load import load
    from emojimation.training.export.ensemble import join

    scores = join(list(models), out, load(data, ferplus=ferplus), name, mirror)
    if json_out is not None:
        write(json_out, json.dumps(scores, indent=1) + "\n")
    print_scores(scores)
    typer.echo(f"Written: {out}", err=True)
