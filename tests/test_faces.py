"""Boxes, similarity transforms, crops and the face record."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emojimation.attributes import ATTRIBUTES, Attribute
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, WARP_SIDE_PX, Face, _around, checked_frame, crop_faces, iou, similarity, warp
from emojimation.labels import EMOTIONS, label_set
from emojimation.photos import ImageResult

coordinate = st.floats(-500, 500, width=32)
length = st.floats(0, 300, width=32)
box = st.tuples(coordinate, coordinate, length, length).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])
boxes = st.lists(box, min_size=1, max_size=6).map(lambda rows: np.array(rows, np.float64))


def picture(height: int, width: int) -> np.ndarray:
    """Smooth coloured structure without symmetry: every shift, turn or mirroring changes it."""
    noise = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def face_at(matrix: np.ndarray, size: int = 48) -> Face:
    """A face whose landmarks are the template's, in a crop of `size`, mapped by a (2,3) matrix."""
    landmarks = (TEMPLATE * size) @ matrix[:, :2].T + matrix[:, 2]
    return Face(xyxy=np.zeros(4, np.float32), score=1.0, landmarks=landmarks.astype(np.float32))


def turn(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])


@settings(max_examples=40)
@given(boxes, boxes)
def test_iou_is_symmetric_and_bounded(a, b):
    overlap = iou(a, b)
    assert overlap.shape == (len(a), len(b))
    assert (overlap >= 0).all() and (overlap <= 1 + 1e-9).all()
    np.testing.assert_allclose(overlap, iou(b, a).T)


@settings(max_examples=40)
@given(boxes, coordinate, coordinate)
def test_iou_of_a_box_with_itself_is_one_wherever_it_lies(a, dx, dy):
    solid = (a[:, 2] - a[:, 0] > 0.1) & (a[:, 3] - a[:, 1] > 0.1)
    a = a[solid]
    np.testing.assert_allclose(np.diag(iou(a, a)), 1)
    shift = np.array([dx, dy, dx, dy])
    np.testing.assert_allclose(iou(a + shift, a[::-1] + shift), iou(a, a[::-1]), atol=1e-6)


def test_iou_of_known_boxes():
    a = np.array([[0, 0, 10, 10]], float)
    b = np.array([[5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]], float)
    np.testing.assert_allclose(iou(a, b), [[1 / 3, 0, 0.04]])


@given(
    st.floats(-179, 179), st.floats(0.05, 20), st.tuples(coordinate, coordinate), st.integers(2, 8), st.integers(0, 99)
)
def test_similarity_recovers_a_known_transform(degrees, scale, shift, count, seed):
    points = np.random.default_rng(seed).uniform(-100, 100, (count, 2))
    matrix = turn(degrees, scale, shift)
    np.testing.assert_allclose(similarity(points, points @ matrix[:, :2].T + matrix[:, 2]), matrix, atol=1e-5)


@given(st.integers(0, 99))
def test_similarity_never_mirrors_and_keeps_shape(seed):
    source, target = np.random.default_rng(seed).uniform(-50, 50, (2, 5, 2))
    (a, b), (c, d) = similarity(source, target)[:, :2]
    assert a == pytest.approx(d) and b == pytest.approx(-c)
    assert a * d - b * c >= 0


def test_similarity_of_points_that_coincide_is_finite():
    assert np.isfinite(similarity(np.ones((5, 2)), TEMPLATE)).all()


def test_template_is_mirror_symmetric_because_training_flips_images():
    mirrored = np.stack([1 - TEMPLATE[:, 0], TEMPLATE[:, 1]], axis=1)[[1, 0, 2, 4, 3]]
    np.testing.assert_allclose(mirrored, TEMPLATE, atol=1e-3)
    assert TEMPLATE[0, 0] < TEMPLATE[1, 0], "the right eye is on the viewer's left"


def test_an_image_in_the_template_s_place_is_its_own_crop():
    frame = picture(48, 48)
    crops = crop_faces(frame, [face_at(turn(0, 1, (0, 0)))], channels=3)
    np.testing.assert_array_equal(crops[0], frame)


