"""The client against a real service, and against one that is busy."""

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
pytest.importorskip("av", reason="PyAV is not installed")
httpx = pytest.importorskip("httpx", reason="the extra `client` is not installed")

from conftest import SAMPLES  # noqa: E402
from emojimation import client as emojimation_client  # noqa: E402
from emojimation.client import Client, ServiceError  # noqa: E402
from emojimation.media import decode_image  # noqa: E402
from emojimation.video import writer  # noqa: E402
from served import service  # noqa: E402

PHOTO = SAMPLES / "astronaut.jpg"


@pytest.fixture(scope="module")
def client(tiny_model, tmp_path_factory):
    (tokens := tmp_path_factory.mktemp("tokens") / "tokens").write_text("secret\n")
    with (
        service(model=str(tiny_model), workers=1, token_file=str(tokens)) as running,
        Client(running.url, "secret") as client,
    ):
        yield client


def test_images_are_analysed_and_anonymised(client):
    rows = client.analyze(PHOTO, PHOTO.read_bytes(), b"none", threshold=0.9)
    assert [row["source"] for row in rows] == ["astronaut.jpg", "image 1", "image 2"]
    assert rows[0]["faces"] == rows[1]["faces"] and len(rows[0]["faces"]) == 1 and "Expected" in rows[2]["error"]
    hidden = client.anonymise(PHOTO, style="blur", format="png", strength="fast")
    assert hidden.media_type == "image/png" and hidden.report["faces"] == hidden.faces == 1
    assert decode_image(hidden.data).frame.shape == decode_image(PHOTO.read_bytes()).frame.shape


def test_a_video_is_submitted_awaited_downloaded_and_deleted(client, astronaut, tmp_path):
    segment = writer.Segment(tmp_path / "video.mp4", 10.0)
    for number in range(3):
        segment.write(astronaut[:384], number / 10)
    segment.close()
    job = client.wait(client.submit(tmp_path / "video.mp4", ["csv"])["id"], 0.05)
    assert (job["state"], job["frames"], list(job["files"])) == ("done", 3, ["csv"])
    assert [each["id"] for each in client.jobs()] == [job["id"]]
    assert client.download(job, "csv", tmp_path / "faces.csv").read_text().startswith("frame,")
    assert client.delete(job["id"])["state"] == "deleted" and client.jobs() == []


def test_a_refusal_is_an_error_with_its_reason(client):
    with pytest.raises(ServiceError, match="404: Expected the id of a job") as told:
        client.job("unknown")
    assert told.value.status == 404 and len(told.value.request_id) == 32
    with pytest.raises(ServiceError, match="422"):
        client.analyze(b"none")


def test_a_busy_service_is_asked_again_after_the_time_it_names(monkeypatch, tmp_path):
    waits, bodies = [], []
    monkeypatch.setattr(emojimation_client.time, "sleep", waits.append)

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        if len(bodies) < 3:
            return httpx.Response((429, 503)[len(bodies) - 1], headers={"retry-after": "7"} if len(bodies) == 1 else {})
        return httpx.Response(202, json={"id": "1"})

    (tmp_path / "video.mp4").write_bytes(b"whole")
    with Client(transport=httpx.MockTransport(answer)) as patient:
        assert patient.submit(tmp_path / "video.mp4") == {"id": "1"}
    assert waits == [7.0, 1.0] and bodies == [b"whole"] * 3
    with (
        Client(tries=2, transport=httpx.MockTransport(lambda _: httpx.Response(503, text="proxy"))) as hasty,
        pytest.raises(ServiceError, match="503: Service Unavailable"),
    ):
        hasty.job("1")
    assert waits[2:] == [1.0]
