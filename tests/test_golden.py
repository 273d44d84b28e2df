"""Crops of real portraits stay what they were, and the template has the shape of real faces."""

import cv2
import numpy as np
import pytest

from emojimation.faces import TEMPLATE, similarity
from golden import LANDMARKS, PICTURE, crops


def test_crops_of_the_portraits_are_the_kept_ones() -> None:
    """Two grey levels are for JPEG decoders and resampling of other versions."""
    kept = cv2.imread(str(PICTURE), cv2.IMREAD_GRAYSCALE)
    error = np.abs(crops().astype(int) - kept)
    assert error.max() <= 2, f"crops differ by up to {error.max()} grey levels at {np.argwhere(error > 2)[:3].tolist()}"


@pytest.mark.parametrize("name", LANDMARKS)
def test_real_faces_fit_the_template(name: str) -> None:
    """Each landmark of an upright portrait comes to lie within 4 % of the crop's side from its place."""
    landmarks = np.array(LANDMARKS[name], float)
    matrix = similarity(landmarks, TEMPLATE)
    assert np.abs(landmarks @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE).max() < 0.04
