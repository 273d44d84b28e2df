"""The main person's panel as an image that Tk only has to display: living avatar, word, hint, one bar per emotion.

Everything here runs in the engine's painter, never in Tk's thread, and does not use Tk. Images are BGR uint8.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from emojimation.certainty import words_for
from emojimation.draw import sprites
from emojimation.draw.avatar import Avatar
from emojimation.draw.puppet import Puppet
from emojimation.draw.sprites import bgr, stamp
from emojimation.faces import Face, seven_of
from emojimation.labels import EMOTION_LABELS, EMOTIONS, LabelSet
from emojimation.languages import ENGLISH, either, word

# Background, text, secondary text, groove, warning.
TONES = {
    "dark": ("#1c1c1c", "#fafafa", "#9c9c9c", "#343434", "#ffb454"),
    "light": ("#fafafa", "#1a1a1a", "#6a6a6a", "#e4e4e6", "#a34f00"),
}
AVATAR_PX = (88, 420)
ROW_PX = (22, 34)


@dataclass(frozen=True, slots=True)
class Look:
    """What the panel shows besides the probabilities.

    word, line: headline and the line below it. hint: what lowers the image quality, "" for nothing. certain: False puts
    a doubtful emoji beside the avatar. there: False fades the avatar. bars: whether they have values. progress: of a
    calibration, or None. character, puppet: who the avatar is, and how the person moves it, None for not at all.
    """

    word: str
    line: str
    hint: str = ""
    certain: bool = True
    there: bool = True
    bars: bool = True
    progress: float | None = None
    character: str = "emoji"
    puppet: Puppet | None = None


def blank(size_wh: tuple[int, int], theme: str) -> np.ndarray:
    """An empty image in the theme's background colour."""
    return np.full((size_wh[1], size_wh[0], 3), bgr(TONES[theme][0]), np.uint8)


@dataclass(frozen=True, slots=True)
class Places:
    """Layout of the panel in pixels: the avatar's side and top, baselines, the first bar's top, a row's height."""

    avatar: int
    top: int
    word: int
    line: int
    hint: int
    bars: int
    row: int