@pytest.mark.parametrize("degrees", [-40, 0, 20, 40, 90])
@pytest.mark.parametrize("scale", [0.7, 1.5, 2, 3.7, 12])
def test_crop_undoes_roll_scale_and_shift(degrees, scale):
    template_picture = cv2.GaussianBlur(picture(48, 48), (0, 0), 2)
    matrix = turn(degrees, scale, (620.3, 610.7))
    centred = matrix.copy()
    centred[:, 2] += centred[:, :2] @ (0.5, 0.5) - 0.5
    frame = cv2.warpAffine(template_picture, centred, (1300, 1300), flags=cv2.INTER_CUBIC)
    crop = crop_faces(frame, [face_at(matrix)], channels=3)[0]
    inner = np.s_[3:-3, 3:-3]
    error = np.abs(crop.astype(int) - template_picture)[inner].mean()
    assert error < (6 if scale < 1 else 2), error


def test_crop_does_not_alias_fine_stripes():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    for scale in (1.6, 2.9, 5.3):
        crop = crop_faces(stripes, [face_at(turn(0, scale, (40, 40)))])
        assert crop.astype(int).max() - crop.min() < 100, "stripes of one pixel must melt into grey"
        assert abs(crop.mean() - 127.5) < 4


def test_box_without_landmarks_is_cropped_as_the_square_around_its_centre():
    frame = picture(96, 96)
    crop = crop_faces(frame, [Face(xyxy=np.array([24, 16, 72, 64], np.float32), score=1.0)], channels=3)[0]
    np.testing.assert_array_equal(crop, frame[16:64, 24:72])
    flat = Face(xyxy=np.array([24, 30, 72, 50], np.float32), score=1.0)
    np.testing.assert_array_equal(crop_faces(frame, [flat], channels=3)[0], frame[16:64, 24:72])


def test_beyond_the_border_the_edge_is_repeated():
    frame = np.full((40, 40, 3), 90, np.uint8)
    frame[:, :4] = 200
    crop = crop_faces(frame, [Face(xyxy=np.array([-24, 0, 24, 48], np.float32), score=1.0)])[0, ..., 0]
    assert (crop[:, :24] == 200).all(), "left of the frame: the frame's first column"
    assert (crop[:, 30:] == 90).all()


def test_crop_shapes_and_channels():
    frame = picture(64, 80)
    faces = [face_at(turn(0, 1, (5, 5))), Face(xyxy=np.array([0, 0, 30, 30], np.float32), score=1.0)]
    assert crop_faces(frame, faces).shape == (2, 48, 48, 1)
    assert crop_faces(frame, faces, size=64, channels=3).shape == (2, 64, 64, 3)
    assert crop_faces(frame, []).shape == (0, 48, 48, 1)
    assert crop_faces(frame, faces).dtype == np.uint8
    grey = cv2.cvtColor(crop_faces(frame, faces, channels=3)[0], cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(crop_faces(frame, faces)[0, ..., 0], grey)


def test_face_before_and_after_classification():
    face = Face(xyxy=np.array([1, 2, 31, 22], np.float32), score=0.9)
    assert (face.emotion, face.confidence, face.certain, face.emoji) == ("", 0.0, False, "")
    assert (face.words, face.ranked(), face.certainty, face.seven()) == ("", [], "not sure", None)
    assert face.size_px == 30 and face.roll_deg == 0
    for index, name in enumerate(EMOTIONS):
        sure = face.with_(probabilities=np.where(np.arange(7) == index, 0.7, 0.05).astype(np.float32))
        assert sure.emotion == name and sure.certain and sure.confidence == pytest.approx(0.7)
        leaning = sure.with_(threshold=0.8)
        assert leaning.emoji == sure.emoji != "🤔" and not leaning.certain and leaning.words.startswith(f"{name} or ")
        assert sure == sure.with_() and sure != leaning and sure != face and face == face.with_()


def test_roll_follows_the_eyes():
    assert face_at(turn(25, 3, (0, 0))).roll_deg == pytest.approx(25, abs=1e-3)


def test_to_dict_is_plain_json():
    face = face_at(turn(10, 2, (30, 40))).with_(probabilities=np.full(7, 1 / 7, np.float32), track_id=4)
    row = json.loads(json.dumps(face.to_dict()))
    assert list(row) == [
        "xyxy",
        "score",
        "landmarks",
        "emotion",
        "confidence",
        "certain",
        "certainty",
        "words",
        "emoji",
        "probabilities",
        "track_id",
    ]
    assert list(row["probabilities"]) == list(EMOTIONS) and len(row["landmarks"]) == 5 and row["track_id"] == 4


# --- the crop, measured -------------------------------------------------------------------------------------------


def slope(side: int = 250) -> np.ndarray:
    """A frame whose blue is x, green y and red x + y over two, in pixels from the centre of the first."""
    y, x = np.mgrid[:side, :side].astype(float)
    return np.round(np.stack([x, y, (x + y) / 2], axis=-1)).astype(np.uint8)


def places(matrix: np.ndarray, size: int) -> np.ndarray:
    """(size,size,2): where the centre of each pixel of a crop lies in the frame."""
    centres = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1) + 0.5
    return centres @ matrix[:, :2].T + matrix[:, 2]


