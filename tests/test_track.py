"""People keep their numbers through gaps and crossings, and smoothing is a matter of seconds, not of frames."""

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTIONS
from emojimation.tracking.track import Tracker

HAPPY, SAD, NEUTRAL = EMOTIONS.index("happy"), EMOTIONS.index("sad"), EMOTIONS.index("neutral")


def one_hot(index: int, top: float = 0.9) -> np.ndarray:
    p = np.full(7, (1 - top) / 6, np.float32)
    p[index] = top
    return p


def face(x: float, y: float = 200, size: float = 100, probabilities: np.ndarray | None = None) -> Face:
    """A face with its centre at x, y and landmarks where a real one has them."""
    corner = np.array([x - size / 2, y - size / 2])
    box = np.concatenate([corner, corner + size]).astype(np.float32)
    return Face(box, 0.9, (corner + TEMPLATE * size).astype(np.float32), probabilities)


def centre(found: Face) -> np.ndarray:
    return (found.xyxy[:2] + found.xyxy[2:]) / 2


# --- numbers ------------------------------------------------------------------------------------------------------


def ids_over_time(tracker: Tracker, people: list, times: np.ndarray, seen=lambda who, t: True) -> list[dict[int, int]]:
    """For each time: person -> number, where `people` are functions of time to faces; detector's order is shuffled."""
    rng, history = np.random.default_rng(0), []
    for t in times:
        here = [who for who in rng.permutation(len(people)) if seen(who, t)]
        found = tracker.update([people[who](t) for who in here], t)
        centres = {who: centre(people[who](t)) for who in here}
        nearest = [min(centres, key=lambda who: np.linalg.norm(centres[who] - centre(one))) for one in found]
        history.append({who: one.track_id for who, one in zip(nearest, found, strict=True)})
    return history


def numbers_of(history: list[dict[int, int]], who: int) -> set[int]:
    return {row[who] for row in history if who in row}


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("gap", [0.3, 0.9])
def test_a_gap_under_one_second_keeps_the_number(fps: int, gap: float) -> None:
    def walker(t: float) -> Face:
        return face(100 + 150 * t)

    history = ids_over_time(Tracker(), [walker], np.arange(0, 4, 1 / fps), lambda who, t: not 1.5 < t < 1.5 + gap)
    assert numbers_of(history, 0) == {1}
    assert all((0 in row) != (1.5 < t < 1.5 + gap) for row, t in zip(history, np.arange(0, 4, 1 / fps), strict=True))


@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize("seed", range(4))
def test_crossing_people_with_trembling_boxes_keep_their_numbers(fps: int, seed: int) -> None:
    """Two walk through each other; the detector trembles and sees only the one in front while they overlap."""
    rng = np.random.default_rng(seed)

    def trembling(f: Face) -> Face:
        return f.with_(xyxy=f.xyxy + rng.normal(0, 1.5, 4).astype(np.float32))

    people = [
        lambda t: trembling(face(100 + 160 * t, 200, 100, one_hot(HAPPY))),
        lambda t: trembling(face(740 - 160 * t, 215, 90, one_hot(NEUTRAL))),
    ]
    times = np.arange(0, 4, 1 / fps)
    history = ids_over_time(Tracker(), people, times, lambda who, t: who == 0 or abs(640 - 320 * t) > 80)
    assert [len(numbers_of(history, who)) for who in (0, 1)] == [1, 1]
    assert numbers_of(history, 0) != numbers_of(history, 1)


def test_lookalikes_without_emotions_cross_too() -> None:
    """Motion alone is enough: equal sizes, no probabilities, both missed while they overlap."""
    people = [lambda t: face(100 + 160 * t), lambda t: face(740 - 160 * t)]
    history = ids_over_time(Tracker(), people, np.arange(0, 4, 0.1), lambda who, t: abs(640 - 320 * t) > 80)
    assert numbers_of(history, 0) == {1, 2} - numbers_of(history, 1)


def test_random_misses_in_a_moving_group() -> None:
    """Five people sway, a third of all detections is missing at random: five numbers in all."""
    rng = np.random.default_rng(3)
    people = [
        lambda t, k=k: face(150 + 200 * k + 40 * np.sin(2 * t + k), 200 + 15 * np.cos(3 * t + k)) for k in range(5)
    ]
    history = ids_over_time(Tracker(), people, np.arange(0, 8, 1 / 15), lambda who, t: rng.random() > 1 / 3)
    assert sorted(next(iter(numbers_of(history, who))) for who in range(5)) == [1, 2, 3, 4, 5]
    assert all(len(numbers_of(history, who)) == 1 for who in range(5))


