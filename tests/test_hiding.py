"""Hiding: no frame may show a face, through turns, bars and absences; what a doubt is decided for."""

import cv2
import numpy as np
import pytest

from conftest import SAMPLES
from emojimation.detect import FaceDetector
from emojimation.detect.search import once_each
from emojimation.draw.cover import pixelate
from emojimation.faces import Face, iou
from emojimation.hiding.covers import ENLARGED, Covers, enlarged
from emojimation.hiding.report import Report, Span
from emojimation.hiding.search import SECOND_PX, SECOND_SHARES, searcher, turned_back, upright_crop
from emojimation.media import read_image
from emojimation.video.scene import hide_and_seek


def face(x, y=100.0, side=60.0, score=0.9, happy=0.9):
    look = np.full(7, (1 - happy) / 6, np.float32)
    look[3] = happy
    return Face(np.array([x, y, x + side, y + side], np.float32), score, None, look)


def covered(finds, times, strength="careful"):
    """What `Covers` says for each of `times`; finds: {time: [faces]}."""
    covers = Covers(strength=strength)
    for time_s in sorted(finds):
        covers.add(time_s, finds[time_s])
    covers.finish()
    return covers, {time_s: covers.at(time_s) for time_s in times}


def middle(face):
    return float(face.xyxy[0] + face.xyxy[2]) / 2


@pytest.fixture(scope="module")
def search():
    return searcher()


@pytest.fixture(scope="module")
def hidden(search):
    """(video, [(frame, pixelated frame)]), report, all at 6 frames a second."""
    film = hide_and_seek(fps=6.0)
    covers = Covers()
    for frame in film:
        covers.add(frame.time_s, search(frame.image))
    covers.finish()
    drawn = []
    for frame in film:
        out = frame.image.copy()
        pixelate(out, covers.at(frame.time_s)[0])
        drawn.append((frame, out))
    return film, drawn, covers.report


@pytest.mark.slow
def test_no_frame_shows_a_face(hidden):
    film, drawn, _ = hidden
    looked_at = 0
    for frame, out in drawn:
        changed = (out != frame.image).any(axis=2)
        for truth in film.truth(frame.time_s):
            seen = film.visible(truth)
            if seen.any():
                looked_at += 1
                assert changed[seen].mean() > 0.99, f"{frame.time_s:.2f} s: person {truth.person} shows"
    assert looked_at > 100


@pytest.mark.slow
def test_a_detector_finds_nobody_afterwards(hidden):
    film, drawn, _ = hidden
    detector = FaceDetector(min_score=0.5)
    for frame, out in drawn[::6]:
        truth = [t.xyxy for t in film.truth(frame.time_s) if t.shown > 0.3]
        found = [f.xyxy for f in detector(out)]
        assert not truth or not found or iou(np.stack(truth), np.stack(found)).max() < 0.3


@pytest.mark.slow
def test_it_tells_what_it_had_to_fill(hidden):
    _, drawn, report = hidden
    assert report.frames == len(drawn) and report.held > 0 and report.found > 100 and 2 <= report.people <= 5
    assert report.longest_gap_s <= 1.0
    assert f"of {len(drawn)} frames" in str(report)


def test_gaps_are_filled_from_both_sides():
    finds = {0.0: [face(100)], 0.1: [face(104)], 0.2: [face(108)], 0.9: [face(136)], 1.0: [face(140)]}
    covers, at = covered(finds, [0.2, 0.55, 0.9])
    assert middle(at[0.55][0][0]) == pytest.approx(30 + 122, abs=3) and at[0.55][1] == []
    assert [len(found) for _, found in at.values()] == [1, 0, 1]
    assert covers.report.interpolated == 1 and covers.report.longest_gap_s == pytest.approx(0.7)
    side = at[0.55][0][0].size_px
    assert side > 60 * ENLARGED, "more doubt, larger cover"


def test_ends_are_held_for_a_second_and_run_on():
    finds = {t / 10: [face(10 * t)] for t in range(10, 21)}  # 100 pixels a second to the right
    _, at = covered(finds, [-0.1, 0.05, 0.5, 2.5, 2.9, 3.1])
    assert [len(covers) for covers, _ in at.values()] == [0, 1, 1, 1, 1, 0]
    late, early = at[2.5][0][0].xyxy, at[0.5][0][0].xyxy
    assert late[0] < 200 and late[2] > 250 + 60, "where it was and where it must be by now"
    assert early[0] < 50 and early[2] > 160


def test_a_person_seen_for_a_moment_is_held_for_a_moment():
    _, at = covered({t / 10: [face(100)] for t in (10, 11, 12)}, [0.7, 0.9, 1.1, 1.3, 1.5])
    assert [len(covers) for covers, _ in at.values()] == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("times", [[1.0], [t / 30 for t in range(90)]])
def test_a_weak_find_is_no_face_however_often_it_is_repeated(times):
    """A title card's letters give the same weak find in every frame; what is not covered is named."""
    finds = {time_s: [face(100, score=0.4)] for time_s in times}
    covers, at = covered(finds, times)
    assert all(at[time_s] == ([], []) for time_s in times) and covers.report.people == 0
    assert [(span.start_s, span.end_s) for span in covers.report.doubtful] == [(times[0], times[-1])]
    assert "not covered" in str(covers.report)
    paranoid, at = covered(finds, times, "paranoid")
    assert all(len(at[time_s][0]) == 1 for time_s in times) and paranoid.report.people == 0


