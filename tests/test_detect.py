"""The detector on real pictures, and the geometry around the network on made-up numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.detect import DetectorOptions, FaceDetector, HaarDetector, make_detector
from emojimation.detect import blazeface as detect
from emojimation.detect.blazeface import decode, weighted_nms
from emojimation.detect.views import CLOSE_UP_PADDING, INPUT_PX, close_ups, draw, enlarged, letterbox, tile_views
from emojimation.errors import InputError
from emojimation.faces import iou
from emojimation.video.scene import crowd
from emojimation.weights import ASSETS

FACELESS = sorted((Path(__file__).parent / "data" / "faceless").glob("*.jpg"))
# Middle between the eyes and mouth of every face in the samples, read off the pictures by eye.
FACES = {
    "astronaut.jpg": [(224, 122)],
    "biden.jpg": [(268, 184)],
    "obama.jpg": [(441, 245)],
    "obama2.jpg": [(262, 392)],
    "obama3.jpg": [(346, 198)],
    "group.jpg": [(168, 145), (502, 150), (832, 148), (355, 470), (833, 470)],
}


@pytest.fixture(scope="module")
def blazeface() -> FaceDetector:
    return FaceDetector()


def sample(name: str) -> np.ndarray:
    return cv2.imread(str(ASSETS / "samples" / name))


def rolled(frame: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The frame turned clockwise by `degrees` on a canvas that holds it all, and the (2,3) matrix that did it."""
    height, width = frame.shape[:2]
    side = int(np.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return cv2.warpAffine(frame, matrix, (side, side)), matrix


def assert_found(faces, centres, tolerance: float = 0.2) -> None:
    """Exactly one face around each centre, and no other."""
    assert len(faces) == len(centres), [f.xyxy for f in faces]
    for centre in centres:
        distances = [np.abs((f.xyxy[:2] + f.xyxy[2:]) / 2 - centre).max() / f.size_px for f in faces]
        assert min(distances) < tolerance, (centre, distances)


@pytest.mark.parametrize("name", FACES)
def test_all_faces_of_the_samples_and_no_other(blazeface, name):
    faces = blazeface(sample(name))
    assert_found(faces, FACES[name])
    assert [f.size_px for f in faces] == sorted((f.size_px for f in faces), reverse=True)
    assert all(f.xyxy.dtype == np.float32 and f.landmarks.shape == (5, 2) and 0.6 <= f.score <= 1 for f in faces)


def test_every_bundled_sample_is_listed_here():
    assert {path.name for path in (ASSETS / "samples").glob("*.jpg")} == set(FACES)


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40])
@pytest.mark.parametrize("name", FACES)
def test_rolled_heads_are_found_and_their_roll_is_known(blazeface, name, degrees):
    upright = {tuple(c): f.roll_deg for c, f in by_centre(blazeface(sample(name)), FACES[name]).items()}
    frame, matrix = rolled(sample(name), degrees)
    centres = np.array(FACES[name]) @ matrix[:, :2].T + matrix[:, 2]
    faces = blazeface(frame)
    assert_found(faces, centres, 0.25)
    for centre, turned in zip(FACES[name], centres, strict=True):
        nearest = by_centre(faces, [tuple(turned)])[tuple(turned)]
        assert nearest.roll_deg - upright[centre] == pytest.approx(degrees, abs=9)


def by_centre(faces, centres):
    middle = [(f.xyxy[:2] + f.xyxy[2:]) / 2 for f in faces]
    return {c: faces[int(np.argmin([np.abs(m - c).max() for m in middle]))] for c in centres}


def test_landmarks_lie_on_eyes_nose_and_mouth(blazeface):
    """Pixels read off obama.jpg by eye: eyes, nose tip, mouth corners."""
    truth = np.array([[393, 199], [490, 199], [442, 258], [398, 297], [483, 299]])
    face = blazeface(sample("obama.jpg"))[0]
    assert np.abs(face.landmarks - truth).max() < 0.06 * face.size_px, face.landmarks - truth


@pytest.mark.parametrize("tiles", [False, True])
def test_faceless_pictures_stay_empty(tiles):
    detect_ = FaceDetector(tiles=tiles)
    assert len(FACELESS) >= 10
    found = {path.name: [f.score for f in detect_(cv2.imread(str(path)))] for path in FACELESS}
    assert not any(found.values()), found


