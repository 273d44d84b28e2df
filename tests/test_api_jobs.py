"""Video jobs that outlive the process: killed, restarted, listed by their owner, told to a webhook."""

import base64
import hashlib
import hmac
import json
import sqlite3
import time

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
pytest.importorskip("av", reason="PyAV is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from emojimation.apps.api.webhook import Webhook  # noqa: E402
from emojimation.errors import InputError  # noqa: E402
from emojimation.folders import Kept  # noqa: E402
from served import Call, Served, receiving, service  # noqa: E402
from videos import write_still  # noqa: E402

MP4 = {"content-type": "video/mp4"}
OWNER, OTHER = ({"authorization": f"Bearer {token}"} for token in ("one", "two"))


@pytest.fixture(scope="module")
def video(tmp_path_factory, astronaut) -> bytes:
    return write_still(tmp_path_factory.mktemp("video") / "video.mp4", astronaut, 60).read_bytes()


@pytest.fixture
def receiver():
    """A receiver of webhooks that fails the first time; gives its address and what it got."""
    with receiving(lambda call: 503 if call == 1 else 204) as (address, got):
        yield f"{address}/told", got


def until(true, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def job_of(served: Served, number: str) -> dict:
    return httpx.get(f"{served.url}/v1/video/{number}", headers=OWNER).json()


@pytest.mark.slow
def test_a_job_survives_a_kill_and_a_restart_and_is_listed_by_its_owner(tiny_model, tmp_path, video):
    (tmp_path / "tokens").write_text("one\ntwo\n")
    given = {
        "model": str(tiny_model),
        "workers": 1,
        "state": str(tmp_path / "state"),
        "token_file": str(tmp_path / "tokens"),
        "limits": {"grace_s": 0.05},
    }
    with service(**given) as first:
        sent = [
            httpx.post(f"{first.url}/v1/video?files=jsonl", content=video, headers=OWNER | MP4).json()["id"]
            for _ in range(2)
        ]
        until(lambda: job_of(first, sent[0])["frames"] > 1)
        first.process.kill()
        first.process.wait()
    (tmp_path / "state" / "left-by-an-upload").mkdir()
    with service(**given) as second:
        assert not (tmp_path / "state" / "left-by-an-upload").exists()
        until(lambda: job_of(second, sent[0])["state"] == "done")
        until(lambda: job_of(second, sent[1])["frames"] > 1)
        assert second.stop() == 0  # in the middle of the other one
    with service(**given) as third:
        assert job_of(third, sent[0])["state"] == "done"
        until(lambda: job_of(third, sent[1])["state"] == "done")
        for number in sent:
            lines = httpx.get(f"{third.url}/v1/video/{number}/jsonl", headers=OWNER).text.splitlines()
            assert [json.loads(line)["frame"] for line in lines] == list(range(60))
        listed = [httpx.get(f"{third.url}/v1/video", headers=who).json()["jobs"] for who in (OWNER, OTHER)]
        assert [[job["id"] for job in jobs] for jobs in listed] == [sent, []]
        assert httpx.delete(f"{third.url}/v1/video/{sent[0]}", headers=OWNER).json()["state"] == "deleted"
    with sqlite3.connect(tmp_path / "state" / "jobs.sqlite3") as ledger:
        assert ledger.execute("SELECT id FROM jobs").fetchall() == [(sent[1],)]


@pytest.mark.slow
def test_a_job_at_which_the_service_always_ends_is_given_up(tiny_model, tmp_path, video):
    given = {"model": str(tiny_model), "workers": 1, "state": str(tmp_path / "state")}
    with service(**given) as first:
        number = httpx.post(f"{first.url}/v1/video", content=video, headers=MP4).json()["id"]
        until(lambda: job_of(first, number)["state"] == "running")
        first.process.kill()
        first.process.wait()
    with sqlite3.connect(tmp_path / "state" / "jobs.sqlite3") as ledger:
        row = json.loads(ledger.execute("SELECT job FROM jobs").fetchone()[0]) | {"tries": 3}
        ledger.execute("UPDATE jobs SET job = ?", (json.dumps(row),))
    with service(**given) as second:
        job = job_of(second, number)
        assert job["state"] == "failed" and "ended 3 times" in job["error"]
        assert httpx.get(f"{second.url}/v1/video").status_code == 403


def test_a_folder_of_jobs_is_refused_to_a_second_process(tmp_path):
    held = Kept(tmp_path / "state")
    with pytest.raises(InputError, match="alone"):
        Kept(tmp_path / "state")
    held.close()
    Kept(tmp_path / "state").close()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder to write to"):
        Kept(tmp_path / "file")


def test_a_webhook_is_signed_and_repeated_until_it_is_answered(receiver, monkeypatch):
    monkeypatch.setattr("emojimation.apps.api.webhook.WAITS_S", (0.0, 0.01, 0.01))
    address, got = receiver
    hook = Webhook(address, "secret")
    hook.tell("video.done", {"id": "7"})
    until(lambda: len(got) == 2)
    headers = [{name.lower(): value for name, value in each.headers.items()} for each in got]
    body = got[1].body
    assert got[0].body == body and json.loads(body)["type"] == "video.done" and json.loads(body)["data"] == {"id": "7"}
    assert headers[0]["webhook-id"] == headers[1]["webhook-id"]
    text = f"{headers[1]['webhook-id']}.{headers[1]['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(b"secret", text, hashlib.sha256).digest()).decode()
    assert headers[1]["webhook-signature"] == f"v1,{wanted}"
    hook.close()


@pytest.mark.slow
def test_a_finished_job_is_told_to_the_webhook(receiver, tiny_model, video):
    address, got = receiver
    got.append(Call("", {}, b""))  # the receiver is well from now on
    with service(model=str(tiny_model), workers=1, webhook=address, webhook_secret="s") as running:
        number = httpx.post(f"{running.url}/v1/video?files=csv", content=video, headers=MP4).json()["id"]
        until(lambda: len(got) == 2)
    told = json.loads(got[1].body)
    assert told["type"] == "video.done" and told["data"]["id"] == number
    assert told["data"]["files"] == {"csv": f"/v1/video/{number}/csv"}
