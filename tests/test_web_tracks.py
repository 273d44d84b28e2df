"""The live page's connection, over a real WebRTC loopback: drawn frames come back, once each, and a slow receiver gets
the newest.
"""

import asyncio
import gc
import threading
import time
import weakref
from fractions import Fraction

import cv2
import numpy as np
import pytest

from web_pages import SAMPLES, use

pytest.importorskip("aiortc", reason="the web extra is not installed: pip install -r requirements/web.txt")
from aiortc import RTCPeerConnection, VideoStreamTrack  # isort: skip
from aiortc.contrib.media import MediaRelay  # isort: skip
from av import VideoFrame  # isort: skip

from emojimation.apps.web import stream as web_stream  # isort: skip
from emojimation.apps.web.settings import current  # isort: skip
from emojimation.apps.web import tracks  # isort: skip

PATIENCE_S = 60.0


@pytest.fixture
def loop(monkeypatch, tiny_model):
    """A running event loop in a thread of its own, where the server's would be."""
    use(monkeypatch, tiny_model)
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    relay = MediaRelay()
    monkeypatch.setattr(tracks, "get_global_event_loop", lambda: made)
    monkeypatch.setattr(tracks, "get_global_relay", lambda: relay)
    made.relay = relay
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(PATIENCE_S)


def run(loop, work):
    return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_S)


class Camera(VideoStreamTrack):
    """The astronaut, thirty times a second."""

    def __init__(self) -> None:
        super().__init__()
        photo = cv2.imread(str(SAMPLES / "astronaut.jpg"))
        self.image = cv2.resize(photo[: photo.shape[1] * 3 // 4], (320, 240))

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self.image, "bgr24")
        frame.pts, frame.time_base = pts, time_base
        return frame


async def connected(ends, relay) -> tuple[RTCPeerConnection, RTCPeerConnection, asyncio.Future]:
    """A browser's connection and the server's, and the track that the browser gets."""
    browser, server = RTCPeerConnection(), RTCPeerConnection()
    got = asyncio.get_running_loop().create_future()
    browser.addTrack(Camera())
    browser.on("track", got.set_result)

    @server.on("track")
    def take(track):
        ends.sink.addTrack(relay.subscribe(track))
        server.addTrack(relay.subscribe(relay.subscribe(ends.source)))

    await browser.setLocalDescription(await browser.createOffer())
    await server.setRemoteDescription(browser.localDescription)
    ends.sink.start()
    await server.setLocalDescription(await server.createAnswer())
    await browser.setRemoteDescription(server.localDescription)
    return browser, server, got


def test_the_cameras_frames_come_back_drawn_over_a_real_connection(loop):
    stream = web_stream.Stream(current().model)
    ends = tracks.Ends(stream)

    async def look() -> list[VideoFrame]:
        browser, server, got = await connected(ends, loop.relay)
        track = await got
        frames = [await track.recv() for _ in range(8)]
        await asyncio.gather(browser.close(), server.close())
        return frames

    frames = run(loop, look())
    assert (frames[-1].width, frames[-1].height) == (500, 240)  # the image, and the avatar beside it
    times = [float(frame.pts * frame.time_base) for frame in frames]
    assert np.all(np.diff(times) > 0)  # no frame twice
    shown = frames[-1].to_ndarray(format="bgr24")
    assert np.abs(shown[:, 320:].astype(int) - web_stream.STAGE).max() > 100
    ends.close()
    until = time.monotonic() + PATIENCE_S
    while stream.last_s is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert stream.last_s is None  # the end of the connection ended the stream


def test_who_is_slow_gets_the_newest_frame_and_no_other(loop):
    ends = tracks.Ends(web_stream.Stream(current().model))
    sent = [np.full((48, 64, 3), grey, np.uint8) for grey in range(10, 210, 20)]
    for number, image in enumerate(sent):
        ends.source.offer(image, number / 10)
    frame = run(loop, loop.relay.subscribe(ends.source).recv())
    assert float(frame.pts * frame.time_base) == pytest.approx(0.9)
    waiting = asyncio.run_coroutine_threadsafe(ends.source.recv(), loop)
    ends.source.offer(sent[0], 1.0)
    assert float(waiting.result(PATIENCE_S).pts / 90_000) == pytest.approx(1.0)
    ends.close()


def test_the_end_of_the_track_is_reported_to_who_waits(loop):
    ends = tracks.Ends(web_stream.Stream(current().model))
    waiting = asyncio.run_coroutine_threadsafe(ends.source.recv(), loop)
    ends.close()
    with pytest.raises(tracks.MediaStreamError):
        waiting.result(PATIENCE_S)


def test_times_are_in_the_clock_of_video(loop):
    ends = tracks.Ends(web_stream.Stream(current().model))
    ends.source.offer(np.zeros((48, 64, 3), np.uint8), 5.0)
    run(loop, ends.source.recv())
    ends.source.offer(np.zeros((48, 64, 3), np.uint8), 5.5)
    frame = run(loop, ends.source.recv())
    assert frame.pts == 45_000 and frame.time_base == Fraction(1, 90_000) and frame.format.name == "yuv420p"
    ends.close()


def test_a_visitor_who_leaves_without_stopping_leaves_nothing_behind(loop):
    stream = web_stream.Stream(current().model)
    ends = tracks.Ends(stream)
    gone = [weakref.ref(stream), weakref.ref(ends.source)]

    async def look(ends: tracks.Ends) -> None:
        browser, server, got = await connected(ends, loop.relay)
        await (await got).recv()
        for proxy in [sender.track for sender in server.getSenders()]:
            proxy._source.stop()  # as streamlit-webrtc does at the end of a session
        await asyncio.gather(browser.close(), server.close())

    async def waiting() -> int:  # tasks beside this one
        return len(asyncio.all_tasks()) - 1

    run(loop, look(ends))
    del stream, ends
    until = time.monotonic() + PATIENCE_S
    while (run(loop, waiting()) or any(ref() for ref in gone)) and time.monotonic() < until:
        gc.collect()
        time.sleep(0.05)
    assert run(loop, waiting()) == 0 and not any(ref() for ref in gone)
