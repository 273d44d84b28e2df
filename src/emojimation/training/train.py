"""A whole run: fit, calibrate on the validation split, export, evaluate the exported file, draw the curves."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emojimation import __version__
from emojimation.classify.classifier import EmotionClassifier
from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.training.audit.exclude import read_exclude
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.fit.batches import LiveTeacher, StoredViews, Teacher
from emojimation.training.fit.network import load_start, predict_logits
from emojimation.training.fit.recipe import Recipe, read
from emojimation.training.fit.runs import load_keras, writing
from emojimation.training.fit.trainer import Report, fit
from emojimation.training.judge import calibrate
from emojimation.training.judge.evaluate import clear_threshold, commit, evaluate, same_photo
from emojimation.weights import manifest, resolve, sha256

PARITY_PICTURES = 500  # on which an exported file is compared with Keras
CARD_FIGURES = (
    "split",
    "n",
    "accuracy",
    "accuracy_ci95",
    "macro_f1",
    "balanced_accuracy",
    "ece",
    "nll",
    "accuracy_without_duplicates",
    "n_without_duplicates",
    "accuracy_without_same_photo",
    "n_without_same_photo",
    "ferplus_n",
    "ferplus_accuracy",
    "ferplus8_n",
    "ferplus8_accuracy",
)
FEW = {"train": 10, "val": 5, "test": 5}  # below as many images of a class, `thin_classes` warns


def train(
    dataset: Dataset,
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    report: Report = lambda row: None,
    teacher: str | Path | None = None,
    start: str | Path | None = None,
) -> dict[str, Any]:
    """Train on the training split, evaluate on the validation split; returns the metrics of the exported file.

    The epoch is chosen on the validation rows whose photo is not in training, see `unseen`.

    teacher: .npy of (n,classes) probabilities of the training rows, or a model that is asked about each view of them
    that the network sees, by name or path of its ONNX file. start: model of the package or weights.npz to begin
    with; its network replaces the recipe's. The folder then holds recipe.json, history.json, curves.png,
    checkpoint.npz, weights.npz, model.keras, model.onnx, metrics.json. Classes other than the seven emotions
    work too, in all commands. With a backend other than TensorFlow nothing is exported, and the figures are the
    validation accuracy alone.
    """
    whole = dataset
    dataset = prepared(dataset, recipe)
    train_rows = dataset.split("train")
    val_rows = unseen(dataset.split("val"), train_rows)
    recipe, weights = _started(recipe, start, resume)
    check_folder(folder, recipe, resume)
    lessons = None if teacher is None else teacher_of(teacher, train_rows)
    trainer = fit(train_rows, val_rows, recipe, folder, resume, report, lessons, weights)
    if find_spec("matplotlib"):  # a machine that only trains may lack the packages for plots and export
        from emojimation.training.report.plots import training_curves

        with writing(folder):
            training_curves(trainer.history, folder / "curves.png")
    if keras.backend.backend() != "tensorflow":  # tf2onnx reads TensorFlow's graphs alone
        return {"n": len(val_rows), "accuracy": trainer.best.accuracy}
    return finish(whole, folder)


def prepared(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The training and validation rows that a run of `recipe` learns and judges, in the classes of its network.

    Classes without any row in either split are no classes of the network. Raises InputError where a class has
    validation rows alone, where fewer than two classes are left, or for "labels": "ferplus" without votes.
    """
    for split in ("train", "val"):
        dataset.split(split)  # or it is named here that one is absent
    rows = dataset.take(dataset.splits != "test")
    if recipe.labels == "ferplus":
        rows = ferplus.in_classes(rows, ferplus.EIGHT)
    learned, judged = (set(rows.labels[rows.splits == split].tolist()) for split in ("train", "val"))
    untaught = ", ".join(rows.class_names[i] for i in sorted(judged - learned))
    if untaught:
        raise InputError(f"Expected training rows of every class, got none of {untaught}: add some, or omit the class.")
    if len(learned) < 2:
        names = ", ".join(rows.class_names[i] for i in learned)
        raise InputError(f"Expected at least two classes, got only {names!r}: add a folder per class.")
    return rows.with_classes([rows.class_names[i] for i in sorted(learned)])


