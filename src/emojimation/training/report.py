"""Pictures of data and runs, drawn with matplotlib: labelled with units, readable in grey."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def training_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Loss and validation accuracy over the epochs, side by side, as a PNG."""
    epochs = [row["epoch"] for row in history]
    best = max(history, key=lambda row: row["val_accuracy"])
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(
        epochs, [row["loss"] for row in history], color="#0072B2", ls="--", label="training (augmented, all heads)"
    )
    left.plot(epochs, [row["val_loss"] for row in history], color="#D55E00", label="validation")
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Loss")
    left.legend(frameon=False)
    right.plot(epochs, [100 * row["val_accuracy"] for row in history], color="#D55E00")
    right.plot(best["epoch"], 100 * best["val_accuracy"], "o", color="black")
    right.annotate(
        f"best {100 * best['val_accuracy']:.1f} % in epoch {best['epoch']}",
        (best["epoch"], 100 * best["val_accuracy"]), (-8, -18), textcoords="offset points", ha="right",
    )  # fmt: skip
    right.set(xlabel="epoch", ylabel="accuracy (%)", title="Validation accuracy")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=130)
