"""A score of the tracker on sequences with known people: number switches, faces missed, error of the boxes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from emojimation.attributes import ATTRIBUTES, Attribute
from emojimation.faces import TEMPLATE, Face
from emojimation.tracking.track import Tracker

Way = Callable[[float], tuple[float, float, float]]  # time -> centre x, y and side in pixels
TREMBLE_PX = 1.5
RATES = (5, 10, 30)


@dataclass(frozen=True, slots=True)
class Score:
    """switches: how often a person came back with another number. numbers: given in all. missed: share of the
    detections that were not emitted. error: median distance of the centres, in sides; `tremble`: the detector's own."""

    switches: int
    numbers: int
    missed: float
    error: float
    tremble: float


def face(x: float, y: float, side: float) -> Face:
    corner = np.array([x, y]) - side / 2
    box = np.concatenate([corner, corner + side]).astype(np.float32)
    return Face(box, 0.9, (corner + TEMPLATE * side).astype(np.float32))


def score(tracker: Tracker, people: list[Way], times: np.ndarray, seen: Callable = lambda who, t: True) -> Score:
    """Follow people whose boxes tremble; `seen`: whether the detector finds one. A face belongs to the nearest."""
    rng = np.random.default_rng(0)
    last: dict[int, int | None] = {}
    switches, shown, errors, trembles = 0, [], [], []
    for t in times:
        here = [who for who in rng.permutation(len(people)) if seen(who, t)]
        truth = np.array([people[who](t) for who in here]).reshape(-1, 3)
        shaken = truth + rng.normal(0, TREMBLE_PX, truth.shape)
        found = tracker.update([face(*row) for row in shaken], float(t))
        shown.append((len(found), len(here)))
        trembles += list(np.linalg.norm((shaken - truth)[:, :2], axis=1) / truth[:, 2])
        for one in found:
            away = np.linalg.norm(truth[:, :2] - (one.xyxy[:2] + one.xyxy[2:]) / 2, axis=1)
            nearest = int(np.argmin(away))
            switches += last.get(here[nearest], one.track_id) != one.track_id
            last[here[nearest]] = one.track_id
            errors.append(away[nearest] / truth[nearest, 2])
    missed = 1 - sum(n for n, _ in shown) / sum(n for _, n in shown)
    return Score(switches, tracker._next_id - 1, missed, float(np.median(errors)), float(np.median(trembles)))


def walk(x: float, y: float, vx: float, vy: float = 0.0, side: float = 100.0) -> Way:
    return lambda t: (x + vx * t, y + vy * t, side)


def panned(way: Way, px: float = 500.0) -> Way:
    """As a camera sees it that swings to and fro by `px` in four seconds."""

    def moved(t: float) -> tuple[float, float, float]:
        x, y, side = way(t)
        return x + px * float(np.sin(np.pi * t / 2)) / 2, y, side

    return moved


CROSSING = [walk(100, 200, 160), walk(740, 215, -160, side=95)]
STANDING = [walk(150 + 180 * k, 200 + 20 * (k % 2), 0, side=90 + 5 * k) for k in range(4)]
SWAYING = [
    lambda t, k=k: (150 + 200 * k + 40 * np.sin(2 * t + k), 200 + 15 * np.cos(3 * t + k), 100.0) for k in range(4)
]
PANNED = [panned(way) for way in STANDING]
SHAKEN = [panned(way, 200) for way in SWAYING]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize(
    ("people", "seen"),
    [
        pytest.param(SWAYING, lambda who, t: True, id="swaying"),
        pytest.param(CROSSING, lambda who, t: who == 0 or abs(640 - 320 * t) > 80, id="one crosses behind"),
        pytest.param(SWAYING, lambda who, t: not 2 < t + 0.3 * who < 2.7, id="each away for 0.7 s"),
        pytest.param(STANDING, lambda who, t: not 1 < t < 1.9, id="nobody found for 0.9 s"),
        pytest.param(PANNED, lambda who, t: True, id="camera pans"),
        pytest.param(
            SHAKEN,
            lambda who, t: t == 0 or int(30 * t + who) % 5,
            id="pan and misses",
        ),
    ],
)
def test_people_keep_their_numbers_and_boxes_stay_true(people: list[Way], seen: Callable, fps: int) -> None:
    got = score(Tracker(), people, np.arange(0, 5, 1 / fps), seen)
    assert (got.switches, got.numbers) == (0, len(people)), got
    assert got.missed == 0, got
    assert got.error < max(1.2 * got.tremble, 0.02), got


def test_steady_people_tremble_less_than_their_detections() -> None:
    got = score(Tracker(), STANDING, np.arange(0, 5, 1 / 30))
    assert got.error < 0.75 * got.tremble, got


