"""Plots for reports: the data, the training, the metrics of a model; and any figure as themed SVG.

No window and no global state: matplotlib's `Figure` alone.
"""

import io
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emojimation.training.data.corrupt import words_of
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
ORANGE, GREY_BLUE = "#e69f00", "#c9d6df"
# Colours of a figure -> variables of the page's style sheet, so that one drawing serves light and dark.
THEME = {
    INK: "var(--ink)",
    FAINT: "var(--line)",
    SOFT: "var(--soft)",
    PAPER: "var(--paper)",
    BLUE: "var(--blue)",
    VERMILION: "var(--vermilion)",
    ORANGE: "var(--orange)",
    GREY_BLUE: "var(--pale)",
}
SEVERITIES = ("mild", "medium", "strong")
SHADES = {"mild": (PAPER, "o"), "medium": (ORANGE, "s"), "strong": (BLUE, "D")}


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
    axes.set_title(f"{len(dataset):,} images by class", loc="left", fontsize=13, fontweight="bold", color=INK, pad=22)
    sizes = f"{dataset.size_px}×{dataset.size_px} px, grey; percent: share of all images"
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
    if all("train_accuracy" in row for row in history):
        known = [100 * row["train_accuracy"] for row in history]
        right.plot(epochs, known, color=BLUE, ls="--", label="training rows (a sample, not augmented)")
    right.plot(epochs, [100 * row["val_accuracy"] for row in history], color=VERMILION, label="validation")
    right.plot(*point, "o", color=INK)
    # Under the curve's end there is room: validation accuracy climbs early.
    words, place = f"best {point[1]:.1f} % in epoch {point[0]}", {"xy": (0.97, 0.06), "xycoords": "axes fraction"}
    right.annotate(words, ha="right", color=INK, **place)
    right.set_ylabel("accuracy (%)")
    right.legend(frameon=False, labelcolor=INK, loc="upper left")
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


