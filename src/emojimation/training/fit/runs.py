"""A run folder read back: what `emojimation train` left there, and one line for what is missing or foreign."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.training.judge.calibrate import Calibration
from emojimation.weights import sha256

NEEDED = (
    "n",
    "accuracy",
    "accuracy_ci95",
    "per_class",
    "confusion_matrix",
    "labels",
    "reliability",
    "coverage",
    "split",
)
# File -> keys that its object, or each row of it, has.
PARTS = {
    "history": ("epoch", "loss", "val_loss", "val_accuracy"),
    "recipe": ("model",),
    "corruptions": ("n", "clean_accuracy", "mean_accuracy", "ratio", "means", "rows"),
    "int8": ("n", "accuracy", "accuracy_float", "agreement", "ms", "ms_float", "bytes", "bytes_float", "source_sha256"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """The parsed files of a run folder; `history` is empty and the others None where a file is absent.

    metrics: metrics.json. history: one row an epoch. recipe: recipe.json. corruptions: corruptions.json, the table of
    `emojimation report --data`. int8: int8.json of `emojimation export --format int8`, None if model.onnx is another
    one by now.
    """

    folder: Path
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    recipe: dict[str, Any] | None
    corruptions: dict[str, Any] | None
    int8: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The model's name, or that of the folder."""
        return str(self.metrics.get("model") or self.folder.name)


def open_run(folder: Path) -> Run:
    """The run in `folder`; InputError where it is none, is damaged, or was written by another version."""
    metrics = _json(need(folder, "metrics.json"))
    missing = [key for key in NEEDED if key not in metrics]
    if missing:
        raise InputError(
            f"Expected the figures of this version in {folder}/metrics.json, got a file without {', '.join(missing)}: "
            f"run `emojimation export {folder} --data DATA` first."
        )
    read = {name: _optional(folder, name) for name in PARTS}
    int8 = read["int8"] if read["int8"] and read["int8"]["source_sha256"] == _sha256(folder / "model.onnx") else None
    return Run(folder, metrics, read["history"] or [], read["recipe"], read["corruptions"], int8)


def need(folder: Path, name: str) -> Path:
    """The path of `name` in a run folder; InputError where folder or file is missing."""
    if not folder.is_dir():
        raise InputError(
            f"Expected a run folder, got {folder}, which is not one: give the --out of `emojimation train`."
        )
    if not (folder / name).is_file():
        raise InputError(
            f"Expected {name} in the run folder {folder}, got none: finish the run with `emojimation train --resume`, "
            "or give the --out of another one."
        )
    return folder / name


def _optional(folder: Path, name: str) -> Any:
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    content = _json(path)
    for row in content if isinstance(content, list) else [content]:
        missing = [key for key in PARTS[name] if key not in row]
        if missing:
            raise InputError(
                f"Expected {', '.join(PARTS[name])} in {path}, got a file of another version without "
                f"{', '.join(missing)}: delete it and make it again."
            )
    return content


def _sha256(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"Expected JSON in {path}, got something else ({error}): write it again.") from error


def load_keras(folder: Path) -> Any:
    """The Keras model of a run folder; InputError where it is missing, damaged or of another version."""
    import keras

    path = need(folder, "model.keras")
    try:
        return keras.models.load_model(path)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"Expected a model of this version in {path}, got one that does not load ({reason}): train it again, or "
            f"export it with the version in {folder}/metrics.json."
        ) from error


def saved_calibration(folder: Path) -> Calibration:
    """The calibration of the exported model of a run, from its metrics.json."""
    metrics = _json(need(folder, "metrics.json"))
    if "calibration" not in metrics:
        raise InputError(
            f"Expected a calibration in {folder}/metrics.json, got a file of another version: run `emojimation export "
            f"{folder} --data DATA` first."
        )
    return Calibration.from_dict(metrics["calibration"])


def read_scores(path: Path) -> dict[str, Any]:
    """The JSON of `emojimation evaluate`; InputError where it is none."""
    if not path.is_file():
        raise InputError(f"Expected a JSON file of `emojimation evaluate`, got {path}, which is not a file.")
    scores = _json(path)
    missing = [key for key in ("split", "n", "accuracy", "accuracy_ci95") if key not in scores]
    if missing:
        raise InputError(
            f"Expected the JSON of `emojimation evaluate` in {path}, got one without {', '.join(missing)}."
        )
    return scores


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn disk errors on a run's files into one line."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"Expected to write the run's files in {folder}, got {error.strerror or error}: free space and continue "
            "with --resume."
        ) from error
