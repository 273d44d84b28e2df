"""Streamlit, started for our pages in this process: its settings, our colours and fonts."""

import os
import socket
from collections.abc import Sequence
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
    "primaryColor": "#8468f3",
    "backgroundColor": "#15131c",
    "secondaryBackgroundColor": "#211e2c",
    "textColor": "#f2eff8",
    "borderColor": "#38334a",
    "linkColor": "#bfb0ff",
}


def serve(settings: PageSettings, host: str, port: int, browser: bool, names: Sequence[str] = ()) -> None:
    """Serve the pages until Ctrl-C. browser: open them there. names: see `guard.host_names`."""
    from streamlit.web import bootstrap

    hand_over(settings)
    options = streamlit_options(host, port, not browser) | {"server_allowedHosts": host_names(host, names)}
    bootstrap.load_config_options(options)
    few_heaps()
    ask_nobody()
    bootstrap.run(str(Path(__file__).with_name("app.py")), False, [], options)


def streamlit_options(host: str, port: int, headless: bool = True) -> dict[str, Any]:
    """Streamlit's settings as its flags name them: telemetry off, fonts from here, our colours."""
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
        "server_address": host,
        "server_port": port,
        "server_headless": headless,
        "server_fileWatcherType": "none",
        "server_enableStaticServing": True,
        "server_maxUploadSize": 200,
        "server_disconnectedSessionTTL": 60,
        "browser_gatherUsageStats": False,
        "client_toolbarMode": "minimal",
        "client_showErrorDetails": "none",
        "logger_hideWelcomeMessage": True,
        "logger_level": "warning",
        "global_developmentMode": False,
        # It would stop all threads twice a second during live video; see app.py.
        "runner_postScriptGC": False,
    }
    colours = {f"theme_light_{key}": value for key, value in LIGHT.items()}
    colours |= {f"theme_dark_{key}": value for key, value in DARK.items()}
    return {**server, **{f"theme_{key}": value for key, value in theme.items()}, **colours}


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
