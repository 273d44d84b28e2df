"""Images from files, folders and globs, and back into files. Everything is returned as BGR uint8."""

import errno
import glob
import io
import os
import re
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from emojimation.errors import InputError

_KINDS = [
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "png",
    "gif",
    "webp",
    "bmp",
    "dib",
    "tif",
    "tiff",
    "avif",
    "heic",
    "heif",
    "ppm",
    "pgm",
    "jp2",
    "ico",
]
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS)
# Only these decoders are tried: Pillow's others start external programs (EPS) or are rare and poorly tested.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO")
# Brands in a HEIF file's header that pi-heif decodes; "mif1" with AVIF inside is left to Pillow.
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_MOVING = {"GIF": "GIF", "WEBP": "WebP", "PNG": "PNG", "AVIF": "AVIF"}
DRAWN = "Drawn by Emojimation"  # the mark of an annotated image
ADDRESS = re.compile(r"(https?|ftp|rtsp)://?", re.IGNORECASE)  # a `Path` keeps one slash
MAX_MEGAPIXELS = 200
MOST_PAGES = 1000
ORIENTATION = 0x0112  # EXIF tag; 1 is upright
_READ_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image as read. frame: (H,W,3) BGR uint8, upright. notes: remarks about reading it."""

    frame: np.ndarray
    notes: tuple[str, ...] = ()


def read_image(path: str | Path) -> Picture:
    """Read an image file of any common format, including the HEIC of phones.

    EXIF orientation is applied, transparency is composited on white, the upper 8 of 16 bits are kept, and of an
    animation the first frame (with a note). Raises InputError with the file's name if it is missing, empty, not an
    image, damaged, truncated or above 200 megapixels; the size is checked in the header, before anything is decoded.
    """
    path = Path(path)
    _check_file(path)
    return _read(path, path, MAX_MEGAPIXELS)


def decode_image(data: bytes, name: str = "the image", max_megapixels: float = MAX_MEGAPIXELS) -> Picture:
    """Read an image from the bytes of its file, as `read_image` does; an InputError calls it `name`."""
    if not data:
        raise InputError(f"Expected an image, got {name}, which is empty (0 bytes).")
    return _read(io.BytesIO(data), name, max_megapixels)


def _read(file: Path | io.BytesIO, name: str | Path, max_megapixels: float) -> Picture:
    try:
        with _opened(file) as image:
            _check_size(image.size, name, max_megapixels)
            return _decoded(image)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(f"Expected an image, got {name}, which may not be read. Check its permissions.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"Expected an image, got {name}, which is not one. {_hint(file)}") from error
    except _READ_ERRORS as error:
        raise InputError(f"Expected a complete image, got {name}, which is damaged or truncated ({error}).") from error


def picture_of(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a `Picture`; the image itself is not changed. Raises InputError if it is closed,
    damaged or above 200 megapixels."""
    try:
        return _decoded(image)
    except InputError:
        raise
    except _READ_ERRORS as error:
        raise InputError(f"Expected a complete image that is open, got one that is not ({error}).") from error


def _decoded(image: Image.Image) -> Picture:
    _check_size(image.size, "the image")
    with _NO_PILLOW_LIMIT:
        notes = _notes(image)
        image.load()
    upright = image
    try:
        if image.getexif().get(ORIENTATION, 1) != 1:  # Pillow would copy an upright one
            upright = ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
        notes = [*notes, "damaged EXIF data were ignored"]
    return Picture(cv2.cvtColor(_rgb(upright), cv2.COLOR_RGB2BGR), tuple(notes))


class _NoPillowLimit:
    """While any thread is in such a block, Pillow's own pixel limit is off: it is lower than ours, and only warns at
    first. Pillow checks it when it opens, seeks and loads."""

    def __init__(self) -> None:
        self._lock, self._inside, self._limit = threading.Lock(), 0, Image.MAX_IMAGE_PIXELS

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                Image.MAX_IMAGE_PIXELS = self._limit


_NO_PILLOW_LIMIT = _NoPillowLimit()


