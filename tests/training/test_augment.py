from dataclasses import replace

import cv2
import numpy as np
import pytest

from emojimation.training.fit.augment import NONE, Augmentation, affine_matrices, augment, erase, poor_camera

IMAGES = np.random.default_rng(1).integers(0, 256, (16, 48, 48), dtype=np.uint8)
ALL = Augmentation(shear_deg=5, camera=1.0, erase=1.0)


def test_same_seed_same_images() -> None:
    first, again = (augment(IMAGES, ALL, np.random.default_rng(5)) for _ in range(2))
    assert (first == again).all()
    assert (first != augment(IMAGES, ALL, np.random.default_rng(6))).any()
    assert first.shape == IMAGES.shape and first.dtype == np.uint8


def test_nothing_asked_nothing_changed() -> None:
    assert (augment(IMAGES, NONE, np.random.default_rng(0)) == IMAGES).all()


ONE = {
    "flip": True,
    "shift_px": 3.0,
    "scale": 0.2,
    "rotation_deg": 20.0,
    "shear_deg": 15.0,
    "crop_px": 8.0,
    "light": 0.4,
    "camera": 1.0,
    "erase": 1.0,
}


@pytest.mark.parametrize("name", ONE)
def test_each_operation_works_alone(name: str) -> None:
    config = replace(NONE, erase_px=16, **{name: ONE[name]})
    out = augment(IMAGES, config, np.random.default_rng(3))
    changed = (out != IMAGES).reshape(len(IMAGES), -1).any(1)
    assert changed.mean() > (0.2 if name == "flip" else 0.9) and out.dtype == np.uint8
    assert (out == augment(IMAGES, config, np.random.default_rng(3))).all()


def test_a_crop_shows_a_window_that_lies_inside() -> None:
    """The corners of each result come from inside the image, and the window is up to 8 px smaller."""
    matrices = affine_matrices(500, (48, 48), replace(NONE, crop_px=8), np.random.default_rng(0))
    linear, shift = matrices[:, :, :2], matrices[:, :, 2]
    first = -np.linalg.solve(linear, shift[..., None])[..., 0]
    last = np.linalg.solve(linear, (47 - shift)[..., None])[..., 0]
    assert first.min() >= -1e-9 and last.max() <= 47 + 1e-9
    sides = (last - first)[:, 0]
    assert 39 - 1e-9 <= sides.min() < 39.3 and 46.7 < sides.max() <= 47 + 1e-9
    assert np.ptp(first[:, 0]) > 5 and np.ptp(first[:, 1]) > 5


def test_a_poor_camera_has_all_its_faults() -> None:
    """Blur, motion blur, noise, JPEG, overexposure, low resolution: each is drawn, and each changes the image."""
    smooth = cv2.resize(IMAGES[0, :8, :8], (48, 48), interpolation=cv2.INTER_CUBIC)

    class Drawn:
        def __init__(self, kind: int) -> None:
            self.kind, self.rng = kind, np.random.default_rng(0)

        def integers(self, low: int, *more: int) -> int:
            return self.kind if low == 6 and not more else self.rng.integers(low, *more)

        def __getattr__(self, name: str) -> object:
            return getattr(self.rng, name)

    results = [poor_camera(smooth, Drawn(kind)) for kind in range(6)]
    assert all(out.shape == smooth.shape and out.dtype == np.uint8 and (out != smooth).any() for out in results)
    assert len({out.tobytes() for out in results}) == 6


def test_flip_alone_gives_the_image_or_its_mirror_image() -> None:
    flipped = augment(IMAGES, Augmentation(True, 0, 0, 0, 0, 0, 0, 0), np.random.default_rng(0))
    kinds = {
        (out == image).all() * 1 + (out == image[:, ::-1]).all() * 2 for out, image in zip(flipped, IMAGES, strict=True)
    }
    assert kinds == {1, 2}


@pytest.mark.parametrize("degrees", [5.0, 20.0])
def test_affine_maps_stay_within_the_ranges(degrees: float) -> None:
    config = Augmentation(shift_px=3, scale=0.1, rotation_deg=degrees)
    matrices = affine_matrices(500, (48, 48), config, np.random.default_rng(0))
    centre = np.array([23.5, 23.5, 1])
    assert np.abs(matrices @ centre - 23.5).max() <= 3 + 1e-9
    scale = np.sqrt(np.abs(np.linalg.det(matrices[:, :, :2])))
    assert 0.9 - 1e-9 <= scale.min() < 0.92 and 1.08 < scale.max() <= 1.1 + 1e-9
    angle = np.degrees(np.arctan2(np.abs(matrices[:, 1, 0]), np.abs(matrices[:, 0, 0])))
    assert degrees * 0.9 < angle.max() <= degrees + 1e-6


def test_erasing_fills_one_rectangle() -> None:
    image = IMAGES[0].copy()
    erase(image, 16, np.random.default_rng(2))
    changed = np.argwhere(image != IMAGES[0])
    height, width = np.ptp(changed, axis=0) + 1
    assert 4 <= height <= 16 and 4 <= width <= 16
    assert len(changed) <= height * width
