"""Streams and videos of the service follow known faces: how often a whole frame is searched, and what each stream
keeps to itself."""

import json
import time

import cv2
import numpy as np
import pytest

TestClient = pytest.importorskip("fastapi.testclient", reason="the extra `api` is not installed").TestClient
pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from emojimation.apps.api.app import ServiceSettings, service  # noqa: E402
from emojimation.apps.api.pool import RequestPool  # noqa: E402
from emojimation.detect import FaceDetector  # noqa: E402
from emojimation.detect.following import FollowingDetector  # noqa: E402
from videos import write_still  # noqa: E402

FRAMES = 12


@pytest.fixture(scope="module")
def client(tiny_model):
    with TestClient(service(ServiceSettings(model=str(tiny_model), workers=2))) as client:
        yield client


@pytest.fixture
def whole(monkeypatch):
    """The sizes of the frames that were searched as a whole, in order."""
    searched, search = [], FaceDetector.__call__
    monkeypatch.setattr(
        FaceDetector, "__call__", lambda self, frame: searched.append(frame.shape[1::-1]) or search(self, frame)
    )
    return searched


def ask(stream, jpeg: bytes, time_s: float) -> dict:
    stream.send_text(json.dumps({"time_s": time_s}))
    stream.send_bytes(jpeg)
    return stream.receive_json()


def test_a_stream_searches_few_whole_frames(client, whole, small_jpeg):
    with client.websocket_connect("/v1/stream") as stream:
        answers = [ask(stream, small_jpeg, number / 30) for number in range(FRAMES)]
    assert [[face["track_id"] for face in answer["faces"]] for answer in answers] == [[1]] * FRAMES
    assert len(whole) == 2, "the first frame and the ninth"


def test_streams_do_not_share_whom_they_follow(client, whole, small_jpeg, astronaut):
    large = cv2.imencode(".jpg", cv2.resize(astronaut, (600, 600)))[1].tobytes()
    with client.websocket_connect("/v1/stream") as one, client.websocket_connect("/v1/stream") as other:
        for number in range(4):
            answers = [ask(one, small_jpeg, number / 30), ask(other, large, number / 30)]
            assert [(answer["width"], len(answer["faces"])) for answer in answers] == [(320, 1), (600, 1)]
    assert sorted(whole) == [(320, 240), (600, 600)]


def test_a_cut_makes_a_stream_forget_everybody(client, whole, astronaut):
    """The same face in the same place of another scene."""
    scene = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8), 64, 0), 64, 1)
    frames = []
    for background in (scene, 255 - scene):
        frame = background.copy()
        frame[60:300, 70:310] = astronaut[20:260, 100:340]
        frames.append(cv2.imencode(".jpg", frame)[1].tobytes())
    with client.websocket_connect("/v1/stream") as stream:
        shown = [frames[0]] * 3 + [frames[1]] * 3
        answers = [ask(stream, jpeg, number / 30) for number, jpeg in enumerate(shown)]
    assert len(whole) == 2, "the first frame of each scene"
    numbers = [[face["track_id"] for face in answer["faces"]] for answer in answers]
    assert numbers[0] == numbers[2] and len(numbers[0]) == 1
    assert len(numbers[-1]) == 1 and numbers[-1] != numbers[0]


def test_a_video_is_searched_in_runs(client, whole, astronaut, tmp_path):
    data = write_still(tmp_path / "short.mp4", astronaut, FRAMES).read_bytes()
    answer = client.post("/v1/video?files=jsonl", content=data, headers={"content-type": "video/mp4"}).json()
    until = time.monotonic() + 120
    while answer["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        answer = client.get(f"/v1/video/{answer['id']}").json()
    assert (answer["state"], answer["frames"]) == ("done", FRAMES), answer
    assert len(whole) == 8, "at ten frames a second: four runs, each searched at both ends"


def test_the_pool_limits_faces_in_photos_streams_and_videos_alike(tiny_model, astronaut):
    from emojimation.apps.api.limits import Limits
    from emojimation.errors import InputError

    pool = RequestPool(tiny_model, Limits(faces=1))
    stream = pool.stream()
    assert isinstance(stream.detector, FollowingDetector) and stream.detector is not pool.stream().detector
    assert stream.tracker is not pool.stream().tracker and pool.video.tracker is None
    both = cv2.hconcat([astronaut, astronaut])
    for find in (pool.pipeline, stream, pool.video, lambda frame: pool.video.of_run([frame, frame])):
        with pytest.raises(InputError, match="at most 1 faces in an image, got 2"):
            find(both)
    pool.close()
