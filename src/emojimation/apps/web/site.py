"""What the server answers itself, in front of Streamlit: pages opened by their address, the browser engine's files, and
headers that isolate every page from other origins, which WebAssembly's threads need.
"""

import mimetypes
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from emojimation.apps.web import engine
from emojimation.apps.web.pages import PAGES

ISOLATED = [(b"cross-origin-opener-policy", b"same-origin"), (b"cross-origin-embedder-policy", b"require-corp")]
FOR_GOOD = (b"cache-control", b"public, max-age=31536000, immutable")
NOT_KEPT = (b"cache-control", b"no-cache")
# Where the server is. Streamlit would try below the page's path first, and the browser would log two 404 errors.
BASE = "<script>window.__streamlit = { BACKEND_BASE_URL: new URL('.', location.href).href };</script>"
TYPES = {".webmanifest": "application/manifest+json", ".mjs": "text/javascript", ".js": "text/javascript"}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Site(st.App):
    """The app of `app.py`, as an ASGI application."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        own = _answer(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        if own is None:
            await super().__call__(scope, receive, _isolated(send))
            return
        body, headers = own
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, length, *ISOLATED]})
        await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})


def _answer(path: str) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
    """Body and headers of the answers that are not Streamlit's."""
    if path == "/" or path[1:] in PAGES:
        return _shell(), [_type("text/html; charset=utf-8"), NOT_KEPT]
    content = engine.file(path)
    if content is None:
        return None
    end = Path(path).suffix
    kind = TYPES.get(end) or (mimetypes.types_map.get(end) if end != ".gz" else None)
    return content, [_type(kind or "application/octet-stream"), FOR_GOOD]


@lru_cache(maxsize=1)
def _shell() -> bytes:
    """Streamlit's HTML of all pages, with `BASE`."""
    index = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    return index.replace("<head>", f"<head>{BASE}", 1).encode()


def _type(name: str) -> tuple[bytes, bytes]:
    return b"content-type", name.encode()


def _isolated(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *ISOLATED]
        await send(message)

    return with_headers
