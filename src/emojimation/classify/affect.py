"""Valence and arousal, derived from the emotions: how pleasant and how excited the expression is, each from -1 to 1.

Not measured: the mean of published coordinates of the emotion words, weighted by the face's probabilities. A face that
is half happy and half sad comes out near the middle, and nothing finer than the emotions is distinguished.
Coordinates: pleasure and arousal of Russell and Mehrabian, "Evidence for a three-factor theory of emotions", Journal of
Research in Personality 11, 1977; neutral is the origin of their scale.
"""

import numpy as np

from emojimation.faces import Face
from emojimation.labels import EMOTIONS

NAME = "affect"
COORDINATES = {
    "angry": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
}
_TABLE = np.array([COORDINATES[name] for name in EMOTIONS])


def affect(frame: np.ndarray, faces: list[Face]) -> list[Face]:
    """The faces with the attribute "affect": (2,) float32 valence and arousal, NaN where no class is an emotion."""
    return [face.with_(attributes={**face.attributes, NAME: _affect_of(face)}) for face in faces]


def _affect_of(face: Face) -> np.ndarray:
    seven = face.seven()
    return np.full(2, np.nan, np.float32) if seven is None else (seven @ _TABLE).astype(np.float32)
