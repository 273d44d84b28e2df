"""Boxes, similarity transforms, crops and the face record."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emojimation.faces import TEMPLATE, Face, crop_faces, iou, similarity
from emojimation.labels import EMOTIONS

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


@given(boxes, boxes)
def test_iou_is_symmetric_and_bounded(a, b):
    overlap = iou(a, b)
    assert overlap.shape == (len(a), len(b))
    assert (overlap >= 0).all() and (overlap <= 1 + 1e-9).all()
    np.testing.assert_allclose(overlap, iou(b, a).T)


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


def test_template_is_mirror_symmetric_because_training_flips_pictures():
    mirrored = np.stack([1 - TEMPLATE[:, 0], TEMPLATE[:, 1]], axis=1)[[1, 0, 2, 4, 3]]
    np.testing.assert_allclose(mirrored, TEMPLATE, atol=1e-3)
    assert TEMPLATE[0, 0] < TEMPLATE[1, 0], "the right eye is on the viewer's left"


def test_a_picture_in_the_template_s_place_is_its_own_crop():
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
