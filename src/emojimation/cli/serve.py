"""The commands for programs and for many pictures: serve, batch. Heavy modules load when a command runs."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from emojimation.errors import InputError
from emojimation.files import usable_processors

if TYPE_CHECKING:
    from emojimation.batch.run import BatchOptions, Engine, Summary

INTERRUPTED = 130
LINE_S = 30
SHEETS = (".jpg", ".jpeg", ".png", ".webp")
console = Console(stderr=True)
SERVICE_PACKAGES = ("fastapi", "python_multipart", "prometheus_client", "uvicorn", "websockets")
MODEL = Annotated[str, typer.Option("--model", help="Name or path of the emotion model.")]


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    for command in (serve, batch):
        app.command()(command)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8000,
    model: MODEL = "default",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that analyse.", show_default="one per core")
    ] = None,
    tiles: Annotated[bool, typer.Option("--tiles", help="Look at overlapping tiles too: finds small faces.")] = False,
    micro_batch: Annotated[
        bool, typer.Option("--micro-batch", help="Classify faces of several requests together; see docs/service.md.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token; or set EMOJIMATION_TOKEN.", show_default="no token")
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Web page's origin that may call; may be repeated.", show_default="none")
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Requests in the house at once.")] = 64,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="Of a request's body.")] = 20,
    max_megapixels: Annotated[float, typer.Option(min=0.001, help="Of a picture.")] = 40,
    max_faces: Annotated[int, typer.Option(min=1, help="In a picture.")] = 500,
    max_seconds: Annotated[float, typer.Option(min=0.01, help="From the body to the answer.")] = 30,
) -> None:
    """Serve HTTP: POST /v1/analyze, /v1/anonymise and /v1/video, WebSocket /v1/stream. See docs/service.md."""
    _need_service()
    from emojimation.apps.api import app as api
    from emojimation.apps.api import serve as api_serve
    from emojimation.apps.api.limits import Limits
    from emojimation.heaps import few_heaps

    limits = Limits(
        body_bytes=round(max_megabytes * 1e6),
        megapixels=max_megapixels,
        faces=max_faces,
        answer_s=max_seconds,
        queue=queue,
    )
    settings = api.ServiceSettings(
        model,
        tiles=tiles,
        batching=micro_batch,
        token=_token(token_file),
        origins=cors_origin or [],
        limits=limits,
        workers=workers or usable_processors(),
    )
    few_heaps()
    api_serve.run(api.service(settings), host, port, limits, lambda url: typer.echo(f"Serving {url}", err=True))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("EMOJIMATION_TOKEN") or None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a file with a token, got {file} ({error}).") from error
    if not token:
        raise InputError(f"Expected a token in {file}, got nothing. Write one line of random characters into it.")
    return token


def _need_service() -> None:
    missing = [name for name in SERVICE_PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f'Expected the packages of the service, {", ".join(missing)} missing: pip install "emojimation[api]".'
        )


def batch(
    source: Annotated[
        str, typer.Argument(help="Folder, glob, list file (.txt), Parquet file with pictures, or s3://bucket/folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Results: .parquet, .csv or .jsonl.", show_default=False)],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run ended, or add what is new to finished results.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew over an earlier output.")] = False,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="Picture with some of the results, to look at.", show_default=False)
    ] = None,
    model: MODEL = "default",
    cropped: Annotated[bool, typer.Option("--cropped", help="Every picture is one face, already cut out.")] = False,
    min_score: Annotated[
        float | None, typer.Option(help="Detector's threshold, 0 to 1.", show_default="the detector's")
    ] = None,
    tiles: Annotated[bool, typer.Option("--tiles", help="Look at overlapping tiles too: finds small faces.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="one per core")] = None,
    engine: Annotated[str, typer.Option(help="local: this machine. ray: a cluster (extra `ray`).")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Of a Ray cluster, such as 10.0.0.5:6379.", show_default="one is started here")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> int:
    """Name the emotions of all faces in very many pictures, into one table. See docs/service.md and docs/scale.md.

    Exit code 0: all were answered. 1: some could not be read, see OUT.errors.jsonl. 2: none could. 130: stopped by
    Ctrl-C; --resume goes on.
    """
    from emojimation.batch.run import BatchOptions, Output, run_batch
    from emojimation.interrupt import Interrupt

    settings = BatchOptions(source, model, cropped, tiles, min_score)
    output = Output(out, resume, overwrite)
    _check_sheet(contact_sheet, output.path)
    with Interrupt() as interrupt, _progress() as on_rows:
        summary = run_batch(settings, output, _engine(engine, workers, address), on_rows, lambda: interrupt.asked)
    _print_summary(summary, out, as_json)
    if contact_sheet is not None and not summary.interrupted:
        _write_sheet(contact_sheet, summary, settings)
    if summary.interrupted:
        return INTERRUPTED
    return 0 if not summary.failed else 2 if summary.failed == summary.pictures else 1


def _engine(name: str, workers: int | None, address: str | None) -> "Engine":
    if name == "local":
        if address is not None:
            raise InputError("Expected --engine ray together with --address, got the local engine.")
        from emojimation.batch.run import local

        return local(workers)
    if name != "ray":
        raise InputError(f"Expected --engine local or ray, got {name!r}.")
    if find_spec("ray") is None:
        raise InputError('Expected the package ray, got none: pip install "emojimation[ray]".')
    from emojimation.batch.ray import cluster

    return cluster(workers, address)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with the remaining time on standard error; where that is no terminal, a line every `LINE_S` seconds."""
    columns = (
        TextColumn("{task.completed}/{task.total} pictures"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    began, first, shown = time.monotonic(), -1, time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("batch", total=None, rate="")

        def told(done: int, total: int) -> None:
            nonlocal first, shown
            now, first = time.monotonic(), done if first < 0 else first
            rate = (done - first) / max(now - began, 1e-9)
            bar.update(task, completed=done, total=total, rate=f"{rate:.1f}/s")
            if not console.is_terminal and rate and now - shown >= LINE_S:
                shown = now
                left = timedelta(seconds=round((total - done) / rate))
                console.print(f"{done}/{total} pictures, {rate:.1f} a second, {left} left")

        yield told


def _print_summary(summary: "Summary", out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), ensure_ascii=True))
        return
    before = f" ({summary.before} of them before)" if summary.before else ""
    console.print(f"{summary.pictures} pictures{before} in {summary.seconds:.1f} s, {summary.per_s:.1f} a second")
    if summary.interrupted:
        console.print("Stopped; the same command with --resume goes on.")
        return
    if not summary.faces + summary.failed + summary.without_face:
        console.print("Nothing was left to do.")
        return
    console.print(f"{summary.faces} faces; {summary.without_face} pictures without one; {summary.failed} not readable")
    shown = [f"{name} {number}" for name, number in summary.emotions.items() if number]
    console.print(", ".join([*shown, f"not sure {summary.uncertain}"]))
    for path in summary.written:
        console.print(f"written: {path}", soft_wrap=True, markup=False)


def _check_sheet(sheet: Path | None, out: Path) -> None:
    if sheet is not None and (sheet.suffix.lower() not in SHEETS or sheet == out):
        raise InputError(f"Expected a contact sheet ending in {', '.join(SHEETS)}, got {sheet}.")


def _write_sheet(path: Path, summary: "Summary", settings: "BatchOptions") -> None:
    from emojimation.batch.contact import write_sheet
    from emojimation.batch.listing import listing_of

    if not summary.sample:
        console.print("No contact sheet: there was no new face.")
        return
    write_sheet(path, summary.sample, listing_of(settings.source), settings.source)
    console.print(f"written: {path}", soft_wrap=True, markup=False)
