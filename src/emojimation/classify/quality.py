"""Why the prediction for a face may be poor: too small, too dark, overexposed, blurred, turned away.

Every limit was set on the ten faces of the bundled samples, degraded step by step (darkened with sensor noise of 4 grey
levels, brightened until it clipped, Gaussian and linear motion blur, downscaled, turned on an ellipsoid): it lies where
the probabilities start to differ from those of the original face by more than 0.05 to 0.1 (mean total variation), and
no original face, not even at half its brightness, comes near it.
"""

from dataclasses import dataclass

import numpy as np

from emojimation.faces import Face, crop_faces

# Longer side of the box. At 32 px the probabilities differ by 0.05, at 24 by 0.07; at 20 the detector misses 2 of 10.
SMALL_PX = 32.0
# Mean grey of the crop, 0 to 255. Differences are 0.05 at 30, 0.09 at 18, 0.19 at 12; originals have 113 or more.
DARK = 30.0
# Share of the crop at 250 and above. Differences are 0.09 at a share of 0.35 and 0.20 at 0.46; originals up to 0.01.
OVEREXPOSED = 0.4
CLIPPED_FROM = 250
# See `_sharpness`; original faces have 0.05 or more. A Gaussian blur of 2.5 % of the face's size brings it to 0.004
# (a difference of 0.06), one of 2 % to 0.007 (0.05); motion over 10 % of the face's size to 0.007 (0.13), 15 % to 0.003
# (0.19).
BLURRED = 0.005
# Distance of the nose from the midpoint between the eyes, in eye distances; 0.35 is a turn of about 35 degrees, where
# differences reach 0.1 to 0.4. Original faces, some turned a little: up to 0.20.
TURNED = 0.35

CROP_PX = 64  # faces are measured at about the size that the classifier sees
INNER = 0.8  # the crop shows about this share of the box, so that a smaller face is not enlarged


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one face.

    size_px: longer side of its box. brightness: mean grey, 0 to 255. overexposed: share of clipped pixels, 0 to 1.
    sharpness: variance of the second derivative along the blurriest direction over the variance of the crop, from 0.
    turn: how far the nose is from the midpoint between the eyes, in eye distances, positive to the viewer's right; 0
    if the detector gives no landmarks.
    """

    size_px: float
    brightness: float
    overexposed: float
    sharpness: float
    turn: float

    def hints(self) -> tuple[str, ...]:
        """What is wrong, the most important first; empty for a good image."""
        return tuple(
            hint
            for hint, wrong in (
                ("too small", self.size_px < SMALL_PX),
                ("too dark", self.brightness < DARK),
                ("overexposed", self.overexposed > OVEREXPOSED),
                ("blurred", self.sharpness < BLURRED),
                ("turned away", abs(self.turn) > TURNED),
            )
            if wrong
        )


def measure(frame: np.ndarray, face: Face) -> Quality:
    """How well a face is visible in its frame, (H,W,3) BGR uint8."""
    side = int(np.clip(face.size_px * INNER, 16, CROP_PX))
    crop = crop_faces(frame, [face], side)[0, ..., 0]
    return Quality(
        size_px=face.size_px,
        brightness=float(crop.mean()),
        overexposed=float((crop >= CLIPPED_FROM).mean()),
        sharpness=_sharpness(crop.astype(np.float32)),
        turn=_turn(face),
    )


def hints(frame: np.ndarray, face: Face) -> tuple[str, ...]:
    """What makes this prediction unreliable: "too small", "too dark", "overexposed", "blurred", "turned away"."""
    return measure(frame, face).hints()


def _sharpness(grey: np.ndarray) -> float:
    """Variance of the second derivative over that of the image (h,w) itself, the least of four directions.

    The variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000),
    split by direction because motion blurs along one only, and divided because contrast is not sharpness.
    """
    middle = 2 * grey[1:-1, 1:-1]
    across = (
        middle - grey[1:-1, :-2] - grey[1:-1, 2:],
        middle - grey[:-2, 1:-1] - grey[2:, 1:-1],
        (middle - grey[:-2, :-2] - grey[2:, 2:]) / 2,  # diagonal neighbours are further apart by the root of 2
        (middle - grey[:-2, 2:] - grey[2:, :-2]) / 2,
    )
    return float(min(part.var() for part in across) / max(float(grey.var()), 1.0))


def _turn(face: Face) -> float:
    if face.landmarks is None:
        return 0.0
    right_eye, left_eye, nose = face.landmarks[:3].astype(np.float64)
    eyes = left_eye - right_eye
    return float((nose - right_eye) @ eyes / max(eyes @ eyes, 1e-6) - 0.5)
