"""How the pages look: style sheet, emoji, cards and bars as HTML. Words are escaped here; callers hand over plain text."""

import base64
from functools import lru_cache
from html import escape
from importlib import resources

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from emojimation.draw import sprites
from emojimation.faces import Face
from emojimation.labels import CONTEMPT, EMOTIONS, LabelSet

DRAWN = (*EMOTIONS, CONTEMPT, "not_sure")  # have an emoji in the style sheet
ART = "fluent"  # the same emoji in the page and in the pictures
HINTS = {
    "too small": "The face is small: take a picture from nearer by.",
    "too dark": "The face is dark: turn on a light, or face the window.",
    "overexposed": "The face is too bright: less light from the front.",
    "blurred": "The face is blurred: hold still, or wipe the lens.",
    "turned away": "The face is turned away: look at the camera.",
}


def dress() -> None:
    """Put the style sheet and the emoji into the page."""
    st.html(f"<style>{_sheet()}</style>")


def hero(title: str, words: str, faces: tuple[str, ...] = ("happy", "surprise", "angry")) -> None:
    """A page's head: a title, one sentence, and three emoji that only adorn."""
    row = "".join(f'<span class="em-face em-{name}"></span>' for name in faces)
    st.html(
        f'<div class="em em-hero"><div><h1>{escape(title)}</h1><p>{escape(words)}</p></div>'
        f'<div class="em-row" aria-hidden="true">{row}</div></div>'
    )


def empty(title: str, words: str, face: str = "neutral") -> None:
    """What stands where results will be."""
    st.html(
        f'<div class="em em-note em-empty"><span class="em-face em-{face}" aria-hidden="true"></span>'
        f'<h3>{escape(title)}</h3><p class="em-mute">{escape(words)}</p></div>'
    )


def note(title: str, lines: list[str], words: str = "") -> None:
    """A framed text with a list."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    text = f"<p>{escape(words)}</p>" if words else ""
    st.html(f'<div class="em em-note"><h3>{escape(title)}</h3>{text}<ul>{items}</ul></div>')


def stats(values: dict[str, str]) -> None:
    """Large figures with their names below."""
    boxes = "".join(
        f'<div class="em-stat"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in values.items()
    )
    st.html(f'<div class="em em-stats">{boxes}</div>')


def table(head: list[str], rows: list[list[str]], ours: int | None = None, numbers: tuple[int, ...] = ()) -> None:
    """A table of texts. ours: the row to mark. numbers: columns to set flush right."""
    cells = [_row("th", head, numbers, ' scope="col"')]
    cells += [_row("td", row, numbers, mark=i == ours) for i, row in enumerate(rows)]
    st.html(
        f'<div class="em em-scroll" tabindex="0" role="region" aria-label="table"><table>{"".join(cells)}</table></div>'
    )


def word_of(face: Face) -> str:
    """What a card is headed with."""
    return face.words.capitalize()


def emoji_of(face: Face) -> str:
    """A face's emoji as HTML: muted where the answer only leans to it, a disc for a class without an emoji."""
    name = "not_sure" if face.certainty == "not sure" else face.emotion
    colour = face.labels.colour_of(face.emotion) if face.emotion else "#8a94a3"
    return emoji_mark(name, colour, f"{word_of(face)} emoji", face.certainty == "leaning")


def emoji_mark(name: str, colour: str, words: str, muted: bool = False) -> str:
    """The emoji `name` as HTML, or a disc in `colour` ("#rrggbb") with its initial. words: for screen readers."""
    kind = f"em-{name}" if name in DRAWN else "em-disc"
    letter = "" if name in DRAWN else escape(name[:1].upper())
    style = "" if name in DRAWN else f' style="background:{colour}"'
    more = " em-muted" if muted else ""
    return f'<span class="em-face {kind}{more}" role="img" aria-label="{escape(words)}"{style}>{letter}</span>'


