"""The command `webcam`: the faces in front of a camera, in a window or line by line."""

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from emojimation.cli.options import Search, choice, searching
from emojimation.cli.printing import face_line, print_json
from emojimation.errors import InputError
from emojimation.extras import missing

if TYPE_CHECKING:
    from emojimation.live import LiveResult

Json = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON per face and nothing else on standard output.")
]


@searching
def webcam(
    search: Search,
    camera: Annotated[str, typer.Option("--camera", help="Number, address or file.")] = "0",
    art: Annotated[
        str | None,
        choice("--art", "arts", "Emoji set of the window"),
    ] = None,
    style: Annotated[
        str | None,
        choice("--style", "styles", "How the window draws faces"),
    ] = None,
    character: Annotated[
        str | None,
        choice("--character", "characters", "Who the window's avatar and puppet are"),
    ] = None,
    as_json: Json = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Stop after this time.", show_default="Ctrl-C stops")
    ] = None,
) -> int:
    """Show the emotions in front of a camera live: in a window if possible, else line by line.

    Always line by line with --json or --seconds.
    """
    if not as_json and seconds is None and _has_window():
        return _window(camera, search, art=art, style=style, character=character)
    from emojimation.live import LiveLoop
    from emojimation.tracking.adapt import tracker_for
    from emojimation.video.source import open_source

    pipeline = search.pipeline(stream=True)
    pipeline = pipeline.streaming(tracker_for(pipeline.prior))
    source = open_source(camera)
    loop = LiveLoop(source, pipeline, paced=not source.info.live)
    shown: dict[int | None, str | None] = {}
    with loop:
        result = None
        while (result := loop.wait(result)) is not None:
            if seconds is not None and result.time_s >= seconds:
                break
            _print_live(result, as_json, shown, pipeline.prior.name)
    return 0


def _window(camera: str, search: Search, **look: str | None) -> int:
    """Show the camera in the window until it is closed."""
    from importlib import import_module

    if search.search or search.tiles or search.measure:
        raise InputError(
            "Expected --json or --seconds together with --search, --tiles or --measure, got neither: "
            "the window searches in its own way."
        )
    shown = {name: getattr(search, name) for name in ("prior", "detector", "min_score")}
    shown["detector_model"] = search.settings()["detector_model"]
    return import_module("emojimation.apps.desktop.window").open_window(camera, search.model, **look, **shown) or 0


def _print_live(result: "LiveResult", as_json: bool, shown: dict[int | None, str | None], prior: str) -> None:
    """Every face as JSON, or for people a line whenever somebody's emoji changes."""
    from emojimation.story.rows import face_row

    for face in result.faces:
        if as_json:
            print_json(face_row(result.index, result.time_s, face.to_dict(), prior=prior))
        elif shown.get(face.track_id) != face.emoji:
            shown[face.track_id] = face.emoji
            print(f"{result.time_s:7.1f} s  person {face.track_id}  {face_line(face)}", flush=True)


def _has_window() -> bool:
    there = sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return there and find_spec("_tkinter") is not None and not missing("desktop")
