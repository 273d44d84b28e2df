"""One training run: schedule, averaged weights, validation, early stopping, checkpoints that survive a crash."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emojimation.errors import InputError
from emojimation.training import metrics
from emojimation.training.batches import Batches, targets
from emojimation.training.dataset import Dataset
from emojimation.training.network import compiled, plain, predict_logits, save_weights, start_from
from emojimation.training.recipe import Recipe

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
    """The weights with the highest validation accuracy so far; epoch counts from 0."""

    accuracy: float = -1.0
    epoch: int = -1
    weights: list[np.ndarray] = field(default_factory=list)


class Average:
    """Exponential moving average of every weight, batch norm's statistics included, kept in float32 outside the model."""

    def __init__(self, decay: float, every: int = 4) -> None:
        self.decay, self.every, self.step = decay, every, 0
        self.weights: list[np.ndarray] | None = None

    def update(self, model: keras.Model) -> None:
        self.step += 1
        if not self.decay or self.step % self.every:
            return
        if self.weights is None:
            self.weights = [np.array(w) for w in model.get_weights()]
            return
        # The first steps count less, so that the start does not linger (as in TensorFlow's ExponentialMovingAverage).
        decay = min(self.decay, (1 + self.step) / (10 + self.step)) ** self.every
        for mean, weight in zip(self.weights, model.weights, strict=True):
            mean += (1 - decay) * (np.asarray(weight) - mean)


