"""Every error as a JSON problem detail (RFC 9457), whichever part of the service raises it."""

import http
import logging
import reprlib
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from emojimation.errors import InputError

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("emojimation.api")


class Problem(Exception):  # noqa: N818 - named as in RFC 9457
    """A request that failed. status: of HTTP. detail: one line. retry_s: when to try again.
    close: the connection cannot be reused, because the request was not read to its end."""

    def __init__(self, status: int, detail: str, retry_s: float | None = None, close: bool = False):
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers: dict[str, str] = {}
        if retry_s is not None:
            self.headers["retry-after"] = str(max(1, round(retry_s)))
        if close:
            self.headers["connection"] = "close"
        if status == http.HTTPStatus.UNAUTHORIZED:
            self.headers["www-authenticate"] = "Bearer"


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem detail as a response."""
    body = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Make `app` report all its errors as problem details."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(InputError, _of_input)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers)


async def _of_input(_: Request, error: Exception) -> JSONResponse:
    return problem_response(422, " ".join(str(error).split()))


async def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(422, "; ".join(_in_words(row) for row in error.errors()))


def _in_words(row: Mapping[str, Any]) -> str:
    got = "nothing" if row["type"] == "missing" else reprlib.repr(row["input"])
    return f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}, got {got}"


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, str(error.detail), error.headers)
