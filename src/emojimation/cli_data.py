"""`emojimation data`: what a data set holds, conversion between its shapes, and the audit."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from emojimation.errors import InputError
from emojimation.training.data import FORMATS, Dataset, format_of, load, save

app = typer.Typer(help="Look into, convert and audit a data set of faces.", no_args_is_help=True)

Source = Annotated[
    Path, typer.Argument(help="csv, gz, xz, zip, tar.gz, picture folders or Parquet.", show_default=False)
]
Ferplus = Annotated[Path | None, typer.Option(help="FER+ votes (fer2013new.csv), joined by row order.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]


def extra(module: str, needs: str) -> ModuleType:
    """A module of ours that needs the package `needs`; InputError tells how to install that where it is absent."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] != needs:
            raise
        raise InputError(f'this needs the package {needs}; install it: pip install "emojimation[train]"') from None


@app.command()
def info(
    path: Source,
    ferplus: Ferplus = None,
    out: Annotated[Path | None, typer.Option(help="Write the counts as a bar chart (.png, .svg, .pdf).")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the pictures per class and split."""
    dataset = load(path, ferplus)
    if out is not None:
        chart(dataset, out)
    if as_json:
        typer.echo(json.dumps(summary(dataset), ensure_ascii=False))
        return
    console = Console()
    console.print(dataset.source, style="bold", soft_wrap=True)
    console.print(counts_table(dataset))
    votes = "with FER+ votes" if dataset.votes is not None else "without FER+ votes"
    console.print(
        f"{dataset.size_px}×{dataset.size_px} px, {votes}; sha256 of pixels and labels {dataset.sha256[:16]}…"
    )
    if out is not None:
        console.print(f"Chart: {out}", soft_wrap=True)


def chart(dataset: Dataset, out: Path) -> None:
    """Write the bar chart; InputError for a suffix that matplotlib cannot write or without matplotlib."""
    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(
            f"{out}: expected a chart file ending in .png, .svg or .pdf, found {out.suffix or 'no suffix'!r}"
        )
    report = extra("emojimation.training.report", "matplotlib")
    out.parent.mkdir(parents=True, exist_ok=True)
    report.class_bars(dataset, out)


def summary(dataset: Dataset) -> dict:
    """What `info --json` prints."""
    return {
        "source": dataset.source,
        "n": len(dataset),
        "size_px": dataset.size_px,
        "class_names": list(dataset.class_names),
        "counts": dataset.counts(),
        "ferplus": dataset.votes is not None,
        "sha256": dataset.sha256,
    }


def counts_table(dataset: Dataset) -> Table:
    """Classes down, splits across, with totals and shares."""
    counts = dataset.counts()
    table = Table(show_footer=True)
    table.add_column("class", "total")
    for split, numbers in counts.items():
        table.add_column(split, f"{sum(numbers.values()):,}", justify="right")
    table.add_column("all", f"{len(dataset):,}", justify="right")
    table.add_column("share", "100.0 %", justify="right")
    for name in dataset.class_names:
        row = [counts[split][name] for split in counts]
        cells = [f"{number:,}" for number in (*row, sum(row))]
        table.add_row(name, *cells, f"{100 * sum(row) / len(dataset):.1f} %")
    return table


@app.command()
def convert(
    source: Source,
    target: Annotated[Path, typer.Argument(help="File or new folder to write.", show_default=False)],
    format: Annotated[str | None, typer.Option(help=f"{', '.join(FORMATS)}; by the target's name if left out.")] = None,
    ferplus: Ferplus = None,
) -> None:
    """Write a data set in another shape: csv, folders or Parquet; every row, in its order."""
    chosen = format or format_of(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise InputError(f"{target}: source and target are the same; name another target")
    dataset = load(source, ferplus)
    save(dataset, target, chosen)
    typer.echo(f"{len(dataset):,} pictures written to {target} as {chosen}")
    if dataset.votes is not None and chosen != "parquet":
        typer.echo("FER+ votes were left out: only Parquet holds them.", err=True)
