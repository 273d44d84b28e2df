"""The model page's figures, from what `evaluate --json` and a training write."""

from html import escape
from typing import Any

import altair as alt
import streamlit as st

from emojimation.labels import LabelSet, label_set

HEIGHT = 300


def scale_of(labels: LabelSet) -> alt.Scale:
    """The colours of the classes as a scale."""
    return alt.Scale(domain=list(labels.names), range=list(labels.colours))


def confusion(table: tuple[list[str], list[list[int]]]) -> None:
    """Label by answer, each row in per cent, tinted by its share. table: names of the classes, and the matrix."""
    names, matrix = table
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = ""
    for name, counts in zip(names, matrix, strict=True):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td style="background:rgb(90 63 208 / {0.75 * count / total:.2f})">{100 * count / total:.0f}</td>'
            for count in counts
        )
        rows += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    st.html(
        '<div class="em em-scroll" tabindex="0" role="region" aria-label="confusion matrix"><table class="em-matrix">'
        f"<tr><td></td>{head}</tr>{rows}</table></div>"
    )


def reliability(rows: list[dict[str, float]]) -> None:
    """Accuracy over confidence; the size of a point is the number of pictures."""
    line = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        strokeDash=[5, 5], color="#8a8494"
    )
    points = (
        alt.Chart(alt.Data(values=rows))
        .mark_circle(color="#5a3fd0", opacity=0.9)
        .encode(
            x=alt.X("confidence:Q", title="said", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("accuracy:Q", title="right", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[30, 500])),
            tooltip=[alt.Tooltip("confidence:Q", format=".0%"), alt.Tooltip("accuracy:Q", format=".0%"), "n:Q"],
        )
    )
    _show(line.encode(x="x:Q", y="y:Q") + points, "Accuracy over stated confidence")


def classes(table: dict[str, dict[str, float]]) -> None:
    """Pictures of each class, labelled with the share that was found."""
    rows = [{"emotion": name, "pictures": int(row["n"]), "recall": row["recall"]} for name, row in table.items()]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("emotion:N", sort=list(table), title=None), x=alt.X("pictures:Q", title="pictures")
    )
    bars = base.mark_bar(cornerRadiusEnd=5, stroke="#00000055").encode(
        color=alt.Color("emotion:N", scale=scale_of(label_set(tuple(table))), legend=None)
    )
    words = base.mark_text(align="left", dx=6, color="#8a8494").encode(text=alt.Text("recall:Q", format=".0%"))
    _show(bars + words, "Pictures per class with the share found")


def curves(history: list[dict[str, Any]]) -> None:
    """Validation accuracy over the epochs."""
    rows = [{"epoch": row["epoch"], "accuracy": row["val_accuracy"]} for row in history]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True, color="#5a3fd0")
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("accuracy:Q", title="validation accuracy", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            tooltip=["epoch:Q", alt.Tooltip("accuracy:Q", format=".1%")],
        )
    )
    _show(chart, "Validation accuracy over the epochs")


def corruptions(table: dict[str, Any]) -> None:
    """Accuracy under each corruption and severity, tinted by what is left of the untouched accuracy."""
    clean = table["clean_accuracy"]
    head = "".join(f'<th scope="col">{word}</th>' for word in ("mild", "middle", "strong", "mean"))
    rows = ""
    for name, mean in table["means"].items():
        steps = [row["accuracy"] for row in table["rows"] if row["corruption"] == name]
        cells = "".join(_tinted(value, clean) for value in [*steps, *[None] * (3 - len(steps)), mean])
        rows += f'<tr><th scope="row">{escape(name.replace("_", " "))}</th>{cells}</tr>'
    st.html(
        '<div class="em em-scroll" tabindex="0" role="region" aria-label="accuracy on spoilt pictures"><table '
        'class="em-matrix">'
        f"<tr><th scope=col>Spoilt by</th>{head}</tr>{rows}</table></div>"
    )
    st.caption(f"Untouched: {clean:.1%} of {table['n']:,} pictures. The deeper the tint, the more is lost.")


def _tinted(value: float | None, clean: float) -> str:
    if value is None:
        return "<td>–</td>"
    lost = min(max(1 - value / max(clean, 1e-9), 0), 1)
    return f'<td style="background:rgb(213 94 0 / {lost:.2f})">{value:.0%}</td>'


def _show(chart: Any, words: str) -> None:
    drawn = chart.properties(height=HEIGHT, background="transparent", description=words).configure_view(stroke=None)
    st.altair_chart(drawn, width="stretch")