def unseen(val: Dataset, train: Dataset) -> Dataset:
    """The validation rows whose photo is not in training as well: those that choose the epoch, which a copy that the
    network has memorised must not.

    All of them where fewer than half would be left, as with frames of one video.
    """
    seen = same_photo(val.images, train.images)
    return val if 2 * seen.sum() > len(val) else val.take(~seen)


def thin_classes(rows: Dataset) -> list[str]:
    """One line for each class with so few training or validation images that its figures mean little."""
    lines = []
    for split, numbers in rows.counts().items():
        few = [f"{name} ({number})" for name, number in numbers.items() if number < FEW[split]]
        if few and split != "test":
            lines.append(f"Fewer than {FEW[split]} {split} images: {', '.join(few)}; figures for these mean little.")
    return lines


def _started(recipe: Recipe, start: str | Path | None, resume: bool) -> tuple[Recipe, list[np.ndarray] | None]:
    """The recipe with the network and the provenance of what it starts from, and the weights; None for random ones.

    A recipe of an earlier run names its start, which has to be the same file still. A resumed run has its weights.
    """
    known = recipe.start.get("name")
    if start is None and (known is None or resume):
        return recipe, None
    path = start_file(str(start or known))
    digest = sha256(path)
    if start is None and digest != recipe.start.get("sha256"):
        raise InputError(
            f"Expected the weights that the recipe's run began with in {path}, got others (sha256 {digest[:16]}): give "
            "them by --from."
        )
    model, options, weights = load_start(path)
    return recipe.changed(model=model, options=options, start={"name": str(start or known), "sha256": digest}), weights


def start_file(start: str | Path) -> Path:
    """The weights to begin with: those of a model of the package by name, a run's folder, or a weights.npz."""
    if f"{start}.weights" in manifest():
        return resolve(f"{start}.weights")
    path = Path(start)
    return path / "weights.npz" if path.is_dir() else resolve(path)


def teacher_of(teacher: str | Path, rows: Dataset) -> Teacher:
    """The probabilities of a .npy file, the stored views of a folder, or the model of that name or path; InputError
    where its classes or its size are others than those of `rows`.
    """
    if (Path(teacher) / StoredViews.ANSWERS).is_file():
        return stored_views(Path(teacher), rows)
    if Path(teacher).suffix == ".npy":
        return read_teacher(Path(teacher), rows)
    model = EmotionClassifier(teacher, labels=rows.class_names)
    if (model.size, model.channels) != (rows.size_px, 1):
        raise InputError(
            f"Expected a teacher for grey images of {rows.size_px} pixels, got one for {model.size} pixels and "
            f"{model.channels} channels: export one of that size."
        )
    return LiveTeacher(model.predict, sha256(Path(model.card["path"])))


def stored_views(folder: Path, rows: Dataset) -> StoredViews:
    """The stored views of a folder; InputError where they are not of as many rows, classes and pixels as `rows`."""
    stored = StoredViews(folder, sha256(folder / StoredViews.ANSWERS))
    wanted = ((len(rows), rows.size_px, rows.size_px), (len(rows), len(rows.class_names)))
    try:
        got: Any = stored.shapes
    except (OSError, ValueError) as error:
        got = f"files that cannot be read ({error})"
    if got != wanted:
        raise InputError(
            f"Expected the views and answers of each epoch in {folder} as {wanted}, got {got}: store those of "
            f"{rows.source} with scripts/store_views.py."
        )
    return stored


