"""Small images with transparency (emoji, words, rounded shapes) and the one way to put them onto a frame.

A sprite is (h,w,4) uint8, BGRA with premultiplied alpha: a channel is never larger than the fourth. Premultiplied
because only then may a sprite be resized, rotated or averaged without dark or light fringes.
"""

from functools import lru_cache
from importlib.resources import files
from math import ceil, log2

import cv2
import numpy as np
from PIL import Image, ImageDraw

from emojimation.draw.fonts import font_for
from emojimation.draw.kept import kept
from emojimation.errors import InputError

ART = ("noto", "fluent")
EMOJI_BYTES, SHAPE_BYTES = 24 << 20, 8 << 20  # kept of emoji, and of each kind of shape
# Part of a sprite's width that the head's disc fills, in both sets of art and in the avatar.
DISC = 0.88
PALE = 200  # grey that muted colours go halfway to

Colour = tuple[int, int, int]


def bgr(hex_colour: str) -> Colour:
    """ "#rrggbb" -> (blue, green, red), each 0 to 255."""
    red, green, blue = (int(hex_colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red


def premultiply(picture: np.ndarray) -> np.ndarray:
    """(h,w,4) uint8 BGRA with straight alpha -> the same as a sprite."""
    alpha = cv2.cvtColor(picture[..., 3], cv2.COLOR_GRAY2BGR)
    colour = cv2.multiply(np.ascontiguousarray(picture[..., :3]), alpha, scale=1 / 255)
    return np.dstack([colour, picture[..., 3]])


def stamp(frame: np.ndarray, sprite: np.ndarray, x: int, y: int) -> None:
    """Put `sprite` onto `frame` (H,W,3 BGR uint8) in place, its top left corner at (x, y), clipped to the frame."""
    height, width = frame.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + sprite.shape[1], width), min(y + sprite.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    part, under = sprite[y0 - y : y1 - y, x0 - x : x1 - x], frame[y0:y1, x0:x1]
    keep = cv2.cvtColor(255 - part[..., 3], cv2.COLOR_GRAY2BGR)
    under[:] = cv2.add(cv2.multiply(under, keep, scale=1 / 255), cv2.cvtColor(part, cv2.COLOR_BGRA2BGR))


@lru_cache(maxsize=32)
def _art(name: str, art: str) -> np.ndarray:
    if art not in ART:
        raise InputError(f"art must be one of {', '.join(ART)}, not {art!r}; choose one of them")
    data = (files("emojimation") / "assets" / "emoji" / art / f"{name}.png").read_bytes()
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return premultiply(np.asarray(picture))


def stepped(size: int) -> int:
    """The next larger of four sizes an octave: heads that move ask for a sprite of another size in every frame."""
    return ceil(2 ** (ceil(log2(max(size, 1)) * 4) / 4))


@lru_cache(maxsize=256)
def has_art(name: str, art: str = "noto") -> bool:
    """Whether the set `art` has an emoji called `name`; for an unknown set, `emoji` raises the error."""
    return art not in ART or (
        name.isidentifier() and (files("emojimation") / "assets" / "emoji" / art / f"{name}.png").is_file()
    )


def muted(colour: Colour) -> Colour:
    """A colour halfway to light grey, for an answer that is not sure enough for the full colour."""
    blue, green, red = ((channel + PALE) // 2 for channel in colour)
    return blue, green, red


@kept(EMOJI_BYTES)
def emoji(name: str, size: int, art: str = "noto", mute: bool = False) -> np.ndarray:
    """The emoji of an emotion, or of "not_sure", as a (size,size,4) sprite. Kept: read-only.

    mute: halfway to light grey, as `muted` does for colours; opacity is unchanged.
    """
    picture = _art(name, art)
    if mute:
        pale = (picture[..., 3:].astype(np.uint16) * PALE // 255).repeat(3, axis=2)
        picture = np.dstack([((picture[..., :3] + pale) // 2).astype(np.uint8), picture[..., 3]])
    shrink = size < picture.shape[0]
    resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    # Cubic overshoots at edges; a channel above its alpha would glow.
    return np.minimum(resized, resized[..., 3:])


@kept(SHAPE_BYTES)
def disc(letter: str, size: int, colour: Colour) -> np.ndarray:
    """A disc with a letter as a (size,size,4) sprite, for a class that has no emoji. Kept: read-only."""
    inner = max(2, round(size * DISC))
    sprite = np.zeros((size, size, 4), np.uint8)
    start = (size - inner) // 2
    sprite[start : start + inner, start : start + inner] = rounded(inner, inner, inner / 2, colour)
    dark = sum(colour) < 3 * 128
    words = text(letter, max(6, round(size * 0.5)), (255, 255, 255) if dark else (30, 24, 20))
    part = np.ascontiguousarray(sprite[..., :3])
    stamp(part, words, (size - words.shape[1]) // 2, round((size - words.shape[0]) / 2))
    return np.dstack([np.minimum(part, sprite[..., 3:]), sprite[..., 3]])


def class_sprite(name: str, size: int, colour: Colour, art: str = "noto", mute: bool = False) -> np.ndarray:
    """The (size,size,4) sprite of a class: its emoji if the set `art` has one, else a disc with its initial."""
    return emoji(name, size, art, mute) if has_art(name, art) else disc(name[:1].upper(), size, colour)


@kept(SHAPE_BYTES)
def text(words: str, px: int, colour: Colour = (255, 255, 255), alpha: float = 1.0) -> np.ndarray:
    """Words as a sprite 1.25 `px` high, baseline at `px`, in a font of their script. Kept: read-only."""
    font = font_for(words, px)
    image = Image.new("L", (ceil(font.getlength(words) + 0.04 * px) if words else 1, round(1.25 * px)))
    ImageDraw.Draw(image).text((0, px), words, font=font, fill=255, anchor="ls")
    return _tint(np.asarray(image, np.float32) / 255, colour, alpha)


@kept(SHAPE_BYTES)
def rounded(width: int, height: int, radius: float, colour: Colour, alpha: float = 1.0) -> np.ndarray:
    """A filled rectangle with round antialiased corners as a sprite. Kept: read-only."""
    radius = min(radius, width / 2, height / 2)
    x = np.maximum(np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius), 0)
    y = np.maximum(np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius), 0)
    # Coverage from the distance to the corner's circle, one pixel soft.
    return _tint(np.clip(radius + 0.5 - np.hypot(x[None], y[:, None]), 0, 1), colour, alpha)


def _tint(coverage: np.ndarray, colour: Colour, alpha: float) -> np.ndarray:
    weights = np.array([*colour, 255], np.float32) * alpha
    return np.rint(coverage[..., None] * weights).astype(np.uint8)
