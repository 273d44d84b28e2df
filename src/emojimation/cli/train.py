"""The command `train`. Heavy modules load when it runs, not before."""

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.cli.options import Data, Ferplus, GroupBy, SkipBad
from emojimation.cli.printing import console
from emojimation.cli.scores import holding_out, loaded, print_scores
from emojimation.errors import InputError
from emojimation.files import write_whole


def train(
    data: Data,
    ferplus: Ferplus = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Bundled (default, ferplus, finetune, lite, resnet, seed, strided, vgg, wide), or a JSON file."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Network: vgg is the seed's; implies the recipe of the same name, if any.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/RECIPE-SEED.")] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue from the folder's checkpoint with the folder's recipe.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Time budget; the schedule is fitted to it.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the weights, the order and the augmentation.")] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Images per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="Peak of the schedule.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, bfloat16 or float32.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="dataset, or ferplus: eight classes with contempt, by the FER+ votes.")
    ] = None,
    exclude: Annotated[Path | None, typer.Option(help="csv of training rows to exclude, from `data audit`.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Fine-tune a bundled model, or a run's weights.npz, with the recipe finetune."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Distil from a model, by name or .onnx file, that answers for each view the network sees; from the "
            ".npy file of (n,classes) probabilities of the training rows, in order; or from a folder of stored views."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Train this many seeds, from --seed on, and print the spread.")] = 1,
    group_by: GroupBy = None,
    folds: Annotated[
        int, typer.Option(min=0, help="Cross-validate: train this many times, each time with another part held out.")
    ] = 0,
    skip_bad: SkipBad = False,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Also log the curves to tensorboard (in RUN), mlflow or wandb; may be repeated."),
    ] = None,
    tensorboard: Annotated[bool, typer.Option(help="The same as --track tensorboard.")] = False,
) -> None:
    """Train a network, calibrate it, export it and score the exported file on the validation split.

    If DATA has no validation split, such as your own folder of images, 15 % of each class is held out for it. Ctrl-C
    writes a checkpoint from which --resume continues.
    """
    from emojimation.training.fit.backend import need_training

    need_training()
    from emojimation.training.train import prepared, thin_classes, without_rows

    changes = {
        "model": model,
        "epochs": epochs,
        "minutes": minutes,
        "seed": seed,
        "batch": batch,
        "learning_rate": learning_rate,
        "precision": precision,
        "labels": labels,
    }
    name, chosen = _recipe(recipe, model, start, out if resume else None)
    chosen = chosen.changed(**changes)
    folder = out or Path("runs") / f"{name}-{chosen.seed}"
    whole = loaded(data, ferplus, skip_bad=skip_bad)
    if exclude:
        whole = without_rows(whole, exclude)
    runs = list(_runs(whole, chosen, folder, seeds, folds, group_by))
    for line in thin_classes(prepared(runs[0][1], chosen)):
        console.print(line)
    scores = []
    logged = [*(track or []), *(["tensorboard"] if tensorboard else [])]
    for place, dataset, one in runs:
        go_on = resume and (len(runs) == 1 or (place / "checkpoint.npz").exists())
        scores.append(_run(dataset, one, place, go_on, teacher, start, logged))
    if len(runs) > 1:
        _print_spread([one["accuracy"] for one in scores], "folds" if folds else "seeds")
    if folds:
        _write_folds(folder, scores)


def _runs(
    whole: Any, recipe: Any, folder: Path, seeds: int, folds: int, group_by: str | None
) -> Iterator[tuple[Path, Any, Any]]:
    """Folder, data set and recipe of each run: one, or one per seed or fold."""
    if folds == 1 or (folds and seeds > 1):
        raise InputError("Expected --folds of at least 2 without --seeds, got other numbers: use one of the two.")
    if folds:
        from emojimation.training.data.holdout import folds as split_in_folds

        for number, dataset in enumerate(split_in_folds(whole, folds, group_by), 1):
            yield folder / f"fold-{number}", dataset, recipe
        return
    dataset = holding_out(whole, group_by)
    for number in range(recipe.seed, recipe.seed + seeds):
        yield (folder if seeds == 1 else folder / f"seed-{number}"), dataset, recipe.changed(seed=number)


def _write_folds(folder: Path, scores: list[dict[str, Any]]) -> None:
    accuracies = [one["accuracy"] for one in scores]
    summary = {
        "folds": [{"n": one["n"], "accuracy": one["accuracy"]} for one in scores],
        "accuracy_mean": statistics.mean(accuracies),
        "accuracy_sd": statistics.stdev(accuracies),
    }
    write_whole(folder / "folds.json", json.dumps(summary, indent=1) + "\n")


def _print_spread(accuracies: list[float], what: str) -> None:
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    console.print(f"{len(accuracies)} {what}: accuracy {mean:.4f}, standard deviation {spread:.4f}")


def _recipe(recipe: str | None, model: str | None, start: str | None, resumed: Path | None) -> tuple[str, Any]:
    """Name and content of the recipe: the requested one, else that of the resumed run, the network or fine-tuning."""
    from emojimation.training.fit import recipe as recipes

    if recipe is None and resumed is not None and (resumed / "recipe.json").is_file():
        return resumed.name, recipes.read(resumed / "recipe.json")
    implied = str(model) if model in recipes.names() else "finetune" if start else "default"
    name = recipe or implied
    return Path(name).stem if recipe else str(model or name), recipes.load(name)


def _run(
    dataset: Any, recipe: Any, place: Path, resume: bool, teacher: str | None, start: str | None, logged: list[str]
) -> dict[str, Any]:
    """One seed, with a bar; prints the run folder and, after Ctrl-C, how to continue."""
    from emojimation.training.fit.events import trackers_of
    from emojimation.training.train import train as run

    trackers = trackers_of(logged, place)
    try:
        with _bar() as bar:
            report = _reporter(bar, trackers)
            scores = run(dataset, recipe, place, resume, report, teacher, start)
    except KeyboardInterrupt:
        if (place / "checkpoint.npz").exists():
            typer.echo(f"Interrupted. Continue with the same command and --resume --out {place}.", err=True)
        raise
    print_scores(scores)
    if "labels" not in scores:
        console.print(f"Not exported; to export: KERAS_BACKEND=tensorflow emojimation export {place} --data DATA")
        return scores
    typer.echo(f"Run folder: {place} (model.onnx, model.keras, metrics.json, curves.png, history.json)", err=True)
    return scores


def _bar() -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    return Progress(*columns, console=console)


def _reporter(bar: Any, trackers: list[Any]) -> Any:
    task = bar.add_task("train", total=1.0, epoch=0)

    def report(row: dict[str, float]) -> None:
        if "progress" in row:
            bar.update(task, completed=row["progress"], epoch=int(row["epoch"]) + 1)
            return
        for write in trackers:
            write(row)
        bar.console.print(
            f"epoch {int(row['epoch']):3d}  loss {row['loss']:.3f}  val loss {row['val_loss']:.3f}  "
            f"val accuracy {row['val_accuracy']:.2%}  rate {row['rate']:.4f}  {row['minutes']:.1f} min"
        )

    return report
