"""The commands for moving pictures: video and webcam. Heavy modules load when a command runs, not before."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.live import LiveResult
    from emojimation.pipeline import Pipeline
    from emojimation.video.run import Progress as At
    from emojimation.video.run import VideoResult

INTERRUPTED = 130
console = Console(stderr=True)


def _file(flag: str, what: str) -> Any:
    return typer.Option(flag, help=what, show_default=False, dir_okay=False)


Model = Annotated[str, typer.Option("--model", help="Name or path of the emotion model.")]
MinScore = Annotated[
    float | None, typer.Option("--min-score", help="Detector's threshold, 0 to 1.", show_default="the detector's")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON per face and nothing else on standard output.")
]

Source = Annotated[
    str,
    typer.Argument(metavar="IN", help="Video file, folder of pictures, glob, address, camera number, or `synthetic`."),
]
Style = Annotated[
    str | None,
    typer.Option(
        "--style", help="boxes, emoji, avatar, blur, pixelate or none.", show_default="boxes; emoji with --anonymise"
    ),
]
Art = Annotated[str, typer.Option("--art", help="Look of the emoji: noto or fluent.")]
Anonymise = Annotated[
    bool,
    typer.Option("--anonymise", "--anonymize", help="Hide every face: two passes, gaps filled, metadata left out."),
]
Out = Annotated[Path | None, _file("--out", "Film to write: .mp4 (H.264, with the sound) or .webm.")]
Csv = Annotated[Path | None, _file("--csv", "Table with a row per face.")]
Jsonl = Annotated[Path | None, _file("--jsonl", "JSON lines, one per face.")]
Parquet = Annotated[Path | None, _file("--parquet", "Parquet table with a row per face.")]
Srt = Annotated[Path | None, _file("--srt", "Subtitles: who shows what.")]
Vtt = Annotated[Path | None, _file("--vtt", "Subtitles for web pages.")]
Report = Annotated[Path | None, _file("--report", "One HTML page with the timeline of each person.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where the same command was cut off.")]
Every = Annotated[
    str, typer.Option("--every", help="Look at each N-th frame only, or `auto`: as many as real time allows.")
]
Start = Annotated[str, typer.Option("--start", help="Where to begin: seconds or hours:minutes:seconds.")]
End = Annotated[
    str | None, typer.Option("--end", help="Where to end: seconds or hours:minutes:seconds.", show_default=False)
]
Fps = Annotated[
    float | None,
    typer.Option("--fps", min=0.01, max=1000, help="Frame rate of a folder of pictures.", show_default="25"),
]
Sound = Annotated[bool, typer.Option(help="Copy the sound into the film.")]
Tiles = Annotated[bool, typer.Option("--tiles", help="Look at overlapping tiles too: finds small faces.")]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Frames looked at at once.", show_default="one per processor")
]


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    for command in (video, webcam):
        app.command()(command)


def video(
    source: Source,
    out: Out = None,
    style: Style = None,
    art: Art = "noto",
    anonymise: Anonymise = False,
    csv: Csv = None,
    jsonl: Jsonl = None,
    parquet: Parquet = None,
    srt: Srt = None,
    vtt: Vtt = None,
    report: Report = None,
    resume: Resume = False,
    every: Every = "1",
    start: Start = "0",
    end: End = None,
    fps: Fps = None,
    sound: Sound = True,
    as_json: Json = False,
    model: Model = "default",
    min_score: MinScore = None,
    tiles: Tiles = False,
    threads: Threads = None,
) -> int:
    """Follow the faces of a film, name their emotions over time, draw or hide them.

    Exit code 0: done. 130: stopped by Ctrl-C; the files hold what was done, and --resume goes on.
    """
    from emojimation.video.options import Options
    from emojimation.video.outputs import Targets
    from emojimation.video.run import run_video

    targets = Targets(out, jsonl, csv, parquet, srt, vtt, report)
    if targets.primary is None and not as_json:
        raise InputError("Expected something to write, got none. Give --out, --csv, --jsonl, --report or --json.")
    if style is not None and out is None:
        raise InputError(f"Expected --out FILE together with --style {style}, got none. Say where the film shall go.")
    options = Options(
        style=style or ("emoji" if anonymise else "boxes"),
        art=art,
        hide=anonymise,
        every=_every(every),
        workers=threads or _processors(),
        start_s=seconds_of(start),
        end_s=None if end is None else seconds_of(end),
        fps=fps,
        sound=sound,
        resume=resume,
        look_name=f"{model} {min_score} {tiles}",
    )
    look = _pipeline(model, min_score, tiles, options.hides)
    with _progress(as_json) as on_frame:
        result = run_video(source, look, targets, options, on_frame, look.threshold)
    _print_result(result)
    return INTERRUPTED if result.interrupted else 0


def webcam(
    camera: Annotated[str, typer.Option("--camera", help="Number, address or file.")] = "0",
    as_json: Json = False,
    model: Model = "default",
    min_score: MinScore = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Stop after so long.", show_default="Ctrl-C stops")
    ] = None,
) -> int:
    """Name the emotions before a camera as they come: in a window where there is one, else line by line.

    With --json or --seconds always line by line.
    """
    if not as_json and seconds is None and _has_window():
        from importlib import import_module

        return import_module("emojimation.apps.desktop.window").open_window(camera, model, min_score=min_score) or 0
    from emojimation.live import LiveLoop
    from emojimation.pipeline import make_pipeline
    from emojimation.tracking.track import Tracker
    from emojimation.video.source import open_source

    pipeline = make_pipeline(model, tracker=Tracker(), min_score=min_score)
    source = open_source(camera)
    loop = LiveLoop(source, pipeline, paced=not source.info.live)
    shown: dict[int | None, str | None] = {}
    with loop:
        result = None
        while (result := loop.wait(result)) is not None:
            if seconds is not None and result.time_s >= seconds:
                break
            _print_live(result, as_json, shown)
    return 0


def seconds_of(text: str) -> float:
    """Seconds of "90", "90.5", "1:30" or "0:01:30.5". Raises InputError for another form."""
    total = 0.0
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(0 <= part < float("inf") for part in parts):
        raise InputError(f"Expected a time as seconds or h:m:s, got {text!r}.")
    for part in parts:
        total = total * 60 + part
    return total


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _every(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"Expected --every as a whole number from 1 or auto, got {text!r}.")
    return int(text)


def _pipeline(model: str, min_score: float | None, tiles: bool, anonymise: bool) -> "Pipeline":
    from emojimation.pipeline import make_pipeline

    if not anonymise:
        return make_pipeline(model, min_score=min_score, tiles=tiles)
    from emojimation.hiding.search import searcher

    return make_pipeline(model, searcher(min_score=min_score))


@contextmanager
def _progress(as_json: bool) -> "Iterator[Callable[[At], None]]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    tasks: dict[str, Any] = {}

    def on_frame(at: "At") -> None:
        if as_json:
            for row in at.rows:
                _print_json(row)
        if at.stage not in tasks:
            tasks[at.stage] = bar.add_task(at.stage, total=None if at.share is None else 1.0, rate="")
        bar.update(tasks[at.stage], completed=at.share or 0.0, rate=_rate(bar, tasks[at.stage], at.frame))

    with bar:
        yield on_frame


def _rate(bar: Any, task: Any, frame: int) -> str:
    elapsed = bar.tasks[bar.task_ids.index(task)].elapsed
    return f"frame {frame}, {frame / elapsed:.0f} frames/s" if elapsed and elapsed > 0.5 else f"frame {frame}"


def _print_json(row: dict[str, Any]) -> None:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    try:
        print(json.dumps(row, ensure_ascii=not utf8), flush=True)
    except BrokenPipeError:  # whoever reads has enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def _print_live(result: "LiveResult", as_json: bool, shown: dict[int | None, str | None]) -> None:
    """Every face as JSON, or for a person a line whenever somebody's emoji changes."""
    from emojimation.cli.printing import face_line
    from emojimation.story.rows import face_row

    for face in result.faces:
        if as_json:
            _print_json(face_row(result.index, result.time_s, face.to_dict()))
        elif shown.get(face.track_id) != face.emoji:
            shown[face.track_id] = face.emoji
            print(f"{result.time_s:7.1f} s  person {face.track_id}  {face_line(face)}", flush=True)


def _has_window() -> bool:
    there = sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return there and all(find_spec(name) is not None for name in ("_tkinter", "sv_ttk"))


def _print_result(result: "VideoResult") -> None:
    """What was done, on standard error."""
    rate = result.frames / result.seconds if result.seconds else 0.0
    who = f"{result.people} {'person' if result.people == 1 else 'people'}"
    console.print(
        f"{result.source}: {result.frames} frames, {who}, {result.seconds:.1f} s ({rate:.0f} frames/s)", markup=False
    )
    if not result.rows:
        console.print("no face found")
    for line in [*result.notes, *([result.hidden] if result.hidden else [])]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    for path in result.written:
        console.print(f"  written: {path}", markup=False, soft_wrap=True)
    if result.interrupted:
        console.print("Stopped: the files hold what was done so far. Go on with --resume.")
