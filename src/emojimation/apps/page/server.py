"""A server of files for the page on this machine, isolated from other origins, so that it may use threads."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from emojimation.errors import InputError

TYPES = {".mjs": "text/javascript", ".webmanifest": "application/manifest+json", ".gz": "application/octet-stream"}


class _Files(SimpleHTTPRequestHandler):
    """The folder's files with their media types; quiet."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the page reports its own errors."""


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the folder on 127.0.0.1, not started. port: 0 for any free one. InputError for a taken one."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Files, directory=str(folder)))
    except OSError as error:
        raise InputError(
            f"Expected a free port, got {port} ({error.strerror}). Choose another one with --port."
        ) from error
