"""The panels beside a face: emoji, words, percent and a bar for each of the three most probable classes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emojimation.draw import sprites
from emojimation.faces import Face

INK = (30, 24, 20)
GREY = sprites.bgr("#c3c7cb")
ALPHA = 0.78


@dataclass(frozen=True, slots=True)
class Piece:
    """A sprite at its place in a panel, in pixels from the panel's top left corner."""

    sprite: np.ndarray
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside a face: its size in pixels and its pieces, the lowest first."""

    width: int
    height: int
    pieces: tuple[Piece, ...]


def colour_of(face: Face) -> sprites.Colour:
    """BGR of the face's emotion, paler if the answer only leans to it, grey if it is not sure."""
    if face.certainty == "not sure":
        return GREY
    colour = sprites.bgr(face.labels.colour_of(face.emotion))
    return colour if face.certain else sprites.muted(colour)


def emoji_of(face: Face, size: int, art: str) -> np.ndarray:
    """The (size,size,4) sprite of a face's answer: its emotion, muted if it only leans to it, or "not sure"."""
    if face.certainty == "not sure":
        return sprites.emoji("not_sure", size, art)
    return sprites.class_sprite(face.emotion, size, colour_of(face), art, not face.certain)


def panels_of(face: Face, frame: np.ndarray, art: str) -> Iterator[Panel]:
    """The panels that suit a classified face in this frame, the fullest first."""
    px = _text_px(frame, face)
    short = min(frame.shape[:2])
    if short >= 240 and 9 * px <= 2 * face.size_px:
        yield _full(face, px, art)
    if short >= 96:
        yield _line(face, px, art)
    yield _sign(face, px, art) if short >= 96 else _bare(face, max(10, short // 4), art)


def _text_px(frame: np.ndarray, face: Face) -> int:
    """Height of the main word: a share of the face, bounded by shares of the image, in steps of a twelfth of an octave.

    In steps because in a video the face's size jitters, and the words should not.
    """
    short = min(frame.shape[:2])
    px = np.clip(face.size_px * 0.125, max(11.0, 0.015 * short), max(11.0, 0.036 * short))
    return round(2 ** (round(np.log2(px) * 12) / 12))


def _words(face: Face) -> tuple[str, str]:
    """The main word and the smaller one."""
    percent = f"{face.confidence:.0%}"
    if face.certainty == "leaning" and face.probabilities is not None:
        percent = ", ".join(f"{p:.0%}" for p in np.sort(face.probabilities)[:-3:-1])
    return face.words, f"{face.emotion}? {percent}" if face.certainty == "not sure" else percent


def _mark(face: Face, px: int) -> np.ndarray:
    """The person's number, or an empty sprite."""
    return sprites.text("" if face.track_id is None else f"#{face.track_id}", px, GREY)


def _full(face: Face, px: int, art: str) -> Panel:
    """Two lines beside the emoji, bars below."""
    pad, small, icon = round(px * 0.6), max(9, round(px * 0.72)), round(px * 2.35)
    word, detail = _words(face)
    title, under, mark = sprites.text(word, px), sprites.text(detail, small, GREY), _mark(face, small)
    left = pad + icon + round(px * 0.45)
    width = max(round(px * 9), left + title.shape[1] + pad + mark.shape[1] + pad, left + under.shape[1] + pad)
    top, row = pad + icon + round(px * 0.4), round(small * 1.45)
    height = top + 3 * row + round(pad * 0.5)
    pieces = [
        Piece(sprites.rounded(width, height, px * 0.55, INK, ALPHA), 0, 0),
        Piece(emoji_of(face, icon, art), pad, pad),
        Piece(title, left, pad),
        Piece(under, left, pad + round(px * 1.32)),
        Piece(mark, width - pad - mark.shape[1], pad + px - small),
    ]
    pieces += _bars(face, small, (pad, top), width - 2 * pad, row)
    return Panel(width, height, tuple(pieces))


def _bars(face: Face, px: int, corner: tuple[int, int], width: int, row: int) -> list[Piece]:
    """A name and a bar in its colour for each of the three most probable classes; `px`: height of the names."""
    x, y = corner
    probabilities = np.zeros(len(face.labels)) if face.probabilities is None else face.probabilities
    start = x + round(px * 4.9)
    length, thick = x + width - start, max(3, round(px * 0.5))
    pieces = []
    for number, class_id in enumerate(np.argsort(-probabilities, kind="stable")[:3]):
        name, top = face.labels.names[class_id], y + number * row
        drop = round(px * 0.66 - thick / 2)
        filled = max(thick, round(length * float(probabilities[class_id])))
        pieces.append(Piece(sprites.text(name, px, GREY), x, top))
        pieces.append(Piece(sprites.rounded(length, thick, thick / 2, (255, 255, 255), 0.16), start, top + drop))
        pieces.append(
            Piece(
                sprites.rounded(filled, thick, thick / 2, sprites.bgr(face.labels.colour_of(name))), start, top + drop
            )
        )
    return pieces


def _line(face: Face, px: int, art: str) -> Panel:
    """Everything in one line: number, emoji, word, percent."""
    word, detail = _words(face)
    small = max(9, round(px * 0.8))
    texts = [
        (_mark(face, small), px - small),
        (sprites.text(word, px), 0),
        (sprites.text(detail, small, GREY), px - small),
    ]
    return _row(face, px, art, texts)


def _sign(face: Face, px: int, art: str) -> Panel:
    """Only the emoji, and the number if there is one."""
    return _bare(face, round(px * 1.9), art) if face.track_id is None else _row(face, px, art, [(_mark(face, px), 0)])


def _bare(face: Face, size: int, art: str) -> Panel:
    return Panel(size, size, (Piece(emoji_of(face, size, art), 0, 0),))


def _row(face: Face, px: int, art: str, texts: list[tuple[np.ndarray, int]]) -> Panel:
    """The emoji and words (each with how far to lower it, so that baselines meet) on a background with round ends."""
    icon, pad, gap = round(px * 1.45), round(px * 0.3), round(px * 0.38)
    height, x = icon + 2 * pad, pad + icon + gap
    pieces = [Piece(emoji_of(face, icon, art), pad, pad)]
    for sprite, drop in texts:
        if sprite.shape[1] > 1:
            pieces.append(Piece(sprite, x, (height - round(px * 1.28)) // 2 + drop))
            x += sprite.shape[1] + gap
    width = x + round(px * 0.25)
    return Panel(width, height, (Piece(sprites.rounded(width, height, height / 2, INK, ALPHA), 0, 0), *pieces))
