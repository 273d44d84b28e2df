"""The curves of a run for TensorBoard, beside its own plots: `tensorboard --logdir RUN/tensorboard`."""

from pathlib import Path
from typing import Any


class Events:
    """Called with the rows of a run, writes the figures of each epoch to an event file in `folder`.

    TensorFlow writes it, whatever backend trains; only looking at it needs TensorBoard itself. A resumed run adds a
    file, and TensorBoard joins them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def __call__(self, row: dict[str, float]) -> None:
        """Write the figures of an epoch; rows about single steps are left out."""
        if "val_loss" not in row:
            return
        import tensorflow as tf

        writer = self._writer = self._writer or tf.summary.create_file_writer(str(self.folder))
        for name, value in row.items():
            if name != "epoch":
                step, number = int(row["epoch"]), float(value)
                tf.raw_ops.WriteScalarSummary(writer=writer._resource, step=step, tag=name, value=number)
        writer.flush()
