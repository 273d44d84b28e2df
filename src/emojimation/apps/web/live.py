"""The live page: the camera's frames are analysed in the visitor's browser, by the page without a server in a frame."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from emojimation.apps.web import engine, widgets
from emojimation.apps.web.pictures import model_in_use
from emojimation.apps.web.settings import current
from emojimation.apps.web.snapshots import asset
from emojimation.errors import InputError
from emojimation.priors import NAMES

ON_SERVER = "live-on-server"  # key of the session's choice
STYLE = "width:100%;height:480px;border:0;display:block"
FRAME = f'<iframe title="Live camera" allow="camera; fullscreen" style="{STYLE}"></iframe>'


def show() -> None:
    """The page, and the choice of who does the work where there is one."""
    address = _address()
    if address is None or st.session_state.get(ON_SERVER):
        from emojimation.apps.web import webrtc  # a second that the browser's engine need not wait for

        webrtc.show()
    else:
        _in_browser(address)
    if address is not None:
        st.toggle(
            "Puppet, large avatar and calibration",
            key=ON_SERVER,
            help="They need the face mesh, which runs on the machine that serves this page: frames are sent there.",
        )


def _in_browser(address: str) -> None:
    widgets.hero(
        "Live, and only for you.",
        "Your camera's frames are analysed in this browser and never leave your device.",
        ("surprise", "happy", "sad"),
    )
    _component()(data=address, key="engine", height="content")


def _address() -> str | None:
    """Where the browser's engine is, with this session's model; None if the server has to do the work."""
    settings = current()
    if settings.live != "browser" or settings.prior not in NAMES or settings.detector != "blazeface":
        return None
    try:
        asked = urlencode({"embed": "", "prior": settings.prior, "lang": widgets.language()})
        return f"{engine.address(model_in_use())}index.html?{asked}"
    except InputError:
        return None  # a model of other classes


@lru_cache(maxsize=1)
def _component() -> Any:
    return st.components.v2.component("emojimation_engine", html=FRAME, js=asset("engine.js"))
