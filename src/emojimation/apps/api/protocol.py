"""Connections that do not wait for ever: uvicorn's own protocols with clocks for slow and half-open clients."""

import asyncio
import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from emojimation.apps.api.limits import Limits

BAD_REQUEST = json.dumps(
    {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "Expected HTTP/1.1, got something else."}
).encode()


class ReadClock(asyncio.Protocol):
    """What both protocols do about a client that does not take what was sent: wait for it, but not for ever."""

    limits = Limits()
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _read_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client's buffer is full: start the clock."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._read_timer = _stop(self._read_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._read_timer = _stop(self._read_timer)
        super().connection_lost(exc)


class PatientProtocol(ReadClock, H11Protocol):
    """Closes a connection whose request head is not there in time, and one whose client does not read its answer."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request's head."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when the head is whole; start it when another one begins."""
        super().data_received(data)
        self._watch_head()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. One that waits for its answer gets it; a body that is cut short is refused."""
        if self.conn.their_state is h11.SEND_BODY:
            self.conn.receive_data(b"")
            self.handle_events()
            return False
        if self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the head's clock, too."""
        self._head_timer = _stop(self._head_timer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is refused as a problem detail, too."""
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(BAD_REQUEST)).encode()),
            (b"connection", b"close"),
        ]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in (
                h11.Response(status_code=400, headers=headers),
                h11.Data(data=BAD_REQUEST),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        answered = self.cycle is not None and self.cycle.response_complete  # what comes now is a rest, or the next head
        waits = self.conn.their_state is h11.IDLE or answered
        if not waits or self.transport.is_closing():
            self._head_timer = _stop(self._head_timer)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.header_s, self.transport.abort)


class PatientStream(ReadClock, WebSocketsSansIOProtocol):
    """Ends a stream whose client does not read its answers: it would hold its place for ever."""


def _stop(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; there is none then."""
    if timer is not None:
        timer.cancel()
    return None
