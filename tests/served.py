"""A real service in a process of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import ROOT

PROGRAM = """
import json, sys
from emojimation.apps.api import app, serve
from emojimation.apps.api.limits import Limits
given = json.loads(sys.argv[1])
limits = Limits(**given.pop("limits", {}))
def told(url): print(url, flush=True)
serve.run(app.service(app.ServiceSettings(**given, limits=limits)), "127.0.0.1", 0, limits, told)
"""


@dataclass
class Served:
    """A running service. url: its address. lines: its log so far, one object per line."""

    url: str
    process: subprocess.Popen
    lines: list[dict] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def stop(self) -> int:
        """End it as a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def service(**given) -> Iterator[Served]:
    """Run `app.service` with these settings; `limits` is a dict."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(given)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = run.stdout.readline().strip()
    if not url:
        raise AssertionError(run.communicate()[1])
    served = Served(url, run)
    reader = threading.Thread(target=_read, args=(served,), daemon=True)
    reader.start()
    try:
        yield served
    finally:
        if run.poll() is None:
            run.kill()
        run.wait()
        reader.join(5)


def _read(served: Served) -> None:
    for line in served.process.stderr:
        try:
            served.lines.append(json.loads(line))
        except ValueError:
            served.lines.append({"event": "not json", "line": line})


@dataclass
class Call:
    """A POST that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def receiving(status_of: Callable[[int], int]) -> Iterator[tuple[str, list[Call]]]:
    """A server of POSTs that answers the n-th, from 1, with `status_of(n)`; its address and what it got."""
    got: list[Call] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(Call(self.path, dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status_of(len(got)))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
