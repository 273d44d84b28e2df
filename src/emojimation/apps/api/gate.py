"""The gate in front of every request: authentication, the queue limit, and logging."""

import hashlib
import json
import logging
import math
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emojimation.apps.api.body import drain
from emojimation.apps.api.limits import Limits
from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.pool import RequestPool
from emojimation.apps.api.problem import Problem, problem_response
from emojimation.apps.api.tokens import Rates, Tokens
from emojimation.apps.api.tracing import Spans

OPEN = ("/health", "/ready")  # answered without a token
QUEUED = ("/v1/analyze", "/v1/anonymise")  # limited by the engine's queue
ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)  # of a request, that may be taken over into the log
SAFE = [(b"x-content-type-options", b"nosniff")]  # browsers take an image for an image only
log = logging.getLogger("emojimation.api")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; `extra={"fields": {...}}` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        row = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return json.dumps(row, ensure_ascii=True)


class Gate:
    """ASGI middleware: request id, bearer token, queue, log line, metrics; the last handler of unexpected errors.

    It logs method, route, size, status and duration of a request; never a name, an address or any content.
    """

    def __init__(
        self,
        app: ASGIApp,
        engine: RequestPool,
        metrics: Metrics,
        limits: Limits,
        tokens: Tokens,
        rates: Rates,
        spans: Spans | None = None,
    ):
        self.app, self.engine, self.metrics, self.limits = app, engine, metrics, limits
        self.tokens, self.rates, self.spans = tokens, rates, spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or stream through."""
        if scope["type"] == "websocket":
            try:
                self._admit(scope)
            except Problem as problem:
                await send({"type": "websocket.close", "code": 1008, "reason": problem.detail})
                return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Visit(self, scope, send).go(receive)

    def _admit(self, scope: Scope) -> None:
        if scope["path"] in OPEN:
            return
        token = self.tokens.accepted(_header(scope, b"authorization"))
        if token is None:
            raise Problem(401, "Expected the service's bearer token in Authorization.")
        wait_s = self.rates.wait_s(token)
        if wait_s:
            raise Problem(429, f"Expected at most {self.rates.per_s:g} requests per second.", math.ceil(wait_s))
        scope.setdefault("state", {})["owner"] = hashlib.sha256(token).hexdigest() if token else ""

    def check(self, scope: Scope) -> None:
        """Raise Problem for a request that is not admitted."""
        self._admit(scope)
        if scope["method"] == "POST" and scope["path"] in QUEUED and self.engine.full:
            raise Problem(429, f"Expected at most {self.limits.queue} requests at a time.", self.engine.retry_s)


class _Visit:
    """One request passing through the gate."""

    def __init__(self, gate: Gate, scope: Scope, send: Send):
        self.gate, self.method, self._send = gate, scope["method"], send
        # HEAD is handled as GET; the server, which sees its own scope, omits the body.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        given = _header(scope, b"x-request-id").decode("latin-1")
        self.id = given if ID.fullmatch(given) else uuid.uuid4().hex
        self.status = 0
        self.body_ended = self.method in ("GET", "HEAD", "OPTIONS")
        self.sent_bytes = 0
        self.began, self.began_ns = time.perf_counter(), time.time_ns()
        self.noted: dict[str, Any] = {}
        self.scope.setdefault("state", {})["noted"] = self.noted

    async def go(self, receive: Receive) -> None:
        counted = False

        async def watched() -> Message:
            message = await receive()
            self.body_ended |= not message.get("more_body", False)
            return message

        self.receive = watched
        try:
            self.gate.check(self.scope)
            counted = self.scope["path"] in QUEUED
            self.gate.engine.accepted += counted
            await self.gate.app(self.scope, watched, self.send)
        except Problem as problem:
            await self._answer(problem.status, problem.detail, problem.headers)
        except Exception:  # the only place where an unexpected error becomes a response
            log.exception("error", extra={"fields": {"id": self.id}})
            await self._answer(500, f"The service failed; see {self.id} in its log.", {})
        finally:
            self.gate.engine.accepted -= counted
            self._write_down()

    async def _answer(self, status: int, detail: str, headers: dict[str, str]) -> None:
        if not self.status:  # nothing has been sent yet
            await problem_response(status, detail, headers)(self.scope, self.receive, self.send)

    async def send(self, message: Message) -> None:
        """Pass on a part of the response."""
        if message["type"] == "http.response.start":
            if not self.body_ended and (b"connection", b"close") not in message.get("headers", ()):
                await drain(self.receive)
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *SAFE, (b"x-request-id", self.id.encode())]
        self.sent_bytes += len(message.get("body", b""))
        await self._send(message)

    def _write_down(self) -> None:
        seconds = time.perf_counter() - self.began
        route = getattr(self.scope.get("route"), "path", "none")
        metrics, method = self.gate.metrics, self.method
        metrics.requests.labels(route, method if method in METHODS else "other", str(self.status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        fields: dict[str, Any] = {
            "id": self.id,
            "method": method,
            "route": route,
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "sent_bytes": self.sent_bytes,
            **self.noted,
        }
        log.info("request", extra={"fields": fields})
        if self.gate.spans is not None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
            ended_ns = self.began_ns + round(seconds * 1e9)
            self.gate.spans.record(f"{method} {route}", headers, self.began_ns, ended_ns, fields)


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
