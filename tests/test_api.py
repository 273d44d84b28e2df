"""The service over loopback with a real client: answers, limits, hostile clients, shutdown."""

import asyncio
import gzip
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")
websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")

from conftest import ROOT, SAMPLES  # noqa: E402
from emojimation.listening import listening  # noqa: E402
from emojimation.media import decode_image  # noqa: E402
from emojimation.pipeline import make_pipeline  # noqa: E402
from served import Served, service  # noqa: E402

JPEG = (SAMPLES / "astronaut.jpg").read_bytes()
RAW = {"content-type": "image/jpeg"}
TIGHT = {
    "body_bytes": 300_000,
    "pictures": 3,
    "megapixels": 1.0,
    "faces": 4,
    "queue": 2,
    "header_s": 0.7,
    "body_s": 0.7,
    "send_s": 0.7,
    "streams": 1,
    "idle_s": 1.0,
}


@pytest.fixture(scope="module")
def served(model) -> Served:
    with service(model=model, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def tight(model) -> Served:
    """A service with small limits, which asks for a token."""
    with service(model=model, workers=1, token="secret", limits=TIGHT) as running:
        yield running


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


@pytest.fixture
def guest(tight):
    """A client of the tight service that knows the token."""
    with httpx.Client(base_url=tight.url, timeout=60, headers={"authorization": "Bearer secret"}) as client:
        yield client


def refused(answer, status: int, text: str = "") -> dict:
    """Check that an answer is a problem detail of one line."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and text in problem["detail"]
    assert "\n" not in problem["detail"] and "Traceback" not in problem["detail"]
    return problem


def test_one_image_is_answered_as_the_library_does(client, model, astronaut):
    for request in ({"content": JPEG, "headers": RAW}, {"files": {"picture": ("a.jpg", JPEG)}}):
        answer = client.post("/v1/analyze", **request)
        assert answer.status_code == 200
        row = answer.json()["pictures"][0]
        assert row["faces"] == [face.to_dict() for face in make_pipeline(model)(astronaut)]
        assert (row["width"], row["height"]) == (512, 512)


def test_many_images_keep_their_order_and_the_broken_one_is_reported(client):
    files = [("pictures", (name, data)) for name, data in (("a", JPEG), ("b", b"none"), ("c", JPEG))]
    rows = client.post("/v1/analyze", files=files).json()["pictures"]
    assert [row["source"] for row in rows] == ["a", "b", "c"]
    assert [len(row.get("faces", ())) for row in rows] == [1, 0, 1] and "Expected" in rows[1]["error"]


def test_base_rates_are_the_services_unless_a_request_asks_for_others(client):
    usual, trained = (
        client.post(f"/v1/analyze{query}", content=JPEG, headers=RAW).json()["pictures"][0]
        for query in ("", "?prior=fer2013")
    )
    assert (usual["prior"], trained["prior"]) == ("everyday", "fer2013")
    before, after = (row["faces"][0]["probabilities"] for row in (trained, usual))
    assert after["neutral"] / after["angry"] > 2 * before["neutral"] / before["angry"]
    assert client.post("/v1/analyze?prior=monday", content=JPEG, headers=RAW).status_code == 422


def test_threshold_and_cropped_are_taken(client):
    face = client.post("/v1/analyze?threshold=1", content=JPEG, headers=RAW).json()["pictures"][0]["faces"][0]
    assert face["certain"] is False and face["certainty"] == "leaning" and face["words"].startswith("happy or ")
    row = client.post("/v1/analyze?cropped=true", content=JPEG, headers=RAW).json()["pictures"][0]
    assert row["faces"][0]["xyxy"] == [0, 0, 512, 512]


def test_measures_are_answered_on_request_only(client):
    def face(query: str) -> dict:
        return client.post(f"/v1/analyze{query}", content=JPEG, headers=RAW).json()["pictures"][0]["faces"][0]

    assert "attributes" not in face("")
    measured = face("?measure=pose&measure=mesh&measure=affect")["attributes"]
    assert set(measured) == {"pose", "mesh", "affect"} and measured["mesh"]["presence"] > 0.9
    assert abs(measured["pose"]["yaw"]) < 30
    refused(client.post("/v1/analyze?measure=weight", content=JPEG, headers=RAW), 422, "measure")


def test_a_puppet_of_another_character_covers_the_faces(client):
    def covered(query: str) -> np.ndarray:
        answer = client.post(f"/v1/anonymise?format=png&style=puppet{query}", content=JPEG, headers=RAW)
        return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).astype(int)

    emoji, cat = covered(""), covered("&character=cat")
    assert np.abs(emoji - cat).max() > 100
    refused(client.post("/v1/anonymise?character=../../tmp", content=JPEG, headers=RAW), 422, "character")


def test_anonymised_images_show_no_face_and_no_place(client, model):
    source = Image.open(io.BytesIO(JPEG))
    exif = Image.Exif()
    exif[0x010F] = "a camera's maker"
    file = io.BytesIO()
    source.save(file, "jpeg", exif=exif)
    for style, kind in (("emoji", "jpeg"), ("blur", "png"), ("pixelate", "webp"), ("avatar", "jpeg")):
        answer = client.post(f"/v1/anonymise?style={style}&format={kind}", content=file.getvalue(), headers=RAW)
        assert answer.status_code == 200 and answer.headers["content-type"] == f"image/{kind}"
        assert int(answer.headers["x-faces"]) >= 1 and b"maker" not in answer.content
        before, after = decode_image(file.getvalue()).frame, decode_image(answer.content).frame
        x0, y0, x1, y1 = make_pipeline(model)(before)[0].xyxy.astype(int)
        inside = np.abs(before.astype(int) - after)[y0:y1, x0:x1].mean()
        assert before.shape == after.shape and inside > 8


@pytest.mark.parametrize("strength", ["fast", "paranoid"])
def test_anonymised_images_come_with_an_honest_report(client, strength):
    answer = client.post(f"/v1/anonymise?strength={strength}", content=JPEG, headers=RAW)
    report = json.loads(answer.headers["x-hiding"])
    assert (report["faces"], report["found"], report["covered"]) == (1, 1, 1) and answer.headers["x-faces"] == "1"
    assert 0.03 < report["share"] < 0.4 and report["words"] == "1 face covered; look at it before you publish it"
    refused(client.post("/v1/anonymise?strength=reckless", content=JPEG, headers=RAW), 422, "strength")


def test_state_pages(client):
    assert client.get("/health").json() == {"status": "ok"} and client.get("/ready").status_code == 200
    told = client.get("/v1/model").json()
    assert told["model"]["labels"] and told["limits"]["queue"] == 64 and "path" not in told["model"]
    assert client.post("/v1/analyze", content=JPEG, headers=RAW).status_code == 200
    page = client.get("/metrics").text
    assert 'emojimation_requests_total{method="POST",route="/v1/analyze",status="200"}' in page
    assert "emojimation_faces_total" in page and "process_resident_memory_bytes" in page


def test_the_openapi_document_has_examples_and_no_page_from_elsewhere(client):
    document = client.get("/openapi.json").json()
    assert document["components"]["schemas"]["Analysis"]["examples"][0]["pictures"][0]["faces"][0]["emotion"] == "happy"
    assert {"/v1/analyze", "/v1/anonymise", "/v1/model", "/health", "/ready", "/metrics"} <= document["paths"].keys()
    for path in ("/docs", "/redoc", "/nothing"):
        refused(client.get(path), 404)
    refused(client.get("/v1/analyze"), 405)


def png_of(width: int, height: int) -> bytes:
    """The head of an image of that size, with a little data that unpacks to a lot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1 << 24), 9)) + chunk(b"IEND", b"")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1 << 26))
    return file.getvalue()


