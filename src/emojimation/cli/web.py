"""The command `web`: the pages on this machine, in this process."""

import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.errors import InputError

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


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    app.command()(web)


def web(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    model: Annotated[str, typer.Option("--model", help="Name or path of the emotion model.")] = "default",
    turn: Annotated[
        str | None,
        typer.Option("--turn", help="TURN server for live pictures, such as turn:host:3478.", show_default=False),
    ] = None,
    turn_user: Annotated[str | None, typer.Option("--turn-user", show_default=False)] = None,
    turn_password: Annotated[
        str | None, typer.Option("--turn-password", envvar="EMOJIMATION_TURN_PASSWORD", show_default=False)
    ] = None,
    max_minutes: Annotated[float, typer.Option("--max-minutes", min=0, help="Longest film; 0 for no limit.")] = 10.0,
    live_wait: Annotated[
        float, typer.Option("--live-wait", min=1, help="Seconds the live page waits before it takes snapshots instead.")
    ] = 8.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="A name by which a proxy or network knows this page.", show_default=False),
    ] = None,
    paths: Annotated[
        bool, typer.Option("--paths/--no-paths", help="Let visitors name videos on this machine by path.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = False,
) -> None:
    """Open the web pages: photos, live picture, films, the model's card. Nothing leaves this machine."""
    bootstrap = _need_streamlit()
    from emojimation.apps.web.guard import LOCAL, ask_nobody, host_names
    from emojimation.apps.web.settings import PageSettings, hand_over
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.heaps import few_heaps

    EmotionClassifier(model)  # a wrong model is told here, not in the page
    _check_free(host, port)
    hand_over(
        PageSettings(
            model,
            ice_servers(turn, turn_user, turn_password),
            paths,
            film_s=round(max_minutes * 60),
            live_wait_s=live_wait,
        )
    )
    script = Path(__file__).parents[1] / "apps" / "web" / "app.py"
    options = streamlit_options(host, port, not browser) | {"server_allowedHosts": host_names(host, allow_host or ())}
    bootstrap.load_config_options(options)
    typer.echo(f"Emojimation: http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}  (Ctrl-C ends it)", err=True)
    if host not in LOCAL:
        typer.echo("Other machines can open this page; cameras need https there. See docs/web.md.", err=True)
        typer.echo("Names other than this machine's own: --allow-host NAME.", err=True)
    few_heaps()
    ask_nobody()
    bootstrap.run(str(script), False, [], options)


def ice_servers(turn: str | None, user: str | None = None, password: str | None = None) -> list[dict[str, str]]:
    """The `iceServers` of a WebRTC connection: none without `turn`, so that no other machine is asked."""
    if turn is None:
        return []
    if not turn.startswith(("turn:", "turns:", "stun:")):
        raise InputError(f"Expected --turn as turn:HOST:PORT, got {turn!r}.")
    return [{"urls": turn, **({"username": user} if user else {}), **({"credential": password} if password else {})}]


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
        "runner_postScriptGC": False,  # it would hold all threads twice a second beside a live picture; see apps/web/app.py
    }
    colours = {f"theme_light_{key}": value for key, value in LIGHT.items()}
    colours |= {f"theme_dark_{key}": value for key, value in DARK.items()}
    return {**server, **{f"theme_{key}": value for key, value in theme.items()}, **colours}


def _check_free(host: str, port: int) -> None:
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(place[0], place[1]) as probe:
            if os.name != "nt":  # there it would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place[4])
    except OSError as error:
        raise InputError(
            f"Expected a free port, got {host}:{port} ({error.strerror}). Take another one with --port."
        ) from error


def _need_streamlit() -> Any:
    missing = [name for name in ("streamlit", "streamlit_webrtc", "altair", "av") if find_spec(name) is None]
    if missing:
        raise InputError(
            f'Expected the web packages, got none ({missing[0]} is missing): pip install "emojimation[web]".'
        )
    from streamlit.web import bootstrap

    return bootstrap
