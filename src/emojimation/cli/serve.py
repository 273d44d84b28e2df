"""The command `serve`: the REST service."""

from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.cli.options import DetectorModel
from emojimation.extras import need


def serve(
    config: Annotated[
        Path | None, typer.Option(help="TOML file with settings; see docs/service.md.", show_default="none")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.", show_default="127.0.0.1"),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0 for a free one.", show_default="8000")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Emotion model: {models}, or the path of an ONNX file.", show_default="default"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker threads.", show_default="one per processor")
    ] = None,
    tiles: Annotated[bool | None, typer.Option("--tiles", help="Search as `image --search wide` does.")] = None,
    prior: Annotated[
        str | None, typer.Option(help="Base rates of the emotions: {stream priors}.", show_default="everyday")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="Face detector: {detectors}.", show_default="blazeface")] = None,
    detector_model: DetectorModel = None,
    micro_batch: Annotated[
        bool | None,
        typer.Option("--micro-batch", help="Classify faces of several requests together; see docs/service.md."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with bearer tokens, one per line; or set EMOJIMATION_TOKEN.", show_default="no token"),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Requests per second for each token.", show_default="any number")
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of web pages allowed to call; may be repeated.", show_default="none"),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder in which video jobs survive a restart.", show_default="none")
    ] = None,
    trace_to: Annotated[
        str | None, typer.Option(help="OpenTelemetry collector, OTLP over HTTP (extra `trace`).", show_default="none")
    ] = None,
    queue: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of requests in progress.", show_default="64")
    ] = None,
    max_megabytes: Annotated[
        float | None, typer.Option(min=0.001, help="Maximum size of a request body.", show_default="20")
    ] = None,
    max_megapixels: Annotated[
        float | None, typer.Option(min=0.001, help="Maximum size of an image.", show_default="40")
    ] = None,
    max_faces: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of faces in an image.", show_default="500")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0.01, help="Time limit from the body to the response.", show_default="30")
    ] = None,
    keep_hours: Annotated[
        float | None, typer.Option(min=0.01, help="How long results of video jobs are kept.", show_default="1")
    ] = None,
) -> None:
    """Serve HTTP: POST /v1/analyze, /v1/anonymise and /v1/video, WebSocket /v1/stream. See docs/service.md.

    Each setting may also be an environment variable (EMOJIMATION_PORT) or a line of the file; the command line takes
    precedence, then the environment.
    """
    need("api")
    from emojimation.apps.api import app as api
    from emojimation.apps.api import serve as api_serve
    from emojimation.apps.api.settings import settings_of
    from emojimation.heaps import few_heaps

    limits = {
        "body_bytes": None if max_megabytes is None else round(max_megabytes * 1e6),
        "megapixels": max_megapixels,
        "faces": max_faces,
        "answer_s": max_seconds,
        "queue": queue,
        "kept_s": None if keep_hours is None else keep_hours * 3600,
    }
    given = {
        "host": host,
        "port": port,
        "model": model,
        "workers": workers,
        "tiles": tiles,
        "batching": micro_batch,
        "prior": prior,
        "detector": detector,
        "detector_model": detector_model,
        "token_file": token_file,
        "rate_per_s": rate,
        "origins": cors_origin,
        "state": state,
        "trace_to": trace_to,
        "limits": _given(limits) or None,
    }
    settings = settings_of(config, _given(given))
    few_heaps()
    app = api.service(settings)
    api_serve.run(
        app, settings.host, settings.port, settings.limits, lambda url: typer.echo(f"Serving {url}", err=True)
    )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