def test_a_face_far_away_is_somebody_else() -> None:
    tracker = Tracker(confirm_hits=1)
    assert [f.track_id for f in tracker.update([face(100)], 0)] == [1]
    assert [f.track_id for f in tracker.update([face(900)], 0.03)] == [2]


def test_a_face_three_times_the_size_is_somebody_else() -> None:
    tracker = Tracker(confirm_hits=1)
    tracker.update([face(300, size=60)], 0)
    assert [f.track_id for f in tracker.update([face(300, size=180)], 0.03)] == [2]


def test_after_a_longer_gap_comes_a_new_number() -> None:
    tracker = Tracker(max_gap_s=1.0, confirm_hits=1)
    tracker.update([face(100)], 0.0)
    assert tracker.update([], 0.5) == []
    assert [f.track_id for f in tracker.update([face(100)], 1.2)] == [2]


# --- states -------------------------------------------------------------------------------------------------------


def test_states_hits_and_ages() -> None:
    tracker = Tracker(confirm_hits=2)
    assert tracker.update([], 0.0) == []
    assert tracker.update([face(100)], 0.1) == []
    assert [(t.state, t.hits, t.track_id) for t in tracker.tracks] == [("tentative", 1, 0)]
    assert [f.track_id for f in tracker.update([face(101)], 0.2)] == [1]
    assert tracker.update([], 0.5) == []
    (track,) = tracker.tracks
    assert (track.state, track.hits) == ("lost", 2)
    assert (track.age, track.time_since_update) == (pytest.approx(0.4), pytest.approx(0.3))
    assert [f.track_id for f in tracker.update([face(101)], 0.6)] == [1]
    assert (track.state, track.hits, track.time_since_update) == ("confirmed", 3, 0.0)


def test_faces_of_the_first_frame_are_shown_immediately() -> None:
    assert [f.track_id for f in Tracker(confirm_hits=3).update([face(100), face(400)], 0.0)] == [1, 2]


def test_a_false_alarm_is_never_shown_and_takes_no_number() -> None:
    tracker = Tracker()
    shown = [tracker.update([face(100)] + ([face(700)] if i == 3 else []), i / 30) for i in range(30)]
    assert {f.track_id for faces in shown for f in faces} == {1}
    shown = [tracker.update([face(100), face(500)], 1 + i / 30) for i in range(3)]
    assert [f.track_id for f in shown[-1]] == [1, 2]


def test_hold_bridges_missed_detections_and_then_ends() -> None:
    tracker = Tracker(hold_s=0.15)
    for i in range(10):
        tracker.update([face(100 + 10 * i)], i / 30)
    held = tracker.update([], 10 / 30)
    assert [f.track_id for f in held] == [1]
    assert centre(held[0])[0] == pytest.approx(200, abs=2)
    assert tracker.update([], 0.6) == []


def test_predict_moves_faces_on_and_drops_the_lost() -> None:
    tracker = Tracker(confirm_hits=1)
    for i in range(11):
        tracker.update([face(100 + 20 * i), face(700)] if i < 8 else [face(100 + 20 * i)], i / 10)
    predicted = tracker.predict(1.05)
    assert [f.track_id for f in predicted] == [1]
    assert centre(predicted[0]) == pytest.approx([310, 200], abs=1)
    assert predicted[0].landmarks == pytest.approx(face(310).landmarks, abs=2)
    assert [f.track_id for f in tracker.update([face(330)], 1.15)] == [1]
    assert tracker.predict(2.5) == []


# --- time ---------------------------------------------------------------------------------------------------------


def test_without_times_frames_are_a_thirtieth_apart() -> None:
    tracker = Tracker(confirm_hits=1)
    for _ in range(31):
        tracker.update([face(100)])
    assert tracker.tracks[0].age == pytest.approx(1.0)


@pytest.mark.parametrize("times", [[0, 1, 1, 1, 1], [0, 0.5, 0.4, 0.3, 0.2], [0, float("nan"), 0.1, None, 0.2]])
def test_times_that_do_not_rise_do_no_harm(times: list) -> None:
    tracker = Tracker(confirm_hits=1)
    found = [tracker.update([face(100 + 5 * i, probabilities=one_hot(HAPPY))], t) for i, t in enumerate(times)]
    assert [[f.track_id for f in faces] for faces in found] == [[1]] * 5
    assert np.isfinite(found[-1][0].xyxy).all() and centre(found[-1][0])[0] == pytest.approx(120, abs=8)
    assert found[-1][0].probabilities == pytest.approx(one_hot(HAPPY), abs=1e-5)


