"""The people in a video over time; a click in a chart seeks there."""

from typing import Any

import altair as alt
import numpy as np
import streamlit as st

from emojimation.apps.web import chart as web_chart
from emojimation.apps.web.figures import scale_of
from emojimation.apps.web.widgets import emoji_mark
from emojimation.story.people import NOT_SURE, Person
from emojimation.story.timeline import Timeline

PEOPLE = 6
POINTS = 240


def charts(story: Timeline, seek: str) -> None:
    """One chart per person, longest visible first. seek: where the session keeps the second to play from."""
    st.header("Who showed what, when", anchor=False)
    st.caption("Click in a chart to play the video from there.")
    st.html(f'<div class="em">{web_chart.key(story.classes)}</div>')
    for person in story.people[:PEOPLE]:
        _person(person, story.duration_s, seek)
    if len(story.people) > PEOPLE:
        st.caption(f"The {PEOPLE} people visible longest; the report has all {len(story.people)}.")


def _person(person: Person, duration_s: float, seek: str) -> None:
    shares = person.shares()
    most = max(shares, key=lambda label: shares[label])
    face, colour = ("not_sure", "") if most == NOT_SURE else (most, person.classes.colour_of(most))
    st.html(
        f'<p class="em">{emoji_mark(face, colour, most)} <b>Person {person.track_id}</b>: '
        f"visible for {person.seen_s:.0f} s, mostly {most} ({shares[most]:.0%})</p>"
    )
    key = f"{seek}-{person.track_id}"
    event: Any = st.altair_chart(_chart(person, duration_s), width="stretch", on_select="rerun", key=key)
    picked = event.selection.get("at") if event else None
    if picked and st.session_state.get(f"{key}-was") != picked:
        st.session_state[f"{key}-was"] = picked
        st.session_state[seek] = float(picked[0]["time_s"])
        st.rerun()


def _chart(person: Person, duration_s: float) -> alt.Chart:
    """Stacked probabilities over time."""
    at = alt.selection_point(name="at", fields=["time_s"], on="click", empty=False)
    return (
        alt.Chart(alt.Data(values=rows_of(person)))
        .mark_rect()
        .encode(
            x=alt.X(
                "time_s:Q",
                title="seconds",
                axis=alt.Axis(tickCount=8),
                scale=alt.Scale(domain=[0, max(duration_s, 0.1)], nice=False),
            ),
            x2="end_s:Q",
            y=alt.Y("low:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1])),
            y2="high:Q",
            color=alt.Color("emotion:N", scale=scale_of(person.classes), legend=None),
            tooltip=["emotion:N", alt.Tooltip("probability:Q", format=".0%"), alt.Tooltip("time_s:Q", format=".1f")],
        )
        .add_params(at)
        .properties(
            height=150, background="transparent", description=f"Probabilities of person {person.track_id} over time"
        )
        .configure_view(stroke=None)
    )


def rows_of(person: Person) -> list[dict[str, Any]]:
    """At most `POINTS` moments, each the mean of its stretch: a row per emotion, from `low` to `high` in a stack of
    height 1.
    """
    rows: list[dict[str, Any]] = []
    for part in np.array_split(np.arange(len(person.times_s)), min(POINTS, len(person.times_s))):
        mean = person.probabilities[part].mean(axis=0)
        tops = np.cumsum(mean / mean.sum())
        start_s, end_s = float(person.times_s[part[0]]), float(person.times_s[part[-1]] + person.weights_s[part[-1]])
        for i, name in enumerate(person.classes.names):
            rows.append(
                {
                    "time_s": round(start_s, 2),
                    "end_s": round(end_s, 2),
                    "emotion": name,
                    "probability": round(float(mean[i]), 4),
                    "low": round(float(tops[i] - mean[i] / mean.sum()), 4),
                    "high": round(float(tops[i]), 4),
                }
            )
    return rows
