"""The command `serve`: the REST service."""

import os
from pathlib import Path
from typing import Annotated

import typer

from emojimation.cli.options import Detector, DetectorModel, Model, Prior, Tiles
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.files import usable_processors


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for a free one.")] = 8000,
    model: Model = "default",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker threads.", show_default="one per processor")
    ] = None,
    tiles: Tiles = False,
    prior: Prior = "everyday",
    detector: Detector = "blazeface",
    detector_model: DetectorModel = None,
    micro_batch: Annotated[
        bool, typer.Option("--micro-batch", help="Classify faces of several requests together; see docs/service.md.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token; or set EMOJIMATION_TOKEN.", show_default="no token")
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of web pages allowed to call; may be repeated.", show_default="none"),
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Maximum number of requests in progress.")] = 64,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="Maximum size of a request body.")] = 20,
    max_megapixels: Annotated[float, typer.Option(min=0.001, help="Maximum size of an image.")] = 40,
    max_faces: Annotated[int, typer.Option(min=1, help="Maximum number of faces in an image.")] = 500,
    max_seconds: Annotated[float, typer.Option(min=0.01, help="Time limit from the body to the response.")] = 30,
) -> None:
    """Serve HTTP: POST /v1/analyze, /v1/anonymise and /v1/video, WebSocket /v1/stream. See docs/service.md."""
    need("api")
    from emojimation.apps.api import app as api
    from emojimation.apps.api import serve as api_serve
    from emojimation.apps.api.limits import Limits
    from emojimation.heaps import few_heaps

    limits = Limits(
        body_bytes=round(max_megabytes * 1e6),
        megapixels=max_megapixels,
        faces=max_faces,
        answer_s=max_seconds,
        queue=queue,
    )
    settings = api.ServiceSettings(
        model,
        tiles=tiles,
        batching=micro_batch,
        token=_token(token_file),
        origins=cors_origin or [],
        limits=limits,
        prior=prior,
        detector=detector,
        detector_model=None if detector_model is None else str(detector_model),
        workers=workers or usable_processors(),
    )
    few_heaps()
    api_serve.run(api.service(settings), host, port, limits, lambda url: typer.echo(f"Serving {url}", err=True))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("EMOJIMATION_TOKEN") or None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a file with a token, got {file} ({error}).") from error
    if not token:
        raise InputError(f"Expected a token in {file}, got an empty file. Write one line of random characters into it.")
    return token
