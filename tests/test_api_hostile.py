"""What nobody sends in good faith, and odd images that many do: bombs, clients that do not read, all of PHOTO's bad
input.
"""

import io
import socket
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")
websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")

from conftest import SAMPLES  # noqa: E402
from served import Served, service  # noqa: E402
from test_bad_input import BAD, ODD  # noqa: E402

JPEG = (SAMPLES / "astronaut.jpg").read_bytes()
RAW = {"content-type": "application/octet-stream"}
MB = 1 << 20


@pytest.fixture(scope="module")
def served(tiny_model) -> Served:
    limits = {"send_s": 0.7, "streams": 1, "answer_s": 30.0}
    with service(model=str(tiny_model), workers=1, limits=limits, origins=["https://friend.example"]) as running:
        yield running


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def portrait():
    """A Pillow RGB image with one face."""
    with Image.open(SAMPLES / "astronaut.jpg") as image:
        return image.convert("RGB")


def memory_mb(served: Served) -> float:
    """Most memory that the service has had so far."""
    with open(f"/proc/{served.process.pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


@pytest.mark.parametrize("name", ODD)
def test_odd_images_are_answered_like_any_other(client, portrait, tmp_path, name):
    ODD[name](portrait, tmp_path / name)
    row = client.post("/v1/analyze", files={"pictures": (name, (tmp_path / name).read_bytes())}).json()["pictures"][0]
    assert row["source"] == name and len(row["faces"]) == 1
    assert ("moving" in name) == ("first" in " ".join(row.get("notes", [])))


@pytest.mark.parametrize("name", [name for name in BAD if name not in ("missing.jpg", "empty folder")])
def test_bad_images_are_refused_in_one_line(client, tmp_path, name):
    BAD[name](tmp_path / name)
    answer = client.post("/v1/analyze", files={"pictures": (name, (tmp_path / name).read_bytes())})
    detail = answer.json()["detail"]
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert detail.startswith("Expected") and name in detail and "\n" not in detail


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG without transparency, black, with more chunks after its head."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = zlib.compress(bytes((1 + 3 * width) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif_of(frames: int) -> bytes:
    """A moving GIF of 8 x 8 pixels."""
    file = io.BytesIO()
    Image.new("P", (8, 8)).save(file, "gif")
    data = file.getvalue()
    start = data.index(b",")
    return data[:start] + data[start:-1] * frames + b";"


def tiff_of(pages: int) -> bytes:
    """A TIFF of so many pages of one pixel."""
    tags = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    size = 2 + len(body) + 4
    ends = [8 + page * size for page in range(1, pages)] + [0]
    heads = b"".join(struct.pack("<H", len(tags)) + body + struct.pack("<I", end) for end in ends)
    return b"II*\0" + struct.pack("<I", 8) + heads


PROFILE = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(256 * MB), 9))
TEXTS = chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(64 * MB), 9)) * 40
BOMBS = {
    "39 megapixels in 120 kB": (lambda: png(7800, 5000), 200),
    "41 megapixels": (lambda: png(8200, 5000), 422),
    "a colour profile of 256 MB": (lambda: png(8, 8, PROFILE), 422),
    "texts of 2.5 GB": (lambda: png(8, 8, TEXTS), 422),
    "a GIF of 100,000 frames": (lambda: gif_of(100_000), 200),
    "a TIFF of 100,000 pages": (lambda: tiff_of(100_000), 200),
    "30,000 x 1 pixels": (lambda: png(30_000, 1), 200),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_neither_the_memory_nor_the_time(client, served, name):
    make, status = BOMBS[name]
    answer = client.post("/v1/analyze", content=make(), headers=RAW)
    assert answer.status_code == status, answer.text[:300]  # a 503 after 30 seconds would say: too slow
    assert memory_mb(served) < 1000
    assert client.post("/v1/analyze", content=JPEG, headers=RAW).status_code == 200


def test_ten_thousand_tiny_files_in_a_form(client):
    answer = client.post("/v1/analyze", files=[("pictures", (f"{n}.png", b"x")) for n in range(10_000)])
    assert answer.status_code == 422 and "at most 32 files" in answer.json()["detail"]


def test_a_format_that_cannot_hold_the_image(client):
    answer = client.post("/v1/anonymise?format=webp", content=png(17_000, 2), headers=RAW)
    assert answer.status_code == 422 and "format=png" in answer.json()["detail"]
    assert client.post("/v1/anonymise?format=png", content=png(17_000, 2), headers=RAW).status_code == 200


def test_a_packed_message_of_a_stream_is_not_unpacked_beyond_the_limit(served, client):
    with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream") as stream:
        stream.send(bytes(100 * MB))  # travels as 100 kB
        with pytest.raises(Exception, match="1009"):
            stream.recv(10)
    assert memory_mb(served) < 1000 and client.get("/ready").status_code == 200


def deaf(port: int) -> socket.socket:
    """A client that has room for very little of an answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(5)
    return sock


def cut_off(sock: socket.socket, data: bytes) -> bool:
    """Whether the other side ends the connection while `data` is sent again and again and no answer is read."""
    end = time.monotonic() + 10
    try:
        while time.monotonic() < end:
            sock.sendall(data)
            time.sleep(0.01)
        return False
    except TimeoutError:  # it takes no more, because nobody reads its answers; it is up to the other side to end that
        pass
    except ConnectionError:
        return True
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True


def test_a_client_that_does_not_read_its_answers_is_left(served):
    with deaf(served.port) as sock:
        assert cut_off(sock, b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 20)


@pytest.mark.slow
def test_a_stream_whose_client_does_not_read_gives_its_place_back(served):
    head = (
        b"GET /v1/stream HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n\r\n"
    )
    text = b"x" * 50  # is answered with an error, which costs nothing
    frame = bytes([0x81, 0x80 | len(text)]) + bytes(4) + text
    with deaf(served.port) as sock:
        sock.sendall(head)
        assert sock.recv(12) == b"HTTP/1.1 101"
        assert cut_off(sock, frame * 1000)
    with websockets.connect(f"ws://127.0.0.1:{served.port}/v1/stream") as stream:  # one is allowed at a time
        stream.send(JPEG)
        assert b'"faces"' in stream.recv(20).encode()


def test_pages_that_were_allowed_may_read_and_ask_before(client):
    origin = {"origin": "https://friend.example"}
    assert client.get("/health", headers=origin).headers["access-control-allow-origin"] == origin["origin"]
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    assert client.options("/v1/analyze", headers=origin | asked).status_code == 200
    assert "access-control-allow-origin" not in client.get("/health", headers={"origin": "http://evil.example"}).headers


@pytest.mark.slow
def test_noise_of_every_kind_is_a_422(client):
    chance = np.random.default_rng(8)
    for head in (
        b"",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\0\0\1\0WEBPVP8 ",
        b"II*\0",
        b"BM",
        b"P6\n",
    ):
        answer = client.post("/v1/analyze", content=head + chance.bytes(5000), headers=RAW)
        assert answer.status_code == 422 and answer.json()["detail"].startswith("Expected"), (head, answer.text)