def test_a_jump_back_starts_anew_with_fresh_numbers() -> None:
    tracker = Tracker()
    tracker.update([face(100)], 100.0)
    assert [f.track_id for f in tracker.update([face(100)], 3.0)] == [2]


# --- smoothing ----------------------------------------------------------------------------------------------------


def feeling(t: float, onset_s: float, phase: float) -> np.ndarray:
    """Neutral, a smile that comes and goes over `onset_s`, later a sad moment; smooth as faces are."""

    def bump(start: float, end: float) -> float:
        up, down = (np.clip((t - s - phase) / onset_s, 0, 1) for s in (start, end))
        return float((np.cos(np.pi * down) - np.cos(np.pi * up)) / 2)

    p = 0.9 * (bump(0.6, 2.2) * np.eye(7)[HAPPY] + bump(3.4, 4.8) * np.eye(7)[SAD])
    p[NEUTRAL] += 1 - p.sum()
    return p.astype(np.float32)


def smoothed(fps: int, onset_s: float, phase: float, **options) -> np.ndarray:
    """(k,7): what a tracker says at every 0.2 s of six seconds of that feeling."""
    tracker = Tracker(**options)
    rows = [
        tracker.update([face(100, probabilities=feeling(i / fps, onset_s, phase))], i / fps) for i in range(6 * fps)
    ]
    return np.array([row[0].probabilities for row in rows[:: fps // 5]])


@pytest.mark.parametrize("phase", [0.0, 0.05, 0.1, 0.15])
def test_five_and_thirty_frames_a_second_give_the_same_series(phase: float) -> None:
    slow, fast = smoothed(5, 0.4, phase), smoothed(30, 0.4, phase)
    assert np.abs(slow - fast).max() < 0.02
    assert np.abs(fast - [feeling(t, 0.4, phase) for t in np.arange(30) / 5]).max() > 0.2, "it does smooth"
    assert slow.sum(axis=1) == pytest.approx(np.ones(30), abs=1e-5)


def test_smoothing_has_the_time_constant_it_names() -> None:
    """A step between two frames 1 ms apart reaches 1 - 1/e after `smooth_s`."""
    tracker = Tracker(smooth_s=0.4)
    tracker.update([face(100, probabilities=one_hot(SAD, 1.0))], 0.0)
    tracker.update([face(100, probabilities=one_hot(HAPPY, 1.0))], 0.001)
    (found,) = tracker.update([face(100, probabilities=one_hot(HAPPY, 1.0))], 0.401)
    assert found.probabilities[HAPPY] == pytest.approx(1 - np.exp(-1), abs=0.005)


def test_no_smoothing_and_faces_without_emotions() -> None:
    tracker = Tracker(smooth_s=0)
    tracker.update([face(100, probabilities=one_hot(SAD))], 0.0)
    (found,) = tracker.update([face(100, probabilities=one_hot(HAPPY))], 0.1)
    assert found.probabilities == pytest.approx(one_hot(HAPPY))
    (found,) = tracker.update([face(100)], 0.2)
    assert found.probabilities == pytest.approx(one_hot(HAPPY)), "the last answer stands"
    assert Tracker().update([face(100)], 0.0)[0].probabilities is None


def test_boxes_tremble_less_and_do_not_lag() -> None:
    rng, tracker = np.random.default_rng(1), Tracker()
    truth = np.array([[100 + 200 * i / 30, 200] for i in range(90)])
    shaken = truth + rng.normal(0, 2, truth.shape)
    found = np.array([centre(tracker.update([face(*shaken[i])], i / 30)[0]) for i in range(90)])
    error, before = (found - truth)[30:], (shaken - truth)[30:]
    assert error.std() < 0.8 * before.std()
    assert abs(error.mean()) < 0.5


def test_landmarks_may_come_and_go() -> None:
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    assert tracker.update([face(101).with_(landmarks=None)], 0.1)[0].landmarks is None
    assert tracker.update([face(102)], 0.2)[0].landmarks is not None


@pytest.mark.parametrize(
    "options", [{"smooth_s": -1}, {"max_gap_s": float("nan")}, {"confirm_hits": 0}, {"hold_s": float("inf")}]
)
def test_senseless_settings_are_refused(options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        Tracker(**options)


def test_many_frames_leave_nothing_behind() -> None:
    rng, tracker = np.random.default_rng(0), Tracker()
    for i in range(300):
        tracker.update([face(x) for x in rng.uniform(0, 4000, 4)], i / 30)
    assert len(tracker.tracks) < 150
    tracker.update([], 20.0)
    assert tracker.tracks == []
