"""Good faces get no hint; each way of spoiling them gets its own."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

import emojimation
from emojimation.classify.quality import hints, measure
from emojimation.detect import FaceDetector
from emojimation.faces import TEMPLATE, Face

SAMPLES = Path(emojimation.__file__).parent / "assets" / "samples"
NAMES = ("astronaut", "biden", "obama", "obama2", "obama3")


@lru_cache(maxsize=8)
def seen(name: str) -> tuple[np.ndarray, Face]:
    frame = cv2.imread(str(SAMPLES / f"{name}.jpg"))
    return frame, FaceDetector()(frame)[0]


def gained(frame: np.ndarray, gain: float) -> np.ndarray:
    return np.clip(frame.astype(np.float32) * gain, 0, 255).astype(np.uint8)


def motion_blurred(frame: np.ndarray, length_px: int, angle_deg: float) -> np.ndarray:
    side = length_px | 1
    kernel = np.zeros((side, side), np.float32)
    kernel[side // 2] = 1
    kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((side // 2, side // 2), angle_deg, 1), (side, side))
    return cv2.filter2D(frame, -1, kernel / kernel.sum())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gain", [0.5, 1.0, 1.25])
def test_good_images_get_no_hint(name: str, gain: float) -> None:
    frame, face = seen(name)
    assert hints(gained(frame, gain), face) == ()


def test_a_group_gets_no_hint() -> None:
    frame = cv2.imread(str(SAMPLES / "group.jpg"))
    assert [hints(frame, face) for face in FaceDetector()(frame)] == [()] * 5


@pytest.mark.parametrize("name", NAMES)
def test_degraded_images_get_their_hint(name: str) -> None:
    frame, face = seen(name)
    size = face.size_px
    assert hints(gained(frame, 0.15), face) == ("too dark",)
    assert hints(gained(frame, 3.0), face) == ("overexposed",)
    assert hints(cv2.GaussianBlur(frame, (0, 0), 0.04 * size), face) == ("blurred",)


@pytest.mark.parametrize("angle", [0, 45, 90])
@pytest.mark.parametrize("name", NAMES)
def test_motion_is_blur_whatever_its_direction(name: str, angle: float) -> None:
    frame, face = seen(name)
    sharp = measure(frame, face).sharpness
    assert measure(motion_blurred(frame, int(0.15 * face.size_px), angle), face).sharpness < 0.1 * sharp


@pytest.mark.parametrize(("size", "expected"), [(26, ("too small",)), (48, ())])
def test_small_faces(size: int, expected: tuple[str, ...]) -> None:
    frame, face = seen("obama")
    zoom = size / face.size_px
    small = cv2.resize(frame, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    assert hints(small, face.with_(xyxy=face.xyxy * zoom, landmarks=face.landmarks * zoom)) == expected


def test_an_enlarged_small_face_is_called_blurred() -> None:
    frame, face = seen("obama3")
    small = cv2.resize(frame, None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA)
    assert hints(cv2.resize(small, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC), face) == ("blurred",)


@pytest.mark.parametrize("roll_deg", [0, 40])
def test_turned_heads(roll_deg: float) -> None:
    """The nose over one eye, whatever the roll; a nose in the middle is none."""
    turn = cv2.getRotationMatrix2D((50, 50), roll_deg, 1).astype(np.float32)
    frame = np.random.default_rng(0).integers(60, 200, (120, 120, 3), np.uint8)
    for nose_x, expected in ((0.5, 0.0), (0.69, 0.5), (0.31, -0.5)):
        marks = TEMPLATE.copy()
        marks[2, 0] = nose_x
        marks = (np.c_[marks * 100, np.ones(5)] @ turn.T).astype(np.float32)
        face = Face(np.array([0, 0, 100, 100], np.float32), 0.9, marks)
        assert measure(frame, face).turn == pytest.approx(expected, abs=0.01)
        assert ("turned away" in hints(frame, face)) == (expected != 0)


def test_without_landmarks_and_over_the_border() -> None:
    frame, face = seen("astronaut")
    assert hints(frame, face.with_(landmarks=None)) == ()
    corner = Face(np.array([-30, -30, 50, 50], np.float32), 0.9)
    assert np.isfinite(measure(frame, corner).sharpness)


def test_a_plain_surface_is_finite() -> None:
    face = Face(np.array([0, 0, 50, 50], np.float32), 0.9)
    assert hints(np.zeros((60, 60, 3), np.uint8), face) == ("too dark", "blurred")
