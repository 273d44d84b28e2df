"""The live page: what a stream makes of frames, its end, its fallback, and the words for each reason."""

import base64
import json
import re
import threading
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tiny import card, write_model
from web_pages import SAMPLES, html, page, use

from emojimation.apps.web import engine, snapshots, stream as web_stream, webrtc as web_live  # isort: skip
from emojimation.apps.web.settings import current  # isort: skip
from emojimation.errors import InputError  # isort: skip


@pytest.fixture(autouse=True)
def _model(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model, live="server")


def test_camera_frames_are_analysed_in_the_browser_by_default(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)
    (component,) = page("live").get("bidi_component")
    address = json.loads(component.proto.json)
    assert re.fullmatch(r"engine/[0-9a-f]{12}/index\.html\?embed=&prior=everyday&lang=en", address)
    assert b"<emoji-mation" in engine.file("/" + address.partition("?")[0])
    assert engine.file("/engine/nothing/index.html") is None and engine.file("/live") is None


def test_the_puppet_is_a_click_away_and_says_that_frames_are_sent(monkeypatch, tiny_model):
    use(monkeypatch, tiny_model)
    test = page("live")
    (choice,) = test.toggle
    assert "frames are sent" in choice.help
    choice.set_value(True).run()
    assert "The camera is off" in html(test) and "Puppet" in test.segmented_control(key="live-style").options
    test.toggle(key=choice.key).set_value(False).run()
    assert len(test.get("bidi_component")) == 1


def test_the_server_does_what_the_browser_cannot(monkeypatch, tmp_path, tiny_model):
    other = write_model(tmp_path / "other.onnx", metadata=card(labels="cat,dog"), classes=2)
    for settings in (
        {"model": other},
        {"model": tiny_model, "prior": "stream"},
        {"model": tiny_model, "detector": "haar"},
    ):
        use(monkeypatch, settings.pop("model"), **settings)
        assert "The camera is off" in html(page("live"))


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
    stream.character = "robot"
    assert np.abs(stream.look(frame)[:, 640:].astype(int) - out[:, 640:]).max() > 100
    stream.stage = False
    assert stream.look(frame).shape == frame.shape
    assert len(stream.faces) == 1 and stream.faces[0].track_id is not None


def test_the_image_is_mirrored_unless_switched_off(stream, frame):
    stream.stage, stream.style = False, "none"
    assert (stream.look(frame) == frame[:, ::-1]).all()
    stream.mirror = False
    assert (stream.look(frame) == frame).all()


def test_history_is_bounded_and_figures_are_reported(stream, frame):
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


class Peer:
    """What the page asks of a connection: streamlit-webrtc's own wants a real server."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(signalling=False, playing=False)
        self.pc = SimpleNamespace(iceGatheringState="new", iceConnectionState="new", connectionState="new")

    def _get_worker(self):
        return self


@pytest.fixture
def live_page(monkeypatch):
    """The page after Start, with its connection and the connection's ends."""
    asked = []
    monkeypatch.setattr(web_live, "webrtc_streamer", lambda **given: asked.append(given))
    ends = SimpleNamespace(source=None, sink=None, live=False, close=lambda: None)
    monkeypatch.setattr(web_live, "Ends", lambda stream: ends)
    monkeypatch.setattr(web_live, "_mounted", lambda: True)
    monkeypatch.setattr(web_live, "_camera", lambda: "granted")
    test = page("live")
    assert "The camera is off" in html(test)
    peer = test.session_state["live"] = Peer()
    test.button(key="live-switch").click().run()
    assert not test.exception and any("Waiting for the first frame" in caption.value for caption in test.caption)
    assert asked[0]["rtc_configuration"] == {"iceServers": []}
    return test, peer, ends


def wait_passes(test) -> None:
    """The page's next look, after its whole wait."""
    test.session_state["live_wait"]._since_s -= current().live_wait_s + 1
    test.run()
    assert not test.exception


def test_without_progress_the_page_says_why_and_takes_snapshots(live_page):
    test, _, _ = live_page
    wait_passes(test)
    assert test.warning[0].value.startswith("Live video did not start within 8 seconds.")
    test.button(key="live-switch").click().run()
    assert "The camera is off" in html(test) and not test.warning


def test_each_step_of_a_slow_connection_restarts_the_wait_but_only_once(live_page):
    test, peer, _ = live_page
    for change in ({"iceGatheringState": "complete"}, {"iceConnectionState": "checking"}, {"connectionState": "up"}):
        vars(peer.pc).update(change)
        wait_passes(test)
        assert not test.warning
    peer.pc.iceConnectionState = "new"  # it tries the same again
    wait_passes(test)
    assert len(test.warning) == 1


def test_live_video_that_comes_late_takes_the_snapshots_place(live_page):
    test, _, ends = live_page
    wait_passes(test)
    ends.live = True
    test.run()
    assert not test.exception and not test.warning


def test_the_button_makes_another_connection(live_page):
    test, peer, _ = live_page
    peer.state.signalling = True
    test.run()
    wait_passes(test)
    test.button(key="live-again").click().run()
    assert not test.warning and test.session_state["live_stopping"]  # the one before ends first
    peer.state.signalling = False
    test.run()
    assert not test.warning and not test.session_state["live_stopping"]


def test_an_unanswered_question_for_the_camera_is_no_firewall(live_page, monkeypatch):
    test, peer, _ = live_page
    monkeypatch.setattr(web_live, "_camera", lambda: "prompt")
    test.run()
    wait_passes(test)
    assert not test.warning and test.info[0].value == web_live.REASONS["prompt"]
    peer.state.signalling = True  # an offer is made with an open camera only, whatever the browser says
    test.run()
    wait_passes(test)
    assert "firewall" in test.warning[0].value


@pytest.mark.parametrize("reason", web_live.CLOSED)
def test_a_camera_that_cannot_open_is_reported_immediately_and_once(live_page, monkeypatch, reason):
    test, _, _ = live_page
    monkeypatch.setattr(web_live, "_camera", lambda: reason)
    test.run()
    assert [warning.value for warning in test.warning] == [web_live.REASONS[reason]]
    assert not test.error and not test.caption and not test.info


@pytest.mark.parametrize("reason", web_live.REASONS)
def test_every_reason_has_something_to_do(reason):
    words = web_live.REASONS[reason]
    assert any(verb in words for verb in ("Open", "Plug", "Click", "Allow", "Close", "see --turn"))


def test_snapshots_of_a_browser_are_read_as_uploads_are(frame):
    good = base64.b64encode(cv2.imencode(".jpg", frame)[1].tobytes()).decode()
    assert snapshots.picture(f"data:image/jpeg;base64,{good}").shape == frame.shape
    for bad in ("data:image/jpeg;base64,***", "data:image/jpeg;base64,aGVsbG8=", ""):
        with pytest.raises(InputError):
            snapshots.picture(bad)