def test_frames_at_uneven_times_change_nothing() -> None:
    """A phone's camera: steps between 15 and 200 ms."""
    times = np.cumsum(np.random.default_rng(5).uniform(0.015, 0.2, 60))
    got = score(Tracker(), SWAYING, times)
    assert (got.switches, got.numbers, got.missed) == (0, 4, 0), got


def test_a_person_gone_for_longer_comes_back_with_another_number() -> None:
    """That the score does count: two seconds away are more than `max_gap_s`."""
    got = score(Tracker(), STANDING, np.arange(0, 6, 0.1), lambda who, t: who != 1 or not 1 < t < 3)
    assert (got.switches, got.numbers) == (1, 5), got
    assert got.missed > 0, "the first detection after the gap is not emitted"


# --- who goes with whom -------------------------------------------------------------------------------------------


def numbers(tracker: Tracker, faces: list[Face], time_s: float) -> list[int | None]:
    return [one.track_id for one in tracker.update(faces, time_s)]


def box(x: float, y: float, width: float, height: float) -> Face:
    return Face(np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32), 0.9)


def still(tracker: Tracker, face: Face, frames: int = 10, fps: float = 30) -> float:
    """Show a face that keeps its place; the next frame's time."""
    for i in range(frames):
        tracker.update([face], i / fps)
    return frames / fps


def test_of_two_faces_as_far_and_as_large_the_one_that_overlaps_more_keeps_the_number() -> None:
    tracker = Tracker(confirm_hits=1)
    time_s = still(tracker, box(200, 200, 100, 100))
    narrow, same = box(230, 200, 50, 200), box(170, 200, 100, 100)
    assert numbers(tracker, [narrow, same], time_s) == [2, 1]


def test_the_nearer_of_two_equal_faces_keeps_the_number() -> None:
    tracker = Tracker(confirm_hits=1)
    time_s = still(tracker, box(200, 200, 100, 100))
    assert numbers(tracker, [box(240, 200, 100, 100), box(185, 200, 100, 100)], time_s) == [2, 1]


def test_of_two_equal_distances_the_face_of_the_same_size_keeps_the_number() -> None:
    tracker = Tracker(confirm_hits=1)
    time_s = still(tracker, box(200, 200, 100, 100))
    assert numbers(tracker, [box(200, 200, 140, 140), box(200, 200, 95, 95)], time_s) == [2, 1]


@pytest.mark.parametrize(
    ("frames", "gap_s", "away", "number"),
    [
        pytest.param(10, 0.0, 50, 1, id="half a side between two frames"),
        pytest.param(10, 0.0, 65, 2, id="two thirds"),
        pytest.param(10, 0.5 - 1 / 30, 104, 1, id="a whole side in half a second"),
        pytest.param(10, 0.5 - 1 / 30, 113, 2, id="somewhat more"),
        pytest.param(1, 0.2 - 1 / 30, 145, 1, id="a newcomer, whose velocity is unknown, in 0.2 s"),
        pytest.param(1, 0.2 - 1 / 30, 165, 2, id="too far for a newcomer"),
    ],
)
def test_a_face_within_three_deviations_is_the_same(frames: int, gap_s: float, away: float, number: int) -> None:
    tracker = Tracker(confirm_hits=1)
    time_s = still(tracker, box(200, 200, 100, 100), frames)
    assert numbers(tracker, [box(200 + away, 200, 100, 100)], time_s + gap_s) == [number]


@pytest.mark.parametrize(("factor", "number"), [(2.2, 1), (0.45, 1), (2.8, 2), (0.35, 2)])
def test_a_face_may_double_its_size(factor: float, number: int) -> None:
    tracker = Tracker(confirm_hits=1)
    time_s = still(tracker, box(200, 200, 100, 100))
    assert numbers(tracker, [box(200, 200, 100 * factor, 100 * factor)], time_s) == [number]


def test_the_track_seen_just_now_goes_before_the_one_lost() -> None:
    """A face between the two, nearer to the lost one in deviations: it could be anywhere, so it gives way."""
    tracker = Tracker(confirm_hits=1)
    for i in range(10):
        tracker.update([box(200, 200, 100, 100), box(270, 200, 100, 100)], i / 30)
    for i in range(10, 25):
        tracker.update([box(270, 200, 100, 100)], i / 30)
    assert numbers(tracker, [box(240, 200, 100, 100)], 25 / 30) == [2]


def test_equal_places_are_distinguished_by_the_emotions() -> None:
    tracker = Tracker(confirm_hits=1, smooth_s=0)
    happy, sad = np.eye(7, dtype=np.float32)[3], np.eye(7, dtype=np.float32)[4]
    start = [box(200, 200, 100, 100).with_(probabilities=happy), box(230, 200, 100, 100).with_(probabilities=sad)]
    tracker.update(start, 0.0)
    tracker.update(start, 0.05)
    # Both now stand nearly in the middle.
    here = [box(217, 200, 100, 100).with_(probabilities=happy), box(214, 200, 100, 100).with_(probabilities=sad)]
    assert numbers(tracker, here, 0.1) == [1, 2]


