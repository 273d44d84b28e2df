"""The service against its own OpenAPI document (schemathesis), and against hostile bytes."""

import random
import socket
import zlib

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, given, settings  # noqa: E402

# Bytes that fit the document are hardly ever an image: a 422 for them is right.
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

from conftest import SAMPLES  # noqa: E402
from served import Served, service  # noqa: E402

JPEG = (SAMPLES / "astronaut.jpg").read_bytes()
MALFORMED, EXAMPLES = 600, 25
SEED = 20_260_124


@pytest.fixture(scope="module")
def served(tiny_model) -> Served:
    with service(model=str(tiny_model), workers=2, limits={"header_s": 5, "body_s": 1, "kept_s": 1}) as running:
        yield running


@pytest.mark.slow
def test_every_route_keeps_to_its_document(served):
    """Made-up requests, valid and invalid: known statuses, the documented kinds and shapes of answers, no 5xx.

    schemathesis' own pytest plugin does not know this pytest; its cases are run by hypothesis here.
    """
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    tried: dict[str, int] = {}
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def keeps(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])
            tried[case.operation.label] = tried.get(case.operation.label, 0) + 1

        keeps()
    assert tried.keys() >= {"POST /v1/analyze", "POST /v1/anonymise", "POST /v1/video", "GET /v1/video/{number}"}
    assert sum(tried.values()) > 100


def damaged(chance: random.Random) -> bytes:
    """An image with some bytes changed, cut out, doubled or put elsewhere."""
    data = bytearray(JPEG if chance.random() < 0.5 else PNG)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(min(len(data), 3000) if chance.random() < 0.7 else len(data))
        kind = chance.randrange(4)
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place : place + chance.randint(1, 500)]
        elif kind == 2:
            data[place:place] = data[place : place + chance.randint(1, 100)]
        else:
            data[place:place] = chance.randbytes(chance.randint(1, 50))
        if len(data) < 10:
            break
    return bytes(data)


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", (64).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0]))
    + chunk(b"IDAT", zlib.compress(bytes(64 * 193)))
    + chunk(b"IEND", b"")
)


def malformed(chance: random.Random) -> bytes:
    """A request that is wrong somewhere: line, headers, length, form, or the image inside."""
    path = chance.choice(
        ["/v1/analyze", "/v1/anonymise", "/v1/video", "/v1/analyze?threshold=x", "/v1/%00", "/" + "a" * 3000]
    )
    kind = chance.choice(
        ["image/jpeg", "image/png", "multipart/form-data; boundary=b", "multipart/form-data", "text/x", "é"]
    )
    body = chance.choice(
        [damaged(chance), chance.randbytes(chance.randint(0, 3000)), b"--b\r\n" + chance.randbytes(99)]
    )
    if "boundary" in kind and chance.random() < 0.7:
        body = (
            b'--b\r\nContent-Disposition: form-data; name="p"; filename="x"\r\n\r\n'
            + body
            + chance.choice([b"\r\n--b--\r\n", b""])
        )
    length = len(body) if chance.random() < 0.8 else chance.choice([0, -1, 10**30, len(body) // 2, "x"])
    method = chance.choice(["POST"] * 6 + ["GET", "PUT", "\x00POST", "BREW"])
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: x",
        f"content-type: {kind}",
        f"content-length: {length}",
        "connection: close",
    ]
    if chance.random() < 0.15:
        lines.insert(
            chance.randrange(len(lines)),
            chance.choice(["transfer-encoding: chunked", "no colon", "\x01: \x02", "a: " + "b" * 70_000]),
        )
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def status(port: int, request: bytes) -> int:
    """The status of the answer; 0 where the connection is closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(65_536)
        except OSError:  # closed by the other side meanwhile
            return 0
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.slow
def test_malformed_requests_get_no_5xx(served):
    chance = random.Random(SEED)
    counts: dict[int, int] = {}
    for number in range(MALFORMED):
        request = malformed(chance)
        got = status(served.port, request)
        counts[got] = counts.get(got, 0) + 1
        assert got < 500, (number, got, request[:300])
    assert counts.get(200, 0) + counts.get(422, 0) > MALFORMED // 20 and counts[400] > 10, counts
    assert served.process.poll() is None
    assert not [line for line in served.lines if line.get("event") == "error"], served.lines[-5:]
