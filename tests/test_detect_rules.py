"""The detectors' thresholds, exactly at their borders, with answers made up in place of the networks."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emojimation.detect import DetectorOptions, FaceDetector, HaarDetector, blazeface, centerface, search, views
from emojimation.detect.blazeface import SOFTER, SURE, BlazeFace
from emojimation.errors import InputError
from emojimation.faces import Face
from test_detect import Shown, row, shown

MIN = 0.6


def at(side: float, score: float = 0.9, x: float = 0.0) -> Face:
    return Face(np.array([x, 0, x + side, side], np.float32), score)


def of(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def placed(x: float, y: float, side: float, score: float, seen_px: float = 100) -> np.ndarray:
    """One candidate (1,18) with its box around (x, y)."""
    return row(x, y, side, score, seen_px)[None]


@pytest.fixture
def exact(monkeypatch):
    """A BlazeFace whose network sees just these candidates, in the pixels of the frame, in every input."""

    def make(*rows: np.ndarray, **options) -> BlazeFace:
        blaze = shown(**options)
        seen = np.vstack([np.zeros((0, 18)), *rows])
        monkeypatch.setattr(blaze, "_candidates_of", lambda frame, views: [seen.copy() for _ in views])
        return blaze

    return make


# --- options ---


def test_faces_of_20_pixels_are_kept_by_default():
    find = FaceDetector(search="fast")
    find._first = SimpleNamespace(find=lambda frame, tiles: [at(19.9), at(20), at(40)])
    assert [face.size_px for face in find(of(100, 100))] == [40, 20]


@pytest.mark.parametrize("score", [-0.1, 0.0, 1.0, 1.5])
def test_a_threshold_lies_between_0_and_1(score):
    with pytest.raises(InputError, match="between 0 and 1"):
        DetectorOptions(min_score=score)
    assert DetectorOptions(min_score=0.001).min_score == 0.001 and DetectorOptions(min_score=0.999)


# --- BlazeFace: which pass decides ---


@pytest.mark.parametrize(("seen_px", "inputs"), [(39.9, 1), (40, 0), (41, 0)])
def test_faces_below_40_input_pixels_get_a_close_up(seen_px, inputs):
    blaze = shown((48, 48, 60, 0.9))
    assert len(blaze._accepted(of(400, 400), placed(200, 200, 40, 0.65, seen_px))) == 1
    assert blaze._session.inputs == inputs


@pytest.mark.parametrize(("side", "inputs"), [(9.9, 0), (10, 1), (11, 1)])
def test_faces_of_half_the_smallest_size_get_a_close_up(side, inputs):
    blaze = shown((48, 48, 60, 0.9))
    blaze._accepted(of(400, 400), placed(200, 200, side, 0.65, 20))
    assert blaze._session.inputs == inputs


def test_close_ups_are_skipped_without_refine():
    blaze = shown((96, 96, 77, 0.1), refine=False)
    assert len(blaze._accepted(of(400, 400), placed(200, 200, 40, 0.65, 20))) == 1
    assert blaze._session.inputs == 0


@pytest.mark.parametrize(("count", "inputs"), [(1, 1), (5, 5), (64, 64), (65, 64), (90, 64)])
def test_no_more_than_64_close_ups(count, inputs):
    blaze = shown((48, 48, 60, 0.9))
    rows = np.vstack([placed(60 + 50 * i, 60, 30, 0.65, 20) for i in range(count)])
    blaze._accepted(of(5000, 120), rows)
    assert blaze._session.inputs == inputs


@pytest.mark.parametrize(("score", "kept"), [(MIN, 1), (MIN - 1e-6, 0)])
def test_a_large_face_needs_just_the_threshold(score, kept):
    assert len(shown()._accepted(of(400, 400), placed(200, 200, 150, score))) == kept


@pytest.mark.parametrize(("first", "second", "kept"), [(MIN, 0.5, 1), (MIN - 1e-6, 0.5, 0), (0.5, MIN, 1)])
def test_a_small_face_needs_just_the_threshold_in_one_pass(exact, first, second, kept):
    blaze = exact(placed(200, 200, 40, second))
    assert len(blaze._accepted(of(400, 400), placed(200, 200, 40, first, 20))) == kept


@pytest.mark.parametrize(("second", "kept"), [(MIN * SOFTER, 1), (MIN * SOFTER - 1e-6, 0)])
def test_a_close_up_confirms_from_eight_tenths_of_the_threshold(exact, second, kept):
    blaze = exact(placed(200, 200, 40, second))
    assert len(blaze._accepted(of(400, 400), placed(200, 200, 40, 0.65, 20))) == kept


@pytest.mark.parametrize(("first", "kept"), [(MIN * SURE, 1), (MIN * SURE - 1e-6, 0), (0.9, 1)])
def test_a_first_pass_stands_alone_from_seven_sixths_of_the_threshold(exact, first, kept):
    assert len(exact()._accepted(of(400, 400), placed(200, 200, 40, first, 20))) == kept


@pytest.mark.parametrize(("side", "sides"), [(50, [192]), (96, [192]), (100, [192, 96])])
def test_a_close_up_follows_a_face_of_more_than_half_the_frame(side, sides):
    blaze, seen = shown((96, 96, side, 0.9)), []
    run = blaze._session.run
    blaze._session.run = lambda names, inputs: seen.append(inputs["frames"].shape[1]) or run(names, inputs)
    assert blaze.find(of(192, 192), tiles=False)
    assert seen == sides


def test_a_padded_pass_follows_if_nothing_was_found():
    blaze = shown()
    assert blaze.find(of(192, 192), tiles=False) == [] and blaze._session.inputs == 2


@pytest.mark.parametrize(
    ("side", "score", "kept"),
    [(150, MIN * SOFTER, 1), (150, MIN * SOFTER - 1e-6, 0), (149.9, 0.9, 0), (290, 0.9, 1)],
)
def test_a_face_fills_half_the_frame_at_eight_tenths_of_the_threshold(exact, side, score, kept):
    assert len(exact()._filling(of(300, 200), placed(100, 150, side, score))) == kept


def test_candidates_count_from_a_third_of_the_threshold():
    seen = shown((96, 96, 60, 0.21)), shown((96, 96, 60, 0.19))
    inputs = [views.letterbox((0, 0, 192, 192))]
    assert [len(blaze._candidates_of(of(192, 192), inputs)[0]) for blaze in seen] == [1, 0]


def test_inputs_go_to_the_network_sixteen_at_a_time():
    blaze, sizes = shown((96, 96, 60, 0.9)), []
    run = blaze._session.run
    blaze._session = SimpleNamespace(run=lambda out, feeds: (sizes.append(len(feeds["frames"])), run(out, feeds))[1])
    seen = blaze._candidates_of(of(192, 192), [views.letterbox((0, 0, 192, 192))] * 35)
    assert sizes == [16, 16, 3] and [len(rows) for rows in seen] == [1] * 35


def test_crops_are_decoded_in_their_own_pixels():
    blaze = shown((96, 96, 60, 0.21))
    (face,), (again,) = blaze.detect_in_crops(np.zeros((2, 192, 192, 3), np.uint8))
    np.testing.assert_allclose(face.xyxy, [66, 66, 126, 126])
    assert face.score == pytest.approx(0.21) and (again.xyxy == face.xyxy).all()


def test_all_six_keypoints_and_the_box_are_read():
    session = Shown((98, 50, 60, 0.9))
    boxes, logits = (one[0] for one in session.run(None, {"frames": np.zeros((1, 192, 192, 3), np.uint8)}))
    boxes[12 * 48 + 24, 3] = 40  # the height
    boxes[12 * 48 + 24, 4:] = np.arange(12)
    (found,) = blazeface.decode(boxes, logits, 0.5)
    np.testing.assert_allclose(found[:5], [0.9, 68, 30, 128, 70], rtol=1e-5)
    np.testing.assert_allclose(found[5:17], np.arange(12) + np.tile([98, 50], 6))
    assert found[17] == 60
    (face,) = blazeface.faces_of(found[None])
    right, left, nose, mouth = found[5:13].reshape(4, 2)
    np.testing.assert_allclose(face.landmarks[:3], [right, left, nose])
    np.testing.assert_allclose(face.landmarks[3:], [mouth - 0.4 * (left - right), mouth + 0.4 * (left - right)])


@pytest.mark.parametrize(("shift", "kept"), [(107, 1), (108, 2)])
def test_overlap_of_0_3_is_one_face(shift, kept):
    """Boxes of 200 pixels, moved by 107 of them, overlap by 93 / 307 = 0.303."""
    rows = np.vstack([placed(200, 200, 200, 0.9), placed(200 + shift, 200, 200, 0.8)])
    assert len(blazeface.weighted_nms(rows)) == kept
    assert len(blazeface._same_face(rows[1:], rows[0, 1:5])) == 2 - kept


# --- the second network ---


def test_a_second_network_counts_from_just_the_threshold_and_for_every_cell():
    heat, sizes, offsets = np.zeros((1, 16, 24)), np.zeros((2, 16, 24)), np.zeros((2, 16, 24))
    points = np.arange(10 * 16 * 24, dtype=float).reshape(10, 16, 24) / 1000
    heat[0, 5, 7], heat[0, 2, 20], heat[0, 9, 9] = 0.5, 0.75, 0.4999
    found = centerface.decode(heat, sizes, offsets, points, 0.5)
    assert found.shape == (2, 15)
    np.testing.assert_allclose(found[:, :5], [[0.75, 80, 8, 84, 12], [0.5, 28, 20, 32, 24]])
    y, x = points[:, 2, 20].reshape(5, 2).T
    np.testing.assert_allclose(found[0, 5:].reshape(5, 2), np.stack([x * 4 + 80, y * 4 + 8], axis=1))


@pytest.mark.parametrize(("shift", "kept"), [(107, 1), (108, 2)])
def test_the_second_network_gives_each_face_once(shift, kept):
    rows = np.vstack([placed(200 + shift, 200, 200, 0.8), placed(200, 200, 200, 0.9), placed(900, 200, 200, 0.7)])
    found = centerface.best_of_each(rows[:, :15])
    assert len(found) == kept + 1 and (np.diff(found[:, 0]) < 0).all()
    assert centerface.best_of_each(rows[:0, :15]).shape == (0, 15)


def answering(seen: list) -> centerface.CenterFace:
    """CenterFace with one made-up face: a cell at (8, 12) pixels with landmarks at its upper left corner."""
    net = object.__new__(centerface.CenterFace)

    def run(outputs, feeds):
        height, width = (side // 4 for side in feeds["frames"].shape[1:3])
        seen.append(feeds["frames"].shape)
        maps = [np.zeros((1, channels, height, width), np.float32) for channels in (1, 2, 2, 10)]
        maps[0][0, 0, 3, 2], maps[1][0, :, 3, 2] = 0.9, np.log(2)
        return maps

    net._session = SimpleNamespace(run=run)
    return net


def test_the_second_network_answers_in_pixels_of_the_frame():
    seen: list = []
    (face,) = answering(seen)(of(400, 200), 0.5, 0.5)
    assert seen == [(1, 128, 224, 3)], "100 x 200 pixels, to the next multiple of 32"
    np.testing.assert_allclose(face.xyxy, [12, 20, 28, 36])
    np.testing.assert_allclose(face.landmarks, [[12, 20]] * 5)
    assert face.score == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("size_wh", "scale", "input_hw"),
    [((64, 32), 3.0, (32, 64)), ((8192, 64), 1.0, (32, 4096)), ((64, 6144), 1.0, (4096, 64))],
)
def test_its_input_is_never_enlarged_nor_longer_than_4096_pixels(size_wh, scale, input_hw):
    seen: list = []
    answering(seen)(of(*size_wh), scale, 0.5)
    assert seen == [(1, *input_hw, 3)]


# --- how far to search ---


@pytest.mark.parametrize(("score", "kept"), [(0.121, 1), (0.119, 0)])
def test_faint_faces_of_the_second_network_start_at_a_fifth_of_the_threshold(score, kept):
    find, asked = FaceDetector(), []
    find._first = SimpleNamespace(find=lambda f, tiles: [], detect_at=lambda f, boxes: [at(50, 0.9)] * len(boxes))
    find.__dict__["_wide"] = lambda f, scale, least: [at(50, score)] if (asked.append(least), score >= least)[1] else []
    assert len(find(of(800, 1000))) == kept and asked[0] == pytest.approx(0.12)


@pytest.mark.parametrize(("score", "kept"), [(MIN * 1.15, 1), (MIN * 1.15 - 1e-6, 0)])
def test_a_face_that_the_second_network_misses_needs_15_percent_more(score, kept):
    find = FaceDetector()
    assert find._counts_alone(at(50, score)) == bool(kept)
    assert FaceDetector(search="wide")._counts_alone(at(50, 0.01))


@pytest.mark.parametrize(("score", "mine"), [(MIN * 0.8, True), (MIN * 0.8 - 1e-6, False)])
def test_landmarks_are_taken_from_a_good_close_up(score, mine):
    theirs, again = at(50, 0.7), at(60, score)
    answer = FaceDetector()._aligned(theirs, again)
    assert answer.size_px == (60 if mine else 50) and answer.score == 0.7
    assert FaceDetector()._aligned(theirs, None) is theirs


@pytest.mark.parametrize(("score", "kept"), [(MIN, 1), (MIN - 1e-6, 0)])
def test_a_confirmed_face_has_at_least_the_threshold(score, kept):
    find = FaceDetector()
    find._first = SimpleNamespace(detect_at=lambda frame, boxes: [None] * len(boxes))
    assert len(find._confirmed(of(800, 1000), [at(50, score)])) == kept


def test_at_most_128_faces_get_a_close_up():
    find, asked = FaceDetector(), []
    find._first = SimpleNamespace(detect_at=lambda frame, boxes: asked.append(len(boxes)) or [None] * len(boxes))
    assert len(find._confirmed(of(800, 1000), [at(20, 0.9, x=30 * i) for i in range(140)])) == 140
    assert asked == [128] and find._confirmed(of(800, 1000), []) == []


@pytest.mark.parametrize(
    ("kind", "size_wh", "sides", "areas"),
    [
        ("wide", (4000, 3000), [], (1280 * 960, 1280 * 960)),
        ("wide", (640, 480), [300], (640 * 480, 640 * 480)),
        ("stream", (4000, 3000), [], (320 * 240, 320 * 240)),
        ("stream", (200, 100), [], (20_000, 20_000)),
        ("stream", (4000, 3000), [300], (0, 0)),
        ("auto", (4000, 3000), [], (640 * 480, 1280 * 960)),
        ("auto", (200, 100), [], (20_000, 20_000)),
        ("auto", (1000, 700), [150], (0, 0)),  # a portrait in a frame of just so many pixels
        ("auto", (1000, 700), [149], (320 * 240, 700_000 * (24 / (0.35 * 149)) ** 2)),
        ("auto", (1000, 701), [400], (320 * 240, 320 * 240)),
        ("auto", (1000, 700), [400, 300], (320 * 240, 320 * 240)),
        ("auto", (2000, 1000), [130, 120], (2_000_000 * (14 / 42) ** 2, 2_000_000 * (24 / 42) ** 2)),
        ("auto", (2000, 1000), [50], (640 * 480, 1280 * 960)),
    ],
)
def test_how_many_pixels_the_second_network_is_given(kind, size_wh, sides, areas):
    first, most = FaceDetector(search=kind)._areas_px(of(*size_wh), [at(side) for side in sides])
    assert (first, most) == pytest.approx(areas)


@pytest.mark.parametrize(("side", "runs"), [(40, 1), (36, 1), (35, 2)])
def test_a_larger_input_follows_only_if_faces_are_tiny(side, runs):
    """At half the size 36 pixels are 18."""
    find, scales = FaceDetector(), []
    find.__dict__["_wide"] = lambda frame, scale, least: scales.append(scale) or [at(side)]
    find._areas_px = lambda frame, found: (250_000.0, 1_000_000.0)
    assert len(find._wide_pass(of(1000, 1000), [])) == 1
    assert len(scales) == runs and scales[0] == 0.5
    assert scales[1:] == pytest.approx([18 / 35] * (runs - 1))


def test_a_larger_input_follows_if_nothing_was_seen_at_less_than_a_quarter():
    frame = of(1000, 1000)
    assert search.larger_px([], 62_500, frame) == 62_500 and search.larger_px([], 62_499, frame) == np.inf
    find, scales = FaceDetector(), []
    find.__dict__["_wide"] = lambda frame, scale, least: scales.append(scale) or []
    find._areas_px = lambda frame, found: (40_000.0, 90_000.0)
    assert find._wide_pass(frame, []) == [] and scales == pytest.approx([0.2, 0.3])


@pytest.mark.parametrize(("side", "size_wh", "portrait"), [(150, (1000, 100), True), (149, (1000, 100), False)])
def test_a_portrait_fills_15_percent_of_the_longer_side(side, size_wh, portrait):
    assert search.is_portrait(at(side), of(*size_wh)) == search.is_portrait(at(side), of(*size_wh[::-1])) == portrait


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (at(100, 0.5, x=39.9), 1),
        (at(100, 0.5, x=53), 1),  # overlap of 47 / 153 = 0.307
        (at(100, 0.5, x=54), 2),  # 46 / 154 = 0.299
        (Face(np.array([35, 35, 65, 65], np.float32), 0.5), 1),  # within the other one
        (Face(np.array([-29, -29, 129, 129], np.float32), 0.5), 1),  # 1.58 times as large around it
        (Face(np.array([-45, -45, 145, 145], np.float32), 0.5), 2),  # 1.9 times
        (Face(np.array([82, 35, 112, 65], np.float32), 0.5), 2),  # 47 pixels from centre to centre
    ],
)
def test_which_boxes_are_one_face(other, count):
    assert len(search.once_each([other, at(100)])) == count
    assert search.once_each([other, at(100)])[0].score == 0.9


@pytest.mark.parametrize(("x", "pairs"), [(60, 1), (61, 0)])
def test_networks_agree_at_an_overlap_of_a_quarter(x, pairs):
    """Boxes of 100 pixels, 60 apart, overlap by 40 / 160."""
    assert len(search.paired([at(100)], [at(100, x=x)])[0]) == pairs


def test_each_face_is_paired_with_the_one_it_overlaps_most():
    far, near, theirs = at(100, x=40), at(100, x=10), at(100)
    pairs, left, new = search.paired([far, near], [theirs])
    assert pairs == [(near, theirs)] and left == [far] and new == []


# --- views ---


def test_a_close_up_shows_a_face_at_five_eighths_of_a_small_input():
    view = views.close_up(np.array([450, 450, 550, 550]), 1000, 1000)
    assert view.xyxy == (420, 420, 580, 580) and view.side == 96
    np.testing.assert_allclose(view.scale, 96 / 160)
    assert views.close_up(np.array([100, 100, 200, 150]), 1000, 1000).xyxy == (70, 45, 230, 205)


def test_a_close_up_at_the_border_keeps_its_scale():
    view = views.close_up(np.array([0, 450, 100, 550]), 1000, 1000)
    assert view.xyxy == (0, 420, 130, 580)
    np.testing.assert_allclose(view.scale, 96 / 160, rtol=0.01)
    assert views.close_up(np.array([1200, 1300, 1210, 1310]), 1000, 900).xyxy == (999, 899, 1000, 900)


def test_tiles_of_half_and_of_a_quarter_of_the_longer_side():
    whole = [view.xyxy for view in views.tile_views(760, 300)]
    assert whole == [(x, 0, x + 380, 300) for x in (0, 190, 380)], "a quarter would show nothing new"
    assert views.tile_views(383, 300) == [] and len(views.tile_views(384, 192)) == 3
    sides = {view.xyxy[2] - view.xyxy[0] for view in views.tile_views(768, 768)}
    assert sides == {384, 192}


@pytest.mark.parametrize(
    ("length", "side", "starts"), [(100, 100, [0]), (101, 100, [0, 1]), (300, 150, [0, 75, 150]), (250, 150, [0, 100])]
)
def test_tiles_overlap_by_a_third(length, side, starts):
    assert views._starts(length, side, 1 / 3) == starts


def test_one_shrinking_side_is_averaged():
    part = np.zeros((4, 8, 3), np.uint8)
    part[:, ::2] = 200
    assert (views.resized(part, 4, 8) == 100).all() and (
        views.resized(part.transpose(1, 0, 2).copy(), 8, 4) == 100
    ).all()


# --- Haar ---


def test_haar_gives_corners_and_asks_for_the_smallest_size(monkeypatch):
    asked = {}
    boxes = [(10, 20, 30, 40), (1, 2, 60, 50), (0, 0, 19, 19)]
    find = HaarDetector(min_size_px=25)
    find._cascade = SimpleNamespace(
        detectMultiScale=lambda grey, **options: asked.update(options, shape=grey.shape) or boxes
    )
    found = find(of(90, 70))
    assert [face.xyxy.tolist() for face in found] == [[1, 2, 61, 52], [10, 20, 40, 60]]
    assert asked["minSize"] == (25, 25) and asked["shape"] == (70, 90) and found[0].score == 1.0
    assert isinstance(HaarDetector()._cascade, cv2.CascadeClassifier)