# --- filters ------------------------------------------------------------------------------------------------------


def test_the_first_boxes_lie_on_the_line_through_all_points() -> None:
    """Steps so short that nothing is forgotten: the filter is the least-squares line."""
    rng = np.random.default_rng(0)
    xs = 200 + rng.normal(0, 4, 12)
    tracker = Tracker(confirm_hits=1)
    for k, x in enumerate(xs, start=1):
        (found,) = tracker.update([box(x, 200, 100, 100)], 1e-3 * k)
        if k >= 2:
            line = np.polynomial.Polynomial.fit(np.arange(k), xs[:k], 1)
            assert (found.xyxy[0] + found.xyxy[2]) / 2 == pytest.approx(line(k - 1), abs=0.01), k


@pytest.mark.parametrize("fps", [10, 30])
def test_later_boxes_forget_with_a_memory_of_80_ms(fps: int) -> None:
    """Discounted least squares: a line through all points, each weighing theta^age, theta = exp(-step / 0.08 s)."""
    rng = np.random.default_rng(0)
    xs = 200 + rng.normal(0, 4, 90)
    tracker = Tracker(confirm_hits=1)
    for k, x in enumerate(xs):
        (found,) = tracker.update([box(x, 200, 100, 100)], k / fps)
    weights = np.exp(-np.arange(90)[::-1] / fps / 0.08)
    line = np.polynomial.Polynomial.fit(np.arange(90), xs, 1, w=np.sqrt(weights))
    assert (found.xyxy[0] + found.xyxy[2]) / 2 == pytest.approx(line(89), abs=0.05)


@pytest.mark.parametrize("step_s", [0.01, 1 / 30, 0.2])
def test_landmarks_and_sides_follow_with_a_memory_of_80_ms(step_s: float) -> None:
    """A jump is made up for by 1 - exp(-step / memory): never beyond, the sooner the longer the step."""
    tracker = Tracker(confirm_hits=1)
    before = face(200, 200, 100)
    tracker.update([before], 0.0)
    shift = np.array([[4, 0], [0, 6], [-5, 0], [0, -3], [2, 2]], np.float32)
    after = before.with_(landmarks=before.landmarks + shift, xyxy=before.xyxy + np.float32([-10, -5, 10, 5]))
    (found,) = tracker.update([after], step_s)
    share = 1 - np.exp(-step_s / 0.08)
    sides = 100 + share * np.array([20, 10])
    np.testing.assert_allclose(found.xyxy[2:] - found.xyxy[:2], sides, rtol=1e-4)
    marks = [(one.landmarks - 200) / (one.xyxy[2:] - one.xyxy[:2]) for one in (before, after)]
    np.testing.assert_allclose(found.landmarks, 200 + (marks[0] + share * (marks[1] - marks[0])) * sides, atol=1e-3)


@pytest.mark.parametrize(("apart", "moves"), [(60, False), (77, False), (86, True)])
def test_a_box_drawn_towards_a_neighbour_does_not_set_it_in_motion(apart: float, moves: bool) -> None:
    """While another track lies over a tenth of both, a track keeps its velocity: 0 here, though its boxes wander."""
    tracker, neighbour = Tracker(confirm_hits=1), box(200 - apart, 200, 100, 100)
    for i in range(9):
        tracker.update([box(200 + 2 * max(i - 5, 0), 200, 100, 100), neighbour], i / 30)
    velocity = tracker.tracks[0].velocity
    assert velocity[0] > 15 if moves else velocity == pytest.approx([0, 0], abs=1e-6)


def test_the_first_two_steps_set_in_motion_even_in_a_crowd() -> None:
    tracker = Tracker(confirm_hits=1)
    for i, x in enumerate((200, 200, 206)):
        tracker.update([box(x, 200, 100, 100), box(150, 200, 100, 100)], i / 30)
    assert tracker.tracks[0].velocity[0] == pytest.approx(6 * 30 / 2)


# --- time ---------------------------------------------------------------------------------------------------------


def test_the_settings_are_the_ones_that_the_documentation_names() -> None:
    tracker = Tracker()
    settings = (tracker.smooth_s, tracker.max_gap_s, tracker.confirm_hits, tracker.hold_s)
    assert settings == (0.4, 1.0, 2, 0.0)


