"""A small store that speaks as much of S3 as pyarrow asks for, for tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 3  # keys in an answer; the next ones are asked for with a token, as S3 does after a thousand
KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def store(files: dict[str, bytes]) -> Iterator[str]:
    """Serve `files`, "bucket/key" -> bytes; gives the query that leads there. The environment needs `KEYS`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Store,), {"files": files}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=nowhere"
    server.shutdown()
    server.server_close()


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
            asked = [query.get(key, [""])[0] for key in ("prefix", "delimiter", "continuation-token")]
            self._send(200, self._listed(name, *asked), True)
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

    def _listed(self, bucket: str, prefix: str, delimiter: str, token: str) -> bytes:
        keys = [key.removeprefix(f"{bucket}/") for key in sorted(self.files) if key.startswith(f"{bucket}/{prefix}")]
        rest = {key: key[len(prefix) :] for key in keys}
        here = [key for key in keys if not delimiter or delimiter not in rest[key]]
        below = sorted({prefix + rest[key].split(delimiter)[0] + delimiter for key in keys if key not in here})
        parts = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.files[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in here[int(token or 0) : int(token or 0) + PAGE]
        ]
        end = int(token or 0) + PAGE
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{end}</NextContinuationToken>"
        more = more if end < len(here) else "<IsTruncated>false</IsTruncated>"
        parts += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in below if not token]
        return f"<ListBucketResult>{more}{''.join(parts)}</ListBucketResult>".encode()

    def _send(self, status: int, data: bytes, body: bool, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"content-length": str(len(data)), "etag": '"x"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        for key, value in (headers | (more or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)
