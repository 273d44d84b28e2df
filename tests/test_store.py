"""Pictures in an S3 store: a small server speaks as much of S3 as pyarrow asks for."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import cv2
import pyarrow.fs
import pytest

from emojimation import InputError
from emojimation.batch.listing import listing_of
from emojimation.batch.run import Output, Settings, local, run_batch
from emojimation.batch.tables import read_jsonl

if not hasattr(pyarrow.fs, "S3FileSystem"):
    pytest.skip("this pyarrow has no S3", allow_module_level=True)


class Store(BaseHTTPRequestHandler):
    """ListObjectsV2, HEAD and GET with a range on the dictionary `files` of "bucket/key" -> bytes."""

    files: dict[str, bytes]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        address = urlsplit(self.path)
        name, query = unquote(address.path).strip("/"), parse_qs(address.query)
        if "list-type" in query:
            self._send(200, self._listed(name, query.get("prefix", [""])[0], query.get("delimiter", [""])[0]), True)
        elif name in self.files:
            data = self.files[name]
            wanted = self.headers.get("range", "")
            first, last = wanted.removeprefix("bytes=").split("-") if wanted else ("0", "")
            part = data[int(first) : int(last or len(data)) + 1]
            ranged = {"content-range": f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"} if wanted else {}
            self._send(206 if wanted else 200, part, body, ranged)
        else:
            bucket = any(key.startswith(f"{name}/") for key in self.files) and "/" not in name
            self._send(200 if bucket else 404, b"", body)

    def _listed(self, bucket: str, prefix: str, delimiter: str) -> bytes:
        keys = [key.removeprefix(f"{bucket}/") for key in sorted(self.files) if key.startswith(f"{bucket}/{prefix}")]
        rest = {key: key[len(prefix) :] for key in keys}
        here = [key for key in keys if not delimiter or delimiter not in rest[key]]
        below = sorted({prefix + rest[key].split(delimiter)[0] + delimiter for key in keys if key not in here})
        parts = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.files[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in here
        ]
        parts += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in below]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(parts)}</ListBucketResult>".encode()

    def _send(self, status: int, data: bytes, body: bool, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"content-length": str(len(data)), "etag": '"x"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        for key, value in (headers | (more or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def store(astronaut, monkeypatch):
    """The query that leads to a store with a bucket `photos`."""
    jpeg = cv2.imencode(".jpg", cv2.resize(astronaut[:384], (320, 240)))[1].tobytes()
    files = {
        "photos/in/a.jpg": jpeg,
        "photos/in/more/b c.jpg": jpeg,
        "photos/in/broken.jpg": jpeg[:99],
        "photos/x.txt": b"",
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Store,), {"files": files}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield f"endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=nowhere"
    server.shutdown()
    server.server_close()


def test_pictures_of_a_bucket_are_listed_and_answered_by_processes(store, model, tmp_path):
    source = f"s3://photos/in?{store}"
    names = [item.source for item in listing_of(source)]
    assert names == ["s3://photos/in/a.jpg", "s3://photos/in/broken.jpg", "s3://photos/in/more/b c.jpg"]
    output = Output(tmp_path / "out.jsonl")
    summary = run_batch(Settings(source, model), output, local(1))
    assert (summary.faces, summary.failed) == (2, 1)
    assert [row["source"] for row in read_jsonl(output.path)] == [names[0], names[2]]


def test_a_glob_in_a_bucket(store):
    assert [item.source for item in listing_of(f"s3://photos/in/*a.jpg?{store}")] == ["s3://photos/in/a.jpg"]
    with pytest.raises(InputError, match="got none"):
        listing_of(f"s3://photos/in/*.png?{store}")


def test_a_store_that_is_not_there_is_told(store):
    with pytest.raises(InputError, match="nobucket"):
        listing_of(f"s3://nobucket/in?{store}")