@pytest.mark.parametrize("name", ["obama.jpg", "astronaut.jpg", "biden.jpg", "obama2.jpg"])
@pytest.mark.parametrize("size", [48, 96, 400])
def test_a_face_that_fills_the_frame_is_found(blazeface, name, size):
    x0, y0, x1, y1 = blazeface(sample(name))[0].xyxy.round().astype(int)
    crop = cv2.resize(sample(name)[y0:y1, x0:x1], (size, size), interpolation=cv2.INTER_AREA)
    (face,) = blazeface(crop)
    assert face.size_px > 0.8 * size


def test_fer2013_pictures_are_found_by_the_close_up_look(blazeface, fer2013):
    pictures = [cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in fer2013.images[:150]]
    found = np.mean([len(blazeface(picture)) > 0 for picture in pictures])
    assert found >= 0.9, found


def test_small_faces_of_a_large_picture_are_found_without_asking(blazeface):
    face = cv2.resize(sample("group.jpg"), (320, 205), interpolation=cv2.INTER_AREA)
    crowded = np.full((1200, 1600, 3), 110, np.uint8)
    corners = [(100, 60), (1190, 80), (660, 540), (90, 950), (1200, 960), (530, 730)]
    for x, y in corners:
        crowded[y : y + 205, x : x + 320] = face
    assert len(FaceDetector(search="fast")(crowded)) < 15
    for found in (blazeface(crowded), FaceDetector(tiles=True)(crowded)):
        assert len(found) == 30, "five faces of 35 to 60 pixels in each of six places"
        boxes = np.array([f.xyxy for f in found])
        assert (iou(boxes, boxes) - np.eye(len(boxes)) < detect.SAME_FACE_IOU).all(), "no face twice"


@pytest.mark.parametrize(("count", "size"), [(20, (1280, 720)), (20, (640, 480)), (30, (1920, 1080))])
def test_a_crowd_is_found_without_tiles(blazeface, count, size):
    """Faces of 45 to 100 pixels, 13 input pixels long, are faint at first; four to an input they get a second look."""
    scene = crowd(count, size)
    frame = scene.frame(3)
    truth = scene.truth(frame.time_s)
    assert_found(blazeface(frame.image), np.array([(t.xyxy[:2] + t.xyxy[2:]) / 2 for t in truth]), 0.25)


def test_tiles_do_not_split_or_double_large_faces():
    large = cv2.resize(sample("group.jpg"), None, fx=2.5, fy=2.5)
    assert_found(FaceDetector(tiles=True)(large), np.array(FACES["group.jpg"]) * 2.5)


def test_min_size_drops_small_faces(blazeface):
    sizes = [f.size_px for f in blazeface(sample("group.jpg"))]
    limit = int(np.median(sizes))
    kept = FaceDetector(min_size_px=limit)(sample("group.jpg"))
    assert [f.size_px for f in kept] == [s for s in sizes if s >= limit] and 0 < len(kept) < 5


def test_min_score_is_a_threshold():
    assert FaceDetector(min_score=0.99)(sample("group.jpg")) == []
    for bad in (0, 1, -0.2, 1.5, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            FaceDetector(min_score=bad)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (3, 5), (48, 48), (191, 193)])
def test_odd_shapes_are_answered(blazeface, shape):
    assert blazeface(np.full((*shape, 3), 127, np.uint8)) == []
    assert FaceDetector(tiles=True)(np.full((*shape, 3), 127, np.uint8)) == []
    assert HaarDetector()(np.full((*shape, 3), 127, np.uint8)) == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
        "photo.jpg",
        None,
    ],
)
def test_wrong_frames_are_refused_in_one_line(blazeface, frame):
    for find in (blazeface, HaarDetector()):
        with pytest.raises(InputError, match="Expected a frame") as caught:
            find(frame)
        assert "\n" not in str(caught.value)


def test_frame_is_not_changed_and_may_be_a_view(blazeface):
    frame = sample("astronaut.jpg")
    before = frame.copy()
    boxes = [f.xyxy for f in blazeface(frame[:, ::-1])]
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_allclose(boxes, [f.xyxy for f in blazeface(np.ascontiguousarray(frame[:, ::-1]))])
    mirrored = blazeface(frame)[0].xyxy * (-1, 1, -1, 1) + (512, 0, 512, 0)
    assert iou(mirrored[None, [2, 1, 0, 3]], boxes[0][None])[0, 0] > 0.75


def test_haar_finds_the_sample_portraits():
    haar = make_detector("haar", DetectorOptions(min_size_px=60))
    for name in ("astronaut.jpg", "biden.jpg", "obama2.jpg", "group.jpg"):
        faces = haar(sample(name))
        assert_found(faces, FACES[name], 0.3)
        assert all(f.landmarks is None and f.score == 1 for f in faces)


