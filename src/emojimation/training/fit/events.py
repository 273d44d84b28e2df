"""The curves of a run for other programs, beside its own plots: TensorBoard, MLflow, Weights & Biases."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emojimation.errors import InputError

Row = dict[str, float]


class TensorBoard:
    """Called with the rows of a run, writes the figures of each epoch to an event file in RUN/tensorboard.

    TensorFlow writes it, whatever backend trains; only looking at it needs TensorBoard itself. A resumed run adds a
    file, and TensorBoard joins them.
    """

    def __init__(self, run: Path) -> None:
        self.folder = run / "tensorboard"
        self._writer: Any = None

    def __call__(self, row: Row) -> None:
        """Write the figures of an epoch; rows about single steps are left out."""
        if "val_loss" not in row:
            return
        import tensorflow as tf

        writer = self._writer = self._writer or tf.summary.create_file_writer(str(self.folder))
        for name, value in _figures(row).items():
            tf.raw_ops.WriteScalarSummary(writer=writer._resource, step=int(row["epoch"]), tag=name, value=value)
        writer.flush()


class Mlflow:
    """Logs the figures of each epoch to MLflow, where its own settings say; by default in the folder `mlruns`."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._id: str | None = None

    def __call__(self, row: Row) -> None:
        """Log the figures of an epoch."""
        if "val_loss" not in row:
            return
        import mlflow

        if self._id is None:
            self._id = mlflow.start_run(run_name=self.run.name).info.run_id
            mlflow.end_run()
        mlflow.log_metrics(_figures(row), step=int(row["epoch"]), run_id=self._id)


class Wandb:
    """Logs the figures of each epoch to Weights & Biases, with its own settings, such as WANDB_MODE=offline."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._run: Any = None

    def __call__(self, row: Row) -> None:
        """Log the figures of an epoch."""
        if "val_loss" not in row:
            return
        import wandb

        self._run = self._run or wandb.init(project="emojimation", name=self.run.name, dir=self.run)
        self._run.log(_figures(row), step=int(row["epoch"]))


TRACKERS: dict[str, tuple[str, Callable[[Path], Callable[[Row], None]]]] = {
    "tensorboard": ("tensorflow", TensorBoard),
    "mlflow": ("mlflow", Mlflow),
    "wandb": ("wandb", Wandb),
}


def trackers_of(names: list[str], run: Path) -> list[Callable[[Row], None]]:
    """What the rows of a run are handed to. Raises InputError for another name and a package that is missing."""
    for name in names:
        if name not in TRACKERS:
            raise InputError(f"Expected --track {', '.join(TRACKERS)}, got {name!r}.")
        if find_spec(TRACKERS[name][0]) is None:
            raise InputError(f"Expected the package {TRACKERS[name][0]} for --track {name}, which is not installed.")
    return [TRACKERS[name][1](run) for name in names]


def _figures(row: Row) -> Row:
    return {name: float(value) for name, value in row.items() if name != "epoch"}
