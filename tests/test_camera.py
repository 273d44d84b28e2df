"""Cameras and network streams: unplugged, absent, breaking off, stalling, ending."""

import http.server
import threading
import time
from functools import partial
from itertools import islice

import cv2
import pytest

from emojimation.errors import InputError
from emojimation.video import camera
from emojimation.video.camera import Camera, Stream
from emojimation.video.source import open_source
from films import picture, write_film


class FakeCapture:
    """A camera that gives three frames and is then pulled out."""

    def __init__(self, number):
        self.left, self.released = 3 if number == 0 else 0, False

    def isOpened(self):  # noqa: N802
        return (self.left >= 0 and self.left != 0) or self.released

    def get(self, _property):
        return 0.0

    def read(self):
        self.left -= 1
        return (True, picture(0)) if self.left >= 0 else (False, None)

    def release(self):
        self.released = True


def test_cameras(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    source = Camera(0)
    frames = []
    with pytest.raises(InputError, match="unplugged"):
        for frame in source:
            frames.append(frame)
    assert [frame.index for frame in frames] == [0, 1, 2] and frames[0].time_s == 0.0 and source.info.live
    source.close()
    assert source._capture.released
    with pytest.raises(InputError, match="camera 7, got none"):
        open_source("7")


class Sender(http.server.BaseHTTPRequestHandler):
    """Sends an endless stream that breaks off after each file; the third time it is gone."""

    def do_GET(self):
        self.server.asked += 1
        if self.server.asked > self.server.times:
            self.send_error(404)
            return
        self.send_response(200)
        if self.server.tells_length:
            self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)
        self.wfile.flush()
        time.sleep(self.server.stall_s)

    def log_message(self, *_):
        pass


@pytest.fixture
def sender(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sender)
    server.body = write_film(tmp_path / "a.ts", 40, 30).read_bytes()
    server.asked, server.times, server.tells_length, server.stall_s = 0, 3, False, 0.0
    thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_stream_that_breaks_off_is_opened_again_until_it_stays_away(sender, monkeypatch):
    monkeypatch.setattr(camera, "FIRST_PAUSE_S", 0.02)
    source = Stream(f"http://name:secret@127.0.0.1:{sender.server_port}/live.ts?key=1", give_up_s=1.0, read_s=0.5)
    frames = []
    with pytest.raises(InputError, match="none for 1 s") as caught:
        for frame in source:
            frames.append(frame)
    assert len(frames) >= 70 and [frame.index for frame in frames] == list(range(len(frames)))
    assert "connected again" in source.notes[0] and "secret" not in str(caught.value) + source.info.name
    source.close()


def test_a_stream_that_stalls_is_opened_again(sender, monkeypatch):
    monkeypatch.setattr(camera, "FIRST_PAUSE_S", 0.02)
    sender.stall_s, sender.times = 2.0, 2
    source = Stream(f"http://127.0.0.1:{sender.server_port}/live.ts", give_up_s=1.5, read_s=0.3)
    began = time.monotonic()
    frames = list(islice(source, 60))  # more than one connection gives
    assert len(frames) == 60 and sender.asked == 2 and time.monotonic() - began < 1.9
    source.close()


def test_a_film_behind_an_address_ends_with_it(sender, tmp_path):
    sender.tells_length = True
    sender.body = write_film(tmp_path / "b.mp4", 20, container_options={"movflags": "faststart"}).read_bytes()
    assert len(list(Stream(f"http://127.0.0.1:{sender.server_port}/b.mp4", give_up_s=1.0))) == 20


def test_an_address_without_anybody():
    with pytest.raises(InputError, match="cannot be opened"):
        open_source("http://127.0.0.1:9/live")
