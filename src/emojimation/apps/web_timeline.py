"""A film's people over time; a click in a chart moves the film there."""

from typing import Any

import altair as alt
import numpy as np
import streamlit as st

from emojimation.apps.web_figures import SCALE
from emojimation.labels import EMOTIONS
from emojimation.people import NOT_SURE, Person
from emojimation.timeline import Timeline

PEOPLE = 6
POINTS = 240


def charts(story: Timeline, seek: str) -> None:
    """One chart per person, the longest seen first. seek: where the session keeps the second to play from."""
    st.subheader("Who showed what, when", anchor=False)
    st.caption("Click into a chart: the film plays from there.")
    for person in story.people[:PEOPLE]:
        _person(person, story.duration_s, seek)
    if len(story.people) > PEOPLE:
        st.caption(f"The {PEOPLE} people seen longest; the report holds all {len(story.people)}.")


def _person(person: Person, duration_s: float, seek: str) -> None:
    shares = person.shares()
    most = max(shares, key=lambda label: shares[label])
    face = "not_sure" if most == NOT_SURE else most
    st.html(
        f'<p class="em"><span class="em-face em-{face}" aria-hidden="true"></span> <b>Person {person.track_id}</b>: '
        f"seen {person.seen_s:.0f} s, mostly {most} ({shares[most]:.0%})</p>"
    )
    key = f"{seek}-{person.track_id}"
    event: Any = st.altair_chart(_chart(person, duration_s), width="stretch", on_select="rerun", key=key)
    picked = event.selection.get("at") if event else None
    if picked and st.session_state.get(f"{key}-was") != picked:
        st.session_state[f"{key}-was"] = picked
        st.session_state[seek] = float(picked[0]["time_s"])
        st.rerun()


def _chart(person: Person, duration_s: float) -> alt.Chart:
    """Stacked probabilities over the film's time."""
    at = alt.selection_point(name="at", fields=["time_s"], on="click", empty=False)
    return (
        alt.Chart(alt.Data(values=rows_of(person)))
        .mark_bar(size=max(2.0, 1000 / POINTS))
        .encode(
            x=alt.X("time_s:Q", title="seconds", scale=alt.Scale(domain=[0, max(duration_s, 0.1)], nice=False)),
            y=alt.Y("probability:Q", stack="normalize", title=None, axis=None),
            color=alt.Color("emotion:N", scale=SCALE, legend=alt.Legend(orient="bottom", title=None)),
            order=alt.Order("order:Q"),
            tooltip=["emotion:N", alt.Tooltip("probability:Q", format=".0%"), alt.Tooltip("time_s:Q", format=".1f")],
        )
        .add_params(at)
        .properties(
            height=130, background="transparent", description=f"Probabilities of person {person.track_id} over time"
        )
        .configure_view(stroke=None)
    )


def rows_of(person: Person) -> list[dict[str, Any]]:
    """At most `POINTS` moments, each the mean of its stretch, a row per emotion."""
    parts = np.array_split(np.arange(len(person.times_s)), min(POINTS, len(person.times_s)))
    return [
        {
            "time_s": round(float(person.times_s[part].mean()), 2), "emotion": name, "order": i,
            "probability": round(float(person.probabilities[part, i].mean()), 4),
        }
        for part in parts
        for i, name in enumerate(EMOTIONS)
    ]  # fmt: skip
