"""The OpenAPI document: what FastAPI derives from the routes, with security, headers and the schemas it cannot see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from emojimation.apps.api.gate import OPEN
from emojimation.apps.api.schema import Analysis, HidingAnswer, JobAnswer, ProblemDetail

SCHEME = "bearer"
TAGS = [
    {"name": "images", "description": "Faces in images."},
    {"name": "videos", "description": "Video jobs: submitted, followed, downloaded, deleted."},
    {"name": "service", "description": "The state of the service."},
]
REQUEST_ID = {
    "description": "Identifies the request in the log: the caller's X-Request-Id, or a new one.",
    "schema": {"type": "string"},
}
# FastAPI leaves out what is null, in examples too.
WITH_EXAMPLES: tuple[type[BaseModel], ...] = (Analysis, HidingAnswer, JobAnswer)


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: clients are generated with it."""
    return route.name


def describe(app: FastAPI) -> None:
    """Make `app` publish the complete document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(
                get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes, tags=TAGS)
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document["components"]
    components["schemas"][ProblemDetail.__name__] = ProblemDetail.model_json_schema()
    for model in WITH_EXAMPLES:
        components["schemas"][model.__name__]["examples"] = model.model_config["json_schema_extra"]["examples"]  # type: ignore[index]
    components["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "description": "If the service was started with a token."}
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN else [{SCHEME: []}, {}]
            for response in operation["responses"].values():
                response["headers"] = {**response.get("headers", {}), "x-request-id": REQUEST_ID}
    return document
