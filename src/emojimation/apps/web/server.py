"""Streamlit, started for our pages in this process: its settings, our colours and fonts."""

import os
import signal
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from emojimation.apps.web.guard import ask_nobody, host_names
from emojimation.apps.web.settings import PageSettings, hand_over
from emojimation.errors import InputError
from emojimation.heaps import few_heaps

FONTS = {"Bricolage Grotesque": "bricolage-grotesque", "Figtree": "figtree"}
LIGHT = {
    "primaryColor": "#5a3fd0",
    "backgroundColor": "#fcfaf5",
    "secondaryBackgroundColor": "#f2eee4",
    "textColor": "#1f1b2e",
    "borderColor": "#e2dccd",
    "linkColor": "#4a31b8",
}
DARK = {
    "primaryColor": "#7659ee",
    "backgroundColor": "#15131c",
    "secondaryBackgroundColor": "#211e2c",
    "textColor": "#f2eff8",
    "borderColor": "#38334a",
    "linkColor": "#bfb0ff",
}


def serve(settings: PageSettings, host: str, port: int, browser: bool, names: Sequence[str] = ()) -> None:
    """Serve the pages until Ctrl-C. browser: open them there. names: see `guard.host_names`."""
    from emojimation.apps.web.site import Site

    hand_over(settings)
    few_heaps()
    ask_nobody()
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
    site = Site(Path(__file__).with_name("app.py"), lifespan=partial(_opened, address if browser else None))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # which uvicorn raises again after its own clean end
    with suppress(KeyboardInterrupt):
        site.run(config=streamlit_options(host, port) | {"server.allowedHosts": host_names(host, names)})


@asynccontextmanager
async def _opened(address: str | None, _: Any) -> AsyncIterator[None]:
    """Open the served pages in this machine's browser, if an address is given."""
    if address is not None:
        webbrowser.open(address)
    yield


def streamlit_options(host: str, port: int) -> dict[str, Any]:
    """Streamlit's settings by name: telemetry off, fonts from here, our colours."""
    theme: dict[str, Any] = {
        "font": "Figtree, sans-serif",
        "headingFont": "Bricolage Grotesque, sans-serif",
        "baseRadius": "0.8rem",
        "buttonRadius": "full",
        "showWidgetBorder": True,
        "baseFontSize": 16,
        "fontFaces": [
            {"family": family, "url": f"app/static/{file}.woff2", "weight": "300 900"} for family, file in FONTS.items()
        ],
    }
    server = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": True,
        "server.maxUploadSize": 200,
        "server.disconnectedSessionTTL": 60,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "global.developmentMode": False,
        # It would stop all threads twice a second during live video; see app.py.
        "runner.postScriptGC": False,
    }
    colours = {f"theme.light.{key}": value for key, value in LIGHT.items()}
    colours |= {f"theme.dark.{key}": value for key, value in DARK.items()}
    return {**server, **{f"theme.{key}": value for key, value in theme.items()}, **colours}


def check_free(host: str, port: int) -> None:
    """Raise InputError if the port is taken."""
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(place[0], place[1]) as probe:
            if os.name != "nt":  # where it would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place[4])
    except OSError as error:
        raise InputError(
            f"Expected a free port, got {host}:{port} ({error.strerror}). Choose another one with --port."
        ) from error
