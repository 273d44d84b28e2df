"""The command for the window: desktop. Tk loads when the command runs, not before."""

from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

from emojimation.cli.options import DetectorModel, choice, one_of
from emojimation.errors import InputError
from emojimation.extras import need


class Theme(StrEnum):
    """The window's colours."""

    dark = "dark"
    light = "light"


def desktop(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]", help="Camera number, photo, video, address, or `sample`.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or path of the emotion model.", show_default="as last time")
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            help="Base rates: {stream priors}; stream: learned from the stream.",
            show_default="as last time",
            callback=one_of("stream priors"),
        ),
    ] = None,
    detector: Annotated[
        str | None,
        choice("--detector", "detectors", "Face detector", "as last time"),
    ] = None,
    detector_model: DetectorModel = None,
    art: Annotated[
        str | None,
        choice("--art", "arts", "Emoji set", "as last time"),
    ] = None,
    character: Annotated[
        str | None,
        choice("--character", "characters", "Who avatar and puppet are", "as last time"),
    ] = None,
    style: Annotated[
        str | None,
        choice("--style", "styles", "How faces are drawn", "as last time"),
    ] = None,
    language: Annotated[
        str | None,
        choice("--language", "system languages", "Of the emotions' words", "as last time"),
    ] = None,
    theme: Annotated[Theme | None, typer.Option("--theme", help="Colours.", show_default="as last time")] = None,
    folder: Annotated[
        str | None,
        typer.Option("--folder", help="Where snapshots, recordings and tables go.", show_default="as last time"),
    ] = None,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", "--anonymize", help="Hide all faces from the start.")
    ] = False,
) -> int:
    """Open the window: live video, avatar, probabilities, history, recording."""
    if find_spec("_tkinter") is None:
        raise InputError(
            "Expected Tk for the window, got a Python without it. On Debian: apt-get install python3-tk; or use `web`."
        )
    need("desktop", "sv_ttk")
    app = import_module("emojimation.apps.desktop.window")
    return int(
        app.open_window(
            source,
            model,
            prior=prior,
            detector=detector,
            detector_model=None if detector_model is None else str(detector_model.resolve()),
            art=art,
            character=character,
            style=style,
            language=language,
            theme=theme and theme.value,
            folder=folder,
            anonymise=anonymise or None,
        )
    )