@settings(max_examples=30)
@given(st.floats(-180, 180), st.floats(0.4, 4.5), st.floats(-9, 9), st.floats(-9, 9), st.sampled_from([32, 48]))
def test_every_pixel_of_a_crop_comes_from_its_place(degrees, scale, dx, dy, size):
    """On an even slope the value tells the place, half a pixel off the corner, however much is averaged."""
    matrix = turn(degrees, scale, (0, 0))
    matrix[:, 2] = np.array([125 + dx, 125 + dy]) - matrix[:, :2] @ (size / 2, size / 2)
    crop = crop_faces(slope(), [face_at(matrix, size)], size, channels=3)[0]
    x, y = np.moveaxis(places(matrix, size) - 0.5, -1, 0)
    inside = (x > 6) & (y > 6) & (x < 243) & (y < 243)
    error = np.abs(crop - np.stack([x, y, (x + y) / 2], axis=-1))[inside]
    assert error.max() <= 1.1, "half a level for rounding, half for fixed-point places"


@settings(max_examples=8)
@given(st.floats(-180, 180), st.floats(1, 6), st.tuples(st.floats(150, 250), st.floats(150, 250)))
def test_marks_at_the_landmarks_land_on_the_template(degrees, scale, middle):
    matrix = turn(degrees, scale, (0, 0))
    matrix[:, 2] = np.array(middle) - matrix[:, :2] @ (24, 24)
    face = face_at(matrix)
    for mark, target in zip(face.landmarks, TEMPLATE * 48, strict=True):
        y, x = np.mgrid[:400, :400] + 0.5
        dot = 255 * np.exp(-((x - mark[0]) ** 2 + (y - mark[1]) ** 2) / 2 / (2 * scale) ** 2)
        crop = crop_faces(np.repeat(dot.astype(np.uint8)[..., None], 3, axis=2), [face])[0, ..., 0].astype(float)
        crop[crop < 40] = 0
        rows, columns = np.mgrid[:48, :48] + 0.5
        found = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
        np.testing.assert_allclose(found, target, atol=0.15)