class Trainer:
    """The state of one run and its loop. `history` has one row an epoch, `best` what will be shipped."""

    def __init__(self, model: keras.Model, recipe: Recipe, folder: Path, val: Dataset, report: Report) -> None:
        self.model, self.recipe, self.folder, self.val, self.report = model, recipe, folder, val, report
        self.average = Average(recipe.ema)
        self.history: list[dict[str, float]] = []
        self.best = Best()
        self.spent_s, self.started, self.factor, self.rate = 0.0, time.monotonic(), 1.0, 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, those before a resume included."""
        return self.spent_s + time.monotonic() - self.started

    def run(self, batches: Batches, first: int = 0) -> None:
        """Train from epoch `first` to the end of the recipe, its patience or its time."""
        workers = max(1, (os.cpu_count() or 2) - 1)
        for epoch in range(first, self.recipe.epochs):
            self.model.reset_metrics()
            for index, batch in enumerate(batches.epoch(epoch, workers)):
                self._step(epoch, index, batches.steps, batch)
            self._end_of_epoch(epoch)
            if self._finished(epoch):
                return

    def _step(self, epoch: int, index: int, steps: int, batch: Any) -> None:
        progress = (epoch + index / steps) / self.recipe.epochs
        if self.recipe.minutes:
            progress = max(progress, self.elapsed_s / 60 / self.recipe.minutes)
        self.rate = self.factor * learning_rate(self.recipe, min(progress, 1.0))
        self.model.optimizer.learning_rate = self.rate
        x, goals, weights = batch
        logs = self.model.train_on_batch(x, goals, sample_weight=weights, return_dict=True)
        self.loss = float(logs["loss"])
        if not math.isfinite(self.loss):
            raise InputError(
                f"Expected a finite loss, got {self.loss} in epoch {epoch + 1}: lower the learning rate "
                f"(now {self.rate:.3g}); the last good checkpoint is kept in {self.folder}."
            )
        self.average.update(self.model)
        self.report({"epoch": epoch, "progress": progress})

    def _end_of_epoch(self, epoch: int) -> None:
        row = {"epoch": epoch + 1, "rate": self.rate, "loss": self.loss, **self._validate()}
        row["minutes"] = self.elapsed_s / 60
        self.history.append(row)
        if row["val_accuracy"] > self.best.accuracy:
            self.best = Best(row["val_accuracy"], epoch, [np.array(w) for w in self._shipped()])
        self._plateau()
        self._save(epoch)
        self.report(row)

    def _finished(self, epoch: int) -> bool:
        out_of_time = bool(self.recipe.minutes) and self.elapsed_s / 60 >= (self.recipe.minutes or 0)
        return out_of_time or bool(self.recipe.patience and epoch - self.best.epoch >= self.recipe.patience)

    def _shipped(self) -> list[np.ndarray]:
        """The weights that are judged and shipped: the average where there is one."""
        return self.average.weights if self.average.weights is not None else self.model.get_weights()

    def _validate(self) -> dict[str, float]:
        own = [np.array(w) for w in self.model.get_weights()]
        self.model.set_weights(self._shipped())
        logits = predict_logits(self.model, self.val.images)
        self.model.set_weights(own)
        return {
            "val_accuracy": float((logits.argmax(1) == self.val.labels).mean()),
            "val_loss": metrics.nll(metrics.softmax(logits), self.val.labels),
        }

    def _plateau(self) -> None:
        """Keras' ReduceLROnPlateau by the history: a fifth of the rate after five epochs without a lower validation loss."""
        losses = [row["val_loss"] for row in self.history]
        since = len(losses) - 1 - int(np.argmin(losses))
        if self.recipe.schedule == "plateau" and since and since % 5 == 0:
            self.factor *= 0.2

    def _save(self, epoch: int) -> None:
        state = {
            "epoch": epoch + 1, "history": self.history, "spent_s": self.elapsed_s, "step": self.average.step,
            "factor": self.factor, "best": [self.best.accuracy, self.best.epoch],
        }  # fmt: skip
        arrays: dict[str, Any] = {f"model_{i:04d}": np.asarray(v) for i, v in enumerate(self._variables())}
        arrays |= {f"average_{i:04d}": w for i, w in enumerate(self.average.weights or [])}
        arrays |= {f"best_{i:04d}": w for i, w in enumerate(self.best.weights)}
        partial = self.folder / "checkpoint.partial.npz"
        try:
            np.savez(partial, state=json.dumps(state), **arrays)
            os.replace(partial, self.folder / "checkpoint.npz")
            (self.folder / "history.json").write_text(json.dumps(self.history, indent=1))
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(
                f"Expected to write a checkpoint in {self.folder}, got {error.strerror}: make room and add --resume."
            ) from error

    def restore(self) -> int:
        """Load the folder's checkpoint; returns the epoch to go on with."""
        with np.load(self.folder / "checkpoint.npz") as saved:
            state = json.loads(str(saved["state"]))

            def group(name: str) -> list[np.ndarray]:
                return [saved[key] for key in sorted(saved.files) if key.startswith(f"{name}_")]

            for variable, value in zip(self._variables(), group("model"), strict=True):
                variable.assign(value)
            self.average.weights = group("average") or None
            accuracy, best_epoch = state["best"]
            self.best = Best(accuracy, best_epoch, group("best"))
        self.average.step, self.history, self.factor = state["step"], state["history"], state["factor"]
        self.spent_s, self.started = state["spent_s"], time.monotonic()
        return state["epoch"]

    def _variables(self) -> list[Any]:
        """All that a step changes: weights, dropout's random state, the optimizer's own."""
        return [
            *self.model.trainable_variables, *self.model.non_trainable_variables, *self.model.optimizer.variables,
        ]  # fmt: skip


def fit(
    train: Dataset,
    val: Dataset,
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    report: Report = lambda row: None,
    teacher: np.ndarray | None = None,
    start: list[np.ndarray] | None = None,
) -> Trainer:
    """Train `recipe` on `train`, judged on `val`; everything of the run is kept in `folder`.

    teacher: probabilities (n,classes) of the training rows to distil from. start: weights of the same network to begin
    with. Returns the trainer; `folder` then also holds model.keras and weights.npz of its best epoch.
    """
    keras.utils.set_random_seed(recipe.seed)
    goals = targets(train.labels, train.votes, len(train.class_names), recipe, teacher)
    model = compiled(recipe, len(train.class_names), train.size_px, "votes" in goals)
    if start is not None:
        start_from(model, start)
    trainer = Trainer(model, recipe, folder, val, report)
    folder.mkdir(parents=True, exist_ok=True)
    first = trainer.restore() if resume else 0
    (folder / "recipe.json").write_text(recipe.to_json())
    trainer.run(Batches(train.images, train.labels, goals, recipe), first)
    model.set_weights(trainer.best.weights)
    shipped = plain(model)
    shipped.save(folder / "model.keras")
    save_weights(shipped, recipe, folder / "weights.npz")
    return trainer
