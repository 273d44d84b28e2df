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
        (lambda t: None, "view"),
    ],
)
def test_what_is_no_neutral_face_is_refused(show, problem: str) -> None:
    neutral = Neutral()
    neutral.start(1)
    watched(neutral, show)
    assert neutral.progress is None and neutral.calibrated == ()
    assert problem in neutral.problem


def test_too_few_views_are_refused() -> None:
    neutral = Neutral()
    neutral.start(1)
    for t in (0.0, 0.7, 1.4, 2.1):
        neutral([person(SAD_AT_REST)], t)
    assert neutral.calibrated == () and "not visible often enough" in neutral.problem


def test_a_person_who_leaves_ends_the_calibration() -> None:
    neutral = Neutral()
    neutral.start(1)
    watched(neutral, SAD_AT_REST, seconds=0.5)
    neutral([], 11.9)
    assert neutral.progress is None and "out of view" in neutral.problem


# --- borders ------------------------------------------------------------------------------------------------------


def calibrated(frames: list[tuple[float, np.ndarray]], seconds: float = 2.0) -> Neutral:
    """After a calibration on one person seen at these times with these probabilities."""
    neutral = Neutral(seconds)
    neutral.start(1)
    for t, p in frames:
        neutral([person(p)], t)
    return neutral


def evenly(*shown: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """The probabilities in turn, over 2.1 s at 20 frames a second."""
    return [(k / 20, shown[k % len(shown)]) for k in range(43)]


def test_an_unsteady_face_reads_neutral_in_the_geometric_mean() -> None:
    rng = np.random.default_rng(0)
    seen = SAD_AT_REST * np.exp(rng.normal(0, 0.7, (40, 7)))
    seen /= seen.sum(axis=1, keepdims=True)
    mean = np.exp(np.log(seen).mean(axis=0))
    mean /= mean.sum()
    np.testing.assert_allclose(shift_of(seen, NEUTRAL), shift_of(mean[None], NEUTRAL), atol=1e-9)
    assert shifted(mean, shift_of(seen, NEUTRAL))[NEUTRAL] == pytest.approx(0.8, abs=0.005)


def test_what_shows_too_much_is_turned_down_to_an_equal_part_of_the_rest() -> None:
    """The rest is a fifth for six emotions: a thirtieth each, 1.2 % for the four that are shown less than that."""
    wanted = np.array([1 / 30, 0.0125, 0.0125, 0.0125, 1 / 30, 0.0125, 0])
    wanted[NEUTRAL] = 4 * wanted.sum()
    said = shifted(SAD_AT_REST, shift_of(SAD_AT_REST[None], NEUTRAL))
    np.testing.assert_allclose(said, wanted / wanted.sum(), atol=1e-5)


def test_no_weight_is_beyond_e_cubed() -> None:
    assert np.exp(np.abs(shift_of(looks(angry=0.999)[None], NEUTRAL))).max() == pytest.approx(20.1, abs=0.05)


def test_the_first_quarter_is_not_counted_and_five_frames_after_it_are_enough() -> None:
    times = (0.0, 0.2, 0.4, 0.5, 0.9, 1.3, 1.7, 2.0)
    frames = [(t, looks(happy=0.95) if t < 0.5 else SAD_AT_REST) for t in times]
    neutral = calibrated(frames)
    assert neutral.calibrated == (1,) and neutral.problem is None
    assert neutral([person(SAD_AT_REST)], 3.0)[0].probabilities[NEUTRAL] == pytest.approx(0.8, abs=0.005)
    assert "not visible often enough" in calibrated([frame for frame in frames if frame[0] != 0.9]).problem


@pytest.mark.parametrize(("apart", "steady"), [(0.44, True), (0.56, False)])
def test_expressions_a_quarter_from_their_mean_are_held_still(apart: float, steady: bool) -> None:
    """Two in turn, `apart` in total variation, lie half of that from their mean."""
    one = looks(sad=0.3 + apart / 2, neutral=0.4 - apart / 2)
    other = looks(sad=0.3 - apart / 2, neutral=0.4 + apart / 2)
    assert calibrated(evenly(one, other)).calibrated == ((1,) if steady else ())


@pytest.mark.parametrize(("name", "share", "taken"), [("happy", 0.79, True), ("surprise", 0.82, False)])
def test_a_smile_or_a_start_is_refused_from_four_fifths(name: str, share: float, taken: bool) -> None:
    neutral = calibrated(evenly(looks(**{name: share})))
    assert neutral.calibrated == ((1,) if taken else ())
    assert taken or f"clearly {name}" in neutral.problem


@pytest.mark.parametrize(("until_s", "watching"), [(1.2, True), (1.4, False)])
def test_a_second_out_of_view_ends_the_calibration(until_s: float, watching: bool) -> None:
    neutral = calibrated([(0.0, SAD_AT_REST), (0.3, SAD_AT_REST)])
    neutral([], until_s)
    assert (neutral.progress is not None) == watching


def test_progress_starts_at_nothing_and_a_time_of_no_seconds_is_over_immediately() -> None:
    neutral = Neutral()
    neutral.start()
    assert neutral.progress == 0
    assert "not visible often enough" in calibrated([(5.0, SAD_AT_REST)], seconds=0).problem


def test_a_stream_that_starts_anew_is_watched_anew() -> None:
    neutral = calibrated([(90 + k / 20, looks(happy=0.95)) for k in range(30)])
    for t, p in evenly(SAD_AT_REST)[:21]:
        neutral([person(p)], t)
    assert neutral.progress == pytest.approx(0.5)
    for t, p in evenly(SAD_AT_REST)[21:]:
        neutral([person(p)], t)
    assert neutral.calibrated == (1,)


def test_forgetting_one_person_leaves_another_s_calibration_running() -> None:
    neutral = calibrated(evenly(SAD_AT_REST))
    neutral.start(2)
    neutral([person(SAD_AT_REST, 2)], 3.0)
    neutral.remove(1)
    assert neutral.calibrated == () and neutral.progress is not None
    neutral.remove(2)
    assert neutral.progress is None
    neutral.start(2)
    neutral.remove()
    assert neutral.progress is None
    neutral.start(2)
    neutral.stop()
    assert neutral.progress is None


def test_others_in_the_frame_are_not_watched() -> None:
    neutral = Neutral()
    neutral.start(1)
    for t, p in evenly(SAD_AT_REST):
        neutral([person(looks(happy=0.9), 2, 90), person(p)], t)
    assert neutral.calibrated == (1,)
    assert neutral([person(None)], 3.0)[0].probabilities is None