@pytest.mark.parametrize("side", [48, 100, 384])
def test_a_large_face_is_averaged_over_all_its_pixels(side):
    """Up to eight times the crop's size no pixel is left out: noise calms down as the mean over each area does."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 1), np.uint8).repeat(3, axis=2)
    crop = crop_faces(noise, [Face(np.array([0, 0, side, side], np.float32), 1.0)])[0, ..., 0]
    exact = cv2.resize(noise[..., 0], (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(crop.astype(int) - exact).mean() < (1 if side % 48 == 0 else 12)
    assert crop.std() == pytest.approx(exact.std(), rel=0.25)


def test_samples_further_apart_lie_in_the_same_places():
    """How far the samples are from each other changes what is averaged, not where a pixel comes from."""
    matrix = similarity(face_at(turn(15, 3, (40, 40))).landmarks, TEMPLATE * 48)
    fine, coarse = (warp(slope(), matrix, 48, step_px).astype(int) for step_px in (1, 2.5))
    assert np.abs(fine - coarse).max() <= 1
    noise = np.random.default_rng(0).integers(0, 256, (250, 250, 3), np.uint8)
    calm, rough = (warp(noise, matrix, 48, step_px).std() for step_px in (1, 4))
    assert rough > 1.5 * calm


@settings(max_examples=60)
@given(st.floats(-180, 180), st.floats(0.5, 2.4), st.tuples(st.floats(-20, 520), st.floats(-20, 100)), st.booleans())
def test_a_frame_too_long_for_the_warp_gives_the_same_crop(degrees, scale, middle, upright):
    """With the limit at 180 pixels instead of 32766; only the part around the face is warped, edges are repeated."""
    matrix = turn(degrees, scale, (0, 0))
    matrix[:, 2] = np.array(middle if not upright else middle[::-1]) - matrix[:, :2] @ (24, 24)
    frame = picture(80, 504) if not upright else picture(504, 80)
    whole = crop_faces(frame, [face_at(matrix)], channels=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emojimation.faces.WARP_SIDE_PX", 180)
        part = crop_faces(frame, [face_at(matrix)], channels=3)
    assert np.abs(part.astype(int) - whole).max() <= 4


@pytest.mark.parametrize("limit", [70, 100, 150])
def test_a_face_too_long_for_the_warp_is_thinned_out_in_its_place(limit, monkeypatch):
    matrix = turn(20, 5, (60, 10))
    whole = crop_faces(slope(), [face_at(matrix)], channels=3)
    monkeypatch.setattr("emojimation.faces.WARP_SIDE_PX", limit)
    part = crop_faces(slope(), [face_at(matrix)], channels=3)
    assert np.abs(part.astype(int) - whole).max() <= 4
    for frame in (slope(), slope()[100:160], slope()[:, 100:160]):
        shown, _ = _around(frame, similarity(face_at(matrix).landmarks, TEMPLATE * 48), 48)
        assert limit / 2 < max(shown.shape[:2]) <= limit or max(frame.shape[:2]) <= limit


@pytest.mark.parametrize("middle", [(-200, 40), (900, 40), (250, -300), (250, 400)])
def test_a_face_outside_a_long_frame_is_the_frame_s_edge(middle, monkeypatch):
    matrix = turn(0, 1, (middle[0] - 24, middle[1] - 24))
    whole = crop_faces(picture(80, 504), [face_at(matrix)], channels=3)
    monkeypatch.setattr("emojimation.faces.WARP_SIDE_PX", 180)
    np.testing.assert_array_equal(crop_faces(picture(80, 504), [face_at(matrix)], channels=3), whole)


@pytest.mark.parametrize("upright", [False, True])
def test_a_face_at_the_end_of_a_frame_that_opencv_refuses(upright):
    small = picture(64, 64)
    long = np.zeros((64, 33_000, 3), np.uint8)
    long[:, -64:] = small if not upright else small.transpose(1, 0, 2)
    frame = long if not upright else long.transpose(1, 0, 2).copy()
    shift = (32_936, 0) if not upright else (0, 32_936)
    crop = crop_faces(frame, [face_at(turn(0, 1, (shift[0] + 8, shift[1] + 8)))], channels=3)
    np.testing.assert_array_equal(crop[0], small[8:56, 8:56])


def test_the_warp_s_limit_is_opencv_s():
    """A frame as long as the limit is warped as it is; OpenCV refuses the next but one."""
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    cv2.warpAffine(np.zeros((1, WARP_SIDE_PX, 3), np.uint8), matrix, (8, 8))
    with pytest.raises(cv2.error):
        cv2.warpAffine(np.zeros((1, WARP_SIDE_PX + 2, 3), np.uint8), matrix, (8, 8))


def test_boxes_without_area_overlap_nothing():
    a = np.array([[5, 5, 5, 20], [0, 0, 10, 10], [8, 8, 2, 2]], float)
    np.testing.assert_array_equal(iou(a, a), [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert iou(np.zeros((0, 4)), a).shape == (0, 3)


def test_similarity_is_the_nearest_of_all():
    """No turn, scale or shift of the answer comes nearer, and a rotation about the middle leaves the middle."""
    source, target = np.random.default_rng(1).uniform(-50, 50, (2, 5, 2))
    best = similarity(source, target)

    def distance(matrix):
        return ((source @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum()

    for degrees, scale, dx, dy in np.random.default_rng(2).normal(0, 1, (50, 4)):
        other = turn(degrees, 1 + scale / 100, (dx / 10, dy / 10))
        moved = np.hstack([other[:, :2] @ best[:, :2], (other[:, :2] @ best[:, 2] + other[:, 2])[:, None]])
        assert distance(moved) > distance(best)
    np.testing.assert_allclose(best[:, :2] @ source.mean(axis=0) + best[:, 2], target.mean(axis=0))


def test_the_border_between_certain_and_not_sure_is_certain():
    p = np.array([0.5, 0.5, 0, 0, 0, 0, 0], np.float32)
    face = Face(np.array([0, 0, 10, 40], np.float32), 0.9, probabilities=p)
    assert face.certain and face.emotion == EMOTIONS[0] and face.size_px == 40
    assert not face.with_(probabilities=np.array([0.49, 0.51 / 2, 0.51 / 2, 0, 0, 0, 0], np.float32)).certain


def test_to_dict_rounds_pixels_to_hundredths_and_shares_to_ten_thousandths():
    p = np.array([0.123456, 0.876544, 0, 0, 0, 0, 0], np.float32)
    row = Face(np.array([1.23456, 2, 3, 4.98765], np.float32), 0.987654, TEMPLATE * 10 / 3, p).to_dict()
    assert row["xyxy"] == [1.23, 2, 3, 4.99] and row["score"] == 0.9877 and row["landmarks"][0] == [1.04, 1.29]
    assert row["confidence"] == 0.8765 and row["probabilities"]["angry"] == 0.1235 and row["track_id"] is None


def test_faces_are_equal_if_all_their_values_are(monkeypatch):
    monkeypatch.setitem(ATTRIBUTES, "pose", Attribute("pose", ("yaw", "pitch")))
    pose = np.array([1.234567, np.nan], np.float32)
    face, same = (face_at(turn(10, 2, (30, 40))).with_(attributes={"pose": pose.copy()}) for _ in range(2))
    assert face == same and face != face.with_(landmarks=None) and face != 3
    assert face.with_(landmarks=None) == same.with_(landmarks=None)
    for change in ({"score": 0.5}, {"track_id": 2}, {"attributes": {}}, {"attributes": {"pose": pose + 1}}):
        assert face != face.with_(**change)
    assert face.to_dict()["attributes"] == {"pose": {"yaw": 1.2346, "pitch": None}}


def test_the_emotions_of_other_classes_are_summed():
    """Two of three classes are emotions: the third counts as neutral; a model without emotions has none."""
    face = Face(np.zeros(4, np.float32), 1.0, probabilities=np.array([0.5, 0.3, 0.2], np.float32))
    seven = face.with_(labels=label_set(("happy", "contempt", "sad"))).seven()
    expected = [{"happy": 0.5, "neutral": 0.3, "sad": 0.2}.get(name, 0.0) for name in EMOTIONS]
    assert seven == pytest.approx(expected)
    assert face.with_(labels=label_set(("x", "y", "z"))).seven() is None
    assert Face(np.zeros(4, np.float32), 1.0).seven() is None


def test_a_face_reads_well_in_a_console_and_in_a_notebook():
    face = Face(xyxy=np.array([1, 2, 31, 22], np.float32), score=0.9)
    assert repr(face) == "Face(xyxy=[1, 2, 31, 22], score=0.90)"
    named = face.with_(probabilities=np.eye(2, dtype=np.float32)[1], labels=label_set(("a", "<b>")), track_id=7)
    assert repr(named) == "Face(● <b> 100%, xyxy=[1, 2, 31, 22], score=0.90, track_id=7)"
    assert "&lt;b&gt;" in named._repr_html_() and "<td><b>" not in named._repr_html_()
    assert named._repr_html_().count("<meter") == 2 and "not classified" in face._repr_html_()
    shown = ImageResult("<a>.jpg", (9, 9), (named, face), ("no face found",))._repr_html_()
    assert "&lt;a&gt;.jpg" in shown and "no face found" in shown and shown.count("<table>") == 2


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (10, 10, 1), (0, 10, 3), (2, 10, 10, 3)])
def test_a_frame_has_three_axes_three_channels_and_pixels(shape):
    with pytest.raises(InputError, match="got shape"):
        checked_frame(np.zeros(shape, np.uint8))
    assert checked_frame(np.zeros((10, 10, 3), np.uint8)).shape == (10, 10, 3)