@lru_cache(maxsize=16)
def places(size_wh: tuple[int, int], scale: float, count: int = len(EMOTIONS)) -> Places:
    """The panel's layout for a size and `count` bars: bars first, then as large an avatar as fits."""
    width, height = size_wh
    row = int(np.clip(height * 0.055, ROW_PX[0] * scale, ROW_PX[1] * scale))
    text = round(92 * scale)
    room = height - row * count - text - round(18 * scale)
    avatar = int(np.clip(min(room, width - 24 * scale), 0, AVATAR_PX[1] * scale))
    if avatar < AVATAR_PX[0] * scale:
        avatar = max(0, min(room, round(AVATAR_PX[0] * scale)))
    bars = height - row * count - round(8 * scale)
    top = max(0, (bars - text - avatar) // 2)
    under = top + avatar
    return Places(
        avatar, top, under + round(34 * scale), under + round(58 * scale), under + round(80 * scale), bars, row
    )


class PanelPainter:
    """The main person's panel: a living avatar, the word, one bar per emotion."""

    def draw(
        self,
        probabilities: np.ndarray,
        look: Look,
        size_wh: tuple[int, int],
        scale: float,
        theme: str,
        time_s: float,
        roll_deg: float = 0.0,
        labels: LabelSet = EMOTION_LABELS,
        language: str = ENGLISH,
    ) -> np.ndarray:
        """The panel (h,w,3) for eased probabilities (k,) of `labels`.

        scale: 1 at 96 dots per inch. time_s: for the avatar's animation. language: of the emotions' words.
        """
        at = places(size_wh, scale, len(labels))
        panel = _rows(size_wh, scale, theme, labels, language).copy()
        seven = seven_of(labels, probabilities)
        self._head(panel, NEUTRAL if seven is None else seven, look, at, theme, time_s, roll_deg)
        _words(panel, look, at, scale, theme)
        shown = probabilities if look.there and look.bars else np.zeros(len(labels))
        _bars(panel, shown, labels, at, scale, theme)
        return panel

    def _head(
        self,
        panel: np.ndarray,
        probabilities: np.ndarray,
        look: Look,
        at: Places,
        theme: str,
        time_s: float,
        roll: float,
    ) -> None:
        if at.avatar < 8:
            return
        x = (panel.shape[1] - at.avatar) // 2
        face = Avatar(who=look.character).draw(probabilities, at.avatar, time_s, roll, look.puppet)
        if not look.there:
            face = cv2.convertScaleAbs(face, alpha=0.28)  # premultiplied: this fades it
        stamp(panel, face, x, at.top)
        if look.there and not look.certain:
            size = at.avatar // 4
            stamp(panel, sprites.emoji("not_sure", size), x + at.avatar - size, at.top)
        if look.progress is not None:
            _ring(panel, look.progress, (panel.shape[1] / 2, at.top + at.avatar / 2), at.avatar * 0.47, theme)


def _ring(panel: np.ndarray, share: float, centre: tuple[float, float], radius: float, theme: str) -> None:
    """The progress of a calibration, around the avatar."""
    point, axes = tuple(round(v * 16) for v in centre), (round(radius * 16),) * 2
    line = max(3, round(radius * 0.05))
    cv2.ellipse(panel, point, axes, -90, 0, 360, bgr(TONES[theme][3]), line, cv2.LINE_AA, 4)
    cv2.ellipse(panel, point, axes, -90, 0, 360 * share, bgr("#3ba55d"), line, cv2.LINE_AA, 4)


def _words(panel: np.ndarray, look: Look, at: Places, scale: float, theme: str) -> None:
    _, ink, quiet, _, warning = (bgr(tone) for tone in TONES[theme])
    lines = (
        (look.word, 30, at.word, ink if look.there else quiet),
        (look.line, 15, at.line, quiet),
        (look.hint, 15, at.hint, warning),
    )
    for words, px, baseline, colour in lines:
        if words:
            sprite = _within(words, round(px * scale), colour, panel.shape[1])
            stamp(panel, sprite, (panel.shape[1] - sprite.shape[1]) // 2, baseline - round(px * scale))


def _within(words: str, px: int, colour: sprites.Colour, width: int) -> np.ndarray:
    """Words as a sprite, smaller if they would not fit."""
    sprite = sprites.text(words, px, colour)
    if sprite.shape[1] > width:
        sprite = sprites.text(words, max(8, px * width // sprite.shape[1]), colour)
    return sprite


def _columns(width: int, scale: float) -> tuple[int, int]:
    """Left end and right end of the bars."""
    return round(112 * scale), width - round(56 * scale)


@lru_cache(maxsize=8)
def _rows(size_wh: tuple[int, int], scale: float, theme: str, labels: LabelSet, language: str) -> np.ndarray:
    """The panel's static part: emoji, names and grooves of the bars."""
    panel, at = blank(size_wh, theme), places(size_wh, scale, len(labels))
    left, right = _columns(size_wh[0], scale)
    for number, (name, colour) in enumerate(zip(labels.names, labels.colours, strict=True)):
        middle = at.bars + number * at.row + at.row // 2
        icon = round(min(22 * scale, at.row * 0.86))
        stamp(panel, sprites.class_sprite(name, icon, bgr(colour)), round(8 * scale), middle - icon // 2)
        px = round(14 * scale)
        words = _within(word(name, language), px, bgr(TONES[theme][1]), left - round(42 * scale))
        stamp(panel, words, round(38 * scale), middle - px + round(0.36 * px))
        _bar(panel, left, right, middle, _thick(at, scale), bgr(TONES[theme][3]))
    return panel


def _thick(at: Places, scale: float) -> int:
    return max(4, round(min(12 * scale, at.row * 0.42)))


def _bar(panel: np.ndarray, left: float, right: float, middle: int, thick: int, colour: sprites.Colour) -> None:
    """A line with round ends from `left` to `right`, ends included; not longer than thick, a dot."""
    ends = [
        (round((x + side * thick / 2) * 16), middle * 16) for x, side in ((left, 1), (max(right, left + thick), -1))
    ]
    cv2.line(panel, ends[0], ends[1], colour, thick, cv2.LINE_AA, 4)


def _bars(panel: np.ndarray, probabilities: np.ndarray, labels: LabelSet, at: Places, scale: float, theme: str) -> None:
    left, right = _columns(panel.shape[1], scale)
    px = round(14 * scale)
    best = int(np.argmax(probabilities)) if probabilities.any() else -1
    for number, share in enumerate(probabilities):
        middle = at.bars + number * at.row + at.row // 2
        if share >= 0.004:
            thick = _thick(at, scale)
            _bar(
                panel,
                left,
                left + thick + (right - left - thick) * float(share),
                middle,
                thick,
                bgr(labels.colours[number]),
            )
        words = sprites.text(f"{share:.0%}" if best >= 0 else "-", px, bgr(TONES[theme][1 if number == best else 2]))
        stamp(panel, words, panel.shape[1] - round(10 * scale) - words.shape[1], middle - px + round(0.36 * px))


NEUTRAL = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]
NOBODY = {"camera": "Look into the camera", "film": "Nobody in view", "photo": "No face found in this photo"}


def greeting(now_s: float, each_s: float = 2.6) -> np.ndarray:
    """(7,) probabilities of friendly faces in turn, for the avatar before anything is opened."""
    order = [EMOTIONS.index(name) for name in ("happy", "surprise", "happy", "neutral")]
    return np.eye(len(EMOTIONS))[order[int(now_s / each_s) % len(order)]]


def headline(face: Face | None, kind: str = "camera", language: str = ENGLISH) -> tuple[str, str]:
    """The headline and the small line below it. kind: of the source, a key of `NOBODY`."""
    if face is None:
        return "no face", NOBODY[kind]
    if face.probabilities is None:
        return "a face", "not classified"
    words = words_for(face.ranked(), face.certainty, language)
    if face.certain:
        return words, f"{face.confidence:.0%} sure"
    if face.certainty == "leaning":
        return words, " and ".join(f"{p:.0%}" for p in np.sort(face.probabilities)[:-3:-1])
    return words, f"{either(face.ranked(), language)}?"
