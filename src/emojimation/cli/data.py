"""`emojimation data`: what a data set contains, conversion between its formats, and the audit."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from emojimation.cli.options import Command, Model, SkipBad
from emojimation.cli.printing import console as progress
from emojimation.cli.printing import counted
from emojimation.cli.scores import loaded
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.files import some
from emojimation.training.data.load import FORMATS, Dataset, format_of, save

app = typer.Typer(help="Crop, label, inspect, convert and audit a data set of faces.", no_args_is_help=True)

Source = Annotated[Path, typer.Argument(help="csv, gz, xz, zip, tar.gz, image folders or Parquet.", show_default=False)]
Ferplus = Annotated[Path | None, typer.Option(help="FER+ votes (fer2013new.csv), matched by row order.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]


@app.command()
def info(
    path: Source,
    ferplus: Ferplus = None,
    skip_bad: SkipBad = False,
    out: Annotated[Path | None, typer.Option(help="Write the counts as a bar chart (.png, .svg, .pdf).")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the images per class and split."""
    dataset = loaded(path, ferplus, skip_bad=skip_bad)
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
    need("train", "matplotlib")
    from emojimation.training.report import plots

    out.parent.mkdir(parents=True, exist_ok=True)
    plots.class_bars(dataset, out)


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
    """Classes as rows, splits as columns, with totals and shares."""
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
    format: Annotated[
        str | None, typer.Option(help=f"{', '.join(FORMATS)}; inferred from the target's name if omitted.")
    ] = None,
    ferplus: Ferplus = None,
    skip_bad: SkipBad = False,
) -> None:
    """Write a data set in another format: csv, folders or Parquet; every row, in order."""
    chosen = format or format_of(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise InputError(f"{target}: source and target are the same; name another target")
    dataset = loaded(source, ferplus, skip_bad=skip_bad)
    save(dataset, target, chosen)
    typer.echo(f"{len(dataset):,} images written to {target} as {chosen}")
    if dataset.votes is not None and chosen != "parquet":
        typer.echo("FER+ votes were left out: only Parquet can hold them.", err=True)


@app.command()
def crop(
    photos: Annotated[
        Path, typer.Argument(help="Folder of photos, perhaps in a folder per class.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(help="New folder for the crops.", show_default=False)],
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of a crop in pixels.")] = 96,
    every_face: Annotated[
        bool, typer.Option("--every-face", help="Crop all faces of a photo, not only the largest one.")
    ] = False,
) -> None:
    """Find and align the faces in photos, for training; folders are kept, and a contact sheet is written beside OUT."""
    from emojimation.detect import FaceDetector
    from emojimation.media import find_images
    from emojimation.training.data.crop import contact_sheet, crop_photos

    if not photos.is_dir():
        raise InputError(f"Expected a folder of photos, got {photos}.")
    files = find_images([photos])
    shown = track(files, "Cropping", console=progress, transient=True)
    done = crop_photos(shown, photos, out, FaceDetector(), size, every_face)
    typer.echo(f"{counted(len(done.written), 'face')} from {counted(len(files), 'photo')} written to {out}")
    if done.faceless:
        typer.echo(f"No face in {some([str(path) for path in done.faceless])}", err=True)
    for reason in done.unreadable.values():
        typer.echo(f"Skipped: {reason}", err=True)
    if not done.written:
        raise InputError(f"Expected faces in the photos of {photos}, found none.")
    sheet = contact_sheet(done.written, out.with_name(f"{out.resolve().name}-contact.jpg"))
    in_folders = all(face.parent != out for face in done.written)
    then = "train: emojimation train --from default --data" if in_folders else "label: emojimation data label"
    typer.echo(f"Look them over in {sheet} and delete bad ones; then {then} {out}")


@app.command(cls=Command)
def label(
    folder: Annotated[Path, typer.Argument(help="Folder of images, such as `data crop` writes.", show_default=False)],
    csv: Annotated[Path | None, typer.Option(help="Where labels are kept.", show_default="FOLDER/labels.csv")] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Your own classes, separated by commas.", show_default="the model's"),
    ] = None,
    model: Model = "default",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Label images by hand in the browser: the model's guess, keys 1 to 9, undo; continue where you stopped."""
    need("api")
    import webbrowser

    from emojimation.apps.label import app as page
    from emojimation.labels import label_set
    from emojimation.photos import largest_face
    from emojimation.pipeline import make_pipeline
    from emojimation.training.data.labelled import NAME

    if not folder.is_dir():
        raise InputError(f"Expected a folder of images, got {folder}.")
    pipeline = make_pipeline(model)
    labels = label_set(page.own_classes(classes.split(","))) if classes else pipeline.classifier.label_set
    sheet = page.Sheet(folder, csv or folder / NAME)

    def announce(address: str) -> None:
        typer.echo(f"Labelling {counted(len(sheet.paths), 'image')}: {address}  (Ctrl-C stops it)", err=True)
        if browser:
            webbrowser.open(address)

    page.serve(page.labelling(sheet, labels, lambda path: largest_face(path, pipeline)), port, announce)
    typer.echo(f"{len(sheet.labels)} of {len(sheet.paths)} labelled in {sheet.table}", err=True)


@app.command()
def audit(
    path: Source,
    ferplus: Ferplus = None,
    skip_bad: SkipBad = False,
    out: Annotated[Path, typer.Option(help="Folder for audit.html, audit.json and exclude.csv.")] = Path("audit"),
    probabilities: Annotated[
        Path | None,
        typer.Option(help=".npy of (n,classes) probabilities from a model not trained on these rows."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find duplicates, leaks, contradictions, blank images, non-faces and doubtful labels."""
    from emojimation.training.audit.audit import audit as examine
    from emojimation.training.audit.audit import write_json
    from emojimation.training.audit.exclude import write_exclude
    from emojimation.training.audit.page import write_page

    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: expected a folder to write to, found a file; name a folder with --out")
    dataset = loaded(path, ferplus, skip_bad=skip_bad)
    found = examine(dataset, None if probabilities is None else load_probabilities(probabilities))
    out.mkdir(parents=True, exist_ok=True)
    write_json(found, out / "audit.json")
    write_exclude(found, out / "exclude.csv")
    write_page(found, dataset, out / "audit.html")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    Console().print(findings_table(found))
    typer.echo(f"Open {out / 'audit.html'}; train without the flawed rows: --exclude {out / 'exclude.csv'}")


def load_probabilities(path: Path) -> np.ndarray:
    """The array in a .npy file; InputError if it has none."""
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected probabilities as .npy") from None
    except (ValueError, OSError, EOFError):
        raise InputError(f"{path}: not a .npy array; expected numpy.save of floats (n,classes)") from None


def findings_table(found: dict) -> Table:
    """The audit's main numbers."""
    identical, near = found["identical"], found["near"]
    table = Table("finding", show_header=True)
    table.add_column("number", justify="right")
    rows = {f"identical groups inside {split}": number for split, number in identical["groups_inside"].items()}
    rows |= {
        f"{split} images with an identical duplicate in train": n
        for split, n in identical["rows_with_twin_in_train"].items()
    }
    rows |= {f"{split} images whose photo is in train": n for split, n in near["rows_with_twin_in_train"].items()}
    rows |= {
        "near-duplicate pairs": near["near_pairs"],
        "identical groups with contradictory labels": identical["contradictory"],
        "near-duplicate groups with contradictory labels": near["contradictory"],
        "blank or uniform images": len(found["flat"]),
        "strongly doubted labels": found["doubt"]["strong"],
    }
    if found["not_a_face"] is not None:
        rows["not a face (FER+)"] = len(found["not_a_face"])
    rows["training rows in exclude.csv"] = found["exclude"]["n"]
    for words, number in rows.items():
        table.add_row(words, f"{number:,}")
    return table
