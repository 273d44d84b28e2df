"""Plots of what a model is worth: calibration, coverage, classes, corruptions; and any figure as themed SVG."""

import io
import re
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from emojimation.training.data.corrupt import words_of
from emojimation.training.report.report import BLUE, FAINT, INK, PAPER, SOFT, VERMILION, plain_axes

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
SEVERITIES = ("mild", "middle", "strong")
SHADES = {"mild": (PAPER, "o"), "middle": (ORANGE, "s"), "strong": (BLUE, "D")}


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
    bottom.set(xlabel="confidence of the answer (%)", ylabel="answers")
    plain_axes(top)
    plain_axes(bottom, "y")
    return figure


def coverage_figure(rows: list[dict[str, Any]], threshold: float | None) -> Figure:
    """What "not sure" buys: share of pictures answered against accuracy among them. rows: `metrics.coverage_curve`."""
    figure = Figure(figsize=(5.2, 5.2), layout="constrained")
    axes = figure.add_subplot()
    x, y = (100 * np.array([row[key] for row in rows]) for key in ("coverage", "accuracy"))
    axes.plot(x, y, color=BLUE, lw=1.8)
    axes.plot(x[:1], y[:1], "o", color=INK, mfc=PAPER, ms=7)
    all_words = f"every picture: {y[0]:.0f} % right"
    note: dict[str, Any] = {"textcoords": "offset points", "color": INK, "fontsize": 9, "ha": "right"}
    if threshold is not None:
        k = int(np.argmin([abs(row["threshold"] - threshold) for row in rows]))
        axes.plot(x[k], y[k], "D", color=VERMILION, ms=8)
        words = f"threshold {threshold:.2f}:\n{x[k]:.0f} % answered, {y[k]:.0f} % right"
        if x[k] > 90:  # the two points lie so close that one text has to do for both
            all_words = words
        else:
            axes.annotate(words, (x[k], y[k]), (-8, -32), **note)
    axes.annotate(all_words, (x[0], y[0]), (-6, -34 if "\n" in all_words else -16), **note)
    axes.set(xlabel="pictures answered (%)", ylabel="accuracy among the answered (%)", xlim=(0, 103))
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
    axes.plot(recall, y, "o", color=BLUE, ms=9, label="recall: found of those labelled so", clip_on=False)
    axes.plot(
        precision,
        y,
        "D",
        color=VERMILION,
        mfc=PAPER,
        mew=1.8,
        ms=8,
        clip_on=False,
        label="precision: right of those answered so",
    )
    axes.set_yticks(y, [f"{name} ({per_class[name]['n']:,})" for name in names])
    axes.set(xlabel="share of pictures (%)", xlim=(0, 100), ylim=(-0.6, len(names) - 0.4))
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
    axes.plot([], [], ls="--", color=SOFT, lw=1, label=f"untouched, {clean:.1f} %")
    axes.set_yticks(range(len(names)), [words_of(name) for name in names])
    axes.set(xlabel="accuracy (%)", xlim=(low, min(100, clean + 6)), ylim=(-0.6, len(names) - 0.4))
    plain_axes(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, labelcolor=INK, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return figure


def severity_words(number: int) -> tuple[str, ...]:
    """The names of `number` severities, mild first: of two, the middle and the strong one."""
    return SEVERITIES[-number:]
