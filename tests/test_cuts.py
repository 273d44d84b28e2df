"""Cuts are found, and nothing that merely changes the image much is taken for one; what hangs on them ends there."""

import threading

import cv2
import numpy as np
import pytest

from emojimation.faces import Face
from emojimation.live import LiveLoop
from emojimation.story.timeline import of_rows, summary
from emojimation.tracking.cuts import CutDetector
from emojimation.tracking.track import Tracker
from emojimation.video.analyse import analyse
from emojimation.video.reader import Frame
from emojimation.video.shots import numbered
from motion import shaken, title


def cuts_in(frames):
    is_cut = CutDetector()
    return [number for number, frame in enumerate(frames) if is_cut(frame)]


def first(number):
    return shaken("obama3.jpg", number)[0]


def second(number):
    return shaken("biden.jpg", number)[0]


def test_cuts_between_shots_are_found():
    frames = [title(n) for n in range(6)] + [first(n) for n in range(6)] + [second(n) for n in range(6)]
    assert cuts_in(frames) == [6, 12]


def test_dark_shots_are_distinguished():
    assert cuts_in([first(n) // 3 for n in range(5)] + [second(n) // 3 for n in range(5)]) == [5]


@pytest.mark.parametrize("kind", ["shake", "flash", "fade", "pan", "noise", "one colour"])
def test_what_is_no_cut(kind):
    rng = np.random.default_rng(1)
    large = cv2.resize(first(0), None, fx=2, fy=2)
    frames = {
        "shake": [first(n) for n in range(12)],
        "flash": [cv2.add(first(n), (90 if n == 6 else 0,) * 3) for n in range(12)],
        "fade": [cv2.addWeighted(first(n), 1 - n / 11, second(n), n / 11, 0) for n in range(12)],
        "pan": [large[200:560, 20 * n : 20 * n + 640] for n in range(12)],
        "noise": [cv2.add(first(n), rng.integers(0, 40, first(n).shape, np.uint8)) for n in range(12)],
        "one colour": [np.full((90, 160, 3), 80, np.uint8)] * 12,
    }[kind]
    assert cuts_in(frames) == []


LOOK = np.full(7, 1 / 7, np.float32)


def face(x=100.0):
    return Face(np.array([x, 80, x + 60, 140], np.float32), 0.9)


@pytest.mark.parametrize("every", [1, 4])
def test_numbers_and_places_between_analyses_end_at_a_cut(every):
    frames = [
        Frame(image, n / 10, n) for n, image in enumerate([first(n) for n in range(9)] + [second(n) for n in range(9)])
    ]
    place = {id(frame.image): 100.0 if frame.index < 9 else 110.0 for frame in frames}
    shown = list(analyse(numbered(frames), lambda image: [face(place[id(image)])], Tracker(), every))
    assert [frame.shot for frame, _ in shown] == [1] * 9 + [2] * 9
    assert [[one.track_id for one in faces] for _, faces in shown] == [[1]] * 9 + [[2]] * 9
    assert [round(float(faces[0].xyxy[0])) for _, faces in shown] == [100] * 9 + [110] * 9


def test_the_timeline_shows_when_shots_begin():
    rows = [
        {
            "frame": n,
            "time_s": n / 10,
            "shot": 1 + (n >= 6) + (n >= 9),
            **face().with_(track_id=1, probabilities=LOOK).to_dict(),
        }
        for n in range(2, 12)
    ]
    assert summary(of_rows(rows))["shots_s"] == [0.2, 0.6, 0.9]


def test_a_live_video_forgets_everybody_at_a_cut():
    class Chain:
        tracker = Tracker()

        def __call__(self, image, time_s):
            return self.tracker.update([face()], time_s)

        def reset(self):
            self.tracker.reset()

    frames = [
        Frame(image, n / 10, n) for n, image in enumerate([first(n) for n in range(4)] + [second(n) for n in range(4)])
    ]
    seen, done = [], threading.Event()

    def one_by_one():
        for frame in frames:
            yield frame
            done.wait(5)
            done.clear()

    def on_result(result):
        seen.append((result.index, [one.track_id for one in result.faces]))
        done.set()

    with LiveLoop(one_by_one(), Chain(), on_result, paced=False) as loop:
        while loop.wait(timeout_s=0.1) is not None or loop.running:
            if len(seen) == len(frames):
                break
    assert dict(seen)[3] == [1] and dict(seen)[4] == [2]
