"""One training run: schedule, averaged weights, validation, early stopping, checkpoints that survive a crash."""

import hashlib
import json
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emojimation.errors import InputError
from emojimation.files import usable_processors, write_whole
from emojimation.interrupt import Interrupt
from emojimation.training.data import ferplus
from emojimation.training.data.dataset import Dataset
from emojimation.training.fit import checkpoint
from emojimation.training.fit.batches import Batches, Goals, LiveTeacher, StoredViews, Teacher, targets, trust
from emojimation.training.fit.network import compiled, plain, predict_logits, save_weights, start_from, variables_of
from emojimation.training.fit.recipe import Recipe
from emojimation.training.fit.runs import writing
from emojimation.training.fit.steps import JaxSteps, steps_of
from emojimation.training.judge import metrics

Report = Callable[[dict[str, float]], None]


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress` in [0,1] of the run: linear warm-up, then by the schedule.

    cosine: half a cosine down to a thousandth. onecycle: the same with a warm-up of 30 % of the run. plateau: constant,
    reduced by the validation loss. constant: constant.
    """
    warmup = 0.3 if recipe.schedule == "onecycle" else min(recipe.warmup_epochs / recipe.epochs, 0.5)
    if progress < warmup:
        return recipe.learning_rate * max(progress / warmup, 0.01)
    if recipe.schedule in ("cosine", "onecycle"):
        return recipe.learning_rate * max(0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))), 1e-3)
    return recipe.learning_rate


@dataclass(slots=True)
class Best:
    """The weights with the best validation score so far, see `Recipe.best_by`; epoch counts from 0."""

    accuracy: float = -1.0
    epoch: int = -1
    weights: list[np.ndarray] = field(default_factory=list)


class Trainer:
    """The state of one run and its loop. `history` has one row an epoch, `best` what will be shipped."""

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        folder: Path,
        val: Dataset,
        report: Report,
        lessons: str = "",
        sample: Dataset | None = None,
    ) -> None:
        self.model, self.recipe, self.folder, self.val, self.report = model, recipe, folder, val, report
        self.lessons = lessons  # sha256 of what is learned: rows, labels, votes, teacher, weights of the rows
        self.sample = sample  # of the training rows, for the curve of their accuracy
        self.do = steps_of(model, recipe)
        self.history: list[dict[str, float]] = []
        self.best = Best()
        self.spent_s, self.started, self.factor, self.rate = 0.0, time.monotonic(), 1.0, 0.0
        self.epoch, self.index = 0, 0  # the step that comes next
        self.loss: Any = 0.0  # mean over the steps of this epoch; on a device until it ends

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, those before a resume included."""
        return self.spent_s + time.monotonic() - self.started

    def run(self, batches: Batches) -> None:
        """Train to the end of the recipe, its patience or its time.

        Ctrl-C lets the current step finish, writes a checkpoint and raises KeyboardInterrupt.
        """
        workers = batches.workers(usable_processors())
        stream = batches.stream(self.epoch, workers, self.index, processes=isinstance(self.do, JaxSteps))
        with Interrupt() as ctrl_c, closing(stream):
            while self.epoch < self.recipe.epochs and not self._finished():
                while self.index < batches.steps and not ctrl_c.asked:
                    self._step(batches.steps, next(stream))
                if self.index == batches.steps:
                    self._end_of_epoch()
                if ctrl_c.asked:
                    self._check_loss()
                    self.do.publish()
                    self._save()
                    raise KeyboardInterrupt
        self.report({"epoch": max(self.epoch - 1, 0), "progress": 1.0})

    def _step(self, steps: int, batch: Any) -> None:
        progress = (self.epoch + self.index / steps) / self.recipe.epochs
        if self.recipe.minutes:
            progress = max(progress, self.elapsed_s / 60 / self.recipe.minutes)
        self.rate = self.factor * learning_rate(self.recipe, min(progress, 1.0))
        loss = self.do(batch, self.rate)
        self.index += 1
        self.loss += (loss - self.loss) / self.index
        if isinstance(loss, float):
            self._check_loss()
        self.report({"epoch": self.epoch, "progress": progress})

    def _check_loss(self) -> None:
        self.loss = float(self.loss)
        if math.isfinite(self.loss):
            return
        kept = (self.folder / checkpoint.NAME).exists()
        raise InputError(
            f"Expected a finite loss, got {self.loss} in epoch {self.epoch + 1}: lower the learning rate (now "
            f"{self.rate:.3g}); "
            + (f"the last good checkpoint is kept in {self.folder}." if kept else "there is no checkpoint yet.")
        )

    def _end_of_epoch(self) -> None:
        self._check_loss()
        self.do.publish()
        row = {"epoch": self.epoch + 1, "rate": self.rate, "loss": self.loss, **self._validate()}
        row["minutes"] = self.elapsed_s / 60
        self.history.append(row)
        if self._better(row):
            self.best = Best(row["val_accuracy"], self.epoch, [np.array(w) for w in self._shipped()])
        self._plateau()
        self.epoch, self.index, self.loss = self.epoch + 1, 0, 0.0
        self._save()
        self.report(row)

    def _better(self, row: dict[str, float]) -> bool:
        """Whether no epoch before scored as well as `row`."""
        if self.best.epoch < 0 or self.recipe.best_by == "last":
            return True
        best = self.history[self.best.epoch]
        if self.recipe.best_by == "accuracy":
            return row["val_accuracy"] > best["val_accuracy"]
        key = "val_calibrated_loss" if "val_calibrated_loss" in best else "val_loss"  # an older checkpoint's best
        return row[key] < best[key]

    def _finished(self) -> bool:
        done = self.epoch - 1
        out_of_time = bool(self.recipe.minutes) and self.elapsed_s / 60 >= (self.recipe.minutes or 0)
        idle = bool(self.recipe.patience) and done - self.best.epoch >= self.recipe.patience
        return done >= 0 and self.index == 0 and (out_of_time or idle)

    def _shipped(self) -> list[np.ndarray]:
        """The weights that are evaluated and shipped: the average if there is one."""
        return self.do.average if self.do.average is not None else self.model.get_weights()

    def _validate(self) -> dict[str, float]:
        own = [np.array(w) for w in self.model.get_weights()]
        self.model.set_weights(self._shipped())
        logits = predict_logits(self.model, self.val.images)
        known = {} if self.sample is None else {"train_accuracy": self._accuracy(self.sample)}
        self.model.set_weights(own)
        labels = self.val.labels
        calibrated = logits / metrics.fit_temperature(logits, labels)
        return {
            "val_accuracy": float((logits.argmax(1) == labels).mean()),
            "val_loss": metrics.nll(metrics.softmax(logits), labels),
            "val_calibrated_loss": metrics.nll(metrics.softmax(calibrated), labels),
            **known,
        }

    def _accuracy(self, rows: Dataset) -> float:
        return float((predict_logits(self.model, rows.images).argmax(1) == rows.labels).mean())

    def _plateau(self) -> None:
        """Keras' ReduceLROnPlateau by the history: a fifth of the rate after five epochs without a lower validation
        loss.
        """
        losses = [row["val_loss"] for row in self.history]
        since = len(losses) - 1 - int(np.argmin(losses))
        if self.recipe.schedule == "plateau" and since and since % 5 == 0:
            self.factor *= 0.2

    def _save(self) -> None:
        state = {
            "epoch": self.epoch,
            "index": self.index,
            "loss": self.loss,
            "history": self.history,
            "spent_s": self.elapsed_s,
            "step": self.do.count,
            "factor": self.factor,
            "best": [self.best.accuracy, self.best.epoch],
            "lessons": self.lessons,
        }
        variables = [np.asarray(v) for v in self._variables()]
        groups = {"model": variables, "average": self.do.average or [], "best": self.best.weights}
        try:
            checkpoint.save(self.folder, state, groups)
            write_whole(self.folder / "history.json", json.dumps(self.history, indent=1).encode())
        except InputError as error:
            raise InputError(f"{error} The previous checkpoint is intact; continue with --resume.") from error

    def restore(self) -> None:
        """Load the folder's checkpoint; InputError where it is damaged, of another version or of another network."""
        state, groups = checkpoint.read(self.folder)
        variables, values = self._variables(), groups.get("model", [])
        if [tuple(v.shape) for v in variables] != [v.shape for v in values]:
            raise checkpoint.foreign(self.folder)
        if state["lessons"] != self.lessons:
            raise InputError(
                f"Expected the rows, votes, teacher and targets that the run in {self.folder} began with, got others: "
                "give the same --data, --ferplus, --teacher, --exclude and recipe."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.do.adopt(groups.get("average"), state["step"])
        accuracy, epoch = state["best"]
        self.best = Best(accuracy, epoch, groups.get("best", []))
        self.history, self.factor = state["history"], state["factor"]
        self.epoch, self.index, self.loss = state["epoch"], state["index"], state["loss"]
        self.spent_s, self.started = state["spent_s"], time.monotonic()

    def _variables(self) -> list[Any]:
        return [v for group in variables_of(self.model) for v in group]


def fit(
    train: Dataset,
    val: Dataset,
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    report: Report = lambda row: None,
    teacher: Teacher | None = None,
    start: list[np.ndarray] | None = None,
) -> Trainer:
    """Train `recipe` on `train`, evaluated on `val`; everything about the run is kept in `folder`.

    teacher: to distil from, see `batches.Teacher`. start: initial weights from the same network. Returns the trainer;
    `folder` then also holds model.keras and weights.npz of its best epoch. Raises InputError for a loss that is not
    finite, a full disk, or a checkpoint that does not fit; KeyboardInterrupt after Ctrl-C, with a checkpoint from which
    `resume` continues.
    """
    keras.utils.set_random_seed(recipe.seed)
    live = teacher if isinstance(teacher, LiveTeacher | StoredViews) else None
    fixed = teacher if isinstance(teacher, np.ndarray) else None
    goals = targets(train.labels, ferplus.votes_of(train), len(train.class_names), recipe, fixed)
    model = compiled(recipe, len(train.class_names), train.size_px, "votes" in goals)
    if start is not None:
        start_from(model, start)
    trusted = trust(train, recipe)
    lessons = goals if trusted is None else {**goals, "trust": trusted}
    if live is not None:
        lessons = {**lessons, "teacher": np.frombuffer(live.sha256.encode(), np.uint8)}
    trainer = Trainer(model, recipe, folder, val, report, _digest(train, lessons), _sample(train))
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if resume:
        trainer.restore()
    write_whole(folder / "recipe.json", recipe.to_json().encode())
    trainer.run(Batches(train.images, train.labels, goals, recipe, trusted, live))
    model.set_weights(trainer.best.weights)
    shipped = plain(model)
    with writing(folder):
        shipped.save(folder / "model.keras")
        save_weights(shipped, recipe, folder / "weights.npz")
    return trainer


def _sample(train: Dataset, number: int = 1000) -> Dataset:
    """At most `number` random training rows: without augmentation, they show how much the network has memorised."""
    return train.take(np.sort(np.random.default_rng(0).permutation(len(train))[:number]))


def _digest(train: Dataset, goals: Goals) -> str:
    digest = hashlib.sha256(train.sha256.encode())
    for name in sorted(goals):
        digest.update(np.ascontiguousarray(goals[name]).data)
    return digest.hexdigest()
