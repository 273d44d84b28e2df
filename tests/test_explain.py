"""Occlusion maps of models whose answer rests on a known place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emojimation.classify.explain import EDGE, PARTS, heat, occlusion
from emojimation.errors import InputError
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


@pytest.mark.parametrize(("rows", "columns"), [((2, 8), (20, 28)), ((26, 34), (0, 7)), ((44, 48), (18, 30))])
def test_what_lies_beside_the_features_is_called_the_edge(rows, columns):
    place = slice(*rows), slice(*columns)
    found = occlusion(sees(*place), bright_at(*place))
    assert EDGE in found.words and max(found.parts, key=found.parts.get) == EDGE


@given(st.integers(0, 39), st.integers(0, 39))
def test_the_sentence_names_the_part_with_the_warmest_place(top, left):
    place = slice(top, top + 8), slice(left, left + 8)
    found = occlusion(sees(*place), bright_at(*place))
    warmest = tuple((np.argwhere(found.drop == found.drop.max()) / 48).T)
    named = next(name for name in found.parts if f"The {name} count" in found.words)
    top, bottom = PARTS.get(named, (0, 1))
    assert np.any((warmest[0] >= top) & (warmest[0] < bottom)) and found.parts[named] == found.drop.max()


def test_another_emotion_may_be_asked_about_and_rises_instead():
    place = slice(33, 43), slice(18, 30)
    found = occlusion(sees(*place), bright_at(*place), "sad")
    assert found.emotion == "sad" and found.drop[place].mean() < 0
    assert "No single part" in found.words
    with pytest.raises(InputError, match="Expected a class among"):
        occlusion(sees(*place), bright_at(*place), "bored")


def test_the_heat_map_colours_the_place_and_leaves_the_rest_grey():
    face = np.full((96, 96, 3), 120, np.uint8)
    drop = np.zeros((48, 48), np.float32)
    drop[32:44, 16:32] = 0.4
    picture = heat(face, drop).astype(int)
    colourful = picture.max(axis=2) - picture.min(axis=2)
    assert colourful[76, 48] > 60 and colourful[10, 10] == 0
