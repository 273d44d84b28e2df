"""Request bodies, read within limits of size and time."""

import asyncio
from collections.abc import AsyncGenerator
from typing import BinaryIO

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from emojimation.apps.api.limits import Limits
from emojimation.apps.api.problem import Problem

DRAIN_BYTES, DRAIN_S = 64_000_000, 3.0
LONGEST_NAME = 255
RAW_NAME = "picture"  # the name of an image without a file name in its response


class _Parser(MultiPartParser):
    spool_max_size = 1 << 40  # the body is in memory already: never make a second copy on disk
    complete = False

    def on_end(self) -> None:
        self.complete = True


async def chunks_of(request: Request, most_bytes: int, most_s: float) -> AsyncGenerator[bytes, None]:
    """The body in chunks. Raises Problem: 413 for too many bytes, 415 for a compressed body, 408 for a slow client."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "Expected an uncompressed body: omit Content-Encoding.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise _too_large(most_bytes, int(declared))
    size, more = 0, True
    deadline = asyncio.get_running_loop().time() + most_s
    while more:
        try:
            async with asyncio.timeout_at(deadline):
                message = await request.receive()
        except TimeoutError:
            raise Problem(
                408, f"Expected the complete body within {most_s:g} s, got {size} bytes.", close=True
            ) from None
        if message["type"] == "http.disconnect":
            raise Problem(400, "Expected a complete body, got a closed connection.", close=True)
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes, size)
        yield chunk


async def drain(receive: Receive) -> None:
    """Read what a rejected client is still sending, within bounds: a connection closed earlier would be reset, and the
    client would never see why."""
    size, more = 0, True
    try:
        async with asyncio.timeout(DRAIN_S):
            while more and size < DRAIN_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        pass


def _too_large(most_bytes: int, got: int) -> Problem:
    return Problem(413, f"Expected at most {most_bytes} bytes, got {got} or more. Send less per request.")


async def pictures_of(request: Request, limits: Limits) -> list[tuple[str, bytes]]:
    """Name and bytes of each image in a request: a raw body, or the files of multipart/form-data."""
    kind = content_type(request)
    if not kind.startswith(("image/", "application/octet-stream", "multipart/form-data")):
        raise Problem(
            415,
            f"Expected Content-Type image/..., application/octet-stream or multipart/form-data, got {kind or 'none'}.",
        )
    body = b"".join([chunk async for chunk in chunks_of(request, limits.body_bytes, limits.body_s)])
    if not kind.startswith("multipart/"):
        return [(RAW_NAME, body)]
    return await _files_of(request, body, limits)


async def single_picture_of(request: Request, limits: Limits) -> tuple[str, bytes]:
    """Name and bytes of the only image in a request."""
    pictures = await pictures_of(request, limits)
    if len(pictures) != 1:
        raise Problem(422, f"Expected one image, got {len(pictures)}. Send one request for each.")
    return pictures[0]


def content_type(request: Request) -> str:
    """The media type without its parameters, in lower case."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def _files_of(request: Request, body: bytes, limits: Limits) -> list[tuple[str, bytes]]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _Parser(request.headers, once(), max_files=limits.pictures, max_fields=limits.pictures)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, LookupError) as error:
        reason = getattr(error, "message", "it is damaged")
        raise Problem(422, f"Expected multipart/form-data with at most {limits.pictures} files: {reason}") from error
    if not parser.complete:
        await form.close()
        raise Problem(422, "Expected a complete form, got one that is cut short: send its last boundary, too.")
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    pictures = [(_name(file), _bytes(file.file)) for file in files]
    await form.close()
    if not pictures:
        raise Problem(422, "Expected at least one file in the form, got none. With curl: -F picture=@photo.jpg")
    return pictures


def _name(file: UploadFile) -> str:
    return (file.filename or RAW_NAME)[:LONGEST_NAME]


def _bytes(file: BinaryIO) -> bytes:
    return file.read()
