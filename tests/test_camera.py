"""Cameras and network streams: unplugged, absent, breaking off, stalling, ending."""

import contextlib
import http.server
import threading
import time
from functools import partial
from itertools import islice

import cv2
import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.video import camera, reader
from emojimation.video import source as source_module
from emojimation.video.camera import Camera, Stream
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.source import open_source
from videos import images, picture, streams, write_video


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
    server.body = write_video(tmp_path / "a.ts", 40, 30).read_bytes()
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
    assert "reconnected" in source.notes[0] and "secret" not in str(caught.value) + source.info.name
    source.close()


def test_a_stream_that_stalls_is_opened_again(sender, monkeypatch):
    monkeypatch.setattr(camera, "FIRST_PAUSE_S", 0.02)
    sender.stall_s, sender.times = 2.0, 2
    source = Stream(f"http://127.0.0.1:{sender.server_port}/live.ts", give_up_s=1.5, read_s=0.3)
    began = time.monotonic()
    frames = list(islice(source, 60))  # more than one connection gives
    assert len(frames) == 60 and sender.asked == 2 and time.monotonic() - began < 1.9
    source.close()


def test_a_video_behind_an_address_ends_with_it(sender, tmp_path):
    sender.tells_length = True
    sender.body = write_video(tmp_path / "b.mp4", 20, container_options={"movflags": "faststart"}).read_bytes()
    assert len(list(Stream(f"http://127.0.0.1:{sender.server_port}/b.mp4", give_up_s=1.0))) == 20


def test_an_address_without_anybody():
    with pytest.raises(InputError, match="cannot be opened"):
        open_source("http://127.0.0.1:9/live")


class Ranged(http.server.BaseHTTPRequestHandler):
    """A web server that knows ranges, as they are used to seek in a file; `stops_at` bytes it says nothing any more."""

    def do_GET(self):
        body, start = self.server.body, 0
        asked = self.headers.get("Range")
        if asked:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = min(len(body), self.server.stops_at)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[start:end])
            if end < len(body):
                time.sleep(self.server.stall_s)

    def log_message(self, *_):
        pass


@pytest.fixture
def web_file(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranged)
    path = write_video(tmp_path / "a.mp4", 60, 30, size=(320, 240), sound="aac")  # its index lies at the end
    server.body, server.stops_at, server.stall_s = path.read_bytes(), 1 << 40, 0.0
    thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_file_behind_an_address_is_read_as_a_file(web_file, tmp_path):
    url = f"http://127.0.0.1:{web_file.server_port}/a.mp4"
    source = open_source(url, start_s=0.5)
    frames = list(source)
    source.close()
    assert not source.info.live and source.info.duration_s == pytest.approx(2.0, abs=0.1)
    assert len(frames) == 45 and [f.time_s for f in frames] == pytest.approx(
        [0.5 + i / 30 for i in range(45)], abs=1e-3
    )
    result = run_video(url, lambda frame: [], Targets(tmp_path / "out.mp4", csv=tmp_path / "out.csv"))
    assert result.frames == 60 and result.incomplete is None and streams(tmp_path / "out.mp4")["audio"] == "aac"


@pytest.mark.slow
def test_a_server_that_stalls_ends_the_file_and_what_came_is_kept(web_file, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "READ_S", 0.3)
    path = write_video(
        tmp_path / "b.mp4", 90, 30, size=(320, 240), draw=noise, container_options={"movflags": "faststart"}
    )
    web_file.body = path.read_bytes()
    web_file.stops_at, web_file.stall_s = len(web_file.body) // 2, 3.0
    out = Targets(tmp_path / "out.mp4", csv=tmp_path / "out.csv")
    result = run_video(f"http://127.0.0.1:{web_file.server_port}/b.mp4", lambda frame: [], out)
    assert 10 < result.frames < 80 and "truncated" in result.incomplete
    assert len(images(tmp_path / "out.mp4")) == result.frames and (tmp_path / "out.csv") in result.written
    assert not (tmp_path / "out.mp4.parts").exists()


def noise(number, width, height):
    return np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)


def test_a_stream_that_dies_leaves_finished_files(sender, tmp_path, monkeypatch):
    monkeypatch.setattr(camera, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(camera, "GIVE_UP_S", 0.5)
    sender.times = 1
    url = f"http://127.0.0.1:{sender.server_port}/live.ts"
    monkeypatch.setattr(source_module, "_remote_file", lambda *_: None)
    monkeypatch.setattr(source_module, "Stream", partial(Stream, give_up_s=0.5, read_s=0.3))
    result = run_video(url, lambda frame: [], Targets(tmp_path / "out.mp4", csv=tmp_path / "out.csv"))
    assert result.frames >= 30 and "got none for 0.5 s" in result.incomplete
    assert len(images(tmp_path / "out.mp4")) == result.frames and not (tmp_path / "out.mp4.parts").exists()
