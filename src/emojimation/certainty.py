"""How sure an answer is, in three degrees, and the words for it. The only place that decides it.

sure: the most probable class reaches the model's threshold. leaning: it does not, but the two most probable classes
together reach `PAIR_THRESHOLD`. not sure: neither. The thresholds come from the curves of coverage and precision that
`scripts/certainty_curves.py` prints; docs/decisions.md has them.
"""

from typing import Literal

import numpy as np

from emojimation.languages import ENGLISH, either, not_sure, word

Certainty = Literal["sure", "leaning", "not sure"]
DEGREES: tuple[Certainty, ...] = ("sure", "leaning", "not sure")
# At this sum, on PublicTest, the top two classes include FER+'s clear majority in 89 % of the unsure answers.
PAIR_THRESHOLD = 0.7


def certainty_of(probabilities: np.ndarray, threshold: float) -> Certainty:
    """The degree of certainty of probabilities (k,) that sum to 1. threshold: minimum confidence of a sure answer."""
    ordered = np.sort(probabilities)[::-1]
    if ordered[0] >= threshold:
        return "sure"
    return "leaning" if ordered[:2].sum() >= PAIR_THRESHOLD else "not sure"


def words_for(names: list[str], certainty: Certainty, language: str = ENGLISH) -> str:
    """What people read: "happy", "neutral or sad", "not sure". names: the classes, most probable first. language: a key
    of `languages.LANGUAGES`."""
    if certainty == "leaning":
        return either(names, language)
    return word(names[0], language) if certainty == "sure" else not_sure(language)
