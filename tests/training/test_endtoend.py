import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.training.judge import compare, endtoend
from stripes import stripes

DATA = stripes(42)
EDGE = (endtoend.FRAME_PX - endtoend.PICTURE_PX) / 2


class Bright:
    """Says the class that the brightness of the image's middle tells."""

    size, channels, template = 48, 1, TEMPLATE

    def predict(self, crops: np.ndarray) -> np.ndarray:
        middle = crops.reshape(len(crops), 48, 48)[:, 20:28, 20:28].mean((1, 2))
        return np.eye(7, dtype=np.float32)[np.clip(middle // 36, 0, 6).astype(int)]


def flat() -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(21) % 7
    return np.full((21, 48, 48), 18, np.uint8) + (36 * labels[:, None, None]).astype(np.uint8), labels


def where_the_picture_is(frame: np.ndarray) -> list[Face]:
    """A detector that finds the images by their place, and a small face beside."""
    box = np.array([EDGE, EDGE, EDGE + 192, EDGE + 192], np.float32)
    landmarks = (TEMPLATE * endtoend.PICTURE_PX + EDGE).astype(np.float32)
    small = Face(np.array([0, 0, 20, 20], np.float32), 0.99)
    return [small, Face(box, 0.9, landmarks)]


def blind_to_light(frame: np.ndarray) -> list[Face]:
    """The same, but it finds nothing in the brightest images."""
    return where_the_picture_is(frame) if frame[120, 120, 0] < 220 else []


def test_the_image_comes_back_out_of_its_frame() -> None:
    images = DATA.images
    crops, found = endtoend.found_crops(where_the_picture_is, images, 48, TEMPLATE)
    assert found.all() and crops.shape == (42, 48, 48, 1)
    assert np.abs(crops[..., 0].astype(float) - images).mean() < 12
    assert np.corrcoef(crops[..., 0].ravel(), images.ravel())[0, 1] > 0.98


def test_misses_are_counted_and_count_as_wrong() -> None:
    images, labels = flat()
    scores = endtoend.end_to_end(Bright(), blind_to_light, images, labels)
    assert scores["n"] == 21 and scores["missed"] == 3
    assert scores["accuracy_of_found"] == scores["accuracy_direct_of_found"] == 1.0
    assert scores["accuracy_all"] == pytest.approx(18 / 21)


def test_no_face_anywhere_is_reported() -> None:
    with pytest.raises(InputError, match="got none"):
        endtoend.end_to_end(Bright(), lambda frame: [], *flat())


def test_models_are_compared_in_pairs() -> None:
    labels = np.arange(10)
    answers = {"all": labels, "none": labels + 1, "some": np.where(labels < 6, labels, 99)}
    pairs = compare.compare(answers, labels)
    assert [(p["a"], p["b"]) for p in pairs] == [("all", "none"), ("all", "some"), ("none", "some")]
    assert (pairs[1]["only_a_right"], pairs[1]["only_b_right"]) == (4, 0)
    assert pairs[1]["p"] == pytest.approx(2 / 2**4)
