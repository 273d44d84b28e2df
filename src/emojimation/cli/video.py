"""The command `video`: a video, its faces over time, annotated or hidden."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emojimation.cli.options import INTERRUPTED, Art, Character, Search, Strength, Style, searching
from emojimation.cli.printing import console, counted, print_json
from emojimation.errors import InputError
from emojimation.files import usable_processors

if TYPE_CHECKING:
    from emojimation.pipeline import Pipeline
    from emojimation.video.options import Options
    from emojimation.video.run import Progress as At
    from emojimation.video.run import VideoResult


def _file(flag: str, what: str) -> Any:
    return typer.Option(flag, help=what, show_default=False, dir_okay=False)


Json = Annotated[
    bool, typer.Option("--json", help="Print a line of JSON per face and nothing else on standard output.")
]

Source = Annotated[
    str,
    typer.Argument(metavar="IN", help="Video file, folder of images, glob, address, camera number, or `synthetic`."),
]
Anonymise = Annotated[
    bool,
    typer.Option("--anonymise", "--anonymize", help="Hide every face: two passes, gaps filled, metadata removed."),
]
Out = Annotated[Path | None, _file("--out", "Video to write: .mp4 (H.264, with the sound) or .webm.")]
Csv = Annotated[Path | None, _file("--csv", "Table with one row per face.")]
Jsonl = Annotated[Path | None, _file("--jsonl", "JSON lines, one per face.")]
Parquet = Annotated[Path | None, _file("--parquet", "Parquet table with one row per face.")]
Srt = Annotated[Path | None, _file("--srt", "Subtitles: who shows what.")]
Vtt = Annotated[Path | None, _file("--vtt", "Subtitles for web pages.")]
Report = Annotated[Path | None, _file("--report", "One HTML page with the timeline of each person.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue where the same command was interrupted.")]
Every = Annotated[
    str, typer.Option("--every", help="Analyse every N-th frame only, or `auto`: as many as real time allows.")
]
Start = Annotated[str, typer.Option("--start", help="Where to start: seconds or hours:minutes:seconds.")]
End = Annotated[
    str | None, typer.Option("--end", help="Where to end: seconds or hours:minutes:seconds.", show_default=False)
]
Fps = Annotated[
    float | None,
    typer.Option("--fps", min=0.01, max=1000, help="Frame rate of a folder of images.", show_default="25"),
]
HideSpan = Annotated[
    list[str] | None,
    typer.Option("--hide-span", metavar="START-END", help="Hide the whole frame in this span; may be repeated."),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="X0,Y0,X1,Y1", help="Search only this part of the frame.", show_default=False),
]
Cover = Annotated[Path | None, _file("--cover", "Image to put over each head.")]
Reidentify = Annotated[
    bool,
    typer.Option(
        "--reidentify",
        help="Recognise people by their faces: whoever returns, or is seen after a cut, keeps their number.",
    ),
]
Sound = Annotated[bool, typer.Option(help="Copy the sound into the video.")]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Frames analysed in parallel.", show_default="one per processor")
]


@searching
def video(
    source: Source,
    search: Search,
    out: Out = None,
    style: Style = None,
    art: Art = "noto",
    character: Character = "emoji",
    anonymise: Anonymise = False,
    csv: Csv = None,
    jsonl: Jsonl = None,
    parquet: Parquet = None,
    srt: Srt = None,
    vtt: Vtt = None,
    report: Report = None,
    strength: Strength = None,
    hide_span: HideSpan = None,
    region: Region = None,
    cover: Cover = None,
    reidentify: Reidentify = False,
    resume: Resume = False,
    every: Every = "1",
    start: Start = "0",
    end: End = None,
    fps: Fps = None,
    sound: Sound = True,
    as_json: Json = False,
    threads: Threads = None,
) -> int:
    """Track the faces in a video and their emotions over time, and annotate or hide them.

    Exit code 0: done. 1: the source broke off; the files hold what came before. 130: stopped by Ctrl-C; the files
    hold what was done, and --resume continues.
    """
    from emojimation.video.options import Options
    from emojimation.video.outputs import Targets
    from emojimation.video.run import run_video

    targets = Targets(out, jsonl, csv, parquet, srt, vtt, report)
    if targets.primary is None and not as_json:
        raise InputError("Expected something to write, got none. Give --out, --csv, --jsonl, --report or --json.")
    if resume and targets.primary is None:
        raise InputError("Expected the output files of the interrupted run together with --resume, got none.")
    if style is not None and out is None:
        raise InputError(f"Expected --out FILE together with --style {style}, got none. Say where the video should go.")
    options = Options(
        style=style or ("emoji" if anonymise or cover else "boxes"),
        art=art,
        character=character,
        hide=anonymise,
        every=_every(every),
        workers=threads or usable_processors(),
        start_s=seconds_of(start),
        end_s=None if end is None else seconds_of(end),
        fps=fps,
        sound=sound,
        resume=resume,
        search_name=str(search),
        spans=tuple(_span(text) for text in hide_span or []),
        region=None if region is None else _region(region),
        cover=cover,
        reidentify=reidentify,
    )
    options = replace(options, strength=search.strength(strength, options.hides))
    pipeline = _pipeline(search, options)
    options = replace(options, prior=pipeline.prior)
    with _progress(as_json) as on_frame:
        result = run_video(source, pipeline, targets, options, on_frame, pipeline.threshold)
    _print_result(result)
    return INTERRUPTED if result.interrupted else int(result.incomplete is not None)


def _span(text: str) -> tuple[float, float]:
    start, _, end = text.partition("-")
    return seconds_of(start), seconds_of(end)


def _region(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise InputError(f"Expected a region as left,top,right,bottom in pixels, got {text!r}.")
    x0, y0, x1, y1 = (int(part) for part in parts)
    return x0, y0, x1, y1


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


def _every(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"Expected --every as a whole number from 1 or auto, got {text!r}.")
    return int(text)


def _pipeline(search: Search, options: "Options") -> "Pipeline":
    if not options.hides:
        return search.pipeline(stream=True)
    from emojimation.draw.styles import STYLES
    from emojimation.hiding.search import searcher
    from emojimation.pipeline import make_pipeline

    detector = searcher(options.strength, min_score=search.min_score)
    pipeline = make_pipeline(search.model, detector, prior=search.prior, measures=search.measure or [])
    return pipeline.measuring(STYLES[options.style].measures)


_STAGES = {"search": "searching", "film": "video"}


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
                print_json(row)
        if at.stage not in tasks:
            tasks[at.stage] = bar.add_task(_STAGES[at.stage], total=None if at.share is None else 1.0, rate="")
        bar.update(tasks[at.stage], completed=at.share or 0.0, rate=_rate(bar, tasks[at.stage], at.frame))

    with bar:
        yield on_frame


def _rate(bar: Any, task: Any, frame: int) -> str:
    elapsed = bar.tasks[bar.task_ids.index(task)].elapsed
    return f"frame {frame}, {frame / elapsed:.0f} frames/s" if elapsed and elapsed > 0.5 else f"frame {frame}"


def _print_result(result: "VideoResult") -> None:
    """What was done, on standard error."""
    rate = result.frames / result.seconds if result.seconds else 0.0
    frames, people = counted(result.frames, "frame"), counted(result.people, "person", "people")
    console.print(f"{result.source}: {frames}, {people}, {result.seconds:.1f} s ({rate:.0f} frames/s)", markup=False)
    if not result.rows:
        console.print("no face found")
    for line in [*result.notes, *([result.hidden] if result.hidden else [])]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    for path in result.written:
        console.print(f"  written: {path}", markup=False, soft_wrap=True)
    if result.incomplete:
        console.print(f"Incomplete: {result.incomplete}", markup=False, soft_wrap=True)
    if result.interrupted:
        kept = ": the files hold what was done so far. Continue with --resume" if result.written else ""
        console.print(f"Stopped{kept}.")
