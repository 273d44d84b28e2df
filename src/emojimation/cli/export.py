"""The command `export`: a run's model as ONNX, ONNX in eight bits, .keras, .h5 or TFLite, each compared with Keras."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.cli.options import Data, Ferplus, GroupBy, Run, SkipBad
from emojimation.cli.printing import console
from emojimation.cli.scores import holding_out, loaded, print_scores
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.files import write_whole

FILES = {
    "onnx": "model.onnx",
    "int8": "model.int8.onnx",
    "keras": "calibrated.keras",
    "h5": "calibrated.h5",
    "tflite": "model.tflite",
    "tflite-int8": "model.int8.tflite",
}
FORMATS = tuple(FILES)


def export(
    run: Run,
    data: Data,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="onnx, int8 (ONNX in eight bits), keras, h5, tflite or tflite-int8 (its weights in eight bits).",
        ),
    ] = "onnx",
    name: Annotated[str, typer.Option(help="Name in the model's metadata.")] = "",
    ferplus: Ferplus = None,
    group_by: GroupBy = None,
    skip_bad: SkipBad = False,
    calibration: Annotated[
        str, typer.Option(help="For onnx: temperature, vector (scale and bias of each class), or auto: the better one.")
    ] = "temperature",
) -> None:
    """Export a run again: onnx is calibrated on the validation split of DATA, compared with Keras and scored.

    int8 is made from the run's ONNX file; keras, h5 (probabilities, not logits) and tflite from its Keras model with
    the calibration of the ONNX file, with labels.txt inside (h5: the attribute "labels"). Every file is compared with
    Keras on 500 validation images, and not written if it differs.
    """
    if format_ not in FORMATS:
        raise InputError(f"Expected --format {', '.join(FORMATS)}, got {format_!r}: use one of these.")
    from emojimation.training.fit import runs

    runs.need(run, "model.onnx" if format_ == "int8" else "model.keras")
    dataset = holding_out(loaded(data, ferplus, skip_bad=skip_bad), group_by)
    if format_ != "onnx":
        from emojimation.training.fit.backend import need_training

        need_training()
        from emojimation.training.train import prepared, run_recipe

        dataset = prepared(dataset, run_recipe(run))
    write_it: dict[str, Callable[[Path, Any, str], None]] = {
        "onnx": partial(_export_onnx, calibration=calibration),
        "int8": _export_int8,
        "keras": partial(_export_keras, format_="keras"),
        "h5": partial(_export_keras, format_="h5"),
        "tflite": partial(_export_keras, format_="tflite"),
        "tflite-int8": partial(_export_keras, format_="tflite-int8"),
    }
    write_it[format_](run, dataset, name)
    typer.echo(f"Written: {run / FILES[format_]}", err=True)


def _export_onnx(run: Path, dataset: Any, name: str, calibration: str) -> None:
    from emojimation.training.fit.backend import need_training

    need_training()
    from emojimation.training.train import finish

    scores = finish(dataset, run, name, calibration)
    print_scores(scores)
    _print_parity(scores["keras_onnx_parity"], scores["parity_n"])


def _print_parity(difference: float, n: int) -> None:
    console.print(f"largest difference of a probability from Keras on {n} images: {difference:.2g}")


def _export_int8(run: Path, dataset: Any, name: str) -> None:
    need("train", "onnx")
    from emojimation.training.export.quantize import to_int8
    from emojimation.weights import sha256

    source = run / "model.onnx"
    figures = to_int8(source, run / "model.int8.onnx", dataset, name) | {"source_sha256": sha256(source)}
    write_whole(run / "int8.json", json.dumps(figures, indent=1) + "\n")
    console.print(
        f"float {figures['accuracy_float']:.2%}, int8 {figures['accuracy']:.2%} on {figures['n']} validation images: "
        f"{0.0 - 100 * figures['accuracy_drop']:+.2f} points; same prediction on {figures['agreement']:.1%}"
    )
    console.print(
        f"largest difference of a probability {figures['largest_difference']:.3f}, mean "
        f"{figures['mean_difference']:.4f}"
    )
    console.print(
        f"one image, one thread: {figures['ms_float']:.2f} ms -> {figures['ms']:.2f} ms; "
        f"{figures['bytes_float'] / 1e6:.1f} MB -> {figures['bytes'] / 1e6:.1f} MB"
    )


def _export_keras(run: Path, dataset: Any, name: str, format_: str) -> None:
    """Write the run's Keras model with calibration and labels inside; these files have no name inside."""
    from emojimation.training.fit.backend import need_training

    need_training()
    from emojimation.training.export import export as files
    from emojimation.training.fit.runs import load_keras, saved_calibration
    from emojimation.training.train import PARITY_PICTURES

    to_format: dict[str, Callable[..., float]] = {
        "keras": files.to_keras,
        "h5": files.to_h5,
        "tflite": files.to_tflite,
        "tflite-int8": partial(files.to_tflite, weights="int8"),
    }
    images = dataset.split("val").images[:PARITY_PICTURES]
    given = (load_keras(run), run / FILES[format_], saved_calibration(run), images)
    difference = to_format[format_](*given, labels=dataset.class_names)
    _print_parity(difference, len(images))
