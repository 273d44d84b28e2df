"""Occlusion maps of models whose answer rests on a known place."""

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.explain import PARTS, heat, occlusion
from emojimation.labels import EMOTIONS

HAPPY = EMOTIONS.index("happy")


def sees(rows: slice, columns: slice):
    """A model that is as happy as one place of the crop is bright."""

    def predict(crops: np.ndarray) -> np.ndarray:
        happy = crops[:, rows, columns].mean(axis=(1, 2, 3)) / 255
        out = np.repeat(((1 - happy) / 6)[:, None], 7, axis=1)
        out[:, HAPPY] = happy
        return out.astype(np.float32)

    return predict


def bright_at(rows: slice, columns: slice) -> np.ndarray:
    crop = np.zeros((48, 48, 1), np.uint8)
    crop[rows, columns] = 255
    return crop


@pytest.mark.parametrize("part", PARTS)
def test_the_map_is_warm_where_the_model_looks(part):
    top, bottom = (round(48 * edge) for edge in PARTS[part])
    place = slice(top + 1, bottom - 1), slice(18, 30)
    found = occlusion(sees(*place), bright_at(*place))
    assert found.emotion == "happy" and max(found.parts, key=found.parts.get) == part
    assert found.drop[place].mean() > 5 * abs(found.drop[:4, :4].mean()) and found.drop.shape == (48, 48)
    assert part in found.words and "“happy”" in found.words


def test_another_emotion_may_be_asked_about_and_rises_instead():
    place = slice(33, 43), slice(18, 30)
    found = occlusion(sees(*place), bright_at(*place), "sad")
    assert found.emotion == "sad" and found.drop[place].mean() < 0
    assert "No single part" in found.words
    with pytest.raises(InputError, match="Expected an emotion of"):
        occlusion(sees(*place), bright_at(*place), "bored")


def test_the_heat_map_colours_the_place_and_leaves_the_rest_grey():
    face = np.full((96, 96, 3), 120, np.uint8)
    drop = np.zeros((48, 48), np.float32)
    drop[32:44, 16:32] = 0.4
    picture = heat(face, drop).astype(int)
    colourful = picture.max(axis=2) - picture.min(axis=2)
    assert colourful[76, 48] > 60 and colourful[10, 10] == 0
