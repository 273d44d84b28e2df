"""A stream's two ends in a WebRTC connection: the camera's track in, the annotated one out, and no queue in between.

streamlit-webrtc's own processing returns one frame for each that arrives, an old one if the new one is not ready, and
puts them into unbounded queues: on a slow machine, video lags more and more. Here each frame is sent once, when it is
annotated, and slow receivers get the newest.
"""

import asyncio
import time
import weakref
from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from streamlit_webrtc import VideoSinkTrack
from streamlit_webrtc.eventloop import get_global_event_loop
from streamlit_webrtc.relay import get_global_relay

from emojimation.apps.web.stream import Stream
from emojimation.video.reader import load_av

TICK = Fraction(1, 90_000)  # RTP's clock for video, RFC 6184 and RFC 7741
FRESH_S = 5.0  # a pause between two frames that is not yet an interruption


class Drawn(MediaStreamTrack):
    """The track sent to the browser: each offered frame, or the newest if they arrive faster than they are sent."""

    kind = "video"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._home, self._ready, self._make = loop, asyncio.Event(), load_av().VideoFrame.from_ndarray
        self._frame: Any = None
        self._began_s: float | None = None

    def offer(self, image: np.ndarray, time_s: float) -> None:
        """Send the (H,W,3) BGR uint8 image of that moment; from any thread."""
        self._began_s = time_s if self._began_s is None else self._began_s
        frame = self._make(image, format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = round((time_s - self._began_s) / TICK), TICK
        self._tell(frame)

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self._tell(None)

    async def recv(self) -> Any:
        """The next frame. MediaStreamError at the end."""
        if self.readyState == "live":
            await self._ready.wait()
        self._ready.clear()
        if self._frame is None or self.readyState != "live":
            raise MediaStreamError
        return self._frame

    def _tell(self, frame: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended before the track, as on server shutdown
            self._home.call_soon_threadsafe(self._put, frame)

    def _put(self, frame: Any) -> None:
        self._frame = frame
        self._ready.set()


class Passed(MediaStreamTrack):
    """A track's frames for its one reader, who may stop without ending the track.

    It replaces streamlit-webrtc's use of aiortc's `MediaRelay`, whose tasks wait for ever, and keep the connection's
    codecs, if a visitor closes the page abruptly.
    """

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self.kind, self._source = source.kind, source

    async def recv(self) -> Any:
        """The source's next frame. MediaStreamError at the end."""
        if self.readyState != "live":
            raise MediaStreamError
        return await self._source.recv()


class Ends:
    """Both ends of a connection for `webrtc_streamer`: `sink` takes camera frames, `source` yields annotated ones.

    arrived_s: when the last camera frame came, in seconds of `time.monotonic`; None before the first.
    """

    def __init__(self, stream: Stream) -> None:
        get_global_relay().subscribe = Passed  # type: ignore[method-assign, assignment]
        self.arrived_s: float | None = None
        self._stream = stream
        self.source = Drawn(get_global_event_loop())
        self.sink = VideoSinkTrack(self._hand_over)
        self.sink._on_ended_callback = self._ended
        stream.send = self.source.offer
        weakref.finalize(stream, self.source.stop).atexit = False  # a visitor who closes the page stops nothing

    def close(self) -> None:
        """End the outgoing track; the incoming one ends with the connection."""
        self.source.stop()

    @property
    def live(self) -> bool:
        """Whether camera frames are coming."""
        return self.arrived_s is not None and time.monotonic() - self.arrived_s < FRESH_S

    def _hand_over(self, frame: Any) -> None:
        self.arrived_s = time.monotonic()
        self._stream.push(partial(frame.to_ndarray, format="bgr24"))

    def _ended(self) -> None:
        """The camera's track has ended. One that never sent anything must not end the snapshots in its place."""
        if self.arrived_s is not None:
            self.arrived_s = None
            self._stream.close()
