"""A video's timeline: the main face's emotion as far as it has been analysed, and the seek bar that shows it.

Does not use Tk. Images are BGR uint8.
"""

import math

import numpy as np

from emojimation.apps.desktop.history import round_corners
from emojimation.apps.desktop.panel import TONES, blank
from emojimation.draw import sprites
from emojimation.draw.sprites import bgr, stamp
from emojimation.faces import Face
from emojimation.labels import EMOTION_LABELS

PARTS = 1200  # of the video's length
HOLE_S = 0.5  # results further apart leave what lies between them open
UNKNOWN, NOBODY = -2, -1
TIMES_PX = 56  # room for a time on either side of the track
KNOB_PX = 5


class Timeline:
    """The dominant emotion in each part of a video. length_s: its length, None for what has none. now_s: the position.
    version: rises with each change.

    Results may come in any order; a part shows what was last seen in it.
    """

    def __init__(self) -> None:
        self.labels = EMOTION_LABELS
        self.length_s: float | None = None
        self.now_s, self.version = 0.0, 0
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another video or another model."""
        self.classes, self.version = np.full(PARTS, UNKNOWN), self.version + 1
        self._last_s = -math.inf

    def add(self, time_s: float, main: Face | None) -> None:
        """Record the main face at a time of the video; None for nobody."""
        before_s, self._last_s, self.now_s, self.version = self._last_s, time_s, time_s, self.version + 1
        if not self.length_s:
            return
        if main is not None:
            self.labels = main.labels
        begin_s = before_s if 0 <= time_s - before_s <= HOLE_S else time_s
        first, last = (min(int(seconds / self.length_s * PARTS), PARTS - 1) for seconds in (begin_s, time_s))
        self.classes[first : last + 1] = _class_of(main)


def _class_of(main: Face | None) -> int:
    if main is None or main.probabilities is None or main.certainty == "not sure":
        return NOBODY
    return int(np.argmax(main.probabilities))


def track_ends(width: int, scale: float) -> tuple[int, int]:
    """Left and right end of the track in a seek bar of that width, in pixels."""
    side = min(round(TIMES_PX * scale), width // 4)
    return side, width - side


def time_at(x: float, width: int, scale: float, length_s: float) -> float:
    """The time in seconds at a point of the seek bar; outside the track that of its nearer end."""
    left, right = track_ends(width, scale)
    return min(max((x - left) / max(right - left, 1), 0.0), 1.0) * length_s


def seek_bar(timeline: Timeline, size_wh: tuple[int, int], scale: float, theme: str) -> np.ndarray:
    """The track in the colours of the emotions, between the position and the length; a knob at the position.

    Where nobody was seen or the model is not sure, the track is a little brighter or darker than what has not been
    analysed.
    """
    width, height = size_wh
    length_s, picture = timeline.length_s or 1.0, blank(size_wh, theme)
    ground, ink, weak, groove, _ = map(bgr, TONES[theme])
    left, right = track_ends(width, scale)
    middle, half = height // 2, max(2, round(5 * scale))
    nobody = [round(0.7 * g + 0.3 * w) for g, w in zip(groove, weak, strict=True)]
    palette = np.array([*map(bgr, timeline.labels.colours), groove, nobody], np.uint8)  # UNKNOWN, NOBODY from behind
    part = np.arange(right - left) * PARTS // max(right - left, 1)
    track = picture[middle - half : middle + half, left:right]
    track[:] = palette[timeline.classes[part]]
    round_corners(track, half, ground)
    x = left + round(min(timeline.now_s / length_s, 1.0) * (right - left - 1))
    knob, tall = round(KNOB_PX * scale), min(height // 2, half + round(5 * scale))
    stamp(picture, sprites.rounded(knob + 4, 2 * tall, (knob + 4) // 2, ground), x - (knob + 4) // 2, middle - tall)
    stamp(picture, sprites.rounded(knob, 2 * tall - 2, knob // 2, ink), x - knob // 2, middle - tall + 1)
    for words, at in ((clock(timeline.now_s), "left"), (clock(length_s), "right")):
        sprite = sprites.text(words, round(12 * scale), weak)
        stamp(picture, sprite, 0 if at == "left" else width - sprite.shape[1], middle - sprite.shape[0] // 2)
    return picture


def clock(seconds: float) -> str:
    """ "1:05", from an hour on "1:01:05"."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
