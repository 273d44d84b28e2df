"""Two seconds of a neutral face shift the prior; what is no neutral face is refused."""

import numpy as np
import pytest

from emojimation.faces import Face
from emojimation.labels import EMOTIONS
from emojimation.tracking.neutral import MAX_SHIFT, Neutral, shift_of, shifted

HAPPY, SAD, NEUTRAL = (EMOTIONS.index(name) for name in ("happy", "sad", "neutral"))


def looks(**shares: float) -> np.ndarray:
    p = np.array([shares.get(name, 0.0) for name in EMOTIONS])
    missing = p == 0
    p[missing] = (1 - p.sum()) / missing.sum()
    return p.astype(np.float32)


def person(p: np.ndarray | None, track_id: int | None = 1, size: float = 50) -> Face:
    return Face(np.array([0, 0, size, size], np.float32), 0.9, probabilities=p, track_id=track_id)


SAD_AT_REST = looks(sad=0.55, neutral=0.3, angry=0.1)


def watched(neutral: Neutral, p, seconds: float = 2.2, start_s: float = 10.0, track_id: int = 1) -> None:
    """Show a face for a while; `p`: probabilities or a function of time to them."""
    for t in np.arange(start_s, start_s + seconds, 1 / 15):
        neutral([person(p(t) if callable(p) else p, track_id)], float(t))


def test_the_shift_makes_the_resting_face_neutral_and_leaves_a_smile() -> None:
    shift = shift_of(np.tile(SAD_AT_REST, (30, 1)), NEUTRAL)
    assert shifted(SAD_AT_REST, shift)[NEUTRAL] == pytest.approx(0.8, abs=0.005)
    assert shift[SAD] < 0 < shift[NEUTRAL] and shift[HAPPY] == 0
    assert shifted(looks(happy=0.95), shift)[HAPPY] > 0.85
    assert shifted(looks(sad=0.97), shift)[SAD] > 0.5, "plain sadness still shows"


def test_a_face_that_reads_neutral_is_left_alone() -> None:
    assert (shift_of(np.tile(looks(neutral=0.85), (9, 1)), NEUTRAL) == 0).all()


def test_the_shift_is_bounded() -> None:
    shift = shift_of(np.tile(looks(angry=0.999), (9, 1)), NEUTRAL)
    assert np.abs(shift).max() == MAX_SHIFT


def test_calibration_takes_two_seconds_and_is_removable() -> None:
    neutral = Neutral()
    assert neutral.progress is None
    neutral.start()
    watched(neutral, SAD_AT_REST, seconds=1.0)
    assert neutral.progress == pytest.approx(0.47, abs=0.05) and neutral.calibrated == ()
    watched(neutral, SAD_AT_REST, seconds=1.2, start_s=11.0)
    assert neutral.progress is None and neutral.problem is None and neutral.calibrated == (1,)
    mine, other = neutral([person(SAD_AT_REST, 1), person(SAD_AT_REST, 2)], 13.0)
    assert mine.emotion == "neutral" and mine.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert other.emotion == "sad"
    neutral.remove(1)
    assert neutral([person(SAD_AT_REST)], 14.0)[0].emotion == "sad"


def test_a_second_calibration_starts_from_the_uncorrected_face() -> None:
    neutral = Neutral()
    for start_s in (0.0, 10.0):
        neutral.start(1)
        watched(neutral, SAD_AT_REST, start_s=start_s)
    assert neutral([person(SAD_AT_REST)], 20.0)[0].probabilities[NEUTRAL] == pytest.approx(0.8, abs=0.01)


def test_without_a_number_the_largest_face_is_watched() -> None:
    neutral = Neutral()
    neutral.start()
    for t in np.arange(0, 2.5, 0.1):
        neutral([person(looks(happy=0.9), 4, 30), person(SAD_AT_REST, 7, 60)], float(t))
    assert neutral.calibrated == (7,)


@pytest.mark.parametrize(
    ("show", "problem"),
    [
        (looks(happy=0.95), "happy"),
        (lambda t: looks(happy=0.9) if int(t * 3) % 2 else looks(sad=0.9), "changing"),
        (lambda t: None, "sight"),
    ],
)
def test_what_is_no_neutral_face_is_refused(show, problem: str) -> None:
    neutral = Neutral()
    neutral.start(1)
    watched(neutral, show)
    assert neutral.progress is None and neutral.calibrated == ()
    assert problem in neutral.problem


def test_too_few_sights_are_refused() -> None:
    neutral = Neutral()
    neutral.start(1)
    for t in (0.0, 0.7, 1.4, 2.1):
        neutral([person(SAD_AT_REST)], t)
    assert neutral.calibrated == () and "seldom" in neutral.problem


def test_a_person_who_leaves_ends_the_calibration() -> None:
    neutral = Neutral()
    neutral.start(1)
    watched(neutral, SAD_AT_REST, seconds=0.5)
    neutral([], 11.9)
    assert neutral.progress is None and "out of sight" in neutral.problem
