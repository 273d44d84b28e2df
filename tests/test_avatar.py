"""The avatar: seven faces that differ, no jumps between them, blinks and tilts as told, the same each time."""

import runpy
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.draw.avatar import Avatar, _blink_time, _weights, blink
from emojimation.draw.sprites import DISC
from emojimation.draw.styles import annotate
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTIONS

AVATAR = Avatar()


def answer(emotion, confidence=0.7):
    probabilities = np.full(7, (1 - confidence) / 6)
    probabilities[EMOTIONS.index(emotion)] = confidence
    return probabilities


def mean_difference(a, b):
    return float(np.abs(a.astype(int) - b).mean())


@pytest.mark.parametrize("size", [1, 2, 7, 16, 32, 33, 64, 65, 128, 200, 333, 641])
def test_size_alpha_and_premultiplied_colour(size):
    for emotion in EMOTIONS:
        picture = AVATAR.draw(answer(emotion), size, 1.0)
        assert picture.shape == (size, size, 4) and picture.dtype == np.uint8
        assert (picture[..., :3] <= picture[..., 3:]).all()
        if size >= 16:
            alpha = picture[..., 3]
            assert alpha[0, 0] == 0 and alpha[size // 2, size // 2] == 255
            assert ((alpha > 0) & (alpha < 255)).sum() >= size  # a soft edge
            assert abs(np.sqrt(alpha.sum() / 255 / np.pi) * 2 / size - DISC) < 0.02


@pytest.mark.parametrize("size", [32, 128])
def test_the_seven_faces_differ_at_every_size(size):
    faces = [AVATAR.draw(answer(emotion), size) for emotion in EMOTIONS]
    for number, face in enumerate(faces):
        for other in faces[:number]:
            assert mean_difference(face, other) > 4


def test_an_answer_of_70_percent_looks_like_a_sure_one():
    for emotion in EMOTIONS:
        shown = AVATAR.draw(answer(emotion, 0.7), 96)
        sure = AVATAR.draw(answer(emotion, 1.0), 96)
        others = [mean_difference(shown, AVATAR.draw(answer(name, 1.0), 96)) for name in EMOTIONS if name != emotion]
        assert mean_difference(shown, sure) < 0.5 * min(others)


def test_weights_are_sharp_but_a_half_stays_a_half():
    assert _weights(answer("fear", 0.7))[EMOTIONS.index("fear")] > 0.9
    assert np.allclose(_weights(np.array([0.5, 0, 0, 0.5, 0, 0, 0])), [0.5, 0, 0, 0.5, 0, 0, 0])


@pytest.mark.parametrize(
    ("size", "stride"),
    [(48, 3), pytest.param(48, 1, marks=pytest.mark.slow), pytest.param(200, 3, marks=pytest.mark.slow)],
)
def test_a_small_change_of_the_answer_changes_the_face_a_little(size, stride):
    for start, end in list(combinations(EMOTIONS, 2))[::stride]:
        a, b = answer(start, 0.9), answer(end, 0.9)
        sweep = [AVATAR.draw(a + (b - a) * part, size) for part in np.linspace(0, 1, 51)]
        steps = [mean_difference(*pair) for pair in pairwise(sweep)]
        # No step of a fiftieth is more than a tenth of the way, where an even pace would be a fiftieth.
        assert max(steps) < 0.1 * mean_difference(sweep[0], sweep[-1]) + 0.35


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=7, max_size=7), st.floats(0, 500), st.integers(0, 6))
def test_any_answer_is_drawn_and_a_hair_changes_a_hair(values, time_s, which):
    probabilities = np.array(values) + 0.02
    probabilities /= probabilities.sum()
    nudged = probabilities + 0.004 * np.eye(7)[which]
    difference = mean_difference(AVATAR.draw(probabilities, 64, time_s), AVATAR.draw(nudged / nudged.sum(), 64, time_s))
    assert difference < 2.0


@pytest.mark.slow
def test_time_moves_the_face_without_jumps():
    for emotion in ("sad", "fear", "neutral"):
        middle = _blink_time(1, 0)
        film = [AVATAR.draw(answer(emotion), 96, second) for second in np.arange(middle - 0.15, middle + 0.02, 1 / 480)]
        steps = [mean_difference(*pair) for pair in pairwise(film)]
        assert max(steps) < 0.2 * mean_difference(film[0], film[-1])
        tears = [AVATAR.draw(answer(emotion), 96, second) for second in np.arange(1.70, 1.95, 1 / 480)]
        assert max(mean_difference(*pair) for pair in pairwise(tears)) < 2.5


