"""The web app's frame: navigation, style, first-visit notice. Run it with `emojimation web`."""

from typing import Any

import streamlit as st

from emojimation.apps.web import pages, widgets
from emojimation.heaps import give_back

SEEN = "emojimation_seen"  # the site's only cookie; its value is always "1"
BRIEF = (
    "Ask people before you use their image. This page names an expression; it cannot know what anybody feels, "
    "and it is often wrong. Never judge anyone by it."
)
CANNOT = [
    "Ask before you take or upload somebody's image, and before you show the result.",
    "The page names an expression the way people in one data set would name it. It cannot know what anybody feels, "
    "means or is.",
    "It is often wrong, and may be wrong more often for people and images that are rare in its data set: children, "
    "old people, dark skin, turned or covered faces, unusual light.",
    "Never use it to judge, hire, monitor or diagnose anyone. Inferring emotions at work and in education is "
    "prohibited in the EU (AI Act, Article 5), except for medical and safety reasons.",
]


def main() -> None:
    """One run of the script, for one visitor."""
    st.set_page_config(page_title="Emojimation", page_icon=widgets.icon(), layout="centered")
    widgets.dress()
    places = [
        st.Page(show, title=title, icon=icon, url_path=path, default=path == "photo")
        for path, (title, icon, show) in pages.PAGES.items()
    ]
    page = st.navigation(places, position="top")
    st.logo(widgets.icon(), size="large")
    page.run()
    _notice()
    widgets.footer()
    _tabs(places)
    give_back()  # here, because Streamlit would also do it after each run of the live panel


def _tabs(places: list[Any]) -> None:
    """The pages as tabs at the bottom of a phone, where Streamlit hides its navigation; CSS shows one of the two."""
    with st.container(key="tabs", horizontal=True):
        for place in places:
            st.page_link(place, label=place.title, icon=place.icon)


def _notice() -> None:
    """A short notice on the first visit, and the long one on every page: consent, and what the model cannot know."""
    with st.expander("Consent, and what this page cannot know", icon=":material/front_hand:"):
        widgets.note("Before you point it at people", CANNOT)
    if not (st.session_state.get("seen") or st.context.cookies.get(SEEN) == "1"):
        with st.container(key="first-visit", horizontal=True, vertical_alignment="center"):
            st.html(f'<p class="em" style="margin:0">{BRIEF}</p>')
            st.button("I understand", key="understood", on_click=_understood)
    elif st.session_state.pop("just_seen", False):
        st.html(
            f"<script>document.cookie='{SEEN}=1; max-age=31536000; path=/; samesite=lax'</script>",
            unsafe_allow_javascript=True,
        )


def _understood() -> None:
    st.session_state["seen"] = st.session_state["just_seen"] = True


main()