def test_detector_by_name_and_path():
    assert isinstance(make_detector("haar"), HaarDetector)
    assert make_detector("blazeface", DetectorOptions(min_score=0.7)).options.min_score == 0.7
    by_path = make_detector(options=DetectorOptions(ASSETS / "models" / "face_detector.onnx", threads=2))
    assert_found(by_path(sample("astronaut.jpg")), FACES["astronaut.jpg"])


def test_foreign_model_files_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.onnx").write_text("not a model")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for path in ("text.onnx", "empty.onnx", "missing.onnx"):
        with pytest.raises(InputError, match=path) as caught:
            make_detector(options=DetectorOptions(tmp_path / path))
        assert "\n" not in str(caught.value)


def test_a_model_of_another_layout_is_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx (extra `train`) makes the foreign model")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(InputError, match="BlazeFace's layout"):
        make_detector(options=DetectorOptions(tmp_path / "other.onnx"))


rectangles = st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 5000), st.integers(1, 5000)).map(
    lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3])
)


@given(rectangles, st.floats(0, 2), st.integers(0, 999))
def test_letterbox_maps_there_and_back(xyxy, padding, seed):
    view = letterbox(xyxy, padding)
    points = np.random.default_rng(seed).uniform(-1000, 6000, (7, 2))
    np.testing.assert_allclose(view.to_frame(view.to_input(points)), points, atol=1e-6)


@given(rectangles, st.floats(0, 2))
def test_letterbox_fits_centred_with_whole_pixels(xyxy, padding):
    corners = letterbox(xyxy, padding).to_input(np.array(xyxy, float).reshape(2, 2))
    np.testing.assert_allclose(corners, corners.round(), atol=1e-6)
    assert (corners[0] >= -1e-6).all() and (corners[1] <= INPUT_PX + 1e-6).all()
    gaps = corners[0] - (INPUT_PX - corners[1])
    assert (np.abs(gaps) <= 1 + 1e-6).all(), "the same margin on both sides, to the pixel"
    assert abs((corners[1] - corners[0]).max() - INPUT_PX / (1 + 2 * padding)) <= 0.5 + 1e-6