@pytest.mark.parametrize("steps", [1, 3, 30])
def test_a_gap_of_exactly_the_time_allowed_is_bridged(steps: int) -> None:
    tracker = Tracker(max_gap_s=1.0, confirm_hits=1)
    tracker.update([box(200, 200, 100, 100)], 0.0)
    for i in range(1, steps):
        tracker.update([], i / steps)
    assert numbers(tracker, [box(200, 200, 100, 100)], 1.0) == [1]


@pytest.mark.parametrize(("away_s", "shown"), [(0.24, 1), (0.27, 0)])
def test_a_face_seen_once_is_waited_for_a_quarter_of_the_time(away_s: float, shown: int) -> None:
    tracker = Tracker(max_gap_s=1.0)
    tracker.update([], 0.0)
    tracker.update([box(200, 200, 100, 100)], 1.0)
    tracker.update([], 1.1)
    assert len(tracker.update([box(200, 200, 100, 100)], 1 + away_s)) == shown


@pytest.mark.parametrize("step_s", [0.3, 0.5, 1.2, 3.0, 9.9])
def test_who_enters_a_slow_stream_is_shown_with_the_second_frame_and_keeps_the_number(step_s: float) -> None:
    tracker = Tracker()
    tracker.update([], 0.0)
    shown = [
        [face.track_id for face in tracker.update([box(200 + 9 * (-1) ** n, 200, 100, 100)], n * step_s)]
        for n in range(1, 8)
    ]
    assert shown == [[], *[[1]] * 6]


def test_frames_too_far_apart_are_no_neighbours() -> None:
    tracker = Tracker(confirm_hits=1)
    numbers = [tracker.update([box(200, 200, 100, 100)], time_s)[0].track_id for time_s in (0.0, 10.0, 20.1)]
    assert numbers == [1, 1, 2]


@pytest.mark.parametrize(("back_s", "number"), [(0.5, 1), (1.0, 1), (1.25, 2)])
def test_a_time_that_falls_by_more_than_the_gap_is_another_video(back_s: float, number: int) -> None:
    tracker = Tracker(max_gap_s=1.0)
    tracker.update([box(200, 200, 100, 100)], 8.0)
    assert numbers(tracker, [box(200, 200, 100, 100)], 8.0 - back_s) == [number]


@pytest.mark.parametrize("times", [(0.0, 0.0), (1.0, 0.5), (None, None), (0.0, None), (0.0, float("nan"))])
def test_a_frame_of_unknown_time_counts_as_a_thirtieth_of_a_second(times: tuple) -> None:
    tracker = Tracker()
    for time_s in times:
        tracker.update([box(200, 200, 100, 100)], time_s)
    assert tracker.tracks[0].age == pytest.approx(1 / 30)


def test_after_frames_of_unknown_time_a_known_one_is_counted_from_where_they_led() -> None:
    tracker = Tracker()
    for time_s in (1.0, None, None, 1.5):
        tracker.update([box(200, 200, 100, 100)], time_s)
    assert tracker.tracks[0].age == pytest.approx(0.5)


def test_faces_are_held_for_the_whole_time() -> None:
    tracker = Tracker(hold_s=0.5)
    tracker.update([box(200, 200, 100, 100)], 0.0)
    assert numbers(tracker, [], 0.25) == numbers(tracker, [], 0.5) == [1]
    assert numbers(tracker, [], 0.5625) == []


def test_after_a_cut_faces_are_shown_immediately_with_new_numbers() -> None:
    tracker = Tracker(confirm_hits=3)
    assert numbers(tracker, [box(200, 200, 100, 100)], 0.0) == [1]
    tracker.reset()
    assert numbers(tracker, [box(200, 200, 100, 100)], 0.04) == [2]


def test_each_attribute_has_its_own_memory_and_begins_anew_where_it_was_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, memory_s in (("slow", 0.5), ("raw", 0.0)):
        monkeypatch.setitem(ATTRIBUTES, name, Attribute(name, ("value",), memory_s=memory_s))
    tracker = Tracker()

    def shown(time_s: float, **values: float) -> dict[str, float]:
        attributes = {name: np.array([value], np.float32) for name, value in values.items()}
        (found,) = tracker.update([box(200, 200, 100, 100).with_(attributes=attributes)], time_s)
        return {name: float(value[0]) for name, value in found.attributes.items()}

    for i in range(5):
        assert shown(i / 1000, slow=-1, raw=-1) == {"slow": -1, "raw": -1}
    for i in range(5, 10):
        shown(i / 1000, slow=1, raw=1)
    assert shown(0.509, slow=1, raw=2) == {"slow": pytest.approx(1 - 2 * np.exp(-1), abs=0.02), "raw": 2}
    assert np.isnan(shown(0.6, slow=np.nan, raw=3)["slow"])
    assert shown(0.7, slow=5, raw=3) == {"slow": 5, "raw": 3}
    assert shown(0.8, raw=4) == {"raw": 4}
