"""Plots of data and training for reports. No window and no global state: matplotlib's `Figure` alone."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emojimation.training.data.dataset import Dataset
from emojimation.training.export.card import FER2013_COUNTS, OTHER_NAMES, SPLIT_NAMES

INK = "#1f2328"
FAINT = "#d0d7de"
SOFT = "#57606a"
PAPER = "#ffffff"
# Okabe and Ito's blue and vermilion: close in grey (lightness 46 and 54 of 100), so marks or lines differ as well.
BLUE, VERMILION = "#0072b2", "#d55e00"
LABEL_BOX = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6}
# Lightness falls from split to split, so that the bars stay apart in grey; hatches help where three meet.
SPLIT_STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": BLUE},
    "val": {"color": "#E69F00", "hatch": "///"},
    "test": {"color": "#C9D6DF", "hatch": "..."},
}


def class_bars(dataset: Dataset, path: str | Path) -> None:
    """Rows per class and split as a bar chart, written to `path` (.png, .svg or .pdf), at 160 dots an inch."""
    class_figure(dataset).savefig(path)


def class_figure(dataset: Dataset) -> Figure:
    """Rows per class and split as a bar chart."""
    counts = dataset.counts()
    figure = Figure(figsize=(max(8.0, 1.15 * len(dataset.class_names)), 4.8), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    width = 0.84 / len(counts)
    for k, (split, numbers) in enumerate(counts.items()):
        x = np.arange(len(numbers)) + (k - (len(counts) - 1) / 2) * width
        heights, words = list(numbers.values()), split_words(split, tuple(numbers.values()))
        bars = axes.bar(x, heights, width * 0.92, edgecolor=PAPER, label=words, **SPLIT_STYLES[split])
        axes.bar_label(
            bars, fmt="{:,.0f}", padding=2, fontsize=8 if len(counts) < 3 else 6.5, color=INK, bbox=LABEL_BOX
        )
    _dress(axes, dataset)
    return figure


def _dress(axes: Axes, dataset: Dataset) -> None:
    totals = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    shares = totals / max(1, totals.sum())
    ticks = [f"{name}\n{share:.1%}" for name, share in zip(dataset.class_names, shares, strict=True)]
    axes.set_xticks(range(len(ticks)), ticks, fontsize=9.5, color=INK)
    axes.set_ylabel("pictures", color=INK)
    axes.set_title(f"{len(dataset):,} pictures by class", loc="left", fontsize=13, fontweight="bold", color=INK, pad=22)
    sizes = f"{dataset.size_px}×{dataset.size_px} px, grey; per cent: share of all pictures"
    axes.text(0, 1.025, sizes, transform=axes.transAxes, fontsize=9, color=SOFT)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.grid(color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.margins(y=0.1)
    axes.legend(
        frameon=False, labelcolor=INK, fontsize=9, ncols=3, loc="lower right", bbox_to_anchor=(1, 1.05), borderpad=0
    )


def split_words(split: str, counts: tuple[int, ...]) -> str:
    """A split's name in a legend, with FER2013's own name where its class counts say that it is FER2013."""
    names = SPLIT_NAMES if counts in FER2013_COUNTS else OTHER_NAMES
    return names[split]


def training_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Loss and validation accuracy over the epochs, side by side, as a PNG."""
    curves_figure(history).savefig(path, dpi=130)


def curves_figure(history: list[dict[str, Any]]) -> Figure:
    """Loss and validation accuracy over the epochs, side by side; the best epoch is marked."""
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(11.1, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in history], color=BLUE, ls="--", label="training (augmented, all heads)")
    left.plot(epochs, [row["val_loss"] for row in history], color=VERMILION, label="validation")
    left.set_ylabel("cross-entropy (nats)")
    left.legend(frameon=False, labelcolor=INK)
    best = max(history, key=lambda row: row["val_accuracy"])
    point = (best["epoch"], 100 * best["val_accuracy"])
    right.plot(epochs, [100 * row["val_accuracy"] for row in history], color=VERMILION)
    right.plot(*point, "o", color=INK)
    # Under the curve's end there is room: validation accuracy climbs early.
    words, place = f"best {point[1]:.1f} % in epoch {point[0]}", {"xy": (0.97, 0.06), "xycoords": "axes fraction"}
    right.annotate(words, ha="right", color=INK, **place)
    right.set_ylabel("validation accuracy (%)")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        plain_axes(axes)
    return figure


def plain_axes(axes: Axes, grid: str = "both") -> None:
    """Two thin spines, a faint grid along `grid` ("x", "y" or "both"), everything in the ink's colour."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, length=3)
    axes.grid(axis=grid, color=FAINT, linewidth=0.7)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(INK)
