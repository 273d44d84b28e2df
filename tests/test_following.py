"""Known faces followed from frame to frame: when the whole frame is searched, who is found again, how a run ends."""

from types import SimpleNamespace

import numpy as np
import pytest

from emojimation.detect import DetectorOptions, FaceDetector
from emojimation.detect.following import FollowingDetector, for_stream, in_succession
from emojimation.faces import Face
from emojimation.hiding.search import searcher
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.tracking.track import Tracker
from emojimation.video.analyse import analyse, run_start
from emojimation.video.reader import Frame
from emojimation.video.scene import crowd


def face(x, score=0.9):
    return Face(np.array([x, 0, x + 40, 40], np.float32), score)


class Stage(FaceDetector):
    """People on a strip, at 100 times their number; `present` says who is seen in a frame, which shows its number."""

    def __init__(self, present, doubtful=()):
        self.options = DetectorOptions(search="stream")
        self.present, self.doubtful, self.whole = present, doubtful, []

    def __call__(self, frame):
        self.whole.append(int(frame[0, 0, 0]))
        return [face(100 * person) for person in self.present(self.whole[-1])]

    def find_again(self, frame, known):
        number = int(frame[0, 0, 0])
        there = [face(100 * person) for person in self.present(number)]
        seen = [one for one in known if any(abs(one.xyxy[0] - other.xyxy[0]) < 5 for other in there)]
        return seen if len(seen) == len(known) and number not in self.doubtful else None


def numbered(count):
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def people(found):
    return [sorted(round(one.xyxy[0] / 100) for one in faces) for faces in found]


def test_a_known_face_needs_the_whole_frame_only_every_eight_frames():
    stage = Stage(lambda number: [1])
    detect = FollowingDetector(stage)
    assert people(map(detect, numbered(20))) == [[1]] * 20
    assert stage.whole == [0, 8, 16]


def test_by_time_the_whole_frame_is_searched_at_least_every_third_of_a_second():
    stage = Stage(lambda number: [1])
    detect = FollowingDetector(stage)
    for number, frame in enumerate(numbered(9)):
        detect(frame, number / 10)
    assert stage.whole == [0, 3, 6]
    detect(numbered(1)[0], 0.5)
    assert stage.whole == [0, 3, 6, 0], "time jumped back: another video"


def test_with_nobody_known_each_frame_is_searched_as_a_whole():
    stage = Stage(lambda number: [1] if number >= 3 else [])
    assert people(map(FollowingDetector(stage), numbered(6))) == [[], [], [], [1], [1], [1]]
    assert stage.whole == [0, 1, 2, 3]


def test_a_lost_face_has_the_whole_frame_searched_at_once():
    stage = Stage(lambda number: [1, 2] if number < 3 else [2])
    assert people(map(FollowingDetector(stage), numbered(6))) == [[1, 2]] * 3 + [[2]] * 3
    assert stage.whole == [0, 3]


def test_a_reset_forgets_everybody():
    stage = Stage(lambda number: [1])
    detect = FollowingDetector(stage)
    first, second = numbered(2)
    detect(first)
    detect.reset()
    detect(second)
    assert stage.whole == [0, 1]


def test_a_frame_of_another_size_is_searched_as_a_whole():
    """A phone that is turned sends other frames: boxes of the ones before say nothing about them."""
    stage = Stage(lambda number: [1])
    detect = FollowingDetector(stage)
    for frame in (*numbered(2), np.zeros((4, 8, 3), np.uint8), np.ones((4, 8, 3), np.uint8)):
        detect(frame)
    assert stage.whole == [0, 0]


def test_a_run_is_searched_at_both_ends_and_followed_from_either():
    """Person 1 leaves after frame 3, person 2 enters in frame 2, person 3 stays throughout."""
    stage = Stage(lambda number: [3] + [1] * (number <= 3) + [2] * (number >= 2))
    found = in_succession(stage, numbered(8))
    assert people(found) == [[1, 3], [1, 3], [1, 2, 3], [1, 2, 3], [2, 3], [2, 3], [2, 3], [2, 3]]
    assert stage.whole == [0, 4, 7]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_runs(count):
    stage = Stage(lambda number: [1])
    assert people(in_succession(stage, numbered(count))) == [[1]] * count
    assert stage.whole == sorted({0, count - 1})


def test_a_doubtful_face_is_left_to_the_whole_search():
    stage = Stage(lambda number: [1], doubtful=(2, 3))
    assert people(in_succession(stage, numbered(6))) == [[1]] * 6
    assert stage.whole == [0, 2, 3, 5]


@pytest.mark.parametrize("search", ["wide", "auto"])
def test_thorough_searches_and_those_of_hiding_see_each_whole_frame(search):
    thorough = FaceDetector(search=search)
    hiding = searcher("fast")
    assert for_stream(hiding) is hiding
    assert isinstance(for_stream(thorough), FollowingDetector) == (search == "auto"), "auto becomes stream"
    seen = []
    assert in_succession(lambda frame: seen.append(frame) or [], numbered(5)) == [[]] * 5 and len(seen) == 5


def test_each_stream_has_its_own_memory():
    one = for_stream(FaceDetector())
    other = for_stream(one)
    assert other is not one and other.detector is one.detector


def left(one):
    return one.xyxy[0]


