"""The rolling chart as a picture: it changes twice a second without a flicker, in greys that suit light and dark."""

import base64
from html import escape

import numpy as np
import streamlit as st

from emojimation.labels import LabelSet

WIDTH, HEIGHT = 600, 180
POINTS = 120


def rolling(history: list[tuple[float, np.ndarray]], labels: LabelSet, span_s: float = 30.0) -> None:
    """Probabilities over the last seconds: (time, (k,)) in order of time, k the classes of `labels`."""
    now = history[-1][0] if history else 0.0
    step = max(len(history) // POINTS, 1)
    kept = history[::step]
    lines = "".join(
        f'<polyline stroke="{colour}" points="{_points(kept, i, now, span_s)}"/>'
        for i, colour in enumerate(labels.colours)
    )
    words = "Probabilities of the last 30 seconds"
    if history:
        best = int(np.argmax(history[-1][1]))
        words += f"; now {labels.names[best]} {history[-1][1][best]:.0%}"
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 18}" font-family="sans-serif" '
        'font-size="11" '
        f'fill="none" stroke-width="2.4" stroke-linejoin="round">{_rules()}{lines}</svg>'
    )
    uri = "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
    st.html(f'<div class="em em-card"><img class="em-chart" src="{uri}" alt="{escape(words)}">{key(labels)}</div>')


def key(labels: LabelSet) -> str:
    """Colours with their words."""
    return (
        '<div class="em-key">'
        + "".join(
            f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
            for name, colour in zip(labels.names, labels.colours, strict=True)
        )
        + "</div>"
    )


def _points(kept: list[tuple[float, np.ndarray]], index: int, now: float, span_s: float) -> str:
    return " ".join(
        f"{WIDTH * (1 - (now - time_s) / span_s):.1f},{4 + (HEIGHT - 8) * (1 - float(vector[index])):.1f}"
        for time_s, vector in kept
    )


def _rules() -> str:
    lines = "".join(
        f'<line x1="0" x2="{WIDTH}" y1="{y}" y2="{y}" stroke="#8a8494" stroke-opacity=".35" stroke-width="1"/>'
        for y in (4, HEIGHT / 2, HEIGHT - 4)
    )
    lines += "".join(
        f'<text x="2" y="{y}" fill="#8a8494">{word}</text>'
        for y, word in ((16, "100 %"), (HEIGHT / 2 - 4, "50 %"), (HEIGHT - 8, "0 %"))
    )
    return lines + "".join(
        f'<text x="{x}" y="{HEIGHT + 14}" fill="#8a8494" text-anchor="{anchor}">{word}</text>'
        for x, anchor, word in ((0, "start", "30 s ago"), (WIDTH / 2, "middle", "15 s"), (WIDTH, "end", "now"))
    )
