"""Frames in, faces out over one WebSocket, with one pipeline for each connection."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Sequence
from threading import Lock
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from emojimation.apps.api.metrics import Metrics
from emojimation.apps.api.parameters import unknown_parameter
from emojimation.apps.api.pool import RequestPool
from emojimation.apps.api.problem import Problem
from emojimation.errors import InputError
from emojimation.pipeline import MEASURES
from emojimation.priors import NAMES, STREAM
from emojimation.tracking.cuts import CutDetector

log = logging.getLogger("emojimation.api")
TRY_LATER, POLICY, AWAY = 1013, 1008, 1001  # RFC 6455


def add_stream(app: FastAPI, engine: RequestPool, metrics: Metrics, origins: list[str]) -> None:
    """Give `app` the route /v1/stream. origins: web pages of other hosts that may use it."""
    open_streams: set[WebSocket] = set()

    @app.websocket("/v1/stream")
    async def stream(
        socket: WebSocket, prior: str | None = None, measure: Annotated[list[str] | None, Query()] = None
    ) -> None:
        if not _same_origin(socket, origins):
            await socket.close(POLICY, "origin not allowed")
            return
        await socket.accept()  # a refusal of the handshake would tell the client neither code nor reason
        if reason := unknown_parameter(socket):
            await socket.close(POLICY, reason)
            return
        if prior not in (None, *NAMES, STREAM):
            await socket.close(POLICY, f"prior is not one of {', '.join((*NAMES, STREAM))}")
            return
        if not set(measure or ()).issubset(MEASURES):
            await socket.close(POLICY, f"measure is not one of {', '.join(MEASURES)}")
            return
        if len(open_streams) >= engine.limits.streams:
            await socket.close(TRY_LATER, "too many streams")
            return
        open_streams.add(socket)
        metrics.streams.set(len(open_streams))
        running = _Stream(socket, engine, metrics, prior, measure or [])
        try:
            await running.serve()
        except WebSocketDisconnect:
            pass
        finally:
            open_streams.discard(socket)
            metrics.streams.set(len(open_streams))
            seconds = round(time.monotonic() - running.began, 3)
            log.info("stream", extra={"fields": {"frames": running.frame, "seconds": seconds}})


def _same_origin(socket: WebSocket, origins: list[str]) -> bool:
    """Browsers let any page open a WebSocket and send its origin: accept only our own and allowed ones."""
    origin = socket.headers.get("origin")
    return origin is None or origin in origins or urlsplit(origin).netloc == socket.headers.get("host")


class _Stream:
    """One connection. A binary message is an image; a text `{"time_s": 1.5}` sets the time of the next one."""

    def __init__(
        self, socket: WebSocket, engine: RequestPool, metrics: Metrics, prior: str | None, measures: Sequence[str]
    ):
        self.socket, self.engine, self.metrics = socket, engine, metrics
        self.pipeline = engine.stream(prior, measures)
        self.is_cut = CutDetector()
        self.turn = Lock()  # a frame whose answer came too late may still be in progress
        self.began = time.monotonic()
        self.frame = 0
        self.time_s: float | None = None

    async def serve(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self.engine.limits.idle_s):
                    message = await self.socket.receive()
            except TimeoutError:
                await self.socket.close(AWAY, "no frame for too long")
                return
            if message["type"] == "websocket.disconnect":
                return
            answer = await self._answer(message.get("bytes"), message.get("text"))
            if answer is not None and self.socket.client_state is WebSocketState.CONNECTED:
                await self.socket.send_text(json.dumps(answer, ensure_ascii=False))

    async def _answer(self, data: bytes | None, text: str | None) -> dict | None:
        if data is None:
            return self._command(text or "")
        time_s = time.monotonic() - self.began if self.time_s is None else self.time_s
        head = {"frame": self.frame, "time_s": round(time_s, 4)}
        self.frame, self.time_s = self.frame + 1, None
        try:
            row = await self.engine.run(lambda: self._row(data, time_s))
        except (InputError, Problem) as error:
            row = {"error": " ".join(str(error).split())}
        self.metrics.count(row)
        return head | row

    def _row(self, data: bytes, time_s: float) -> dict:
        frame = self.engine.decoded(data, f"frame {self.frame - 1}").frame
        with self.turn:
            if self.is_cut(frame):
                self.pipeline.reset()
            faces = self.pipeline(frame, time_s)
        return {"width": frame.shape[1], "height": frame.shape[0], "faces": [face.to_dict() for face in faces]}

    def _command(self, text: str) -> dict | None:
        """Set the time of the next frame from a text message; returns an error for any other message."""
        try:
            time_s = float(json.loads(text)["time_s"])
        except (ValueError, TypeError, KeyError, RecursionError):
            time_s = math.nan
        if not 0 <= time_s < math.inf:
            return {"error": 'Expected an image as a binary message, or the text {"time_s": SECONDS}.'}
        self.time_s = time_s
        return None
