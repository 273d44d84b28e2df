"""People keep their number by what they look like."""

import json
from functools import cache

import cv2
import numpy as np
import pytest

from conftest import SAMPLES
from emojimation.appearance import WIDTH, Appearance, of_length_1
from emojimation.detect import FaceDetector
from emojimation.faces import Face
from emojimation.hiding.search import searcher
from emojimation.pipeline import make_pipeline
from emojimation.story.rows import face_of, find_row
from emojimation.tracking.people import SAME, People
from emojimation.tracking.track import Tracker
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.writer import Segment
from motion import FPS, shaken

SHOTS = ("obama.jpg", "biden.jpg", "obama3.jpg")
SHOT_FRAMES = 8


@cache
def appearance():
    return Appearance()


@cache
def described(name):
    photo = cv2.imread(str(SAMPLES / name))
    return appearance()(photo, FaceDetector()(photo))


def vector(seed, noise=0.0):
    """A direction of its own for each seed, `noise` away from it."""
    first = np.random.default_rng(seed).normal(size=WIDTH)
    more = np.random.default_rng(seed + 1000).normal(size=WIDTH)
    return of_length_1(of_length_1(first) + noise * of_length_1(more))


def test_photos_of_one_person_are_near_each_other_and_far_from_others():
    one = [described(name)[0].appearance for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    others = [described(name)[0].appearance for name in ("biden.jpg", "astronaut.jpg")]
    between = [np.linalg.norm(a - b) for a in one for b in one]
    apart = [np.linalg.norm(a - b) for a in one for b in others]
    assert max(between) < SAME < 0.5 < min(apart)


def test_faces_too_small_too_dark_or_without_landmarks_are_not_described():
    photo = cv2.imread(str(SAMPLES / "biden.jpg"))
    face = FaceDetector()(photo)[0]
    small = face.with_(xyxy=np.array([0, 0, 59, 59], np.float32))
    answers = appearance()(photo, [small, face, face.with_(landmarks=None)])
    assert [one.appearance is not None for one in answers] == [False, True, False]
    assert np.linalg.norm(answers[1].appearance) == pytest.approx(1, abs=1e-4)
    assert appearance()(photo // 12, [face])[0].appearance is None
    assert appearance()(photo, []) == []


def test_the_appearance_leaves_no_trace_in_rows_but_survives_the_log_of_finds():
    face = described("biden.jpg")[0]
    assert "appearance" not in face.to_dict()
    again = face_of(json.loads(json.dumps(find_row(face))))
    np.testing.assert_allclose(again.appearance, face.appearance, atol=1e-3)
    assert face_of(face.to_dict()).appearance is None


def test_only_an_absent_and_unmistakable_person_is_recognised():
    people = People()
    people.saw(1, 5 * vector(1))
    people.saw(2, vector(2))
    assert people.recognised(vector(1, 0.15), present=()) == 1
    assert people.recognised(vector(1, 0.15), present={1}) is None
    assert people.recognised(vector(3), present=()) is None
    assert people.recognised(None, present=()) is None
    people.saw(4, vector(1, 0.02))  # as like the first as can be
    assert people.recognised(vector(1, 0.15), present=()) is None


def test_a_tracker_gives_a_returning_person_the_old_number():
    def seen(seed, x):
        return Face(np.array([x, 0, x + 80, 80], np.float32), 0.9, appearance=vector(seed, 0.05))

    tracker, numbers = Tracker(people=People()), []
    for seed, x in ((1, 0), (2, 300), (1, 200), (3, 100)):
        tracker.reset()
        numbers += [[face.track_id for face in tracker.update([seen(seed, x)], None)] for _ in range(2)]
    assert numbers == [[1], [1], [2], [2], [1], [1], [3], [3]]
    # Somewhere else within the time for which a lost face is waited for: the person moved, and is not there twice.
    for _ in range(2):
        faces = tracker.update([seen(3, 700)], None)
    assert [face.track_id for face in faces] == [3]
    assert [track.track_id for track in tracker.tracks] == [3]


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Three shots: a man, another one, the first one from another photograph."""
    path = tmp_path_factory.mktemp("shots") / "shots.mp4"
    video = Segment(path, FPS)
    for number in range(SHOT_FRAMES * len(SHOTS)):
        frame, _ = shaken(SHOTS[number // SHOT_FRAMES], number, blur_px=3)
        video.write(frame, number / FPS)
    video.close()
    return path


def numbers(shots, tmp_path, **options):
    """The number of the person in the middle of each shot, and the result."""
    detector = searcher("fast") if options.get("hide") else None
    pipeline = make_pipeline(detector=detector, search=None if detector else "stream")
    rows = tmp_path / "rows.jsonl"
    targets = Targets(tmp_path / "out.mp4" if options.get("hide") else None, jsonl=rows)
    result = run_video(shots, pipeline, targets, Options(**options))
    found = {row["frame"]: row["track_id"] for row in map(json.loads, rows.read_text().splitlines())}
    assert "appearance" not in rows.read_text()
    return [found[SHOT_FRAMES * shot + SHOT_FRAMES // 2] for shot in range(len(SHOTS))], result


def test_a_man_seen_again_after_two_cuts_keeps_his_number(shots, tmp_path):
    assert numbers(shots, tmp_path)[0] == [1, 2, 3]
    assert numbers(shots, tmp_path, reidentify=True)[0] == [1, 2, 1]


@pytest.mark.slow
def test_a_hidden_man_seen_again_after_two_cuts_is_one_face(shots, tmp_path):
    hidden = {"hide": True, "style": "blur", "strength": "fast"}
    before, apart = numbers(shots, tmp_path, **hidden)
    after, again = numbers(shots, tmp_path, **hidden, reidentify=True)
    assert (before, apart.hiding["people"], apart.hiding["faces"]) == ([1, 2, 3], 3, 3)
    assert (after, again.hiding["people"], again.hiding["faces"]) == ([1, 2, 1], 2, 2)


@pytest.mark.slow
def test_a_resumed_run_recognises_the_same_people(shots, tmp_path):
    class StopError(Exception):
        pass

    def stop(at):
        if at.frame == SHOT_FRAMES + 3:
            raise StopError

    pipeline = make_pipeline(search="stream")
    whole, resumed = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    run_video(shots, pipeline, Targets(jsonl=whole), Options(reidentify=True))
    with pytest.raises(StopError):
        run_video(shots, pipeline, Targets(jsonl=resumed), Options(reidentify=True), stop)
    run_video(shots, pipeline, Targets(jsonl=resumed), Options(reidentify=True, resume=True))
    assert resumed.read_text() == whole.read_text()