def themed_svg(figure: Figure, words: str) -> str:
    """A figure as inline SVG whose colours follow the page and whose text is text; `words` describe it to a reader."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": words}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in THEME.items():
        text = re.sub(re.escape(colour), variable, text, flags=re.IGNORECASE)
    # SVG attributes take no variables, styles do.
    text = re.sub(r'(stroke|fill)="(var\([^"]+\))"', r'style="\1: \2"', text)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="([^"]*)"', r'\1 width="100%" style="max-width: \2"', text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{words}"', 1)


def reliability_figure(rows: list[dict[str, Any]], ece: float) -> Figure:
    """Confidence against accuracy in bins, and below how many answers each bin has. rows: `metrics.reliability`."""
    figure = Figure(figsize=(5.2, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
    x, y, n = (np.array([row[key] for row in rows]) for key in ("confidence", "accuracy", "n"))
    top.plot([0, 100], [0, 100], ls="--", color=SOFT, lw=1)
    top.annotate("confidence = accuracy", (22, 24), rotation=45, rotation_mode="anchor", color=SOFT, fontsize=8.5)
    top.vlines(100 * x, 100 * x, 100 * y, color=VERMILION, lw=1)
    top.plot(100 * x, 100 * y, "o-", color=BLUE, lw=1.6, ms=5)
    top.set(ylabel="accuracy (%)", xlim=(0, 100), ylim=(0, 100))
    top.text(3, 93, f"calibration error (ECE) {100 * ece:.1f} %", color=INK, fontsize=10)
    bottom.bar(100 * x, n, width=4.5, color=BLUE)
    bottom.set(xlabel="confidence (%)", ylabel="predictions")
    plain_axes(top)
    plain_axes(bottom, "y")
    return figure


def coverage_figure(rows: list[dict[str, Any]], threshold: float | None) -> Figure:
    """The effect of "not sure": share answered against accuracy among these. rows: `metrics.coverage_curve`."""
    figure = Figure(figsize=(5.2, 5.2), layout="constrained")
    axes = figure.add_subplot()
    x, y = (100 * np.array([row[key] for row in rows]) for key in ("coverage", "accuracy"))
    axes.plot(x, y, color=BLUE, lw=1.8)
    axes.plot(x[:1], y[:1], "o", color=INK, mfc=PAPER, ms=7)
    all_words = f"every image: {y[0]:.0f} % correct"
    note: dict[str, Any] = {"textcoords": "offset points", "color": INK, "fontsize": 9, "ha": "right"}
    if threshold is not None:
        k = int(np.argmin([abs(row["threshold"] - threshold) for row in rows]))
        axes.plot(x[k], y[k], "D", color=VERMILION, ms=8)
        words = f"threshold {threshold:.2f}:\n{x[k]:.0f} % answered, {y[k]:.0f} % correct"
        if x[k] > 90:  # the two points lie so close that one text has to do for both
            all_words = words
        else:
            axes.annotate(words, (x[k], y[k]), (-8, -32), **note)
    axes.annotate(all_words, (x[0], y[0]), (-6, -34 if "\n" in all_words else -16), **note)
    axes.set(xlabel="images answered (%)", ylabel="accuracy among the answered (%)", xlim=(0, 103))
    axes.set_ylim(max(0, y.min() - 14), 101)
    plain_axes(axes)
    return figure


def class_scores_figure(per_class: dict[str, dict[str, float]]) -> Figure:
    """Recall and precision of each class, the best recall on top. per_class: `metrics.per_class`."""
    names = sorted(per_class, key=lambda name: per_class[name]["recall"])
    figure = Figure(figsize=(11.1, 0.9 + 0.42 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    recall, precision = (np.array([100 * per_class[name][key] for name in names]) for key in ("recall", "precision"))
    y = np.arange(len(names))
    axes.hlines(y, recall, precision, color=FAINT, lw=4)
    axes.plot(recall, y, "o", color=BLUE, ms=9, label="recall: correct among those with this label", clip_on=False)
    axes.plot(
        precision,
        y,
        "D",
        color=VERMILION,
        mfc=PAPER,
        mew=1.8,
        ms=8,
        clip_on=False,
        label="precision: correct among those with this prediction",
    )
    axes.set_yticks(y, [f"{name} ({per_class[name]['n']:,})" for name in names])
    axes.set(xlabel="share of images (%)", xlim=(0, 100), ylim=(-0.6, len(names) - 0.4))
    plain_axes(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, labelcolor=INK, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return figure


def corruption_figure(table: dict[str, Any]) -> Figure:
    """Accuracy under each corruption and severity, the most harmful on top. table: `corrupt.table`."""
    names = sorted(table["means"], key=lambda name: -table["means"][name])
    figure = Figure(figsize=(11.1, 1.1 + 0.42 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    clean = 100 * table["clean_accuracy"]
    low = max(0, 10 * int(min(100 * row["accuracy"] for row in table["rows"]) // 10) - 5)
    axes.axvline(clean, color=SOFT, ls="--", lw=1)
    for y, name in enumerate(names):
        values = [100 * row["accuracy"] for row in table["rows"] if row["corruption"] == name]
        axes.hlines(y, min(values), clean, color=FAINT, lw=4)
        for word, value in zip(severity_words(len(values)), values, strict=True):
            axes.plot(value, y, SHADES[word][1], color=INK, mfc=SHADES[word][0], ms=8, clip_on=False)
    for word in SEVERITIES:
        axes.plot([], [], SHADES[word][1], color=INK, mfc=SHADES[word][0], ms=8, label=word)
    axes.plot([], [], ls="--", color=SOFT, lw=1, label=f"clean, {clean:.1f} %")
    axes.set_yticks(range(len(names)), [words_of(name) for name in names])
    axes.set(xlabel="accuracy (%)", xlim=(low, min(100, clean + 6)), ylim=(-0.6, len(names) - 0.4))
    plain_axes(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, labelcolor=INK, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return figure


def severity_words(number: int) -> tuple[str, ...]:
    """The names of `number` severities, mild first: of two, the medium and the strong one."""
    return SEVERITIES[-number:]
