"""How the pages look: style sheet, emoji, cards and bars as HTML."""

import base64
from functools import lru_cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from emojimation.apps.web.settings import current
from emojimation.certainty import words_for
from emojimation.draw import characters, sprites
from emojimation.faces import Face
from emojimation.labels import CONTEMPT, EMOTIONS, LabelSet
from emojimation.languages import language_of, perhaps, word
from emojimation.templates import fill

DRAWN = (*EMOTIONS, CONTEMPT, "not_sure")  # have an emoji in the style sheet
WITH_CHARACTER = ("avatar", "puppet")  # styles
ART = "fluent"  # the same emoji on the page and in the images
HINTS = {
    "too small": "The face is small: take the photo from closer up.",
    "too dark": "The face is dark: turn on a light, or face the window.",
    "overexposed": "The face is too bright: reduce the light from the front.",
    "blurred": "The face is blurred: hold still, or wipe the lens.",
    "turned away": "The face is turned away: look at the camera.",
}


def dress() -> None:
    """Put the style sheet and the emoji into the page."""
    st.html(f"<style>{_sheet()}</style>")


def html(template: str, **values: Any) -> str:
    """A template of these pages, filled; every text in it is escaped."""
    return fill("emojimation.apps.web", template, **values)


def hero(title: str, words: str, faces: tuple[str, ...] = ("happy", "surprise", "angry")) -> None:
    """A page's header: a title, one sentence, and three decorative emoji."""
    st.html(html("hero.html", title=title, words=words, faces=faces))


def empty(title: str, words: str, face: str = "neutral") -> None:
    """A placeholder for results."""
    st.html(html("empty.html", title=title, words=words, face=face))


def note(title: str, lines: list[str], words: str = "") -> None:
    """A framed text with a list."""
    st.html(html("note.html", title=title, lines=lines, words=words))


def stats(values: dict[str, str]) -> None:
    """Large figures with captions below."""
    st.html(html("stats.html", values=values.items()))


def table(
    label: str, head: list[str], rows: list[list[str]], ours: int | None = None, numbers: tuple[int, ...] = ()
) -> None:
    """A table of texts. label: for screen readers. ours: the row to mark. numbers: columns to set flush right."""
    st.html(html("table.html", label=label, head=head, rows=rows, ours=ours, numbers=numbers))


def character(page: str, place: Any = st, labelled: bool = True) -> str:
    """Who avatar and puppet are, as the visitor chooses. page: tells the pages' choices apart. place: a container."""
    words = {name: characters.character(name).words for name in characters.names()}
    chosen = place.segmented_control(
        "Character",
        list(words),
        default="emoji",
        format_func=words.__getitem__,
        key=f"{page}-character",
        required=True,
        label_visibility="visible" if labelled else "collapsed",
    )
    return str(chosen or "emoji")


def language() -> str:
    """The language of the emotions' words: the command's choice, else what the visitor's browser asks for."""
    chosen = current().language
    return language_of(st.context.locale) if chosen == "browser" else chosen


def names_of(labels: LabelSet) -> list[str]:
    """The words for the classes."""
    spoken = language()
    return [word(name, spoken) for name in labels.names]


def word_of(face: Face) -> str:
    """The heading of a card."""
    return words_for(face.ranked(), face.certainty, language()).capitalize()


def emoji_mark(name: str, colour: str, words: str, muted: bool = False) -> str:
    """The emoji `name` as HTML, or a disc in `colour` ("#rrggbb") with its initial. words: for screen readers."""
    return html("emoji.html", **_mark(name, colour, muted), words=words)


def _mark(name: str, colour: str, muted: bool) -> dict[str, Any]:
    return {"class_name": name, "colour": colour, "muted": muted, "drawn": name in DRAWN}


def _mark_of(face: Face) -> dict[str, Any]:
    """A face's emoji: muted if the answer only leans to it, a disc for a class without an emoji."""
    name = "not_sure" if face.certainty == "not sure" else face.emotion
    colour = face.labels.colour_of(face.emotion) if face.emotion else "#8a94a3"
    return _mark(str(name), colour, face.certainty == "leaning")


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
    return html(
        "card.html",
        **_mark_of(face),
        **_bars_of(face),
        number=number,
        crop=crop,
        words=word_of(face),
        below=_certainty_words(face),
        hints=[HINTS.get(hint, hint) for hint in hints],
        why=why,
        alone=alone,
    )


def _certainty_words(face: Face) -> str:
    """The small line under a card's heading."""
    if face.certainty == "leaning" and face.probabilities is not None:
        return " and ".join(f"{p:.0%}" for p in np.sort(face.probabilities)[:-3:-1])
    share = f"{face.confidence:.0%}"
    return f"{share} sure" if face.certain else f"{perhaps(face.emotion, language())}, {share}"


def bars(face: Face) -> str:
    """A face's probabilities as bars with words and numbers, in the order of its classes."""
    return html("bars.html", **_bars_of(face))


def _bars_of(face: Face) -> dict[str, Any]:
    labels = face.labels
    values = [0.0] * len(labels) if face.probabilities is None else face.probabilities.tolist()
    return {"bars": list(zip(names_of(labels), labels.colours, values, strict=True)), "best": int(np.argmax(values))}


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
    """The footer of every page."""
    st.html(
        '<div class="em em-foot"><p>Everything is computed on the machine that serves this page or in your browser, '
        "and nothing is sent on. Images are discarded with the page, videos are deleted after two hours. A facial "
        "expression is not a feeling: never judge people by this page.</p></div>"
    )


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