@settings(max_examples=50)
@given(st.integers(1, 6000), st.integers(1, 6000))
def test_tiles_cover_the_frame_and_overlap(width, height):
    tiles = np.array([view.xyxy for view in tile_views(width, height)]).reshape(-1, 4)
    if max(width, height) < 2 * INPUT_PX:
        assert len(tiles) == 0
        return
    assert (tiles[:, :2] >= 0).all() and (tiles[:, 2:] <= (width, height)).all()
    half = max(width, height) // 2
    for side in {half, max(width, height) // 4} - set(range(INPUT_PX)):
        mine = tiles[(tiles[:, 2:] - tiles[:, :2]).max(axis=1) == side]
        for axis, size in ((0, width), (1, height)):
            starts, ends = np.unique(mine[:, axis]), np.unique(mine[:, axis + 2])
            assert starts[0] == 0 and ends[-1] == size
            assert (ends[:-1] - starts[1:] >= side / 3 - 1.5).all()


def test_decode_of_one_made_up_cell():
    boxes, logits = np.zeros((2304, 16), np.float32), np.full((2304, 1), -9, np.float32)
    cell = 10 * 48 + 20
    boxes[cell] = [3, -2, 30, 40, -7, -9, 7, -9, 0, 1, 0, 8, -14, -6, 14, -6]
    logits[cell] = 2
    (row,) = decode(boxes, logits, 0.6)
    assert row[0] == pytest.approx(1 / (1 + np.exp(-2)))
    np.testing.assert_allclose(row[1:5], [82 + 3 - 15, 42 - 2 - 20, 82 + 3 + 15, 42 - 2 + 20])
    np.testing.assert_allclose(row[5:9], [82 - 7, 42 - 9, 82 + 7, 42 - 9])
    assert decode(boxes, logits, 0.9).shape == (0, 18)


def test_five_landmarks_of_a_tilted_face():
    points = np.array([[0, 0], [30, 40], [5, 45], [-9, 72], [0, 0], [0, 0]], float)
    right_eye, left_eye, nose, right_corner, left_corner = detect.five_landmarks(points)
    np.testing.assert_allclose([right_eye, left_eye, nose], points[:3])
    np.testing.assert_allclose((right_corner + left_corner) / 2, points[3])
    np.testing.assert_allclose(left_corner - right_corner, 2 * detect.MOUTH_HALF_WIDTH * points[1])


def candidates(count: int, seed: int, spread: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, spread, (count, 2)), rng.uniform(10, 60, (count, 1))
    return np.hstack([rng.uniform(0.5, 1, (count, 1)), corner, corner + size, rng.uniform(0, spread, (count, 13))])


@given(st.integers(0, 30), st.integers(0, 10_000), st.sampled_from([5.0, 60.0, 400.0]))
def test_nms_keeps_the_best_score_and_loses_no_region(count, seed, spread):
    rows = candidates(count, seed, spread)
    kept = weighted_nms(rows)
    assert kept.shape[1] == 18 and len(kept) <= count
    if not count:
        return
    assert kept[0, 0] == rows[:, 0].max()
    assert (np.diff(kept[:, 0]) <= 0).all() and set(kept[:, 0]) <= set(rows[:, 0])
    assert (kept[:, 1:] >= rows[:, 1:].min(axis=0) - 1e-9).all(), "a blend lies between what it blends"
    assert (kept[:, 1:] <= rows[:, 1:].max(axis=0) + 1e-9).all()


@given(st.integers(1, 30), st.integers(0, 10_000), st.randoms())
def test_nms_does_not_depend_on_the_order(count, seed, random):
    rows = candidates(count, seed, 60.0)
    order = list(range(count))
    random.shuffle(order)
    np.testing.assert_allclose(weighted_nms(rows[order]), weighted_nms(rows))


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_nms_leaves_separate_faces_alone_and_merges_copies(count, seed):
    rows = candidates(count, seed, 1.0)
    rows[:, 1:] += np.arange(count)[:, None] * 200
    apart = rows[np.argsort(-rows[:, 0])]
    np.testing.assert_allclose(weighted_nms(rows), apart)
    np.testing.assert_allclose(weighted_nms(np.vstack([rows, rows])), apart)


def test_nms_blends_by_score():
    rows = np.zeros((2, 18))
    rows[:, 0], rows[:, 3:5] = (0.9, 0.6), 100
    rows[1, [1, 3]] += 10
    (blend,) = weighted_nms(rows)
    np.testing.assert_allclose(blend[:5], [0.9, 4, 0, 104, 100])


@given(st.integers(60, 3000), st.integers(60, 3000), st.floats(0, 1), st.floats(0, 1), st.floats(8, 60))
def test_enlarged_view_shows_the_box_at_the_size_the_network_knows_best(width, height, x, y, side):
    centre = np.array([x * width, y * height])
    view = enlarged(np.concatenate([centre - side / 2, centre + side / 2]), width, height)
    x0, y0, x1, y1 = view.xyxy
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    np.testing.assert_allclose(side * view.scale, INPUT_PX / (1 + 2 * CLOSE_UP_PADDING), rtol=0.12)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(-60, 60), st.floats(-60, 60), st.floats(1, 200))
def test_enlarged_view_of_any_box_can_be_drawn(width, height, x, y, side):
    frame = np.full((height, width, 3), 9, np.uint8)
    seen = draw(frame, enlarged(np.array([x, y, x + side, y + side]), width, height))
    assert seen.shape == (INPUT_PX, INPUT_PX, 3) and set(np.unique(seen)) <= {0, 9}


@pytest.mark.parametrize("count", [1, 2, 4, 5, 11])
def test_close_ups_show_every_box_in_a_cell_of_its_own(count):
    frame = np.zeros((300, 400, 3), np.uint8)
    rng = np.random.default_rng(count)
    boxes = np.array([(x, y, x + 24, y + 24) for x, y in rng.uniform(20, 260, (count, 2))])
    sheets = close_ups(boxes, 400, 300)
    assert len(sheets) == (1 if count == 1 else -(-count // 4)) and sum(map(len, sheets)) == count
    views = [view for sheet in sheets for view in sheet]
    for box, view in zip(boxes, views, strict=True):
        middle = view.to_input((box[:2] + box[2:])[None] / 2)
        assert view.holds(middle).all() and np.allclose(view.to_frame(middle), (box[:2] + box[2:]) / 2)
    for sheet in sheets:
        levels = np.zeros((INPUT_PX, INPUT_PX), int)
        for number, view in enumerate(sheet):
            frame[:] = 10 * (number + 1)
            levels += draw(frame, view)[..., 0]
        assert set(np.unique(levels)) <= {0, 10, 20, 30, 40}, "cells do not overlap"
