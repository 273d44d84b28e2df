"""Pictures for reports: the only module that imports matplotlib. No window and no global state: `Figure` alone."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emojimation.training.dataset import Dataset

INK = "#1f2328"
FAINT = "#d0d7de"
LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
# Lightness falls from split to split, so that the bars stay apart in grey; hatches help where three meet.
SPLIT_STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": "#0072B2", "label": "train (Training)"},
    "val": {"color": "#E69F00", "label": "val (PublicTest)", "hatch": "///"},
    "test": {"color": "#C9D6DF", "label": "test (PrivateTest)", "hatch": "..."},
}


def class_bars(dataset: Dataset, path: str | Path) -> None:
    """Rows per class and split as a bar chart, written to `path` (.png, .svg or .pdf), at 160 dots an inch."""
    counts = dataset.counts()
    figure = Figure(figsize=(max(8.0, 1.15 * len(dataset.class_names)), 4.8), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    width = 0.84 / len(counts)
    for k, (split, numbers) in enumerate(counts.items()):
        x = np.arange(len(numbers)) + (k - (len(counts) - 1) / 2) * width
        bars = axes.bar(x, list(numbers.values()), width * 0.92, edgecolor="white", **SPLIT_STYLES[split])
        axes.bar_label(
            bars, fmt="{:,.0f}", padding=2, fontsize=8 if len(counts) < 3 else 6.5, color=INK, bbox=LABEL_BOX
        )
    _dress(axes, dataset)
    figure.savefig(path)


def _dress(axes: Axes, dataset: Dataset) -> None:
    totals = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    shares = totals / max(1, totals.sum())
    ticks = [f"{name}\n{share:.1%}" for name, share in zip(dataset.class_names, shares, strict=True)]
    axes.set_xticks(range(len(ticks)), ticks, fontsize=9.5, color=INK)
    axes.set_ylabel("pictures", color=INK)
    axes.set_title(f"{len(dataset):,} pictures by class", loc="left", fontsize=13, fontweight="bold", color=INK, pad=22)
    sizes = f"{dataset.size_px}×{dataset.size_px} px, grey; per cent: share of all pictures"
    axes.text(0, 1.025, sizes, transform=axes.transAxes, fontsize=9, color="#57606a")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.grid(color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.margins(y=0.1)
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="lower right", bbox_to_anchor=(1, 1.05), borderpad=0)


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
        axes.grid(color=FAINT, linewidth=0.7)
    figure.savefig(path, dpi=130)
