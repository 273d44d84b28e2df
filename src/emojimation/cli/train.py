"""The command `train`. Heavy modules load when it runs, not before; `judge` has what follows a training."""

import statistics
from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.cli.ensemble import ensemble
from emojimation.cli.judge import DATA, FERPLUS, console, evaluate, export, need_training, print_scores
from emojimation.cli.report import report


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    for command in (train, evaluate, export, ensemble, report):
        app.command()(command)


def train(
    data: DATA,
    ferplus: FERPLUS = None,
    recipe: Annotated[str, typer.Option(help="Recipe of the package; see src/emojimation/recipes.")] = "default",
    model: Annotated[
        str | None, typer.Option(help="Network: vgg is the seed's; implies the recipe of that name.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/RECIPE-SEED.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the folder's checkpoint.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Time budget; the schedule ends with it.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    batch: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    precision: Annotated[str | None, typer.Option(help="auto, bfloat16 or float32.")] = None,
    exclude: Annotated[Path | None, typer.Option(help="csv of training rows to leave out, from `data audit`.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Fine-tune: a model of the package, or a run's weights.npz.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Distil: .npy of (n,classes) probabilities of the training rows, in order.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Train this many seeds from --seed on, and print the spread.")] = 1,
) -> None:
    """Train a network, calibrate it, export it and score the exported file on the validation split."""
    need_training()
    from emojimation.training import recipe as recipes
    from emojimation.training.data import load
    from emojimation.training.train import train as run
    from emojimation.training.train import without_rows

    chosen = recipes.load(model if model in recipes.names() else recipe)
    chosen = chosen.changed(
        model=model,
        epochs=epochs,
        minutes=minutes,
        seed=seed,
        batch=batch,
        learning_rate=learning_rate,
        precision=precision,
    )
    dataset = load(data, ferplus=ferplus)
    if exclude:
        dataset = without_rows(dataset, exclude)
    folder = out or Path("runs") / f"{model or recipe}-{seed}"
    accuracies = []
    for number in range(seed, seed + seeds):
        place = folder if seeds == 1 else folder / f"seed-{number}"
        with _bar() as bar:
            scores = run(dataset, chosen.changed(seed=number), place, resume, _reporter(bar), teacher, start)
        print_scores(scores)
        accuracies.append(scores["accuracy"])
        typer.echo(f"Run folder: {place} (model.onnx, model.keras, metrics.json, curves.png, history.json)", err=True)
    if seeds > 1:
        mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
        console.print(f"{seeds} seeds: accuracy {mean:.4f}, standard deviation {spread:.4f}")


def _bar() -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False),
    )  # fmt: skip
    return Progress(*columns, console=console)


def _reporter(bar: Any) -> Any:
    task = bar.add_task("train", total=1.0, epoch=0)

    def report(row: dict[str, float]) -> None:
        if "progress" in row:
            bar.update(task, completed=row["progress"], epoch=int(row["epoch"]) + 1)
            return
        bar.console.print(
            f"epoch {int(row['epoch']):3d}  loss {row['loss']:.3f}  val loss {row['val_loss']:.3f}  "
            f"val accuracy {row['val_accuracy']:.2%}  rate {row['rate']:.4f}  {row['minutes']:.1f} min"
        )

    return report
