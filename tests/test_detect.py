"""The detector on real images, and the geometry around the network on made-up numbers."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation import precision
from emojimation.detect import DetectorOptions, FaceDetector, HaarDetector, centerface, make_detector, search, yunet
from emojimation.detect import blazeface as detect
from emojimation.detect.base import OptionFields
from emojimation.detect.blazeface import decode, weighted_nms
from emojimation.detect.views import (
    FACE_INPUT_PX,
    FACE_PADDING,
    INPUT_PX,
    close_up,
    draw,
    letterbox,
    resized,
    tile_views,
)
from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.video.scene import crowd
from emojimation.weights import ASSETS

FACELESS = sorted((Path(__file__).parent / "data" / "faceless").glob("*.jpg"))
# Middle between the eyes and mouth of every face in the samples, read off the images by eye.
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


@pytest.mark.parametrize("how", ["fast", "stream", "auto", "wide"])
def test_faceless_images_stay_empty(how):
    detect_ = FaceDetector(search=how)
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


def test_fer2013_images_are_detected_by_the_padded_pass(blazeface, fer2013):
    pictures = [cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in fer2013.images[:150]]
    found = np.mean([len(blazeface(picture)) > 0 for picture in pictures])
    assert found >= 0.9, found


def test_small_faces_of_a_large_image_are_found_without_asking(blazeface):
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
def test_a_close_up_shows_the_box_at_one_size_in_a_small_input(width, height, x, y, side):
    centre = np.array([x * width, y * height])
    view = close_up(np.concatenate([centre - side / 2, centre + side / 2]), width, height)
    x0, y0, x1, y1 = view.xyxy
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert view.side == FACE_INPUT_PX
    np.testing.assert_allclose(side * view.scale, FACE_INPUT_PX / (1 + 2 * FACE_PADDING), rtol=0.16)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(-60, 60), st.floats(-60, 60), st.floats(1, 200))
def test_a_close_up_of_any_box_can_be_drawn(width, height, x, y, side):
    frame = np.full((height, width, 3), 9, np.uint8)
    seen = draw(frame, close_up(np.array([x, y, x + side, y + side]), width, height))
    assert seen.shape == (FACE_INPUT_PX, FACE_INPUT_PX, 3) and set(np.unique(seen)) <= {0, 9}


@pytest.mark.parametrize("side", [64, 96, 192])
def test_the_network_sees_a_face_alike_in_inputs_of_any_size(blazeface, side):
    """Fully convolutional: a face of the same size in pixels is found at its place in each."""
    portrait = cv2.resize(sample("astronaut.jpg")[60:260, 130:330], (60, 60), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((1, side, side, 3), np.uint8)
    canvas[0, :60, :60] = portrait
    (faces,) = blazeface._first.detect_in_crops(canvas)
    assert faces and faces[0].score > 0.6
    assert np.abs((faces[0].xyxy[:2] + faces[0].xyxy[2:]) / 2 - (28, 18)).max() < 4, "eyes and mouth are at (28, 18)"


class Shown:
    """In place of the network: the same made-up faces in each input. faces: (centre x, centre y, side, score)."""

    def __init__(self, *faces: tuple[float, float, float, float]) -> None:
        self.faces, self.inputs = faces, 0

    def run(self, outputs, feeds):
        count, side = feeds["frames"].shape[:2]
        self.inputs += count
        boxes, logits = np.zeros((side**2 // 16, 16), np.float32), np.full((side**2 // 16, 1), -20, np.float32)
        for x, y, width, score in (face for face in self.faces if max(face[:2]) < side):
            cell = int(y // 4) * (side // 4) + int(x // 4)
            boxes[cell] = [x - (x // 4) * 4 - 2, y - (y // 4) * 4 - 2, width, width, *[0] * 12]
            logits[cell] = np.log(score / (1 - score))
        return [np.repeat(one[None], count, axis=0) for one in (boxes, logits)]


def shown(*faces: tuple[float, float, float, float], **options) -> detect.BlazeFace:
    blaze = detect.BlazeFace(DetectorOptions(**options))
    blaze._session = Shown(*faces)
    return blaze


def row(x: float, y: float, side: float, score: float, seen_px: float = 20) -> np.ndarray:
    box = [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
    return np.array([score, *box, *[0] * 12, seen_px])


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (0.65, 0.5, 0.65),
        (0.5, 0.7, 0.7),
        (0.3, 0.5, None),
        (0.3, 0.7, 0.7),
        (0.65, 0.4, None),
        (0.5, 0.55, None),
        (0.75, 0.3, 0.75),
    ],
)
def test_a_small_face_keeps_the_better_score_of_two_passes_if_the_first_was_not_faint(first, second, kept):
    frame = np.zeros((400, 400, 3), np.uint8)
    blaze = shown((48, 48, 60, second))
    found = blaze._accepted(frame, row(200, 200, 40, first)[None])
    assert [r[0] for r in found] == ([] if kept is None else [pytest.approx(kept)])


def test_the_second_pass_confirms_only_the_face_itself():
    """What the enlarged view shows elsewhere does not confirm it."""
    blaze = shown((30, 30, 20, 0.9))
    assert len(blaze._accepted(np.zeros((400, 400, 3), np.uint8), row(200, 200, 40, 0.65)[None])) == 0


def test_each_close_up_answers_for_its_own_box():
    frame = np.zeros((1000, 1000, 3), np.uint8)
    boxes = np.array([(x - 15, y - 15, x + 15, y + 15) for x, y in ((100, 100), (800, 100))], float)
    blaze = shown((48, 48, 60, 0.9))
    seen = blaze.detect_at(frame, boxes)
    for face, box in zip(seen, boxes, strict=True):
        np.testing.assert_allclose(face.xyxy, box, atol=1)


@pytest.mark.parametrize(("share", "kept"), [(0.45, False), (0.55, True), (0.7, True)])
def test_the_padded_pass_adds_faces_of_half_the_frame(share, kept):
    frame = np.zeros((300, 300, 3), np.uint8)
    blaze = shown((96, 96, share * 192 / 2.5, 0.55))  # below the threshold of the first pass
    assert len(blaze.find(frame, tiles=False)) == int(kept)


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ((120, 120, 160, 160), True),
        ((90, 120, 130, 160), False),
        ((120, 90, 160, 130), False),
        ((270, 120, 310, 160), False),
        ((120, 270, 160, 310), False),
    ],
)
def test_a_face_cut_by_a_tile_is_left_to_its_neighbour_and_one_cut_by_the_image_is_kept(box, kept):
    frame, inner = np.zeros((1000, 1000, 3), np.uint8), letterbox((100, 100, 300, 300))
    rows = np.array([[0.9, *box, *[0] * 12, 20]], float)
    assert len(detect._whole_only(rows, inner, frame)) == int(kept)
    whole, over = letterbox((0, 0, 300, 300)), np.array([[0.9, -10, -10, 30, 30, *[0] * 12, 20]], float)
    assert len(detect._whole_only(over, whole, frame)) == 1
    corner, past = letterbox((700, 700, 1000, 1000)), np.array([[0.9, 980, 980, 1020, 1020, *[0] * 12, 20]], float)
    assert len(detect._whole_only(past, corner, frame)) == 1


@pytest.mark.parametrize(("width", "height"), [(192, 150), (100, 37), (383, 200), (800, 640), (1, 1)])
def test_resized_keeps_mean_and_place(width, height):
    rng = np.random.default_rng(3)
    part = cv2.GaussianBlur(rng.uniform(0, 255, (640, 800, 3)), (0, 0), 25)
    part = cv2.normalize(part, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    small = resized(part, width, height)
    assert small.shape == (height, width, 3)
    direct = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - direct).max() <= 3


@pytest.mark.parametrize("size_wh", [(1600, 1200), (1601, 1199), (4003, 2999)])
def test_resized_skips_no_pixel_and_keeps_the_place_whatever_the_size(size_wh):
    width, height = size_wh
    stripes = np.zeros((height, width, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resized(stripes, 192, 144).astype(int) - 128).max() <= 3, "black and white become grey"
    ramp = np.repeat(np.linspace(0, 255, width, dtype=np.float32)[None], height, axis=0)
    small = resized(np.dstack([ramp] * 3).astype(np.uint8), 192, 144).astype(float)
    np.testing.assert_allclose(small[72, :, 0], (np.arange(192) + 0.5) * 255 / 192, atol=1.5)


def with_faces(size_wh: tuple[int, int], *places: tuple[str, float, tuple[int, int]]) -> np.ndarray:
    """A grey image with heads of the samples. places: sample, side of the face in pixels, its middle."""
    picture = np.full((size_wh[1], size_wh[0], 3), 120, np.uint8)
    for name, side, (x, y) in places:
        face = FaceDetector(search="fast")(sample(name))[0]
        scale = side / face.size_px
        middle = (face.xyxy[:2] + face.xyxy[2:]) / 2
        head = cv2.GaussianBlur(sample(name), (0, 0), max(0.45 / scale, 0.01)) if scale < 1 else sample(name)
        matrix = np.array([[scale, 0, x - scale * middle[0]], [0, scale, y - scale * middle[1]]])
        pasted = cv2.warpAffine(head, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.ellipse(np.zeros(picture.shape[:2], np.uint8), (x, y), (int(side), int(side)), 0, 0, 360, 255, -1)
        picture[mask > 0] = pasted[mask > 0]
    return picture


NAMES = ("astronaut.jpg", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg")


@pytest.mark.parametrize(("size_wh", "side"), [((1600, 1200), 40), ((4000, 3000), 100), ((6000, 1000), 80)])
def test_a_group_is_found_though_its_faces_are_small_in_the_image(blazeface, size_wh, side):
    places = [(n, side, (int(size_wh[0] * (k + 0.7) / 5.5), size_wh[1] // 3 + 60 * k)) for k, n in enumerate(NAMES)]
    assert_found(blazeface(with_faces(size_wh, *places)), [p[2] for p in places], 0.3)


def test_a_face_cut_by_the_edge_is_found_beside_another(blazeface):
    picture = with_faces((1200, 900), ("biden.jpg", 240, (700, 450)), ("astronaut.jpg", 200, (20, 300)))
    assert_found(blazeface(picture), [(700, 450), (20, 300)], 0.4)


def test_one_large_face_in_a_small_frame_costs_no_second_network():
    find = FaceDetector()
    assert len(find(cv2.resize(sample("astronaut.jpg"), (640, 480)))) == 1
    assert "_wide" not in vars(find)
    assert len(find(sample("group.jpg"))) == 5
    assert "_wide" in vars(find)


def test_a_stream_is_searched_briefly_unless_it_was_asked_for_more():
    find = FaceDetector(min_score=0.7)
    fast = find.streaming()
    assert fast.options == DetectorOptions(min_score=0.7, search="stream") and find.options.search == "auto"
    assert fast._first is find._first, "the networks are shared"
    wide = FaceDetector(tiles=True)
    assert wide.streaming() is wide and wide.options.search == "wide"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 20_000), st.lists(st.floats(10, 4000), max_size=4))
def test_the_second_network_is_shown_a_bounded_number_of_pixels(blazeface, width, height, sides):
    frame = np.lib.stride_tricks.as_strided(np.zeros(3, np.uint8), (height, width, 3), (0, 0, 1))
    found = [Face(np.array([0, 0, side, side], np.float32), 0.9) for side in sides]
    first, most = blazeface._areas_px(frame, found)
    assert 0 <= first <= most <= max(search.LEAST_AREA_PX, min(width * height, search.MOST_AREA_PX))
    assert first <= search.USUAL_AREA_PX
    if not found:
        assert first > 0


def test_a_stream_pays_for_the_second_network_only_where_nobody_is_found():
    frame, face = np.zeros((720, 1280, 3), np.uint8), Face(np.array([0, 0, 40, 40], np.float32), 0.9)
    find = FaceDetector(search="stream")
    assert find._areas_px(frame, [face]) == (0, 0)
    assert find._areas_px(frame, []) == (search.LEAST_AREA_PX, search.LEAST_AREA_PX)
    seen = Face(np.array([0, 0, 300, 300], np.float32), 0.8)
    assert Both([], [seen], search="stream")(frame) == [seen] and Both([], [seen], search="fast")(frame) == []


def test_tiny_faces_are_searched_in_a_larger_input():
    frame = np.zeros((1000, 1000, 3), np.uint8)
    face = Face(np.array([0, 0, 18, 18], np.float32), 0.2)
    assert search.larger_px([face], 250_000, frame) == pytest.approx(1_000_000)
    assert search.larger_px([face.with_(xyxy=face.xyxy * 9)], 250_000, frame) == 250_000
    assert search.larger_px([], 250_000, frame) == 250_000
    assert search.larger_px([], 40_000, frame) == np.inf, "at a fifth of the size nothing is no answer"


def test_faces_of_two_networks_are_paired_once():
    a, b, c = (Face(np.array([x, 0, x + 100, 100], np.float32), 0.9) for x in (0, 20, 300))
    pairs, left, new = search.paired([a, c], [b, a])
    assert pairs == [(a, b)] and left == [c] and new == [a], "one face is not two"
    assert search.once_each([a.with_(score=0.5), b, c]) == [b, c]


class Both:
    """A detector whose networks answer what they are told."""

    def __new__(cls, first: list[Face], second: list[Face], closer: Face | None = None, **options) -> FaceDetector:
        find = FaceDetector(**options)
        find._first = Seeing(first, closer)
        find.__dict__["_wide"] = lambda frame, scale, min_score: [f for f in second if f.score >= min_score]
        return find


class Seeing:
    def __init__(self, faces: list[Face], closer: Face | None) -> None:
        self.faces, self.closer = faces, closer

    def find(self, frame, tiles):
        return self.faces

    def detect_at(self, frame, boxes):
        return [self.closer] * len(boxes)


@pytest.mark.parametrize(
    ("first", "second", "closer", "score"),
    [
        (None, 0.65, None, 0.65),  # the second network is sure
        (None, 0.2, 0.8, 0.8),  # it has an inkling, and the first one is sure when shown the place
        (None, 0.2, 0.5, None),
        (None, 0.1, 0.9, None),  # not even an inkling
        (0.62, None, None, None),  # the first one alone, not quite sure
        (0.7, None, None, 0.7),
        (0.62, 0.3, None, 0.62),
        (0.62, 0.9, None, 0.9),
    ],
)
def test_what_two_networks_say_together(first, second, closer, score):
    box = np.array([100, 100, 150, 150], np.float32)
    faces = [None if s is None else Face(box, s) for s in (first, second, closer)]
    find = Both([f for f in faces[:1] if f], [f for f in faces[1:2] if f], faces[2])
    found = find(np.zeros((800, 1000, 3), np.uint8))
    assert [f.score for f in found] == ([] if score is None else [score])


def test_landmarks_are_blazefaces_where_it_sees_the_face_well():
    box, points = np.array([100, 100, 150, 150], np.float32), np.zeros((5, 2), np.float32)
    theirs, frame = Face(box, 0.9, points), np.zeros((800, 1000, 3), np.uint8)
    for score, mine in ((0.5, True), (0.4, False)):
        (face,) = Both([], [theirs], Face(box + 3, score, points + 7))(frame)
        assert face.score == 0.9 and (face.landmarks == points + 7 * mine).all()


def test_one_made_up_cell_of_the_second_network():
    heat, sizes, offsets = np.zeros((1, 16, 24)), np.zeros((2, 16, 24)), np.zeros((2, 16, 24))
    points = np.zeros((10, 16, 24))
    heat[0, 5, 7], sizes[:, 5, 7], offsets[:, 5, 7] = 0.8, np.log([10, 8]), (0.25, -0.5)
    points[:2, 5, 7] = (0.5, 0.25)  # right eye: share of the height, of the width
    (found,) = centerface.decode(heat, sizes, offsets, points, 0.5)
    np.testing.assert_allclose(found[:5], [0.8, 28 - 16, 23 - 20, 28 + 16, 23 + 20])
    np.testing.assert_allclose(found[5:7], [12 + 8, 3 + 20])
    assert centerface.decode(heat, sizes, offsets, points, 0.9).shape == (0, 15)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0.01, 1))
def test_the_second_networks_input_has_sides_that_32_divides(width, height, scale):
    canvas, drawn = centerface.shrunk(np.full((height, width, 3), 200, np.uint8), scale)
    assert canvas.shape[0] % 32 == 0 and canvas.shape[1] % 32 == 0
    assert (drawn >= 1).all() and np.abs(drawn - np.array([width, height]) * scale).max() <= 1
    assert (canvas[: drawn[1], : drawn[0]] == 200).all() and canvas.sum() == 600 * drawn.prod()


@pytest.mark.parametrize("name", ["face_detector_wide", "face_detector_wide_int8"])
def test_the_second_network_finds_the_samples_in_place(name):
    net = centerface.CenterFace(name)
    for name, centres in FACES.items():
        frame = sample(name)
        for scale in (1.0, 0.37):
            assert_found(net(frame, scale, 0.5), centres, 0.25)


@pytest.mark.parametrize(("search_", "flags", "name"), [
    ("auto", "avx2", "face_detector_wide_int8"), ("stream", "avx2", "face_detector_wide_int8"),
    ("auto", "sse2", "face_detector_wide"), ("wide", "avx2", "face_detector_wide"),
])  # fmt: skip
def test_the_second_network_runs_in_eight_bits_unless_nobody_must_be_missed(
    monkeypatch, tmp_path, search_, flags, name
):
    cpu, asked = tmp_path / "cpuinfo", []
    cpu.write_text(f"flags\t\t: fpu {flags}\n")
    monkeypatch.setattr(precision, "CPU_FLAGS", cpu)
    monkeypatch.setattr(search, "CenterFace", lambda model, threads: asked.append(model) or (lambda *call: []))
    FaceDetector(search=search_)(np.zeros((480, 640, 3), np.uint8))
    assert asked == [name]


def test_detectors_refuse_options_they_would_ignore():
    for options, word in (
        (DetectorOptions(min_score=0.5), "min_score"),
        (DetectorOptions(search="wide"), "tiles"),
        (DetectorOptions(model="x.onnx"), "model"),
    ):
        with pytest.raises(InputError, match=word):
            make_detector("haar", options)
    with pytest.raises(InputError, match="blazeface, haar, yunet"):
        make_detector("mtcnn")
    with pytest.raises(InputError, match="auto, stream, fast, wide"):
        DetectorOptions(search="slow")
    with pytest.raises(TypeError, match="modle"):
        FaceDetector(modle="x")


def test_the_record_of_options_and_its_keywords_have_the_same_fields():
    assert [f.name for f in fields(DetectorOptions)] == list(OptionFields.__annotations__)


def test_yunet_needs_a_file_that_opencv_reads(tmp_path):
    with pytest.raises(InputError, match="got none"):
        make_detector("yunet")
    (tmp_path / "yunet.onnx").write_bytes(b"not a network")
    with pytest.raises(InputError, match=r"yunet\.onnx") as caught:
        make_detector("yunet", DetectorOptions(tmp_path / "yunet.onnx"))
    assert "\n" not in str(caught.value)


def test_yunets_rows_become_faces(monkeypatch):
    """One row as `cv2.FaceDetectorYN.detect` gives it, from a frame of 3200 pixels, searched at half its size."""

    class Net:
        def setInputSize(self, size):  # noqa: N802  (OpenCV's name)
            self.size = size

        def detect(self, frame):
            assert frame.shape[1::-1] == self.size == (1600, 800)
            points = [110, 120, 130, 121, 120, 130, 112, 140, 128, 141]
            return 1, np.array([[100, 100, 40, 50, *points, 0.93]], np.float32)

    monkeypatch.setattr(yunet, "_opened", lambda options: Net())
    (face,) = make_detector("yunet", DetectorOptions("any.onnx"))(np.zeros((1600, 3200, 3), np.uint8))
    np.testing.assert_allclose(face.xyxy, [200, 200, 280, 300])
    np.testing.assert_allclose(face.landmarks[[0, 4]], [[220, 240], [256, 282]])
    assert face.score == pytest.approx(0.93)