def read_teacher(path: Path, rows: Dataset) -> np.ndarray:
    """Probabilities (n,classes) of a .npy file, one row for each of `rows`; InputError where they do not fit."""
    wanted = (len(rows), len(rows.class_names))
    try:
        probabilities = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"Expected a .npy file of shape {wanted}, got {path}, which is not one ({error}).") from error
    if probabilities.shape != wanted or not np.allclose(probabilities.sum(1), 1, atol=0.01):
        raise InputError(
            f"Expected probabilities of shape {wanted} that sum to 1, got {probabilities.shape} in {path}: "
            f"give one row for each training row of {rows.source}, in order."
        )
    return probabilities


def check_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Refuse to overwrite another run, to resume a missing run, or to resume with another recipe."""
    checkpoint = folder / "checkpoint.npz"
    if checkpoint.exists() and not resume:
        raise InputError(
            f"Expected a new run folder, got {folder}, which contains a run: add --resume or give another --out."
        )
    if not resume:
        return
    if not checkpoint.exists():
        raise InputError(f"Expected a run to resume in {folder}, got no checkpoint.npz there: omit --resume.")
    old = read(folder / "recipe.json")
    if (old.model, old.options, old.batch, old.seed) != (recipe.model, recipe.options, recipe.batch, recipe.seed):
        raise InputError(
            f"Expected the recipe of {folder}/recipe.json, got another model, batch or seed: use the same ones."
        )


def finish(dataset: Dataset, folder: Path, name: str = "", calibration: str = "temperature") -> dict[str, Any]:
    """Calibrate `folder`/model.keras on the validation split, export it, and score the exported file on it.

    calibration: one of `calibrate.KINDS`; "auto" takes the better one in cross-validation.
    """
    from emojimation.training.export.export import add_papers, metadata, to_onnx

    model = load_keras(folder)
    dataset = prepared(dataset, run_recipe(folder))
    val, trained_on = dataset.split("val"), dataset.split("train")
    logits = predict_logits(model, val.images)
    chosen, decided = calibrate.fit(logits, val.labels, calibration)
    probabilities = chosen(logits)
    papers: dict[str, Any] = {
        "temperature": round(chosen.temperature, 4),
        "calibration": {key: _rounded(value) for key, value in chosen.to_dict().items()},
        "threshold": clear_threshold(probabilities, val),
        "data_sha256": trained_on.sha256,
        "train_counts": list(trained_on.counts()["train"].values()),
        "commit": commit(),
    }
    target, sample, labels = folder / "model.onnx", val.images[:PARITY_PICTURES], dataset.class_names
    name = name or folder.resolve().name
    parity = to_onnx(model, target, chosen, metadata(name, model, labels, **papers), sample)
    scores = evaluate(EmotionClassifier(target, labels=labels).predict, dataset, "val", labels=labels)
    add_papers(target, metrics={key: _rounded(scores[key]) for key in CARD_FIGURES})
    scores |= {
        "model": name,
        "temperature": chosen.temperature,
        "threshold": papers["threshold"],
        "calibration": chosen.to_dict() | {"cross_validation": decided},
        "keras_onnx_parity": parity,
        "parity_n": len(sample),
        "train": {"n": len(trained_on), "sha256": trained_on.sha256, "counts": trained_on.counts()["train"]},
        "version": __version__,
    }
    write_whole(folder / "metrics.json", json.dumps(scores, indent=1).encode())
    with writing(folder):
        np.save(folder / "val_probabilities.npy", probabilities.astype(np.float32))
    return scores


def run_recipe(folder: Path) -> Recipe:
    """The recipe of a run folder, the default one where it has none."""
    path = folder / "recipe.json"
    return read(path) if path.is_file() else Recipe()


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def without_rows(dataset: Dataset, path: Path) -> Dataset:
    """The data set without the training rows that a csv of `data audit` lists; rows of other splits stay."""
    listed = np.isin(np.arange(len(dataset)), read_exclude(path, dataset.images))
    return dataset.take(~listed | (dataset.splits != "train"))
