"""The live page: what a stream makes of frames, its end, its fallback, and the words for each reason."""

import base64
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from web_pages import SAMPLES, html, page, use

from emojimation.apps.web import live as web_live, stream as web_stream  # isort: skip
from emojimation.apps.web.settings import current  # isort: skip
from emojimation.errors import InputError  # isort: skip


@pytest.fixture(autouse=True)
def _model(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)


@pytest.fixture
def frame() -> np.ndarray:
    photo = cv2.imread(str(SAMPLES / "astronaut.jpg"))
    return cv2.resize(photo[: photo.shape[1] * 3 // 4], (640, 480))


@pytest.fixture
def stream():
    made = web_stream.Stream(current().model)
    yield made
    made.close()


def test_a_frame_comes_back_drawn_with_the_avatar_beside_it(stream, frame):
    out = stream.look(frame)
    assert out.shape == (480, 1000, 3) and stream.error is None
    assert np.abs(out[:, 640:].astype(int) - web_stream.STAGE).max() > 100  # the avatar
    stream.stage = False
    assert stream.look(frame).shape == frame.shape
    assert len(stream.faces) == 1 and stream.faces[0].track_id is not None


def test_the_picture_is_a_mirror_unless_switched_off(stream, frame):
    stream.stage, stream.style = False, "none"
    assert (stream.look(frame) == frame[:, ::-1]).all()
    stream.mirror = False
    assert (stream.look(frame) == frame).all()


def test_history_is_bounded_and_figures_are_told(stream, frame):
    for _ in range(6):
        stream.look(frame)
    assert len(stream.history) == 6 and stream.fps > 1 and 0 < stream.p95_ms < 2000
    stream.history.appendleft((-100.0, np.full(7, 1 / 7)))
    stream.look(frame)
    assert stream.history[0][0] >= 0


def test_closing_ends_the_threads_and_the_next_frame_starts_anew(stream, frame):
    before = threading.active_count()
    stream.look(frame)
    assert threading.active_count() == before + 2
    stream.close()
    assert stream.last_s is None and stream.fps == 0
    until = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.02)
    assert threading.active_count() == before
    assert stream.look(frame).shape == (480, 1000, 3)


def test_streams_do_not_share_a_tracker_but_the_models(frame):
    streams = [web_stream.Stream(current().model) for _ in range(2)]
    try:
        for one in streams:
            one.look(frame)
        pipelines = [one._loop.pipeline for one in streams]
        assert pipelines[0].tracker is not pipelines[1].tracker
        assert pipelines[0].classifier is pipelines[1].classifier
    finally:
        for one in streams:
            one.close()


def test_a_frame_that_fails_goes_out_undrawn(stream, frame, monkeypatch):
    def broken(*_):
        raise InputError("no avatar today")

    monkeypatch.setattr(web_stream, "staged", broken)
    stream.mirror = False
    assert (stream.look(frame) == frame).all() and stream.error == "no avatar today"
    monkeypatch.undo()
    assert stream.look(frame).shape == (480, 1000, 3) and stream.error is None


def test_the_page_waits_eight_seconds_then_says_why_and_takes_snapshots(monkeypatch):
    asked = []
    monkeypatch.setattr(
        web_live, "webrtc_streamer", lambda **given: asked.append(given)
    )  # these two want a real server
    monkeypatch.setattr(web_live, "Ends", lambda stream: SimpleNamespace(source=None, sink=None, close=lambda: None))
    test = page("live")
    assert "The camera is off" in html(test)
    test.button(key="live-switch").click().run()
    assert not test.exception and any("Waiting for the first frame" in caption.value for caption in test.caption)
    assert asked[0]["rtc_configuration"] == {"iceServers": []}
    test.session_state["live_began"] -= current().live_wait_s + 1
    test.run()
    assert not test.exception
    assert test.warning[0].value.startswith("Live video did not start within 8 seconds.")
    test.button(key="live-switch").click().run()
    assert "The camera is off" in html(test) and not test.warning


@pytest.mark.parametrize("reason", web_live.REASONS)
def test_every_reason_has_something_to_do(reason):
    words = web_live.REASONS[reason]
    assert any(verb in words for verb in ("Open", "Plug", "Click", "Allow", "see --turn"))


def test_snapshots_of_a_browser_are_read_as_uploads_are(frame):
    good = base64.b64encode(cv2.imencode(".jpg", frame)[1].tobytes()).decode()
    assert web_live._picture(f"data:image/jpeg;base64,{good}").shape == frame.shape
    for bad in ("data:image/jpeg;base64,***", "data:image/jpeg;base64,aGVsbG8=", ""):
        with pytest.raises(InputError):
            web_live._picture(bad)
