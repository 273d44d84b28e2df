"""The people in a video over time: the report's own chart, whose clicks and playhead belong to the page's player."""

from functools import lru_cache
from typing import Any

import streamlit as st

from emojimation.apps.web.snapshots import asset
from emojimation.templates import fill


def charts(story: dict[str, Any], key: str) -> None:
    """The people of a report, as `page.data_of` reads it, below the video that the page plays."""
    st.header("Who showed what, when", anchor=False)
    _component()(data=story, key=key, height="content")


@lru_cache(maxsize=1)
def _component() -> Any:
    """Made once: the report's script and style, with the page's colours and its player."""
    script, style = (fill("emojimation.story", f"people.{kind}") for kind in ("js", "css"))
    return st.components.v2.component(
        "emojimation_timeline",
        html=asset("timeline.html"),
        css=style + asset("timeline.css"),
        js=script + asset("timeline.js"),
    )
