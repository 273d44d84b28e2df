import numpy as np
import pytest

from conftest import FACELESS, SAMPLES
from emojimation.classify.classifier import EmotionClassifier
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import EMOTIONS
from emojimation.media import read_image
from emojimation.pipeline import make_pipeline


def two_faces(frame):
    """A detector that sees a face in the left and in the right half of any frame."""
    height, width = frame.shape[:2]
    boxes = np.array([[0, 0, width / 2, height], [width / 2, 0, width, height]], np.float32)
    return [Face(box, score=0.9 - i / 10) for i, box in enumerate(boxes)]


def half_bright(height=100, width=200):
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, width // 2 :] = 255
    return frame


class Counter:
    """A tracker that numbers the faces and remembers what it was given."""

    def __init__(self):
        self.seen = []

    def update(self, faces, time_s):
        self.seen.append((time_s, [face.probabilities is not None for face in faces]))
        return [face.with_(track_id=i) for i, face in enumerate(faces)]


def test_every_face_gets_the_answer_of_its_own_pixels(tiny_model):
    dark, bright = make_pipeline(tiny_model, two_faces)(half_bright())
    assert (dark.emotion, bright.emotion) == ("sad", "happy")
    assert (dark.score, bright.score) == (0.9, 0.8)
    assert dark.threshold == 0.6 and dark.track_id is None


def test_all_faces_are_classified_in_one_batch(tiny_model, monkeypatch):
    shapes, predict = [], EmotionClassifier.predict
    monkeypatch.setattr(EmotionClassifier, "predict", lambda self, c: shapes.append(c.shape) or predict(self, c))
    make_pipeline(tiny_model, two_faces)(half_bright())
    assert shapes == [(2, 48, 48, 1)]


def test_the_tracker_comes_last_and_gets_the_time(tiny_model):
    tracker = Counter()
    faces = make_pipeline(tiny_model, two_faces, tracker)(half_bright(), time_s=1.5)
    assert tracker.seen == [(1.5, [True, True])]
    assert [face.track_id for face in faces] == [0, 1]


def test_the_tracker_also_hears_of_frames_without_a_face(tiny_model):
    tracker = Counter()
    assert make_pipeline(tiny_model, lambda frame: [], tracker)(half_bright(), time_s=2.0) == []
    assert tracker.seen == [(2.0, [])]


def test_the_threshold_can_be_chosen(tiny_model):
    faces = make_pipeline(tiny_model, two_faces, threshold=1.0)(half_bright())
    assert [face.certain for face in faces] == [False, False]


def test_a_real_photo(model, astronaut):
    (face,) = make_pipeline(model)(astronaut)
    left, top, right, bottom = face.xyxy
    assert left < 224 < right and top < 115 < bottom  # the tip of her nose
    assert face.landmarks.shape == (5, 2) and face.score > 0.7
    assert face.probabilities.shape == (7,) and face.probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert face.emotion == "happy"


@pytest.mark.parametrize("name", sorted(path.name for path in FACELESS.glob("*.jpg")))
def test_no_face_in_images_of_other_things(model, name):
    assert make_pipeline(model)(read_image(FACELESS / name).frame) == []


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.jpg")))
def test_one_face_in_every_sample_portrait(model, name):
    faces = make_pipeline(model)(read_image(SAMPLES / name).frame)
    assert len(faces) >= 1 and all(face.probabilities is not None for face in faces)


def test_a_crop_is_classified_pixel_for_pixel(tiny_model):
    """`cropped` on a grey 48 x 48 image gives what `predict` gives on its pixels: no resampling in between."""
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    pipeline = make_pipeline(tiny_model, prior="fer2013")
    (face,) = pipeline.cropped(np.repeat(crop[..., None], 3, 2))
    np.testing.assert_array_equal(face.probabilities, pipeline.classifier.predict(crop[None])[0])
    np.testing.assert_array_equal(face.xyxy, [0, 0, 48, 48])


@pytest.mark.parametrize("height_width", [(1, 1), (48, 48), (96, 96), (300, 200)])
def test_a_crop_may_have_any_size(tiny_model, height_width):
    (face,) = make_pipeline(tiny_model).cropped(np.full((*height_width, 3), 255, np.uint8))
    assert face.emotion == "happy"


def test_haar_is_there_as_a_fallback(model, astronaut):
    faces = make_pipeline(model, detector="haar")(astronaut)
    assert any(face.xyxy[0] < 224 < face.xyxy[2] and face.xyxy[1] < 115 < face.xyxy[3] for face in faces)
    assert all(face.probabilities is not None for face in faces)


def test_a_very_wide_image(model, astronaut):
    """OpenCV's warp takes no side above 32,766 pixels; a panorama has them."""
    wide = np.zeros((512, 33_000, 3), np.uint8)
    wide[:, -512:] = astronaut
    (face,) = make_pipeline(model)(astronaut)
    shift = np.array([33_000 - 512, 0], np.float32)
    moved = face.with_(xyxy=face.xyxy + np.tile(shift, 2), landmarks=face.landmarks + shift)
    (same,) = make_pipeline(model, lambda frame: [moved])(wide)
    np.testing.assert_allclose(same.probabilities, face.probabilities, atol=0.01)
    (face,) = make_pipeline(model)(wide)  # 0.3 % of the width
    assert face.xyxy[0] > wide.shape[1] / 2
    assert make_pipeline(model).cropped(wide)[0].emotion in EMOTIONS


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.zeros((10, 10), np.uint8), r"\(10, 10\)"),
        (np.zeros((10, 10, 4), np.uint8), r"\(10, 10, 4\)"),
        (np.zeros((0, 10, 3), np.uint8), r"\(0, 10, 3\)"),
        (np.zeros((10, 10, 3), np.float32), "float32"),
        (np.full((10, 10, 3), np.nan), "NaN"),
        (np.zeros((10, 10, 3), np.uint16), "uint16"),
        ("photo.jpg", "str"),
        (None, "NoneType"),
    ],
)
def test_other_frames_are_refused(tiny_model, frame, words):
    pipeline = make_pipeline(tiny_model)
    for call in (pipeline, pipeline.cropped):
        with pytest.raises(InputError, match=words):
            call(frame)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detector": "mtcnn"}, "mtcnn"),
        ({"detector": "haar", "min_score": 0.4}, "min_score"),
        ({"detector": "haar", "tiles": True}, "tiles"),
        ({"min_score": 1.5}, "1.5"),
        ({"threshold": -0.1}, "threshold"),
        ({"threads": 0}, "thread"),
        ({"detector_model": "nowhere.onnx"}, "nowhere.onnx"),
        ({"detector_model": 5}, "a model's name or path, got 5"),
        ({"tiles": True, "search": "fast"}, "got both"),
        ({"min_score": "0.5"}, "both excluded"),
        ({"threshold": "0.5"}, "threshold"),
        ({"threads": 1.5}, "threads, got 1.5"),
        ({"measures": "pose"}, "a list of measures"),
        ({"measures": 3}, "a list of measures"),
        ({"prior": {"happy": 1}}, "a prior of 7 numbers"),
    ],
)
def test_other_options_are_refused(tiny_model, options, words):
    with pytest.raises(InputError, match=words):
        make_pipeline(tiny_model, **options)


@pytest.mark.parametrize("model", [None, 5])
def test_a_model_of_another_type_is_refused(model):
    with pytest.raises(InputError, match=f"a model's name or path, got {model}"):
        make_pipeline(model)
