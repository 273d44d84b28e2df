"""The command for the window: desktop. Tk loads when the command runs, not before."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from emojimation.errors import InputError


class WindowStyle(StrEnum):
    """How faces are drawn in the window."""

    boxes = "boxes"
    emoji = "emoji"
    avatar = "avatar"
    blur = "blur"
    pixelate = "pixelate"
    none = "none"


class Theme(StrEnum):
    """The window's colours."""

    dark = "dark"
    light = "light"


def add_to(app: typer.Typer) -> None:
    """Give `app` the command of this module."""
    app.command()(desktop)


def desktop(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]", help="Camera number, photo, film, address, or `sample`.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or path of the emotion model.", show_default="as last time")
    ] = None,
    style: Annotated[
        WindowStyle | None, typer.Option("--style", help="How faces are drawn.", show_default="as last time")
    ] = None,
    theme: Annotated[Theme | None, typer.Option("--theme", help="Colours.", show_default="as last time")] = None,
    folder: Annotated[
        str | None, typer.Option("--folder", help="Where pictures, films and tables go.", show_default="as last time")
    ] = None,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", "--anonymize", help="Show no face from the first moment on.")
    ] = False,
) -> int:
    """Open the window: live picture, avatar, probabilities, history, recording."""
    try:
        app = import_module("emojimation.apps.desktop.window")
    except ImportError as error:
        raise InputError(_missing(error)) from error
    return int(
        app.open_window(
            source,
            model,
            style=style and style.value,
            theme=theme and theme.value,
            folder=folder,
            anonymise=anonymise or None,
        )
    )


def _missing(error: ImportError) -> str:
    if error.name in ("tkinter", "_tkinter"):
        return (
            "Expected Tk for the window, got a Python without it. On Debian: apt-get install python3-tk; or use `web`."
        )
    return f'Expected {error.name} for the window, got none: pip install "emojimation[desktop]".'