def test_a_middling_face_is_covered_without_a_number():
    finds = {t / 10: [face(100, score=0.5)] for t in range(10)}
    covers, at = covered(finds, [0.5, 1.0, 1.2])
    assert [(len(c), len(found)) for c, found in at.values()] == [(1, 0), (1, 0), (0, 0)] and covers.report.people == 0


def test_nothing_is_held_or_linked_across_a_cut():
    finds = {t / 10: [face(100)] for t in range(20)} | {t / 10: [face(104)] for t in range(25, 45)}
    covers = Covers()
    for time_s in sorted(finds):
        covers.add(time_s, finds[time_s], cut=time_s == 2.5)
    covers.finish()
    at = {time_s: covers.at(time_s) for time_s in (1.0, 2.2, 2.45, 2.5, 3.0)}
    assert [[face.track_id for face in c] for c, _ in at.values()] == [[1], [1], [1], [2], [2]]
    assert covers.report.people == 2 and covers.report.held == 2
    assert "2 faces covered; look at it before you publish it" in str(covers.report)


def test_far_jumps_hide_both_ends():
    _, at = covered({0.0: [face(100)], 0.7: [face(190)]}, [0.35])
    assert len(at[0.35][0]) == 3


def test_two_people_keep_their_numbers():
    finds = {t / 10: [face(100 + t), face(300 - t, happy=0.1)] for t in range(10)}
    _, at = covered(finds, [t / 10 for t in range(10)])
    for covers, found in at.values():
        assert [f.track_id for f in sorted(found, key=middle)] == [1, 2] and len(covers) == 2
        assert min(found, key=middle).emotion == "happy"


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_finds_are_turned_back(turn):
    frame = np.zeros((40, 70, 3), np.uint8)
    frame[5:15, 20:30] = 255
    ys, xs = np.nonzero(cv2.rotate(frame, turn)[..., 0])
    corners = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
    back = turned_back(Face(corners, 0.9, corners[[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]].reshape(5, 2)), turn, frame.shape)
    assert back.xyxy.tolist() == [20, 5, 30, 15]
    assert back.landmarks.min() == 5 and back.landmarks.max() == 30


def tilted(x, y, size, roll):
    """A face around x, y, its eyes turned by `roll` degrees."""
    eye = np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))]) * size / 5
    centre = np.array([x, y])
    box = np.concatenate([centre - size / 2, centre + size / 2]).astype(np.float32)
    return Face(box, 0.5, np.array([centre - eye, centre + eye, centre, centre, centre], np.float32))


@pytest.mark.parametrize("roll", [0, 30, 180])
@pytest.mark.parametrize(("x", "y", "size"), [(410, 300, 120), (1000, 640, 220), (5, 8, 200), (1273, 955, 150)])
def test_a_crop_is_taken_from_its_surroundings_and_shows_what_the_whole_frame_shows(x, y, size, roll, monkeypatch):
    """Shrunk is what the crop needs; the pixels differ by rounding, but for the frame's border."""
    frame = cv2.resize(read_image(SAMPLES / "group.jpg").frame, (1280, 960))
    shrunk, resize = [], cv2.resize
    monkeypatch.setattr(cv2, "resize", lambda image, *_, **how: shrunk.append(image.size) or resize(image, *_, **how))
    face = tilted(x, y, size, roll)
    share = SECOND_SHARES[0]
    got = upright_crop(frame, face, share)
    assert len(shrunk) == 1 and shrunk[0] < 0.75 * frame.size
    scale = SECOND_PX * share / size
    turn = scale * cv2.getRotationMatrix2D((0, 0), face.roll_deg, 1)[:, :2]
    matrix = np.hstack([turn / (2 * scale), (SECOND_PX / 2 - turn @ [[x], [y]])])
    whole = resize(frame, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
    wanted = cv2.warpAffine(whole, matrix, (SECOND_PX, SECOND_PX), flags=cv2.INTER_LINEAR)
    apart = np.abs(got.astype(int) - wanted)
    assert apart.mean() < 0.5 and np.percentile(apart, 99) <= 8


def test_one_face_is_found_once():
    twice = [face(100, score=0.5), face(104, score=0.9), face(110, y=108, side=40, score=0.6), face(300, score=0.4)]
    assert [f.score for f in once_each(twice)] == [0.9, 0.4]
    assert enlarged(face(100), 2).xyxy.tolist() == [70, 70, 190, 190]


def test_doubtful_stretches_that_overlap_are_one_to_look_at():
    spans = [Span(2.4, 3.5, 0.3), Span(2.4, 3.4, 0.3), Span(2.7, 3.6, 0.2), Span(9, 9.5, 0.3), Span(3.7, 3.7, 0.3)]
    report = Report(frames=10, doubtful=spans)
    assert "not covered, as too doubtful: 0:02.4 to 0:03.7, 0:09.0 to 0:09.5\n" in str(report)
    assert len(report.to_dict()["doubtful"]) == 5
