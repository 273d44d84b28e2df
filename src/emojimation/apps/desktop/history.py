"""The main person's last 30 seconds: the stored predictions, and the strip that shows them.

Does not use Tk. Probabilities are (k,) in the order of the model's classes; images are BGR uint8.
"""

from collections import deque

import numpy as np

from emojimation.apps.desktop.panel import TONES, blank
from emojimation.draw import sprites
from emojimation.draw.sprites import bgr, stamp
from emojimation.faces import Face
from emojimation.labels import EMOTION_LABELS, LabelSet

HISTORY_S = 30.0


class History:
    """The main person's probabilities over the last `HISTORY_S` seconds."""

    def __init__(self, seconds: float = HISTORY_S) -> None:
        self.seconds = seconds
        self.labels = EMOTION_LABELS
        self._rows: deque[tuple[float, int | None, np.ndarray]] = deque()

    def add(self, now_s: float, face: Face | None) -> None:
        """Record the main face of this moment; None for nobody."""
        if (
            face is not None and face.labels != self.labels
        ):  # another model: its predictions cannot be mixed with the old
            self._rows.clear()
            self.labels = face.labels
        vector = np.full(len(self.labels), np.nan)
        if face is not None and face.probabilities is not None:
            vector = face.probabilities
        self._rows.append((now_s, face.track_id if face else None, vector))
        while self._rows[0][0] < now_s - self.seconds - 1:
            self._rows.popleft()

    def clear(self) -> None:
        """Clear everything, as for another source."""
        self._rows.clear()

    def columns(self, count: int, now_s: float, hole_s: float = 1.0) -> np.ndarray:
        """(count,k) probabilities at regular times, the last one now; NaN if nothing was seen for `hole_s`."""
        if not self._rows:
            return np.full((count, len(self.labels)), np.nan)
        times = np.array([row[0] for row in self._rows])
        asked = now_s - self.seconds * (1 - (np.arange(count) + 1) / count)
        place = np.searchsorted(times, asked, side="right") - 1
        columns = np.stack([row[2] for row in self._rows])[np.maximum(place, 0)]
        columns[(place < 0) | (asked - times[np.maximum(place, 0)] > hole_s)] = np.nan
        return columns


def strip(
    columns: np.ndarray,
    size_wh: tuple[int, int],
    scale: float,
    theme: str,
    seconds: float = HISTORY_S,
    labels: LabelSet = EMOTION_LABELS,
) -> np.ndarray:
    """The history: for each column the probabilities stacked by colour, newest right; holes keep the background
    colour.

    columns: (w,k) probabilities in the order of `labels`, NaN for holes.
    """
    width, height = size_wh
    label = round(16 * scale)
    body = max(8, height - label - round(4 * scale))
    picture = blank(size_wh, theme)
    picture[:body] = _stacked(columns, body, [*map(bgr, labels.colours), bgr(TONES[theme][3])])
    round_corners(picture[:body], round(6 * scale), bgr(TONES[theme][0]))
    px = round(12 * scale)
    for share, words in ((0.0, f"{seconds:.0f} s ago"), (1 / 3, "20 s"), (2 / 3, "10 s"), (1.0, "now")):
        sprite = sprites.text(words, px, bgr(TONES[theme][2]))
        x = round(share * width - share * sprite.shape[1])
        stamp(picture, sprite, x, body + round(3 * scale))
    return picture


def _stacked(columns: np.ndarray, height: int, colours: list[sprites.Colour]) -> np.ndarray:
    """(height,w,3): each column filled from below with the classes' colours; the last one is for holes."""
    palette = np.array(colours, np.uint8)
    hole = np.isnan(columns[:, 0])
    edges = np.rint(np.cumsum(np.where(hole[:, None], 0, columns), axis=1)[:, :-1] * height)
    down = np.arange(height - 1, -1, -1)[:, None]
    number = np.zeros((height, len(columns)), np.uint8)
    for edge in edges.T:
        number += down >= edge
    number[:, hole] = len(colours) - 1
    return palette[number]


def round_corners(picture: np.ndarray, radius: int, ground: sprites.Colour) -> None:
    """Round the corners of a (h,w,3) BGR uint8 image in place, with the background's colour outside."""
    height, width = picture.shape[:2]
    keep = sprites.rounded(width, height, radius, (255, 255, 255))[..., 3]
    for rows in (slice(0, radius), slice(height - radius, height)):
        for columns in (slice(0, radius), slice(width - radius, width)):
            share = keep[rows, columns, None] / 255
            picture[rows, columns] = picture[rows, columns] * share + np.array(ground) * (1 - share)
