"""The commands of the training side: train, evaluate, export. Heavy modules load when a command runs, not before."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from emojimation.errors import InputError

DATA = Annotated[Path, typer.Option("--data", help="FER2013 in any of its shapes, or a folder per class.")]
FERPLUS = Annotated[Path | None, typer.Option("--ferplus", help="fer2013new.csv with the FER+ votes, row by row.")]
console = Console(stderr=True)


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    for command in (train, evaluate, export):
        app.command()(command)


def _need_training() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")
    try:
        import keras  # noqa: F401
    except ImportError as error:
        raise InputError(
            f'Expected the training packages, got none ({error.name} is missing): pip install "emojimation[train]".'
        ) from error


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
) -> None:
    """Train a network, calibrate it, export it and score the exported file on the validation split."""
    _need_training()
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
    with _bar() as bar:
        scores = run(dataset, chosen, folder, resume, _reporter(bar))
    _print_scores(scores)
    typer.echo(f"Run folder: {folder} (model.onnx, model.keras, metrics.json, curves.png, history.json)", err=True)


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


def _print_scores(scores: dict[str, Any]) -> None:
    shown = (
        "n",
        "accuracy",
        "macro_f1",
        "ece",
        "accuracy_without_duplicates",
        "ferplus_accuracy",
        "temperature",
        "threshold",
    )
    for key in shown:
        if scores.get(key) is not None:
            value = scores[key]
            console.print(f"{key:>30}  {value:.4f}" if isinstance(value, float) else f"{key:>30}  {value}")


def evaluate(
    data: DATA,
    split: Annotated[str, typer.Option(help="train, val (PublicTest) or test (PrivateTest).")] = "val",
    model: Annotated[str, typer.Option(help="Name of a model in the package, or path of an ONNX file.")] = "default",
    train_data: Annotated[
        Path | None, typer.Option(help="What the model was trained on, if it is not in DATA: twins are counted apart.")
    ] = None,
    ferplus: FERPLUS = None,
    tta: Annotated[bool, typer.Option(help="Mean of each picture and its mirror image.")] = False,
    threads: Annotated[int, typer.Option(min=1)] = 1,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - is standard output.")
    ] = None,
) -> None:
    """Score a model file on one split: accuracy with interval, calibration, duplicates apart, FER+ labels."""
    from emojimation.classify import EmotionClassifier
    from emojimation.training import evaluate as scoring
    from emojimation.training.data import load

    classifier = EmotionClassifier(model, threads=threads)
    dataset = load(data, ferplus=ferplus, size=classifier.size)
    seen = load(train_data, size=classifier.size) if train_data else None
    scores = {"model": model, **scoring.evaluate(classifier.predict, dataset, split, seen, tta)}
    text = json.dumps(scores, indent=1)
    if str(json_out) == "-":
        typer.echo(text)
        return
    if json_out:
        json_out.parent.mkdir(parents=True, exist_ok=True)
        json_out.write_text(text + "\n")
    _print_scores(scores)


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `emojimation train`.")],
    data: DATA,
    format_: Annotated[str, typer.Option("--format", help="onnx or tflite.")] = "onnx",
    name: Annotated[str, typer.Option(help="Name that the model gives itself.")] = "",
    ferplus: FERPLUS = None,
) -> None:
    """Export a run again: calibrated on the validation split of DATA, checked against Keras, scored."""
    _need_training()
    if not (run / "model.keras").exists():
        raise InputError(f"Expected a run folder with model.keras, got {run}: give the --out of `emojimation train`.")
    from emojimation.training.data import load
    from emojimation.training.train import finish

    dataset = load(data, ferplus=ferplus)
    scores = finish(dataset, run, name)
    if format_ == "tflite":
        import keras

        from emojimation.training.export import to_tflite

        model, images = keras.models.load_model(run / "model.keras"), dataset.split("val").images[:500]
        difference = to_tflite(model, run / "model.tflite", scores["temperature"], images)
        console.print(f"largest difference to Keras on {len(images)} pictures: {difference:.4f}")
    elif format_ != "onnx":
        raise InputError(f"Expected --format onnx or tflite, got {format_!r}.")
    _print_scores(scores)
    typer.echo(f"Written: {run}/model.{format_}", err=True)
