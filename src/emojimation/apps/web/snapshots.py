"""Snapshots in place of live video: about one a second, over the page's own connection."""

import base64
import binascii
from functools import lru_cache
from importlib import resources
from typing import Any

import streamlit as st

from emojimation.apps.web import pictures, widgets
from emojimation.apps.web.stream import Stream
from emojimation.errors import InputError

EVERY_MS = 700
OPENING = {
    "NotAllowedError": "denied",
    "NotFoundError": "missing",
    "NotReadableError": "busy",
    "SecurityError": "insecure",
    "TypeError": "insecure",
}


@st.fragment
def show() -> None:
    """The camera and its latest snapshot, annotated. A camera that does not open is noted as `live_refused`."""
    stream: Stream = st.session_state["stream"]
    left, right = st.columns(2)
    with left:
        taken = component("snapshots")(
            data={"every_ms": EVERY_MS},
            key="snapshots",
            height=320,
            on_picture_change=lambda: None,
            on_error_change=lambda: None,
        )
    if taken.get("error"):
        st.session_state["live_refused"] = OPENING.get(taken["error"], "denied")
        st.rerun()
    elif taken.get("picture"):
        stream.look(picture(taken["picture"]))
    if stream.drawn is not None:
        right.image(widgets.jpeg(stream.drawn, 85), width="stretch", alt="The latest snapshot, annotated")


def picture(uri: str) -> Any:
    """A browser's data URI as (H,W,3) BGR uint8. It is not trusted: it is read like an upload."""
    try:
        content = base64.b64decode(uri.partition(",")[2], validate=True)
    except (ValueError, binascii.Error) as error:
        raise InputError("Expected an image from the camera, got something else. Reload the page.") from error
    return pictures.read_bytes("snapshot.jpg", content).frame


@lru_cache(maxsize=4)
def component(name: str) -> Any:
    """The browser component in assets/web/NAME.js."""
    style = "width:100%;border-radius:14px;background:#241c33"
    html = f'<video autoplay playsinline muted style="{style}" aria-label="Your camera"></video>'
    return st.components.v2.component(
        f"emojimation_{name}", html=html if name == "snapshots" else "<span></span>", js=asset(f"{name}.js")
    )


def asset(name: str) -> str:
    """The text of a file in assets/web."""
    return (resources.files("emojimation") / "assets" / "web" / name).read_text("utf-8")