@pytest.fixture(scope="module")
def moving():
    """Twelve frames of two people in motion."""
    return [frame.image for frame, _ in zip(crowd(2, seconds=1), range(12), strict=False)]


def test_followed_faces_are_those_of_whole_frames(moving, monkeypatch):
    """Real networks: as many people, boxes that differ by 6 % of their size at most, few frames searched as a whole."""
    detector = FaceDetector(search="stream")
    wanted = [detector(frame) for frame in moving]
    whole, search = [], FaceDetector.__call__
    monkeypatch.setattr(FaceDetector, "__call__", lambda self, frame: whole.append(1) or search(self, frame))
    for found in (in_succession(detector, moving[:10]), list(map(for_stream(detector), moving))):
        for faces, others in zip(found, wanted, strict=False):
            assert len(faces) == len(others)
            for mine, theirs in zip(sorted(faces, key=left), sorted(others, key=left), strict=True):
                np.testing.assert_allclose(mine.xyxy, theirs.xyxy, atol=0.06 * theirs.size_px)
    assert len(whole) <= 4


def test_a_pipeline_follows_in_a_stream_and_classifies_a_run_in_one_batch(moving, monkeypatch):
    pipeline = make_pipeline("lite")
    stream = pipeline.streaming(Tracker())
    assert isinstance(Pipeline(classifier=pipeline.classifier, tracker=Tracker()).detector, FollowingDetector)
    assert isinstance(stream.detector, FollowingDetector) and isinstance(pipeline.detector, FaceDetector)
    assert [len(stream(frame, number / 30)) for number, frame in enumerate(moving)] == [2] * len(moving)
    stream.reset()
    assert stream.tracker.tracks == [] and stream.detector._known == []
    batches, predict = [], type(pipeline.classifier).predict
    monkeypatch.setattr(
        type(pipeline.classifier), "predict", lambda self, crops: batches.append(len(crops)) or predict(self, crops)
    )
    found = stream.detecting(stream.detector.detector).of_run(moving)
    assert stream.of_run([]) == []
    assert batches == [2 * len(moving)] and all(one.probabilities is not None for faces in found for one in faces)


@pytest.mark.parametrize("search", [None, "fast", "auto", "wide"])
def test_a_pipeline_made_with_a_tracker_follows_unless_it_was_asked_to_search_widely(search, tiny_model):
    pipeline = make_pipeline(tiny_model, tracker=Tracker(), search=search)
    assert isinstance(pipeline.detector, FollowingDetector) == (search in (None, "fast"))
    assert not isinstance(make_pipeline(tiny_model, search=search).detector, FollowingDetector)


def test_a_run_of_a_pipeline_that_follows_keeps_nothing_for_the_next_frame(moving, tiny_model):
    pipeline = make_pipeline(tiny_model, tracker=Tracker())
    assert [len(faces) for faces in pipeline.of_run(moving[:4])] == [2] * 4
    assert pipeline.detector._known == []


class Runs:
    """Finds in runs, and remembers which frames each had."""

    def __init__(self):
        self.runs, self.single = [], []

    def of_run(self, frames):
        self.runs.append([int(frame[0, 0, 0]) for frame in frames])
        return [[face(number)] for number in self.runs[-1]]

    def __call__(self, frame):
        self.single.append(int(frame[0, 0, 0]))
        return [face(self.single[-1])]


def stream(count, fps, shots=()):
    return [
        Frame(image, number / fps, number, sum(number >= first for first in shots) + 1)
        for number, image in enumerate(numbered(count))
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_ends_after_a_third_of_a_second_and_with_its_shot(workers):
    find = Runs()
    result = list(analyse(stream(25, 30, shots=(14,)), find, None, 1, workers, 30, in_runs=True))
    assert sorted(find.runs) == [list(range(10)), list(range(10, 14)), list(range(14, 20)), list(range(20, 25))]
    assert [faces[0].xyxy[0] for _, faces in result] == list(range(25)) and not find.single


def test_without_leave_or_with_a_step_each_frame_is_searched_by_itself():
    for more in ({}, {"every": 2, "in_runs": True}):
        find = Runs()
        assert len(list(analyse(stream(10, 30), find, fps=30, **more))) == 10
        assert find.single and not find.runs


def test_a_resumed_run_is_completed_by_the_frames_before_it():
    """The frames that were done are searched once more, but neither tracked nor shown again."""
    from emojimation.video.analyse import Past

    find, frames = Runs(), stream(20, 30)
    past = Past([face(13)], 1, frames[13].time_s)
    later = [frame for frame in frames if frame.time_s >= run_start(past.time_s) - 1e-6]
    result = list(analyse(later, find, None, 1, 1, 30, past, in_runs=True))
    assert find.runs == [list(range(10, 20))] and [frame.index for frame, _ in result] == list(range(14, 20))


def test_few_runs_wait_however_large_the_frames():
    frame = SimpleNamespace(nbytes=15 << 20)
    sizes = []

    class Large(Runs):
        def of_run(self, frames):
            sizes.append(len(frames))
            return [[] for _ in frames]

    frames = (Frame(frame, number / 30, number) for number in range(20))
    assert len(list(analyse(frames, Large(), None, 1, 2, 30, in_runs=True))) == 20
    assert max(sizes) == 2
