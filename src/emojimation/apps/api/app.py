"""The REST service: images, streams and videos in, faces with emotions out. Built by `service`, run by `serve`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

import emojimation
from emojimation.apps.api import body as api_body
from emojimation.apps.api import schema as api_schema
from emojimation.apps.api.anonymise import KINDS, Hider, Look
from emojimation.apps.api.document import describe, operation_id
from emojimation.apps.api.gate import Gate
from emojimation.apps.api.jobs import Jobs
from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.parameters import check_parameters
from emojimation.apps.api.pool import Asked, RequestPool
from emojimation.apps.api.problem import add_handlers, problem_response
from emojimation.apps.api.schema import problems
from emojimation.apps.api.settings import ServiceSettings
from emojimation.apps.api.stream import add_stream
from emojimation.apps.api.tokens import Rates, Tokens
from emojimation.apps.api.tracing import Spans
from emojimation.apps.api.video import add_video
from emojimation.apps.api.webhook import Webhook
from emojimation.detect import DetectorOptions, Search, make_detector
from emojimation.errors import InputError

PICTURES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")


def service(settings: ServiceSettings) -> FastAPI:
    """The service as an ASGI application, with its models loaded. Raises InputError for an invalid model."""
    limits, metrics = settings.limits, Metrics()
    search: Search = "wide" if settings.tiles else "auto"
    detector_model = None if settings.detector_model is None else str(settings.detector_model)
    engine = RequestPool(
        settings.model,
        limits,
        settings.workers,
        settings.tiles,
        settings.batching,
        metrics.batch.observe,
        settings.prior,
        make_detector(settings.detector, DetectorOptions(detector_model, search=search)),
        metrics.took,
    )
    metrics.watch(engine)
    spans = Spans(settings.trace_to) if settings.trace_to else None
    hider = Hider(engine)
    webhook = Webhook(settings.webhook, settings.webhook_secret) if settings.webhook else None
    jobs = Jobs(engine, hider, metrics, settings.state, webhook)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.ready = True
        yield
        app.state.ready = False
        await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(engine.close)
        if spans is not None:
            await asyncio.to_thread(spans.close)

    # FastAPI's documentation pages load scripts from another host: off.
    app = FastAPI(
        title="Emojimation",
        version=emojimation.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        summary="Faces in images, streams and videos, with emotion probabilities and emoji.",
        dependencies=[Depends(check_parameters)],
    )
    app.state.ready = False
    app.state.engine = engine
    describe(app)
    _add_analyze(app, engine, metrics)
    _add_anonymise(app, engine, hider, metrics)
    _add_state(app, engine, metrics)
    add_video(app, jobs)
    add_stream(app, engine, metrics, settings.origins)
    add_handlers(app)
    tokens, rates = Tokens(settings.token, settings.token_file), Rates(settings.rate_per_s)
    app.add_middleware(Gate, engine=engine, metrics=metrics, limits=limits, tokens=tokens, rates=rates, spans=spans)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[*api_schema.HIDING_HEADERS, "location", "retry-after", "x-request-id"],
        )
    return app


def _add_analyze(app: FastAPI, engine: RequestPool, metrics: Metrics) -> None:
    name = engine.pipeline.classifier.card["name"]

    @app.post(
        "/v1/analyze",
        tags=["images"],
        responses={200: {"model": api_schema.Analysis}, **problems(400, 401, 408, 413, 415, 422, 429, 503)},
        openapi_extra=api_schema.body(PICTURES, many=True, field="pictures"),
    )
    async def analyze(
        request: Request,
        cropped: Annotated[bool, Query(description="Every image is one face, already cropped.")] = False,
        threshold: Annotated[
            float | None, Query(ge=0, le=1, description="Confidence below which an answer is 'not sure'.")
        ] = None,
        prior: Annotated[
            api_schema.PriorName | None, Query(description="Base rates of the emotions; by default the service's own.")
        ] = None,
        measure: api_schema.Measures = None,
    ) -> Response:
        """Analyse the faces in one image (raw body) or several (multipart form).

        Broken images among several are rows with `error`; 422 if none can be read.
        """
        deadline = time.monotonic() + engine.limits.answer_s + engine.limits.body_s
        pictures = await api_body.pictures_of(request, engine.limits)
        deadline = min(deadline, time.monotonic() + engine.limits.answer_s)
        asked = Asked(cropped, threshold, prior, tuple(measure or ()))
        work = [engine.run(partial(_row, engine, source, data, asked), deadline) for source, data in pictures]
        rows = await asyncio.gather(*work)
        for row in rows:
            metrics.count(row)
        request.state.noted.update(pictures=len(rows), faces=sum(len(row.get("faces", ())) for row in rows))
        if all("faces" not in row for row in rows):
            return problem_response(422, "; ".join(row["error"] for row in rows))
        return JSONResponse({"pictures": rows, "model": name})


def _row(engine: RequestPool, name: str, data: bytes, asked: Asked) -> dict[str, Any]:
    try:
        return engine.row(data, name, asked)
    except InputError as error:
        return {"source": name, "error": " ".join(str(error).split())}


def _add_anonymise(app: FastAPI, engine: RequestPool, hider: Hider, metrics: Metrics) -> None:
    picture = {"schema": api_schema.BINARY}

    @app.post(
        "/v1/anonymise",
        tags=["images"],
        response_class=Response,
        responses={
            200: {
                "description": "The image with covered faces.",
                "content": dict.fromkeys(KINDS.values(), picture),
                "headers": api_schema.HIDING_HEADERS,
            },
            **problems(400, 401, 408, 413, 415, 422, 429, 503),
        },
        openapi_extra=api_schema.body(PICTURES),
    )
    async def anonymise(
        request: Request,
        style: Annotated[api_schema.HidingStyle, Query()] = "emoji",
        art: Annotated[api_schema.Art, Query(description="Emoji set.")] = "noto",
        character: Annotated[api_schema.CharacterName, Query(description="Who avatar and puppet are.")] = "emoji",
        kind: Annotated[
            Literal["jpeg", "png", "webp"] | None, Query(alias="format", description="By default the image's own.")
        ] = None,
        strength: Annotated[api_schema.Strength, Query(description="How thoroughly faces are searched.")] = "careful",
    ) -> Response:
        """Cover every face in an image; EXIF data are removed. Look at the result before you publish it."""
        name, data = await api_body.single_picture_of(request, engine.limits)
        answer = await engine.run(lambda: hider.hidden(data, name, Look(style, art, character), kind, strength))
        metrics.pictures.inc()
        metrics.faces.inc(answer.faces)
        request.state.noted.update(pictures=1, faces=answer.faces)
        headers = {
            "x-faces": str(answer.faces),
            "x-hiding": json.dumps(answer.report.to_dict()),
            "content-disposition": f'attachment; filename="hidden.{answer.media_type.partition("/")[2]}"',
        }
        return Response(answer.data, media_type=answer.media_type, headers=headers)


def _add_state(app: FastAPI, engine: RequestPool, metrics: Metrics) -> None:
    card = {key: value for key, value in engine.pipeline.classifier.card.items() if key not in ("path", "template")}

    @app.get("/v1/model", tags=["service"], responses=problems(401, 429))
    async def get_model() -> api_schema.ModelAnswer:
        """The emotion model's metadata, and the limits of this service."""
        model = api_schema.ModelCard.model_validate(card)
        return api_schema.ModelAnswer(model=model, limits=engine.limits, version=emojimation.__version__)

    @app.get("/health", tags=["service"], responses=problems())
    async def health() -> api_schema.HealthAnswer:
        """The process is alive."""
        return api_schema.HealthAnswer(status="ok")

    @app.get("/ready", tags=["service"], responses={200: {"model": api_schema.ReadyAnswer}, **problems(503)})
    async def ready() -> Response:
        """The models are loaded and there is capacity for a request."""
        if engine.full or not app.state.ready:
            retry = {"retry-after": str(engine.retry_s)}
            return problem_response(503, "Full." if engine.full else "Shutting down.", retry)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", tags=["service"], response_class=PlainTextResponse, responses=problems(401, 429))
    async def get_metrics() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