class Found(NamedTuple):
    """The images found. skipped: files in folders that are not images. copies: annotated images that `write_image`
    wrote. failed: folders that cannot be read, and why."""

    pictures: list[Path]
    skipped: Sequence[Path] = ()
    copies: Sequence[Path] = ()
    failed: Mapping[Path, str] = MappingProxyType({})


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """The image files that `paths` name: files as given, folders with everything below them, globs ("photos/**/*.jpg").

    Sorted within a folder or glob, each file once; hidden ones, and images that `write_image` wrote with `drawn`, are
    left out. Raises InputError for a path that does not exist, a folder that cannot be read or has no images, or a glob
    without a match.
    """
    found = search_images(paths)
    if found.failed:
        raise InputError(next(iter(found.failed.values())))
    return found.pictures


def search_images(paths: Iterable[str | Path]) -> Found:
    """Like `find_images`, together with what was skipped; a subfolder that cannot be read is in `failed`."""
    found = [_expanded(path) for path in paths]
    pictures = dict.fromkeys(path for one in found for path in one.pictures)
    skipped = dict.fromkeys(path for one in found for path in one.skipped if path not in pictures)
    copies = dict.fromkeys(path for one in found for path in one.copies if path not in pictures)
    failed = {path: reason for one in found for path, reason in one.failed.items()}
    return Found(list(pictures), list(skipped), list(copies), failed)


def write_image(path: str | Path, frame: np.ndarray, drawn: bool = False) -> Path:
    """Write a (H,W,3) BGR uint8 frame as JPEG, PNG, WebP or whatever the suffix says; folders are made as needed.

    drawn: mark a JPEG or PNG as a result, so that `find_images` does not take it for a source. Raises InputError if it
    cannot be written.
    """
    path = Path(path)
    note = _note_of(path) if drawn else {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).save(path, quality=92, **note)
    except (OSError, ValueError) as error:
        raise InputError(f"Expected an image file that can be written, got {path} ({error}).") from error
    return path


def _note_of(path: Path) -> dict[str, Any]:
    """The options with which Pillow writes the mark `DRAWN` into a file of this suffix."""
    if path.suffix.lower() == ".png":
        info = PngInfo()
        info.add_text("Comment", DRAWN)
        return {"pnginfo": info}
    return {"comment": DRAWN}


def is_drawn(path: Path) -> bool:
    """Whether an image is marked as a result; only reads the header, and only for names that results may have."""
    if "-" not in path.stem:
        return False
    try:
        with _opened(path) as image:
            note = image.info.get("Comment", image.info.get("comment", ""))
    except (InputError, *_READ_ERRORS):
        return False
    return note in (DRAWN, DRAWN.encode())


def _check_file(path: Path) -> None:
    if is_folder(path):
        raise InputError(f"Expected an image file, got the folder {path}.")
    if not path.exists():
        raise InputError(f"Expected an image, got {path}, which does not exist. Check the spelling.")
    if not path.is_file():  # opening a named pipe would wait for ever
        raise InputError(f"Expected an image file, got {path}, which is a pipe, a socket or a device.")
    if path.stat().st_size == 0:
        raise InputError(f"Expected an image, got {path}, which is empty (0 bytes).")


@contextmanager
def _opened(file: Path | io.BytesIO) -> Iterator[Image.Image]:
    """Open an image, of which only the header is read at first."""
    with _NO_PILLOW_LIMIT, Image.open(file, formats=(*_FORMATS, *_heif(file))) as image:
        yield image


def _heif(file: Path | io.BytesIO) -> tuple[str, ...]:
    """Pillow's name for HEIF if the file may be one; its decoder is loaded only for such a file."""
    head = file.getvalue()[:32] if isinstance(file, io.BytesIO) else _head(file)
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS or b"avif" in head:
        return ()
    from pi_heif import register_heif_opener

    register_heif_opener()
    return ("HEIF",)


def _check_size(size: tuple[int, int], what: str | Path, max_megapixels: float = MAX_MEGAPIXELS) -> None:
    width, height = size
    if width * height > max_megapixels * 1_000_000:
        raise InputError(
            f"Expected at most {max_megapixels:g} megapixels, got {width * height / 1e6:.0f} "
            f"({width} x {height}) in {what}. Downscale it first."
        )
    if not width or not height:
        raise InputError(f"Expected an image, got {what} of {width} x {height} pixels.")


