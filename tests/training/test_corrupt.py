import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.training.data import corrupt
from stripes import stripes

IMAGES = stripes(28).images
EVERY = [(name, s) for name, kind in corrupt.CORRUPTIONS.items() for s in range(1, len(kind.values) + 1)]


def change(name: str, severity: int) -> float:
    """Mean absolute change of a grey level."""
    return float(np.abs(corrupt.corrupt(IMAGES, name, severity).astype(float) - IMAGES).mean())


@pytest.mark.parametrize(("name", "severity"), EVERY)
def test_a_degraded_copy_keeps_shape_and_source_and_repeats(name: str, severity: int) -> None:
    before = IMAGES.copy()
    spoilt = corrupt.corrupt(IMAGES, name, severity, seed=5)
    assert spoilt.shape == IMAGES.shape and spoilt.dtype == np.uint8
    assert np.array_equal(IMAGES, before) and (spoilt != IMAGES).any()
    np.testing.assert_array_equal(spoilt, corrupt.corrupt(IMAGES, name, severity, seed=5))


@pytest.mark.parametrize("name", [name for name in corrupt.CORRUPTIONS if name not in ("rotation", "shift")])
def test_each_severity_spoils_more_than_the_one_before(name: str) -> None:
    changes = [change(name, s) for s in range(1, len(corrupt.CORRUPTIONS[name].values) + 1)]
    assert changes == sorted(changes) and changes[0] > 0


def test_what_the_parameters_say_is_what_happens() -> None:
    grey = np.full((40, 48, 48), 100, np.uint8)
    assert np.unique(corrupt.corrupt(grey, "darkness", 2)).tolist() == [15]
    assert np.unique(corrupt.corrupt(grey, "overexposure", 3)).tolist() == [255]
    assert corrupt.corrupt(grey, "noise", 1).std() == pytest.approx(8, rel=0.05)
    covered = corrupt.corrupt(grey, "occlusion", 1) != 100
    assert all(n in (0, 12 * 12) for n in covered.sum((1, 2)))
    dot = np.zeros((60, 48, 48), np.uint8)
    dot[:, 23:26, 23:26] = 255
    y, x = np.mgrid[:48, :48] - 24
    moved = corrupt.corrupt(dot, "shift", 2).astype(float)
    centres = np.stack([(moved * axis).sum((1, 2)) for axis in (x, y)]) / moved.sum((1, 2))
    np.testing.assert_allclose(np.hypot(*centres), 6, atol=0.2)


def test_rotation_turns_both_ways_by_its_angle() -> None:
    bar = np.zeros((40, 48, 48), np.uint8)
    bar[:, 22:26, 4:44] = 255
    turned = corrupt.corrupt(bar, "rotation", 2) > 127
    angles = []
    for picture in turned:
        y, x = np.nonzero(picture)
        angles.append(np.degrees(np.arctan(np.polyfit(x, y, 1)[0])))
    np.testing.assert_allclose(np.abs(angles), 30, atol=2)
    assert min(angles) < 0 < max(angles)


def test_the_table_is_the_mean_of_means() -> None:
    labels = stripes(28).labels

    def dark_blind(images: np.ndarray) -> np.ndarray:
        """Knows every answer, but not in the dark."""
        ids = labels if images.mean() > 60 else np.full(len(images), -1)
        return np.eye(7)[ids]

    rows = list(corrupt.measure(dark_blind, IMAGES, labels))
    table = corrupt.table(rows, 1.0, len(IMAGES))
    assert len(rows) == corrupt.steps() == 26
    assert table["means"]["darkness"] == pytest.approx((labels == 6).mean())
    assert all(mean == 1 for name, mean in table["means"].items() if name != "darkness")
    assert table["mean_accuracy"] == table["ratio"] == pytest.approx((8 + table["means"]["darkness"]) / 9)


def test_unknown_corruptions_and_severities_are_reported() -> None:
    with pytest.raises(InputError, match="among blur, darkness"):
        corrupt.corrupt(IMAGES, "fog", 1)
    with pytest.raises(InputError, match="from 1 to 2 for rotation"):
        corrupt.corrupt(IMAGES, "rotation", 3)
