"""Video jobs over loopback: accepted, followed, fetched, cancelled, refused, finished at shutdown."""

import json
import time

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
pytest.importorskip("av", reason="PyAV is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from emojimation.video.reader import VideoFile  # noqa: E402
from served import service  # noqa: E402
from videos import write_still  # noqa: E402

MP4 = {"content-type": "video/mp4"}


@pytest.fixture(scope="module")
def short(tmp_path_factory, astronaut) -> bytes:
    return write_still(tmp_path_factory.mktemp("film") / "short.mp4", astronaut, 8).read_bytes()


@pytest.fixture(scope="module")
def long(tmp_path_factory, astronaut) -> bytes:
    return write_still(tmp_path_factory.mktemp("film") / "long.mp4", astronaut, 400).read_bytes()


@pytest.fixture(scope="module")
def client(model):
    with service(model=model, workers=2, limits={"jobs": 2}) as running, httpx.Client(base_url=running.url) as client:
        yield client


def ended(client, number: str) -> dict:
    for _ in range(600):
        job = client.get(f"/v1/video/{number}").json()
        if job["state"] in ("done", "failed", "cancelled"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_a_video_becomes_a_drawn_video_and_rows(client, short, tmp_path):
    query = "files=film&files=jsonl&files=vtt&measure=pose"
    answer = client.post(f"/v1/video?{query}", content=short, headers=MP4)
    assert answer.status_code == 202 and answer.headers["location"] == f"/v1/video/{answer.json()['id']}"
    job = ended(client, answer.json()["id"])
    assert (job["state"], job["frames"], job["share"]) == ("done", 8, 1.0), job
    rows = [json.loads(line) for line in client.get(job["files"]["jsonl"]).text.splitlines()]
    assert [row["frame"] for row in rows] == list(range(8)) and {row["track_id"] for row in rows} == {1}
    assert {tuple(row["attributes"]) for row in rows} == {("pose",)}
    got = client.get(job["files"]["film"])
    assert got.headers["content-type"] == "video/mp4"
    (tmp_path / "got.mp4").write_bytes(got.content)
    assert len(list(VideoFile(tmp_path / "got.mp4"))) == 8
    assert client.get(job["files"]["vtt"]).text.startswith("WEBVTT")
    assert client.get(f"/v1/video/{job['id']}/csv").status_code == 404
    deleted = client.delete(f"/v1/video/{job['id']}")
    assert deleted.status_code == 200 and (deleted.json()["state"], deleted.json()["files"]) == ("deleted", {})
    assert client.get(f"/v1/video/{job['id']}").status_code == 404


def test_an_anonymised_video_shows_no_face(client, short, tmp_path, model):
    query = "anonymise=true&files=film&style=blur&strength=fast&prior=stream"
    answer = client.post(f"/v1/video?{query}", content=short, headers=MP4)
    assert answer.json()["hiding"] is None
    job = ended(client, answer.json()["id"])
    assert job["state"] == "done", job
    report = job["hiding"]
    assert (report["frames"], report["covered"], report["faces"], report["doubtful"]) == (8, 8, 1, [])
    assert job["prior"] == "stream" and sum(job["base_rates"].values()) == pytest.approx(1, abs=1e-3)
    assert report["words"].endswith("1 face covered; look at it before you publish it")
    (tmp_path / "got.mp4").write_bytes(client.get(job["files"]["film"]).content)
    (tmp_path / "was.mp4").write_bytes(short)
    was, got = (next(iter(VideoFile(tmp_path / f"{name}.mp4"))).image for name in ("was", "got"))
    inside = (slice(70, 170), slice(175, 275))
    assert abs(was[inside].astype(int) - got[inside]).mean() > 8


def test_a_job_is_cancelled_and_a_full_queue_refuses(client, long):
    numbers = [client.post("/v1/video", content=long, headers=MP4).json()["id"] for _ in range(2)]
    full = client.post("/v1/video", content=long, headers=MP4)
    assert full.status_code == 429 and int(full.headers["retry-after"]) >= 1
    assert client.get(f"/v1/video/{numbers[0]}/film").status_code == 409
    for number in reversed(numbers):
        assert client.delete(f"/v1/video/{number}").json()["state"] == "cancelled"
    for _ in range(100):
        page = client.get("/metrics").text
        if 'emojimation_jobs{state="running"} 0.0' in page and 'emojimation_jobs{state="queued"} 0.0' in page:
            return
        time.sleep(0.05)
    raise AssertionError(page)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", 422),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", 422),
        (b"<MPD/>", 422),
    ],
)
def test_playlists_and_other_text_are_never_opened(client, body, status):
    answer = client.post("/v1/video", content=body, headers=MP4)
    assert answer.status_code == status and "video file" in answer.json()["detail"]


def test_a_damaged_video_is_a_failed_job_that_names_no_path(client, short):
    number = client.post("/v1/video", content=short[:60], headers=MP4).json()["id"]
    job = ended(client, number)
    assert job["state"] == "failed" and "Expected" in job["error"] and "/" not in job["error"].replace("/v1", ""), job


def test_wrong_types_and_parameters(client, short):
    assert client.post("/v1/video", content=short, headers={"content-type": "text/plain"}).status_code == 415
    for query in ("every=0", "files=exe", "style=x", "anonymise=true&style=boxes", "anonymise=true&files=jsonl"):
        assert client.post(f"/v1/video?{query}", content=short, headers=MP4).status_code == 422, query
    for path in ("nothing", "..%2f..%2fetc", "x/film"):
        assert client.get(f"/v1/video/{path}").status_code == 404


@pytest.mark.slow
def test_shutting_down_finishes_an_accepted_video(model, short):
    with service(model=model, workers=1) as running:
        httpx.post(f"{running.url}/v1/video", content=short, headers=MP4).raise_for_status()
        assert running.stop() == 0
        time.sleep(0.1)
        ends = [line for line in running.lines if line["event"] == "job"]
        assert [(line["state"], line["frames"]) for line in ends] == [("done", 8)]
