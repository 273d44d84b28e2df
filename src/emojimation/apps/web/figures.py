"""The model page's figures, from the output of `evaluate --json` and of a training."""

from typing import Any

import altair as alt
import streamlit as st

from emojimation.apps.web.widgets import html
from emojimation.labels import LabelSet, label_set

HEIGHT = 300
Cell = tuple[str, float | None]  # its text, and how deep it is tinted, 0 to 1


def scale_of(labels: LabelSet) -> alt.Scale:
    """The colours of the classes as a scale."""
    return alt.Scale(domain=list(labels.names), range=list(labels.colours))


def confusion(table: tuple[list[str], list[list[int]]]) -> None:
    """Label by prediction, each row in percent, tinted by share. table: names of the classes, and the matrix."""
    names, matrix = table
    totals = [max(sum(counts), 1) for counts in matrix]
    rows: list[tuple[str, list[Cell]]] = [
        (name, [(f"{100 * count / total:.0f}", 0.75 * count / total) for count in counts])
        for name, counts, total in zip(names, matrix, totals, strict=True)
    ]
    _matrix("confusion matrix", names, rows, "90 63 208")


def reliability(rows: list[dict[str, float]]) -> None:
    """Accuracy over confidence; the size of a point is the number of images."""
    line = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        strokeDash=[5, 5], color="#8a8494"
    )
    points = (
        alt.Chart(alt.Data(values=rows))
        .mark_circle(color="#5a3fd0", opacity=0.9)
        .encode(
            x=alt.X("confidence:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("accuracy:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[30, 500])),
            tooltip=[alt.Tooltip("confidence:Q", format=".0%"), alt.Tooltip("accuracy:Q", format=".0%"), "n:Q"],
        )
    )
    _show(line.encode(x="x:Q", y="y:Q") + points, "Accuracy over stated confidence")


def classes(table: dict[str, dict[str, float]]) -> None:
    """Images per class, labelled with the recall."""
    rows = [{"emotion": name, "pictures": int(row["n"]), "recall": row["recall"]} for name, row in table.items()]
    most = max(int(row["n"]) for row in table.values())
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("emotion:N", sort=list(table), title=None),
        x=alt.X("pictures:Q", title="images", stack=None, scale=alt.Scale(domain=[0, 1.08 * most], nice=False)),
    )
    bars = base.mark_bar(cornerRadiusEnd=5, stroke="#00000055").encode(
        color=alt.Color("emotion:N", scale=scale_of(label_set(tuple(table))), legend=None)
    )
    words = base.mark_text(align="left", dx=6, color="#8a8494").encode(text=alt.Text("recall:Q", format=".0%"))
    _show(bars + words, "Images per class, with recall")


def curves(history: list[dict[str, Any]]) -> None:
    """Validation accuracy by epoch."""
    rows = [{"epoch": row["epoch"], "accuracy": row["val_accuracy"]} for row in history]
    epochs, accuracies = ([row[name] for row in rows] for name in ("epoch", "accuracy"))
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True, color="#5a3fd0")
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1), scale=_over(epochs)),
            y=alt.Y("accuracy:Q", title="validation accuracy", axis=alt.Axis(format="%"), scale=_over(accuracies)),
            tooltip=["epoch:Q", alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    _show(chart, "Validation accuracy by epoch")


def _over(values: list[float]) -> alt.Scale:
    """From the least to the largest value. Vega warns of a scale without a domain, since its data arrive late."""
    return alt.Scale(domain=[min(values), max(values)], nice=True)


def corruptions(table: dict[str, Any]) -> None:
    """Accuracy under each corruption and severity, tinted by the accuracy lost."""
    clean = table["clean_accuracy"]
    rows = []
    for name, mean in table["means"].items():
        steps = [row["accuracy"] for row in table["rows"] if row["corruption"] == name]
        cells = [_tinted(value, clean) for value in [*steps, *[None] * (3 - len(steps)), mean]]
        rows.append((name.replace("_", " "), cells))
    _matrix("accuracy on corrupted images", ["mild", "medium", "strong", "mean"], rows, "213 94 0", "Corruption")
    st.caption(f"Clean: {clean:.1%} of {table['n']:,} images. The deeper the tint, the more is lost.")


def _tinted(value: float | None, clean: float) -> Cell:
    if value is None:
        return "–", None
    return f"{value:.0%}", min(max(1 - value / max(clean, 1e-9), 0), 1)


def _matrix(label: str, head: list[str], rows: list[tuple[str, list[Cell]]], colour: str, corner: str = "") -> None:
    """A table whose cells are tinted in `colour` ("r g b"). corner: head of the first column."""
    st.html(html("matrix.html", label=label, head=head, rows=rows, colour=colour, corner=corner))


def _show(chart: Any, words: str) -> None:
    drawn = chart.properties(height=HEIGHT, background="transparent", description=words).configure_view(stroke=None)
    st.altair_chart(drawn, width="stretch")