def test_blinks_come_every_three_to_five_seconds_and_last_a_quarter():
    for seed in range(5):
        times = [_blink_time(slot, seed) for slot in range(200)]
        gaps = np.diff(times)
        assert gaps.min() >= 3 and gaps.max() <= 5 and gaps.std() > 0.1
        assert blink(times[7], seed) == 1 and blink(times[7] + 0.13, seed) == 0 and 0 < blink(times[7] + 0.06, seed) < 1
    assert blink(0.0) == 0
    assert any(abs(_blink_time(slot, 0) - _blink_time(slot, 1)) > 0.1 for slot in range(5))


def test_a_blink_hides_the_white_of_the_eyes():
    def white(time_s):
        eyes = AVATAR.draw(answer("surprise", 0.95), 200, time_s)[55:115, 40:160, :3]
        return int((eyes.min(axis=2) > 225).sum())

    middle = _blink_time(0, 0)
    assert white(middle) < 0.1 * white(middle - 0.3) and white(middle - 0.3) > 500


def test_roll_turns_clockwise():
    upright, tilted = (AVATAR.draw(answer("happy"), 200, roll_deg=roll) for roll in (0, 30))
    turn = cv2.getRotationMatrix2D((99.5, 99.5), -30, 1)
    assert mean_difference(cv2.warpAffine(upright, turn, (200, 200)), tilted) < 2.5
    assert mean_difference(upright, tilted) > 8


def test_the_same_twice_and_inputs_untouched():
    probabilities = answer("disgust")
    before = probabilities.copy()
    first = Avatar(3).draw(probabilities, 96, 12.3, 10)
    assert np.array_equal(first, Avatar(3).draw(probabilities, 96, 12.3, 10)) and np.array_equal(before, probabilities)


def test_sad_has_a_tear_fear_a_blue_forehead_and_disgust_is_green():
    def colour(emotion, rows, columns):
        return AVATAR.draw(answer(emotion), 200)[rows, columns, :3].reshape(-1, 3).astype(int).mean(axis=0)

    blue, _, red = colour("fear", slice(18, 30), slice(85, 115))
    assert blue > red
    _, green, red = colour("disgust", slice(120, 130), slice(20, 40))
    assert green > red
    _, green, red = colour("angry", slice(120, 130), slice(20, 40))
    assert red > 2 * green
    sad = AVATAR.draw(answer("sad"), 200)[90:180, 40:90].astype(int)
    assert ((sad[..., 0] > 200) & (sad[..., 2] < 130)).sum() > 50


def test_the_renderer_puts_the_avatar_over_the_head():
    frame = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    face = Face(
        np.array([150, 100, 250, 200], np.float32),
        0.9,
        (TEMPLATE * 100 + (150, 100)).astype(np.float32),
        answer("happy").astype(np.float32),
        track_id=2,
    )
    out = annotate(
        frame, [face, face.with_(probabilities=None, xyxy=face.xyxy + 900)], "avatar", draw=AVATAR.drawer(0.5)
    )
    assert (out != frame).any(axis=2)[100:200, 150:250].all() and np.array_equal(out[:, :80], frame[:, :80])
    blinking = [annotate(frame, [face], "avatar", draw=AVATAR.drawer(t)) for t in (0.5, 0.5, 0.9)]
    assert np.array_equal(blinking[0], blinking[1]) and not np.array_equal(blinking[0], blinking[2])


@pytest.mark.parametrize("bad", [np.ones(6), np.full(7, np.nan), -np.ones(7), np.zeros(7), np.ones((1, 7))])
def test_wrong_vectors_are_refused_in_one_line(bad):
    with pytest.raises(InputError, match="probabilities must be") as caught:
        AVATAR.draw(bad, 32)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="size_px"):
        AVATAR.draw(answer("sad"), 0)


@pytest.mark.slow
def test_the_sheet_and_the_benchmark_run():
    root = Path(__file__).parents[1]
    sheet = runpy.run_path(str(root / "examples" / "avatar_sheet.py"))["sheet"]()
    assert sheet.shape[1] == 1400 and sheet.std() > 20
    results = runpy.run_path(str(root / "benchmarks" / "avatar.py"))["measure"](2)
    assert results["avatar 200 px"]["median_ms"] > 0 and "640x480, one face, avatar" in results