def _notes(image: Image.Image) -> list[str]:
    if image.format in _MOVING and getattr(image, "is_animated", False):
        return [
            f"animated {_MOVING[image.format]} of {getattr(image, 'n_frames', 0)} frames: only the first was analysed"
        ]
    if image.format == "TIFF" and (pages := _pages(image)) > 1:
        least = "" if pages < MOST_PAGES else "at least "
        return [f"TIFF of {least}{pages} pages: only the first was analysed"]
    return []


def _pages(image: Image.Image) -> int:
    """Pages of a TIFF, counted up to `MOST_PAGES`: Pillow's own count takes minutes for 100,000 empty ones."""
    pages = 1
    try:
        while pages < MOST_PAGES:
            image.seek(pages)
            pages += 1
    except EOFError:
        pass
    image.seek(0)
    return pages


def _rgb(image: Image.Image) -> np.ndarray:
    """(H,W,3) RGB uint8 of any mode, transparency composited on white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return cv2.cvtColor(_eight_bits(np.asarray(image)), cv2.COLOR_GRAY2RGB)
    if image.mode == "La":
        image = image.convert("LA")  # the only mode that Pillow converts it to
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image if image.mode == "RGBA" else image.convert("RGBA"))
        image = white
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """(H,W) of any number type -> uint8; the range is taken as 0..1, 0..255 or 0..65535, the smallest that fits."""
    grey = np.nan_to_num(grey.astype(np.float32), posinf=0, neginf=0)
    top = float(grey.max())
    scale = 255.0 if top <= 1 and (grey % 1).any() else 1.0 if top <= 255 else 1 / 257
    return np.clip(np.rint(grey * scale), 0, 255).astype(np.uint8)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder. Raises InputError for anything but a path: a data URI, an address, other text."""
    text = str(path)
    if text.startswith("data:"):
        raise InputError("Expected an image's path, got a data URI. Decode its base64 and pass the bytes.")
    if ADDRESS.match(text):
        address = ADDRESS.sub(r"\1://", text)
        raise InputError(
            f"Expected an image, got the address {address}; images are not downloaded. Save it to a file first."
        )
    try:
        return path.is_dir()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise InputError(f"Expected an image, got {path}, which cannot be read ({error.strerror}).") from error
        raise InputError(
            f"Expected an image path, got a text of {len(text)} characters that is not one ({error.strerror}): "
            "if it is base64, pass the decoded bytes."
        ) from error


def _hint(file: Path | io.BytesIO) -> str:
    """What to do about a file that is not an image we read."""
    head = file.getvalue()[:32] if isinstance(file, io.BytesIO) else _head(file)
    if b"\0" not in head and head.isascii():
        return "It contains text."
    return "Supported are JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF, AVIF."


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(32)


def _expanded(path: str | Path) -> Found:
    path = Path(path).expanduser()
    if is_folder(path):
        failed: dict[Path, str] = {}
        return _pictures(files_below(path, failed), f"in the folder {path}", failed)
    if path.exists():
        return Found([path])
    if glob.has_magic(str(path)):
        return _pictures(map(Path, glob.glob(str(path), recursive=True)), f"matching {path}", {})
    raise InputError(f"Expected an image, a folder or a glob, got {path}, which does not exist. Check the spelling.")


def files_below(folder: Path, failed: dict[Path, str]) -> Iterator[Path]:
    """All files below a folder, without hidden ones, sorted in each folder and before its subfolders.

    failed: gets the folders that cannot be read, and why.
    """

    def tell(error: OSError) -> None:
        failed[Path(error.filename)] = (
            f"Expected a folder that can be read, got {error.filename} ({error.strerror}): check its permissions."
        )

    for parent, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))


def _pictures(candidates: Iterable[Path], where: str, failed: dict[Path, str]) -> Found:
    files = sorted(path for path in candidates if path.is_file())
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    copies = {path for path in images if is_drawn(path)}
    found = [path for path in images if path not in copies]
    if not found:
        if failed:
            raise InputError(next(iter(failed.values())))
        raise InputError(f"Expected an image {where}, got none (looked for {' '.join(sorted(SUFFIXES))}).")
    return Found(found, sorted({*files} - {*images}), sorted(copies), failed)
