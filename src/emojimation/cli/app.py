"""The command line: each command has a file of its own name next to this one.

Heavy modules are imported inside the commands, so that `--help` is fast.
"""

from typing import Annotated

import typer

import emojimation
from emojimation.cli import data
from emojimation.cli.batch import batch
from emojimation.cli.demo import demo
from emojimation.cli.desktop import desktop
from emojimation.cli.ensemble import ensemble
from emojimation.cli.evaluate import evaluate
from emojimation.cli.export import export
from emojimation.cli.image import image
from emojimation.cli.info import info
from emojimation.cli.options import Command
from emojimation.cli.page import page
from emojimation.cli.report import report
from emojimation.cli.serve import serve
from emojimation.cli.train import train
from emojimation.cli.video import video
from emojimation.cli.web import web
from emojimation.cli.webcam import webcam

app = typer.Typer(
    name="emojimation",
    help="Find the faces in photos and videos, with honest emotion probabilities and emoji, on your own machine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    """The options before a command; `--debug` is handled by `__main__`, which accepts it anywhere."""


PICTURES = (image, video, webcam, batch, web, page, desktop, serve, demo, info)
TRAINING = (train, evaluate, export, ensemble, report)
for command in (*PICTURES, *TRAINING):
    app.command(cls=Command)(command)
app.add_typer(data.app, name="data")
