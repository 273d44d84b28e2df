"""The rolling chart as an image: it updates twice a second without flicker, in greys that suit light and dark."""

import base64

import numpy as np
import streamlit as st

from emojimation.apps.web.widgets import html, names_of
from emojimation.labels import LabelSet

WIDTH, HEIGHT = 600, 180
POINTS = 120


def rolling(history: list[tuple[float, np.ndarray]], labels: LabelSet, span_s: float = 30.0) -> None:
    """Probabilities over the last seconds: (time, (k,)) in chronological order, k the classes of `labels`."""
    now = history[-1][0] if history else 0.0
    step = max(len(history) // POINTS, 1)
    kept = history[::step]
    lines = [(colour, _points(kept, i, now, span_s)) for i, colour in enumerate(labels.colours)]
    names = names_of(labels)
    words = "Probabilities over the last 30 seconds"
    if history:
        best = int(np.argmax(history[-1][1]))
        words += f"; now {names[best]} {history[-1][1][best]:.0%}"
    drawing = html("rolling.svg", width=WIDTH, height=HEIGHT, lines=lines)
    uri = "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
    st.html(html("rolling.html", uri=uri, words=words, classes=list(zip(names, labels.colours, strict=True))))


def _points(kept: list[tuple[float, np.ndarray]], index: int, now: float, span_s: float) -> str:
    return " ".join(
        f"{WIDTH * (1 - (now - time_s) / span_s):.1f},{4 + (HEIGHT - 8) * (1 - float(vector[index])):.1f}"
        for time_s, vector in kept
    )
