"""Order, steps and errors of the parallel analysis."""

import threading
import time

import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.tracking.track import Tracker
from emojimation.video.analyse import Step, analyse, between
from emojimation.video.reader import Frame


def frames(count, fps=30.0):
    return (Frame(np.full((4, 4, 3), number, np.uint8), number / fps, number) for number in range(count))


def face(x, track_id=None, happy=0.5):
    look = np.full(7, (1 - happy) / 6, np.float32)
    look[3] = happy
    return Face(np.array([x, 0, x + 40, 40], np.float32), 0.9, None, look, track_id)


class Look:
    """A face that moves 2 pixels a frame; later frames answer sooner, so that order is not a matter of luck."""

    def __init__(self):
        self.seen = []
        self.lock = threading.Lock()

    def __call__(self, image):
        number = int(image[0, 0, 0])
        time.sleep(0.004 if number % 2 == 0 else 0)
        with self.lock:
            self.seen.append(number)
        return [face(2 * number)]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("every", [1, 3, "auto"])
def test_frames_stay_in_order_and_each_has_its_face(workers, every):
    look = Look()
    result = list(analyse(frames(20), look, None, every, workers, 30))
    assert [frame.index for frame, _ in result] == list(range(20))
    assert np.allclose([faces[0].xyxy[0] for _, faces in result], 2 * np.arange(20), atol=1e-3)
    wanted = [0, 3, 6, 9, 12, 15, 18, 19] if every == 3 else list(range(20))
    assert sorted(look.seen) == wanted


def test_numbers_are_kept_between_analyses():
    result = list(analyse(frames(20), Look(), Tracker(smooth_s=0), 4, 2, 30))
    assert {face.track_id for _, faces in result for face in faces} == {1}


def test_auto_analyses_as_often_as_real_time_allows():
    step = Step("auto", 30, 1)
    assert step.now == 1
    for _ in range(15):
        step.add(0.1)
    assert step.now == 4  # 10 looks a second, of which 8 may be spent, for 30 frames
    fast = Step("auto", 30, 2)
    fast.add(0.01)
    assert fast.now == 1
    for wrong in (0, "often", 1.5):
        with pytest.raises(InputError):
            Step(wrong, 30, 1)


def test_between_two_analyses():
    a, b = [face(0, 1, 0.9), face(200, 2)], [face(20, 1, 0.5), face(400, 3)]
    early, late = between(a, b, 0.25), between(a, b, 0.75)
    assert [f.track_id for f in early] == [1, 2] and [f.track_id for f in late] == [1, 3]
    assert early[0].xyxy[0] == 5 and early[0].probabilities[3] == pytest.approx(0.8)
    assert between([face(0)], [face(8)], 0.5)[0].xyxy[0] == 4, "without numbers by place"


def test_what_fails_ends_it_immediately():
    def look(image):
        if image[0, 0, 0] == 3:
            raise RuntimeError("no")
        return []

    began, seen = time.monotonic(), []
    with pytest.raises(RuntimeError, match="no"):
        for frame, _ in analyse(frames(200), look, None, 1, 2, 30):
            seen.append(frame.index)
    assert seen == [0, 1, 2] and time.monotonic() - began < 1


def test_few_frames_wait_however_long_the_video():
    alive = []

    def source():
        for frame in frames(250):
            alive.append(frame.index)
            yield frame

    for frame, _ in analyse(source(), lambda image: [], None, 5, 2, 30):
        assert alive[-1] - frame.index <= 5 * 6