BROKEN = {
    "empty": b"",
    "text": b"hello",
    "cut short": JPEG[:2000],
    "zip bomb": zipped(),
    "too many pixels": png_of(60_000, 60_000),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "zeros": bytes(5000),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("path", ["/v1/analyze", "/v1/anonymise"])
def test_what_is_not_an_image_is_a_422(client, name, path):
    refused(client.post(path, content=BROKEN[name], headers=RAW), 422, "Expected")


def test_wrong_types_parameters_and_forms(client):
    for kind in ("text/plain", "application/json", "", "image", "application/x-www-form-urlencoded"):
        refused(client.post("/v1/analyze", content=JPEG, headers={"content-type": kind}), 415)
    packed = gzip.compress(bytes(1 << 24))
    refused(client.post("/v1/analyze", content=packed, headers=RAW | {"content-encoding": "gzip"}), 415, "compressed")
    refused(client.post("/v1/analyze?threshold=2", content=JPEG, headers=RAW), 422, "or equal to 1, got '2'")
    told = refused(client.post(f"/v1/analyze?prior={'x' * 900}", content=JPEG, headers=RAW), 422, "query.prior")
    assert len(told["detail"]) < 200
    refused(client.post("/v1/anonymise?style=none", content=JPEG, headers=RAW), 422, "style")
    refused(client.post("/v1/analyze?treshold=0.2", content=JPEG, headers=RAW), 422, "threshold, prior, measure, got")
    refused(client.get("/v1/model?a=b"), 422, "no query parameters, got 'a'")
    assert client.get("/health?a=b").status_code == 200
    refused(client.post("/v1/analyze", data={"a": "b"}, files={}), 415)
    for head in (
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "y" * 500,
    ):
        refused(client.post("/v1/analyze", content=b"--x\r\nno form", headers={"content-type": head}), 422, "form")
    refused(client.post("/v1/anonymise", files=[("p", ("a", JPEG)), ("p", ("b", JPEG))]), 422, "one image")


@pytest.mark.parametrize("parts", [1, 2])
def test_a_form_that_is_cut_short_is_a_422(client, parts):
    head = b'--xx\r\ncontent-disposition: form-data; name="p"; filename="a.jpg"\r\n\r\n'
    form, kind = b"\r\n".join([head + JPEG] * parts), {"content-type": "multipart/form-data; boundary=xx"}
    refused(client.post("/v1/analyze", content=form, headers=kind), 422, "cut short")
    assert client.post("/v1/analyze", content=form + b"\r\n--xx--", headers=kind).status_code == 200


def test_limits_of_bytes_images_pixels_and_faces(guest):
    refused(guest.post("/v1/analyze", content=bytes(400_000), headers=RAW), 413, "300000 bytes")
    refused(guest.post("/v1/analyze", content=iter([bytes(200_000)] * 2), headers=RAW), 413, "300000 bytes")
    refused(guest.post("/v1/analyze", files=[("p", (str(i), b"x")) for i in range(4)]), 422, "3 files")
    file = io.BytesIO()
    Image.new("RGB", (1200, 1000)).save(file, "png")
    refused(guest.post("/v1/analyze", content=file.getvalue(), headers=RAW), 422, "megapixels")
    crowd = (SAMPLES / "group.jpg").read_bytes()
    refused(guest.post("/v1/analyze", content=crowd, headers=RAW), 422, "at most 4 faces")


def test_the_token_is_required_everywhere_but_on_health(tight):
    with httpx.Client(base_url=tight.url) as client:
        for path in ("/v1/model", "/metrics", "/openapi.json", "/nothing"):
            answer = client.get(path)
            refused(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
            refused(client.get(path, headers={"authorization": "Bearer wrong"}), 401)
        assert client.get("/health").status_code == client.get("/ready").status_code == 200
    with pytest.raises(Exception, match=r"403|1008"):
        websockets.connect(f"ws://127.0.0.1:{tight.port}/v1/stream")


def test_the_tokens_scheme_may_be_written_in_any_case(tight):
    for given, status in (("bearer secret", 200), ("BEARER  secret", 200), ("Basic secret", 401), ("secret", 401)):
        assert httpx.get(f"{tight.url}/v1/model", headers={"authorization": given}).status_code == status, given


def test_head_is_answered_as_get_without_the_body(client):
    for path in ("/health", "/ready", "/v1/model", "/nothing"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
    assert client.head("/v1/analyze").status_code == 405


def test_answers_on_one_connection_do_not_wait_for_the_clients_ack():
    """An ACK may be delayed by 40 ms: connections of the service's socket must have TCP_NODELAY."""

    async def of_a_connection() -> int:
        loop = asyncio.get_running_loop()
        found = loop.create_future()

        class Accepted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                accepted = transport.get_extra_info("socket")
                found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        async with await loop.create_server(Accepted, sock=listening("127.0.0.1", 0)) as server:
            with socket.create_connection(server.sockets[0].getsockname()):
                return await found

    assert asyncio.run(of_a_connection()) == 1


def test_a_full_queue_is_a_429_with_a_time_to_come_again(tight, guest):
    head = b"POST /v1/analyze HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\ncontent-type: image/jpeg\r\n"
    for _ in range(20):  # a busy machine may give the slow ones up before it hears the next one
        slow = [socket.create_connection(("127.0.0.1", tight.port)) for _ in range(2)]
        for each in slow:
            each.sendall(head + b"content-length: 1000\r\n\r\n")
        answer = guest.post("/v1/analyze", content=JPEG, headers=RAW)
        ready = guest.get("/ready").status_code
        for each in slow:
            each.settimeout(30)
            assert b"408" in each.recv(10_000).split(b"\r\n")[0]  # the slow ones are not waited for
            each.close()
        if (answer.status_code, ready) == (429, 503):
            break
    refused(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1 and ready == 503
    assert guest.post("/v1/analyze", content=JPEG, headers=RAW).status_code == 200


def closed_after(sock: socket.socket) -> float:
    """Seconds until the other side closes."""
    began = time.monotonic()
    sock.settimeout(10)
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


@pytest.mark.parametrize("start", [b"", b"POST /v1/ana", b"GET /health HTTP/1.1\r\nx: "])
def test_a_client_that_says_nothing_is_left(tight, start):
    with socket.create_connection(("127.0.0.1", tight.port)) as sock:
        sock.sendall(start)
        assert closed_after(sock) < 5


def test_a_client_that_drips_is_left(tight):
    with socket.create_connection(("127.0.0.1", tight.port)) as sock:
        began = time.monotonic()
        with pytest.raises(OSError):
            for byte in b"GET /health HTTP/1.1\r\nx-long: " + b"y" * 200:
                sock.sendall(bytes([byte]))
                time.sleep(0.05)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(("missing", "status"), [(0, b"200"), (5, b"400")])
def test_a_client_that_closes_its_half_is_answered(served, missing, status):
    fields = ("host: x", "content-type: image/jpeg", f"content-length: {len(JPEG) + missing}")
    head = "\r\n".join(["POST /v1/analyze HTTP/1.1", *fields, "", ""])
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as sock:
        sock.sendall(head.encode() + JPEG)
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_what_is_no_http_is_a_400(tight):
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, b"GARBAGE\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", tight.port)) as sock:
            sock.sendall(junk)
            sock.settimeout(5)
            answer = sock.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 400") and b"problem+json" in answer


def closed_with(url: str, code: int, reason: str, **given) -> None:
    """Check that a stream is closed with a code and a reason that the client sees."""
    with websockets.connect(url, **given) as stream:
        with pytest.raises(Exception, match=str(code)):
            stream.recv(10)
        assert stream.close_code == code and reason in stream.close_reason


def test_a_stream_follows_a_face(served, model):
    with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream") as one:
        numbers = set()
        for frame in range(4):
            one.send(json.dumps({"time_s": frame / 10}))
            one.send(JPEG)
            answer = json.loads(one.recv(30))
            assert answer["frame"] == frame and answer["time_s"] == frame / 10
            numbers |= {face["track_id"] for face in answer["faces"]}
        assert numbers == {1}
        one.send(b"no image")
        assert "Expected an image" in json.loads(one.recv(30))["error"]
        for text in ("{", '{"time_s": -1}', '{"time_s": 1e999}', "[]", '{"time_s": NaN}'):
            one.send(text)
            assert "time_s" in json.loads(one.recv(30))["error"]
        with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream") as other:
            other.send(JPEG)
            assert json.loads(other.recv(30))["faces"][0]["track_id"] == 1  # a tracker of its own


def test_a_stream_measures_on_request_and_counts_blinks(served):
    with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream?measure=pose&measure=mesh") as one:
        one.send(JPEG)
        measured = json.loads(one.recv(60))["faces"][0]["attributes"]
    assert set(measured) == {"pose", "mesh", "blinks"} and measured["blinks"]["count"] == 0
    closed_with(f"ws://127.0.0.1:{served.port}/v1/stream?measure=weight", 1008, "measure is not one of")


def test_a_stream_learns_its_base_rates_on_request(served):
    with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream?prior=stream") as one:
        said = []
        for number in range(4):
            one.send(json.dumps({"time_s": float(number)}))
            one.send(JPEG)
            said.append(json.loads(one.recv(60))["faces"][0]["probabilities"]["happy"])
    assert said == sorted(said) and said[-1] > said[0]
    closed_with(f"ws://127.0.0.1:{served.port}/v1/stream?prior=monday", 1008, "prior is not one of")
    closed_with(f"ws://127.0.0.1:{served.port}/v1/stream?piror=stream", 1008, "among prior, measure, got 'piror'")


def test_streams_are_limited_in_number_size_silence_and_origin(tight, served):
    url, headers = f"ws://127.0.0.1:{tight.port}/v1/stream", {"authorization": "Bearer secret"}
    with websockets.connect(url, additional_headers=headers) as one:
        closed_with(url, 1013, "too many streams", additional_headers=headers)
        one.send(bytes(400_000))
        with pytest.raises(Exception, match="1009"):
            one.recv(10)
    time.sleep(0.1)
    with websockets.connect(url, additional_headers=headers) as one, pytest.raises(Exception, match="1001"):
        one.recv(10)
    with pytest.raises(Exception, match=r"403|1008"):
        websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream", origin="http://evil.example")


def test_no_page_of_another_host_may_read(client):
    answer = client.get("/health", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_log_has_sizes_and_times_but_no_names(served, client):
    client.post("/v1/analyze?threshold=0.123", files={"p": ("private-name.jpg", JPEG)})
    time.sleep(0.2)
    lines = [line for line in served.lines if line["event"] == "request" and line["route"] == "/v1/analyze"]
    assert {"id", "status", "ms", "sent_bytes", "pictures", "faces", "time", "level"} <= lines[-1].keys()
    text = json.dumps(served.lines)
    assert not [line for line in served.lines if line["event"] == "not json"]
    assert "private-name" not in text and "0.123" not in text and "127.0.0.1" not in text


@pytest.mark.slow
@pytest.mark.parametrize("batching", [False, True])
def test_many_concurrent_clients_get_their_own_answers(model, batching):
    flipped = cv2.imencode(".jpg", cv2.flip(cv2.imdecode(np.frombuffer(JPEG, np.uint8), 1), 1))[1].tobytes()
    with service(model=model, workers=3, batching=batching) as running, httpx.Client(base_url=running.url) as client:

        def ask(data: bytes) -> list:
            return client.post("/v1/analyze", content=data, headers=RAW, timeout=60).json()["pictures"][0]["faces"]

        alone = {data: ask(data) for data in (JPEG, flipped)}
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(ask, [JPEG, flipped] * 12))
        for got, data in zip(answers, [JPEG, flipped] * 12, strict=True):
            assert got[0]["xyxy"] == alone[data][0]["xyxy"]
            pairs = zip(got[0]["probabilities"].values(), alone[data][0]["probabilities"].values(), strict=True)
            assert max(abs(a - b) for a, b in pairs) < 1e-3


@pytest.mark.slow
def test_shutting_down_finishes_what_was_accepted(model):
    with service(model=model, workers=1) as running:
        statuses: list[int] = []

        def ask() -> None:
            files = [("p", (str(i), JPEG)) for i in range(8)]
            statuses.append(httpx.post(f"{running.url}/v1/analyze", files=files, timeout=60).status_code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        while httpx.get(f"{running.url}/metrics").text.find("emojimation_accepted 4.0") < 0:
            time.sleep(0.01)
        assert running.stop() == 0
        for thread in threads:
            thread.join()
        assert statuses == [200] * 4


def test_a_late_answer_is_a_503(model):
    with service(model=model, workers=1, limits={"answer_s": 0.02}) as running:
        files = [("p", (str(i), JPEG)) for i in range(6)]
        answer = httpx.post(f"{running.url}/v1/analyze", files=files, timeout=60)
        refused(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1


def test_the_command_tells_a_taken_port_and_a_bad_token_file(served, tmp_path, command, model):
    code, _, told = command("serve", "--port", served.port, "--model", model)
    assert code == 2 and "free address" in told and told.count("\n") == 1
    (tmp_path / "token").write_text("\n")
    code, _, told = command("serve", "--token-file", tmp_path / "token", "--model", model)
    assert code == 2 and "token" in told


@pytest.mark.slow
def test_the_command_serves_until_it_is_stopped(tmp_path, model):
    args = [sys.executable, "-m", "emojimation", "serve", "--port", "0", "--model", model]
    run = subprocess.Popen(
        args, env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin"}, stderr=subprocess.PIPE, text=True
    )
    url = run.stderr.readline().split()[-1]
    assert url.startswith("http://127.0.0.1:") and httpx.get(f"{url}/ready", timeout=30).status_code == 200
    run.terminate()
    assert run.wait(20) == 0
