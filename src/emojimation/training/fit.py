"""One training run: batches, schedule, averaged weights, validation, checkpoints that survive a crash."""

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
from emojimation.labels import FERPLUS_COLUMNS
from emojimation.training import metrics, models
from emojimation.training.batches import Batches, targets
from emojimation.training.recipe import Recipe

Report = Callable[[dict[str, float]], None]


def learning_rate(recipe: Recipe, progress: float) -> float:
    """The rate at `progress` in [0,1] of the run: linear warm-up, then by the schedule."""
    warmup = min(recipe.warmup_epochs / recipe.epochs, 0.5)
    if progress < warmup:
        return recipe.learning_rate * max(progress / warmup, 0.01)
    if recipe.schedule == "cosine":
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


class Trainer(keras.callbacks.Callback):
    """Drives one run inside `Model.fit`: sets the rate, averages, validates, keeps the best, writes the checkpoint."""

    def __init__(self, recipe: Recipe, folder: Path, val: tuple[np.ndarray, np.ndarray], report: Report) -> None:
        super().__init__()
        self.recipe, self.folder, self.val, self.report = recipe, folder, val, report
        self.average = Average(recipe.ema)
        self.history: list[dict[str, float]] = []
        self.best = Best()
        self.spent_s, self.started, self.factor = 0.0, time.monotonic(), 1.0

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, those before a resume included."""
        return self.spent_s + time.monotonic() - self.started

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        progress = (self.epoch + batch / self.params["steps"]) / self.recipe.epochs
        if self.recipe.minutes:
            progress = max(progress, self.elapsed_s / 60 / self.recipe.minutes)
        self.rate = self.factor * learning_rate(self.recipe, min(progress, 1.0))
        self.model.optimizer.learning_rate = self.rate
        self.report({"epoch": self.epoch, "step": batch, "steps": self.params["steps"], "progress": progress})

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.average.update(self.model)
        if not np.isfinite(logs["loss"]):
            raise InputError(
                f"Expected a finite loss, got {logs['loss']} in epoch {self.epoch + 1}: lower the learning rate "
                f"(now {self.rate:.3g}); the last good checkpoint is kept in {self.folder}."
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        row = {"epoch": epoch + 1, "rate": self.rate, "loss": float(logs["loss"]), **self._validate()}
        row["minutes"] = self.elapsed_s / 60
        self.history.append(row)
        if row["val_accuracy"] > self.best.accuracy:
            self.best = Best(row["val_accuracy"], epoch, [np.array(w) for w in self.shipped()])
        self._plateau()
        self._save(epoch)
        self.report(row)
        out_of_time = self.recipe.minutes and self.elapsed_s / 60 >= self.recipe.minutes
        if out_of_time or (self.recipe.patience and epoch - self.best.epoch >= self.recipe.patience):
            self.model.stop_training = True

    def shipped(self) -> list[np.ndarray]:
        """The weights that are judged and shipped: the average where there is one."""
        return self.average.weights if self.average.weights is not None else self.model.get_weights()

    def _validate(self) -> dict[str, float]:
        own = [np.array(w) for w in self.model.get_weights()]
        self.model.set_weights(self.shipped())
        images, labels = self.val
        logits = predict_logits(self.model, images)
        self.model.set_weights(own)
        return {
            "val_accuracy": float((logits.argmax(1) == labels).mean()),
            "val_loss": metrics.nll(metrics.softmax(logits), labels),
        }

    def _plateau(self) -> None:
        """Keras' ReduceLROnPlateau by the history: a fifth of the rate after five epochs without a lower validation loss."""
        if self.recipe.schedule != "plateau":
            return
        losses = [row["val_loss"] for row in self.history]
        since = len(losses) - 1 - int(np.argmin(losses))
        if since and since % 5 == 0:
            self.factor *= 0.2

    def _save(self, epoch: int) -> None:
        state = {
            "epoch": epoch + 1, "history": self.history, "spent_s": self.elapsed_s, "step": self.average.step,
            "factor": self.factor, "best": [self.best.accuracy, self.best.epoch],
        }  # fmt: skip
        arrays: dict[str, Any] = {f"model_{i:04d}": np.asarray(v) for i, v in enumerate(_state(self.model))}
        arrays |= {f"optimizer_{i:04d}": np.asarray(v) for i, v in enumerate(self.model.optimizer.variables)}
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

    def restore(self, model: keras.Model) -> int:
        """Load the folder's checkpoint into `model` and this callback; returns the epoch to go on with."""
        with np.load(self.folder / "checkpoint.npz") as saved:
            state = json.loads(str(saved["state"]))

            def group(name: str) -> list[np.ndarray]:
                return [saved[key] for key in sorted(saved.files) if key.startswith(f"{name}_")]

            for variable, value in zip(_state(model), group("model"), strict=True):
                variable.assign(value)
            for variable, value in zip(model.optimizer.variables, group("optimizer"), strict=True):
                variable.assign(value)
            self.average.weights = group("average") or None
            accuracy, best_epoch = state["best"]
            self.best = Best(accuracy, best_epoch, group("best"))
        self.average.step, self.history, self.factor = state["step"], state["history"], state["factor"]
        self.spent_s, self.started = state["spent_s"], time.monotonic()
        return state["epoch"]


