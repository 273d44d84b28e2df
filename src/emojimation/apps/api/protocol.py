"""Connections with timeouts: uvicorn's own protocols with timers for slow and half-open clients."""

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
    """Shared by both protocols: a client that does not read is given limited time."""

    limits = Limits()
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _read_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The send buffer is full: start the timer."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.limits.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client is reading again."""
        self._read_timer = _stop(self._read_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._read_timer = _stop(self._read_timer)
        super().connection_lost(exc)


class PatientProtocol(ReadClock, H11Protocol):
    """Closes a connection whose request headers are late, and one whose client does not read its response."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request's headers."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Stop the timer when the headers are complete; restart it for the next request."""
        super().data_received(data)
        self._watch_head()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has stopped sending. A client waiting for its response gets it; a truncated body is rejected."""
        if self.conn.their_state is h11.SEND_BODY:
            self.conn.receive_data(b"")
            self.handle_events()
            return False
        if self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the headers' timer, too."""
        self._head_timer = _stop(self._head_timer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Reject what is not HTTP with a problem detail, too."""
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
        answered = (
            self.cycle is not None and self.cycle.response_complete
        )  # what arrives now is a remainder, or the next headers
        waits = self.conn.their_state is h11.IDLE or answered
        if not waits or self.transport.is_closing():
            self._head_timer = _stop(self._head_timer)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.header_s, self.transport.abort)


class PatientStream(ReadClock, WebSocketsSansIOProtocol):
    """Ends a stream whose client does not read its responses: it would keep its slot for ever."""


def _stop(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; returns None in its place."""
    if timer is not None:
        timer.cancel()
    return None
