"""The commands for programs and for many pictures: serve, batch. Heavy modules load when a command runs."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from emojimation.errors import InputError

SERVICE_PACKAGES = ("fastapi", "python_multipart", "prometheus_client", "uvicorn", "websockets")
MODEL = Annotated[str, typer.Option("--model", help="Name or path of the emotion model.")]


def add_to(app: typer.Typer) -> None:
    """Give `app` the commands of this module."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8000,
    model: MODEL = "default",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that analyse.", show_default="one per core")
    ] = None,
    tiles: Annotated[bool, typer.Option("--tiles", help="Look at overlapping tiles too: finds small faces.")] = False,
    micro_batch: Annotated[
        bool, typer.Option("--micro-batch", help="Classify faces of several requests together; see docs/service.md.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token; or set EMOJIMATION_TOKEN.", show_default="no token")
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Web page's origin that may call; may be repeated.", show_default="none")
    ] = None,
    queue: Annotated[int, typer.Option(min=1, help="Requests in the house at once.")] = 64,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="Of a request's body.")] = 20,
    max_megapixels: Annotated[float, typer.Option(min=0.001, help="Of a picture.")] = 40,
    max_faces: Annotated[int, typer.Option(min=1, help="In a picture.")] = 500,
    max_seconds: Annotated[float, typer.Option(min=0.01, help="From the body to the answer.")] = 30,
) -> None:
    """Serve HTTP: POST /v1/analyze, /v1/anonymise and /v1/video, WebSocket /v1/stream. See docs/service.md."""
    _need_service()
    from emojimation.apps import api, api_serve
    from emojimation.apps.api_limits import Limits

    limits = Limits(
        body_bytes=round(max_megabytes * 1e6), megapixels=max_megapixels, faces=max_faces, answer_s=max_seconds,
        queue=queue,
    )  # fmt: skip
    settings = api.Settings(
        model, tiles=tiles, batching=micro_batch, token=_token(token_file), origins=cors_origin or [], limits=limits,
        **({} if workers is None else {"workers": workers}),
    )  # fmt: skip
    api_serve.run(api.service(settings), host, port, limits, lambda url: typer.echo(f"Serving {url}", err=True))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("EMOJIMATION_TOKEN") or None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a file with a token, got {file} ({error}).") from error
    if not token:
        raise InputError(f"Expected a token in {file}, got nothing. Write one line of random characters into it.")
    return token


def _need_service() -> None:
    missing = [name for name in SERVICE_PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f'Expected the packages of the service, {", ".join(missing)} missing: pip install "emojimation[api]".'
        )
