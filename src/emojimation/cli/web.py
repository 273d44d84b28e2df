"""The command `web`: the web app on this machine, in this process."""

from typing import Annotated, Literal

import typer

from emojimation.cli.options import Detector, DetectorModel, Model, Prior, one_of
from emojimation.errors import InputError
from emojimation.extras import need


def web(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    model: Model = "default",
    prior: Prior = "everyday",
    detector: Detector = "blazeface",
    detector_model: DetectorModel = None,
    language: Annotated[
        str,
        typer.Option(
            "--language",
            help="Of the emotions' words: {browser languages}; browser: as each visitor's asks for.",
            callback=one_of("browser languages"),
        ),
    ] = "browser",
    live: Annotated[
        Literal["browser", "server"],
        typer.Option("--live", help="Where camera frames are analysed; in the browser they never leave the device."),
    ] = "browser",
    turn: Annotated[
        str | None,
        typer.Option("--turn", help="TURN server for --live server, such as turn:host:3478.", show_default=False),
    ] = None,
    turn_user: Annotated[
        str | None, typer.Option("--turn-user", help="User name for the TURN server.", show_default=False)
    ] = None,
    turn_password: Annotated[
        str | None,
        typer.Option(
            "--turn-password",
            help="Its password; better set in the environment, where other users cannot read it.",
            envvar="EMOJIMATION_TURN_PASSWORD",
            show_default=False,
        ),
    ] = None,
    max_minutes: Annotated[
        float, typer.Option("--max-minutes", min=0, help="Maximum length of a video; 0 for no limit.")
    ] = 10.0,
    live_wait: Annotated[
        float, typer.Option("--live-wait", min=1, help="Seconds before the live page falls back to snapshots.")
    ] = 8.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="A name by which a proxy or network knows this page.", show_default=False),
    ] = None,
    paths: Annotated[
        bool, typer.Option("--paths/--no-paths", help="Let visitors open videos on this machine by path.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = False,
) -> None:
    """Open the web app: photos, live video, videos, model cards. Nothing leaves this machine."""
    need("web")
    from emojimation.apps.web.guard import LOCAL
    from emojimation.apps.web.server import check_free, serve
    from emojimation.apps.web.settings import PageSettings
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.detect import DetectorOptions, make_detector
    from emojimation.priors import prior_of

    # A mistake is reported here, not in the page.
    prior_of(prior, EmotionClassifier(model).label_set)
    make_detector(detector, DetectorOptions(detector_model))
    check_free(host, port)
    settings = PageSettings(
        model,
        live,
        turn=ice_servers(turn, turn_user, turn_password),
        paths=paths,
        film_s=round(max_minutes * 60),
        live_wait_s=live_wait,
        prior=prior,
        language=language,
        detector=detector,
        detector_model="" if detector_model is None else str(detector_model),
    )
    typer.echo(f"Emojimation: http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}  (Ctrl-C stops it)", err=True)
    if host not in LOCAL:
        typer.echo("Other machines can open this page; cameras need https there. See docs/web.md.", err=True)
        typer.echo("To allow names other than this machine's own: --allow-host NAME.", err=True)
    serve(settings, host, port, browser, allow_host or ())


def ice_servers(turn: str | None, user: str | None = None, password: str | None = None) -> list[dict[str, str]]:
    """The `iceServers` of a WebRTC connection: none without `turn`, so that no other machine is contacted."""
    if turn is None:
        return []
    if not turn.startswith(("turn:", "turns:", "stun:")):
        raise InputError(f"Expected --turn as turn:HOST:PORT, got {turn!r}.")
    return [{"urls": turn, **({"username": user} if user else {}), **({"credential": password} if password else {})}]