def card(
    face: Face,
    number: int,
    crop: str,
    hints: tuple[str, ...] = (),
    why: tuple[str, str] | None = None,
    alone: bool = False,
) -> str:
    """A face's card as HTML. crop: data URI. alone: the only face, which needs no number. why: heat map as a data URI,
    and words.
    """
    sub = _certainty_words(face)
    sub += "" if alone else f" · face {number}"
    below = "".join(f'<p class="em-hint">{escape(HINTS.get(hint, hint))}</p>' for hint in hints)
    if why is not None:
        alt = f"Heat map of face {number}: warm where the answer rests"
        below += f'<div class="em-why"><img src="{why[0]}" alt="{alt}"><p>{escape(why[1])}</p></div>'
    return (
        f'<article class="em-card" aria-label="Face {number}"><div class="em-top">'
        f'<img src="{crop}" alt="Face {number}, cut out">{emoji_of(face)}'
        f"<div><h3>{escape(word_of(face))}</h3><p>{escape(sub)}</p></div></div>{bars(face)}{below}</article>"
    )


def _certainty_words(face: Face) -> str:
    """The small line under a card's heading."""
    if face.certainty == "leaning" and face.probabilities is not None:
        return " and ".join(f"{p:.0%}" for p in np.sort(face.probabilities)[:-3:-1])
    return f"{face.confidence:.0%} sure" if face.certain else f"perhaps {face.emotion}, {face.confidence:.0%}"


def bars(face: Face) -> str:
    """A face's probabilities as bars with words and numbers, in the order of its classes."""
    labels = face.labels
    values = np.zeros(len(labels)) if face.probabilities is None else face.probabilities
    best = int(np.argmax(values))
    return (
        f'<dl class="em-bars">{"".join(_bar(labels, i, float(values[i]), i == best) for i in range(len(labels)))}</dl>'
    )


def _bar(labels: LabelSet, index: int, value: float, best: bool) -> str:
    fill = f'<i style="width:{max(value * 100, 0.5):.1f}%;background:{labels.colours[index]}"></i>'
    return (
        f"<div{' class=em-best' if best else ''}><dt>{escape(labels.names[index])}</dt>"
        f'<span class="em-track" aria-hidden="true">{fill}</span><dd>{value:.0%}</dd></div>'
    )


def grid(cards: list[str]) -> None:
    """Cards side by side, as many as fit."""
    st.html(f'<div class="em em-grid">{"".join(cards)}</div>')


def data_uri(image: np.ndarray, quality: int = 88) -> str:
    """(h,w,3) BGR uint8 as a JPEG data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(image, quality)).decode()


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """(h,w,3) BGR uint8 as JPEG."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def footer() -> None:
    """What holds on every page."""
    st.html(
        '<div class="em em-foot"><p>Everything is computed on the machine that serves this page and nothing is '
        "sent on. Pictures are forgotten "
        "with the page, films are deleted after two hours. A facial expression is not a feeling: never judge "
        "people by this page.</p></div>"
    )


def _row(tag: str, cells: list[str], numbers: tuple[int, ...], more: str = "", mark: bool = False) -> str:
    inner = "".join(
        f"<{tag}{more}{' class=em-num' if i in numbers else ''}>{escape(cell)}</{tag}>" for i, cell in enumerate(cells)
    )
    return f"<tr{' class=em-ours' if mark else ''}>{inner}</tr>"


@lru_cache(maxsize=1)
def _sheet() -> str:
    sheet = (resources.files("emojimation") / "assets" / "web" / "style.css").read_text("utf-8")
    rules = (f".em-{name}{{background-image:url({emoji_uri(name)})}}" for name in DRAWN)
    return sheet + "".join(rules)


@lru_cache(maxsize=1)
def icon() -> Image.Image:
    """The page's icon. One of Streamlit's own symbols would be fetched from another host."""
    return Image.fromarray(cv2.cvtColor(_straight("happy", 64), cv2.COLOR_BGRA2RGBA))


@lru_cache(maxsize=16)
def emoji_uri(name: str, size_px: int = 144) -> str:
    """An emoji, or "not_sure", as a PNG data URI."""
    picture = cv2.imencode(".png", _straight(name, size_px))[1]
    return "data:image/png;base64," + base64.b64encode(picture.tobytes()).decode()


def _straight(name: str, size_px: int) -> np.ndarray:
    """An emoji as (size_px,size_px,4) BGRA uint8 with straight alpha, as PNG has it."""
    sprite = sprites.emoji(name, size_px, ART).astype(np.float32)
    colour = sprite[..., :3] * 255 / np.maximum(sprite[..., 3:], 1)
    return np.dstack([np.clip(colour, 0, 255), sprite[..., 3:]]).astype(np.uint8)
