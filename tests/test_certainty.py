"""Three degrees of certainty, and the words for them, the same everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emojimation.certainty import DEGREES, PAIR_THRESHOLD, certainty_of
from emojimation.cli.printing import face_line
from emojimation.draw import panel, sprites
from emojimation.faces import Face
from emojimation.labels import EMOTIONS


def answer(threshold: float = 0.6, **shares: float) -> Face:
    rest = (1 - sum(shares.values())) / (7 - len(shares))
    vector = np.array([shares.get(name, rest) for name in EMOTIONS], np.float32)
    return Face(np.array([0, 0, 60, 60], np.float32), 0.9, probabilities=vector, threshold=threshold)


SURE, LEANING, NOT_SURE = answer(happy=0.7), answer(neutral=0.5, sad=0.3), answer(sad=0.3, fear=0.2)


@pytest.mark.parametrize(
    ("face", "certainty", "words", "emoji"),
    [
        (SURE, "sure", "happy", "😄"),
        (LEANING, "leaning", "neutral or sad", "😐"),
        (NOT_SURE, "not sure", "not sure", "🤔"),
    ],
)
def test_every_interface_says_the_same(face, certainty, words, emoji):
    row = face.to_dict()
    assert (row["certainty"], row["words"], row["emoji"]) == (certainty, words, emoji)
    assert row["certain"] is (certainty == "sure")
    assert face_line(face).startswith(f"{emoji} {words}")
    assert panel._words(face)[0] == words


def test_a_leaning_answer_is_drawn_as_its_first_emotion_but_muted():
    full, muted = sprites.emoji("neutral", 64), panel.emoji_of(LEANING, 64, "noto")
    assert not np.array_equal(full, muted)
    np.testing.assert_array_equal(full[..., 3], muted[..., 3])  # as opaque: it may have to hide a face
    assert np.ptp(muted[32, 32, :3].astype(int)) < np.ptp(full[32, 32, :3].astype(int))


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=9), st.floats(0.01, 1))
def test_the_degree_follows_the_two_thresholds(values, threshold):
    vector = np.array(values) / np.sum(values)
    first, second = [*np.sort(vector)[::-1], 0.0][:2]
    degree = certainty_of(vector, threshold)
    assert degree in DEGREES
    assert (degree == "sure") == (first >= threshold)
    assert (degree == "not sure") == (first < threshold and first + second < PAIR_THRESHOLD) or len(values) == 1
