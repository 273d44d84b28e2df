"""Which part of a face an answer rests on: cover it piece by piece and measure how the probability drops.

Occlusion sensitivity after Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014. It
only needs the model's predictions, so it works with any model file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.labels import EMOTIONS

PATCH = 0.26  # side of the covered square, as a share of the crop: about one eye with its brow
STEP = 0.0625
# Top and bottom of each part in a crop aligned to the template, within the columns `MIDDLE`; the rest is the edge.
PARTS = {"brows": (0.14, 0.29), "eyes": (0.29, 0.47), "nose": (0.47, 0.65), "mouth": (0.65, 0.92)}
MIDDLE = (0.2, 0.8)
EDGE = "edge of the face"  # forehead, outer half of the cheeks, chin, background


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What an answer rests on.

    emotion: the one explained. drop: (h,w) float32 on the crop's grid, by how much its probability drops on average
    when the place is covered; negative where it rises. parts: the largest drop in each of `PARTS`, and on the
    `EDGE`.
    """

    emotion: str
    drop: np.ndarray
    parts: dict[str, float]

    @property
    def words(self) -> str:
        """One sentence about the part with the hottest spot of the map."""
        part, drop = max(self.parts.items(), key=lambda item: item[1])
        if drop < 0.02:
            return f"No single part decides: “{self.emotion}” stays about as probable, whichever part is covered."
        verb, points = "count" if part.endswith("s") else "counts", f"{drop * 100:.0f} points"
        return f"The {part} {verb} most: “{self.emotion}” loses up to {points} when covered."


def occlusion(
    predict: Callable[[np.ndarray], np.ndarray],
    crop: np.ndarray,
    emotion: str | None = None,
    names: Sequence[str] = EMOTIONS,
) -> Explanation:
    """Cover squares of a face crop and measure how the probability of `emotion` (by default the predicted one) drops.

    predict: (n,s,s,c) uint8 -> (n,k) in the order of `names`, such as `EmotionClassifier.predict`. crop: (s,s,c) uint8
    as `predict` takes it; squares are filled with the crop's mean. InputError for an unknown emotion.
    """
    if emotion is not None and emotion not in names:
        raise InputError(f"Expected a class among {', '.join(names)}, got {emotion!r}.")
    size = crop.shape[0]
    side, step = max(round(size * PATCH), 1), max(round(size * STEP), 1)
    corners = [(y, x) for y in _starts(size, side, step) for x in _starts(size, side, step)]
    answers = predict(np.stack([crop, *(_covered(crop, y, x, side) for y, x in corners)]))
    asked = int(answers[0].argmax()) if emotion is None else names.index(emotion)
    drop = _spread(size, side, corners, answers[0, asked] - answers[1:, asked])
    return Explanation(names[asked], drop, {name: float(drop[place].max()) for name, place in _places(size).items()})


def heat(face: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """A (s,s,3) BGR uint8 face with the map overlaid: hot where covering costs most, clear where it costs nothing."""
    size = face.shape[0]
    smooth = cv2.GaussianBlur(cv2.resize(drop, (size, size), interpolation=cv2.INTER_CUBIC), (0, 0), size / 40)
    level = np.clip(smooth / max(float(smooth.max()), 0.02), 0, 1).astype(np.float32)
    # Inferno is perceptually uniform, for colour-blind viewers too.
    colours = cv2.applyColorMap((80 + 160 * level).astype(np.uint8), cv2.COLORMAP_INFERNO).astype(np.float32)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.float32)
    share = 0.72 * level[..., None] ** 0.8
    return np.asarray(grey * (1 - share) + colours * share, np.uint8)


def _starts(size: int, side: int, step: int) -> list[int]:
    return [*range(0, size - side, step), size - side]


def _covered(crop: np.ndarray, y: int, x: int, side: int) -> np.ndarray:
    out = crop.copy()
    out[y : y + side, x : x + side] = crop.mean(axis=(0, 1)).astype(np.uint8)
    return out


def _spread(size: int, side: int, corners: list[tuple[int, int]], drops: np.ndarray) -> np.ndarray:
    """Each pixel's mean over the squares that covered it."""
    total, count = np.zeros((2, size, size), np.float32)
    for (y, x), value in zip(corners, drops, strict=True):
        total[y : y + side, x : x + side] += value
        count[y : y + side, x : x + side] += 1
    return total / count


def _places(size: int) -> dict[str, np.ndarray]:
    """The pixels of each part as (size,size) bool; together they are the whole crop."""
    rows, columns = np.indices((size, size)) / size
    inside = (columns >= MIDDLE[0]) & (columns < MIDDLE[1])
    places = {name: inside & (rows >= top) & (rows < bottom) for name, (top, bottom) in PARTS.items()}
    return places | {EDGE: ~np.any(list(places.values()), axis=0)}
