"""The command `batch`: large batches of images into one table."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from emojimation.cli.options import INTERRUPTED, Cropped, Search, searching
from emojimation.cli.printing import console, counted
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.files import copies_words, skipped_words

if TYPE_CHECKING:
    from emojimation.batch.run import BatchOptions, Engine, Output, Summary

LINE_S = 30
SHEETS = (".jpg", ".jpeg", ".png", ".webp")


@searching
def batch(
    source: Annotated[
        str, typer.Argument(help="Folder, glob, list file (.txt), Parquet file with images, or s3://bucket/folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Results: .parquet, .csv or .jsonl.", show_default=False)],
    search: Search,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted run, or add new images to finished results.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier output, once the new one is complete.")
    ] = False,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="Contact sheet: an image with some of the results.", show_default=False)
    ] = None,
    cropped: Cropped = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes.", show_default="one per processor")
    ] = None,
    seconds_per_image: Annotated[
        float, typer.Option(min=0.1, help="An image that takes longer becomes an error.")
    ] = 120,
    engine: Annotated[str, typer.Option(help="local: this machine. ray: a cluster (extra `ray`).")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster, such as 10.0.0.5:6379.", show_default="starts one here"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> int:
    """Analyse the faces in any number of images, into one table. See docs/service.md and docs/scale.md.

    Exit code 0: all were analysed. 1: some could not be read, see OUT.errors.jsonl. 2: none could. 130: stopped by
    Ctrl-C; continue with --resume.
    """
    from emojimation.batch.run import BatchOptions, Output, run_batch
    from emojimation.interrupt import Interrupt

    settings = BatchOptions(source, cropped=cropped, **search.settings())
    output = Output(out, resume, overwrite)
    _check_sheet(contact_sheet, output.path)
    answers = _engine(engine, workers, address, seconds_per_image)
    with Interrupt() as interrupt, _progress() as on_rows:
        summary = run_batch(settings, output, answers, on_rows, lambda: interrupt.asked)
    _print_summary(summary, output, as_json)
    if contact_sheet is not None and not summary.interrupted:
        _write_sheet(contact_sheet, summary, settings)
    if summary.interrupted:
        return INTERRUPTED
    return 0 if not summary.failed else 2 if summary.failed == summary.pictures else 1


def _engine(name: str, workers: int | None, address: str | None, most_s: float) -> "Engine":
    if name == "local":
        if address is not None:
            raise InputError("Expected --engine ray together with --address, got the local engine.")
        from emojimation.batch.run import local

        return local(workers, most_s)
    if name != "ray":
        raise InputError(f"Expected --engine local or ray, got {name!r}.")
    need("ray")
    from emojimation.batch.ray import cluster

    return cluster(workers, address, most_s)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with the remaining time on standard error; if that is not a terminal, a line every `LINE_S` seconds."""
    columns = (
        TextColumn("{task.completed}/{task.total} images"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    began, first, shown = time.monotonic(), -1, time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("batch", total=None, rate="")

        def report(done: int, total: int) -> None:
            nonlocal first, shown
            now, first = time.monotonic(), done if first < 0 else first
            rate = (done - first) / max(now - began, 1e-9)
            bar.update(task, completed=done, total=total, rate=f"{rate:.1f}/s")
            if not console.is_terminal and rate and now - shown >= LINE_S:
                shown = now
                left = timedelta(seconds=round((total - done) / rate))
                console.print(f"{done}/{total} images, {rate:.1f} per second, {left} left")

        yield report


def _print_summary(summary: "Summary", output: "Output", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary.to_dict(), ensure_ascii=True))
        return
    before = f" ({summary.before} of them earlier)" if summary.before else ""
    console.print(
        f"{counted(summary.pictures, 'image')}{before} in {summary.seconds:.1f} s, {summary.per_s:.1f} per second"
    )
    if summary.skipped:
        console.print(skipped_words(summary.skipped), markup=False)
    if summary.copies:
        console.print(copies_words(summary.copies), markup=False)
    if summary.interrupted:
        instead = " instead of --overwrite" if output.overwrite else ""
        console.print(f"Stopped; run the same command with --resume{instead} to continue.")
        return
    if not summary.faces + summary.failed + summary.without_face:
        console.print("Nothing was left to do.")
        return
    faces, without = counted(summary.faces, "face"), counted(summary.without_face, "image")
    console.print(f"{faces}; {without} without one; {summary.failed} unreadable")
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
        console.print("No contact sheet: there were no new faces.")
        return
    write_sheet(path, summary.sample, listing_of(settings.source), settings.source)
    console.print(f"written: {path}", soft_wrap=True, markup=False)