def _state(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def predict_logits(model: keras.Model, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Logits (n,classes) float32 of pictures (n,h,w) uint8, whatever other heads the model has."""
    out = []
    for start in range(0, len(images), batch):
        y = model.predict_on_batch(images[start : start + batch, ..., None].astype(np.float32))
        out.append(np.asarray(y["logits"] if isinstance(y, dict) else y, np.float32))
    return np.concatenate(out)


def processor_has_bfloat16() -> bool:
    """Whether this machine computes bfloat16 in hardware (by Linux' processor flags; an accelerator always does)."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    flags = Path("/proc/cpuinfo")
    return flags.exists() and ("avx512_bf16" in (text := flags.read_text()) or "amx_bf16" in text)


def compiled(recipe: Recipe, classes: int, size: int, with_votes: bool) -> keras.Model:
    """The recipe's network with its optimizer and losses, ready for `fit`."""
    low = recipe.precision == "bfloat16" or (recipe.precision == "auto" and processor_has_bfloat16())
    keras.config.set_dtype_policy("mixed_bfloat16" if low else "float32")
    model = models.build(recipe.model, classes=classes, size=size, **recipe.options)
    keras.config.set_dtype_policy("float32")
    outputs = {"logits": model.output}
    if with_votes:
        features = model.get_layer("features").output
        outputs["votes"] = keras.layers.Dense(len(FERPLUS_COLUMNS), dtype="float32", name="votes")(features)
    model = keras.Model(model.input, outputs, name=model.name)
    kind = {"sgd": _sgd, "adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[recipe.optimizer]
    optimizer = kind(learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay or None)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    entropy = {name: keras.losses.CategoricalCrossentropy(from_logits=True) for name in outputs}
    weights = {"logits": 1.0, "votes": recipe.ferplus_head}
    model.compile(
        optimizer,
        entropy,
        loss_weights={name: weights[name] for name in outputs},
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def _sgd(**options: Any) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(momentum=0.9, nesterov=True, **options)


def fit(
    train: Any, val: Any, recipe: Recipe, folder: Path, resume: bool = False, report: Report = lambda row: None
) -> Trainer:
    """Train `recipe` on the `Dataset` `train`, judged on `val`; everything of the run is kept in `folder`.

    Returns the trainer: its `best` holds accuracy, epoch and weights, its `history` one row an epoch.
    """
    keras.utils.set_random_seed(recipe.seed)
    goals = targets(train.labels, train.votes, len(train.class_names), recipe)
    model = compiled(recipe, len(train.class_names), train.images.shape[1], "votes" in goals)
    model.optimizer.build(model.trainable_variables)
    trainer = Trainer(recipe, folder, (val.images, val.labels), report)
    trainer.set_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    first = trainer.restore(model) if resume else 0
    (folder / "recipe.json").write_text(recipe.to_json())
    if first < recipe.epochs:
        batches = Batches(train.images, goals, recipe, first)
        model.fit(batches, epochs=recipe.epochs, initial_epoch=first, callbacks=[trainer], verbose=0, shuffle=False)
    model.set_weights(trainer.best.weights)
    plain(model).save(folder / "model.keras")
    return trainer


def plain(model: keras.Model) -> keras.Model:
    """The same network in float32 of Keras' own layers with only the emotion head: what is saved and exported."""
    logits = keras.Model(model.input, model.get_layer("logits").output, name=model.name)

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        kind = keras.layers.BatchNormalization if isinstance(layer, models.BatchNorm) else type(layer)
        return kind.from_config(config)

    clone = keras.models.clone_model(logits, clone_function=copy)
    clone.set_weights(logits.get_weights())
    return clone
