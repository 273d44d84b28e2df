import numpy as np
import pytest

from emojimation.training.augment import NONE, Augmentation, affine_matrices, augment, erase

IMAGES = np.random.default_rng(1).integers(0, 256, (16, 48, 48), dtype=np.uint8)
ALL = Augmentation(shear_deg=5, camera=1.0, erase=1.0)


def test_same_seed_same_pictures() -> None:
    first, again = (augment(IMAGES, ALL, np.random.default_rng(5)) for _ in range(2))
    assert (first == again).all()
    assert (first != augment(IMAGES, ALL, np.random.default_rng(6))).any()
    assert first.shape == IMAGES.shape and first.dtype == np.uint8


def test_nothing_asked_nothing_changed() -> None:
    assert (augment(IMAGES, NONE, np.random.default_rng(0)) == IMAGES).all()


def test_flip_alone_gives_the_picture_or_its_mirror_image() -> None:
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
