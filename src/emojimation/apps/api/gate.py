"""The gate in front of every request: authentication, the queue limit, and logging."""

import hmac
import json
import logging
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

OPEN = ("/health", "/ready")  # answered without a token
QUEUED = ("/v1/analyze", "/v1/anonymise")  # limited by the engine's queue
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

    def __init__(self, app: ASGIApp, engine: RequestPool, metrics: Metrics, limits: Limits, token: str | None = None):
        self.app, self.engine, self.metrics, self.limits = app, engine, metrics, limits
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or stream through."""
        if scope["type"] == "websocket" and not self._may_enter(scope):
            await send({"type": "websocket.close", "code": 1008, "reason": "bearer token missing or wrong"})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Visit(self, scope, send).go(receive)

    def _may_enter(self, scope: Scope) -> bool:
        if self._token is None or scope["path"] in OPEN:
            return True
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")  # the scheme is case-insensitive, RFC 9110 section 11.1
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(b" "), self._token)

    def check(self, scope: Scope) -> None:
        """Raise Problem for a request that is not admitted."""
        if not self._may_enter(scope):
            raise Problem(401, "Expected the service's bearer token in Authorization.")
        if scope["method"] == "POST" and scope["path"] in QUEUED and self.engine.full:
            raise Problem(429, f"Expected at most {self.limits.queue} requests at a time.", self.engine.retry_s)


class _Visit:
    """One request passing through the gate."""

    def __init__(self, gate: Gate, scope: Scope, send: Send):
        self.gate, self.method, self._send = gate, scope["method"], send
        # HEAD is handled as GET; the server, which sees its own scope, omits the body.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        self.id = uuid.uuid4().hex
        self.status = 0
        self.body_ended = self.method in ("GET", "HEAD", "OPTIONS")
        self.sent_bytes = 0
        self.began = time.perf_counter()
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
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id.encode())]
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


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
