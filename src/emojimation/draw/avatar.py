"""An emoji face drawn from the probability vector, which moves between expressions instead of jumping.

Seven key poses and seven skins are blended by the sharpened probabilities; time adds blinks, breath, a wandering gaze,
a running tear and a tremble, all as deterministic functions of time, so that a video is drawn the same way every time.
"""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from emojimation.draw.portrait import Pose, disc, draw_features
from emojimation.draw.sprites import bgr
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import EMOTIONS

POSES = {
    "angry": Pose(
        eye_h=0.25,
        eye_y=-0.04,
        lid=0.30,
        slant=0.60,
        low=0.80,
        pupil=0.125,
        gaze_y=0.05,
        lash=0.09,
        shine=0.036,
        brow_y=-0.35,
        brow_in=-0.18,
        brow_out=0.15,
        brow_arch=-0.01,
        brow_w=0.145,
        mouth_y=0.52,
        mouth_w=0.36,
        smile=-0.17,
        up=0.09,
        down=0.08,
        teeth=1.36,
        teeth_low=1.36,
        lip=0.08,
    ),
    "disgust": Pose(
        eye_w=0.225,
        eye_h=0.24,
        eye_y=-0.10,
        lid=0.36,
        slant=0.10,
        low=0.42,
        pupil=0.125,
        gaze_y=0.02,
        lash=0.08,
        shine=0.034,
        brow_y=-0.42,
        brow_in=-0.08,
        brow_out=0.01,
        brow_arch=0.03,
        brow_w=0.10,
        skew=0.05,
        wrinkle=0.13,
        mouth_y=0.44,
        mouth_w=0.36,
        smile=-0.14,
        up=0.06,
        down=0.10,
        teeth=0.6,
        lip=0.065,
        bleh=0.37,
    ),
    "fear": Pose(
        eye_w=0.265,
        eye_h=0.32,
        eye_y=-0.10,
        lid=0.0,
        pupil=0.095,
        shine=0.036,
        lash=0.05,
        brow_y=-0.56,
        brow_in=0.14,
        brow_out=-0.09,
        brow_arch=0.03,
        brow_w=0.085,
        mouth_y=0.59,
        mouth_w=0.34,
        smile=-0.13,
        up=0.21,
        down=0.06,
        teeth=0.62,
        teeth_low=0.35,
        wave=0.014,
        lip=0.065,
        sweat=1.0,
        shake=1.0,
    ),
    "happy": Pose(
        eye_h=0.25,
        eye_y=-0.10,
        lid=0.0,
        low=-0.86,
        lash=0.095,
        pupil=0.15,
        shine=0.05,
        brow_y=-0.55,
        brow_in=-0.01,
        brow_out=-0.02,
        brow_arch=0.09,
        brow_w=0.085,
        mouth_y=0.30,
        mouth_w=0.54,
        smile=0.15,
        up=0.0,
        down=0.44,
        teeth=0.72,
        tongue=1.0,
        lip=0.06,
        dimple=0.10,
    ),
    "sad": Pose(
        eye_w=0.235,
        eye_h=0.28,
        eye_y=-0.06,
        lid=0.16,
        slant=-0.42,
        pupil=0.185,
        gaze_y=0.05,
        shine=0.076,
        lash=0.07,
        brow_y=-0.46,
        brow_in=0.16,
        brow_out=-0.10,
        brow_arch=-0.02,
        brow_w=0.085,
        mouth_y=0.57,
        mouth_w=0.23,
        smile=-0.16,
        lip=0.08,
        wet=1.0,
        tear=1.0,
    ),
    "surprise": Pose(
        eye_w=0.265,
        eye_h=0.32,
        eye_y=-0.13,
        lid=0.0,
        pupil=0.145,
        shine=0.058,
        lash=0.05,
        brow_y=-0.62,
        brow_in=0.0,
        brow_out=-0.02,
        brow_arch=0.11,
        brow_w=0.085,
        mouth_y=0.53,
        mouth_w=0.20,
        smile=0.0,
        up=0.22,
        down=0.25,
        teeth=0.35,
        tongue=0.6,
        lip=0.06,
    ),
    "neutral": Pose(),
}
_MATRIX = np.array([POSES[name] for name in EMOTIONS])
# Probabilities are raised to this power: 70 % then has a weight of over 90 %, while one half stays one half.
SHARPNESS = 2.0
SKIN = 96


class Avatar:
    """Draws faces. seed: shifts the blinks, so that two people do not blink in unison."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def draw(self, probabilities: np.ndarray, size_px: int, time_s: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
        """A face for `probabilities` (7,) in the order of `EMOTIONS` -> (size_px,size_px,4) uint8.

        BGRA with premultiplied alpha (a sprite; see sprites.py), the head's disc filling `sprites.DISC` of the width.
        time_s: seconds, drives blinks and breath. roll_deg: clockwise tilt. InputError if the vector is not seven
        finite numbers of at least 0 with a positive sum, or the size is below 1.
        """
        weights = _weights(probabilities)
        if size_px < 1:
            raise InputError(f"size_px must be at least 1, not {size_px}; ask for a larger image")
        factor = 4 if size_px <= 64 else 2 if size_px <= 160 else 1.5 if size_px <= 640 else 1
        size = round(size_px * factor)
        image = cv2.resize(skin(weights), (size, size), interpolation=cv2.INTER_LINEAR)
        draw_features(image, self._alive(Pose(*(weights @ _MATRIX).tolist()), time_s), _bold(size_px))
        return _finish(image, disc(size), size_px, time_s, roll_deg)

    def drawer(self, time_s: float = 0.0) -> Callable[[Face, int], np.ndarray]:
        """The `draw` of `annotate(..., style="avatar", draw=...)`: draws a face; people blink independently.

        Faces without an emotion are drawn neutral. The tilt is left to the renderer.
        """
        neutral = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]

        def draw(face: Face, size_px: int) -> np.ndarray:
            person = self if face.track_id is None else Avatar(self.seed + face.track_id)
            seven = face.seven()
            return person.draw(neutral if seven is None else seven, size_px, time_s)

        return draw

    def _alive(self, pose: Pose, time_s: float) -> Pose:
        """The pose with blink, breath, gaze, tear and tremble at this moment."""
        # Laughing eyes are closed already.
        shut = blink(time_s, self.seed) * float(np.clip(pose.low + 0.86, 0, 1))
        breath = np.sin(2 * np.pi * time_s / 3.6)
        tremble = 0.016 * pose.shake * np.sin(2 * np.pi * 6.5 * time_s)
        return pose._replace(
            lid=pose.lid + (1 - pose.lid) * shut,
            low=pose.low + (0.25 - pose.low) * shut,
            lash=pose.lash + 0.03 * shut,
            slant=pose.slant * (1 - shut),
            gaze_x=pose.gaze_x + tremble + 0.03 * np.sin(0.9 * time_s) * np.sin(0.37 * time_s),
            brow_y=pose.brow_y - 0.012 * breath + 0.03 * shut,
            mouth_y=pose.mouth_y + 0.006 * breath,
            wave=pose.wave + tremble,
            fall=(0.35 + time_s / 2.8) % 1,
            tear=pose.tear * np.sin(np.pi * ((0.35 + time_s / 2.8) % 1)) ** 0.5,
        )


def blink(time_s: float, seed: int = 0) -> float:
    """How far a blink closes the lids, 0 to 1: one every 3 to 5 seconds, a fifth of a second long."""
    slot = int(np.floor(time_s / 4))
    away = min(abs(time_s - _blink_time(k, seed)) for k in (slot - 1, slot, slot + 1))
    shut = max(0.0, 1 - away / 0.12)
    return shut * shut * (3 - 2 * shut)


def _blink_time(slot: int, seed: int) -> float:
    """The middle of a blink: within one second of every four, by a fixed hash of the slot number."""
    scrambled = ((slot * 2654435761 + seed * 40503 + 12345) ^ (slot << 7)) * 2246822519 % 2**32
    return 4 * slot + 1.8 + scrambled / 2**32


def _weights(probabilities: np.ndarray) -> np.ndarray:
    values = np.asarray(probabilities, np.float64)
    if values.shape != (len(EMOTIONS),) or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise InputError(
            f"probabilities must be {len(EMOTIONS)} numbers of at least 0, not {values!r}; pass Face.probabilities"
        )
    sharp = (values / values.max()) ** SHARPNESS
    return sharp / sharp.sum()


def _bold(size_px: int) -> float:
    """Lines are a little thicker in small images, as in small type sizes."""
    return 1 + 0.45 * float(np.clip((96 - size_px) / 72, 0, 1))


def _finish(image: np.ndarray, alpha: np.ndarray, size_px: int, time_s: float, roll_deg: float) -> np.ndarray:
    """Breathe, tilt, downscale (S,S,3) and its coverage (S,S) to `size_px`, and join them into a sprite."""
    while image.shape[0] > 2 * size_px:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image, alpha = (cv2.resize(picture, half, interpolation=cv2.INTER_AREA) for picture in (image, alpha))
    zoom = size_px / image.shape[0]
    swell = 1 + 0.010 * np.sin(2 * np.pi * time_s / 3.6)
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turn = np.array([[cos, -sin], [sin, cos]]) * (2 - swell, swell) * zoom
    matrix = np.column_stack([turn, (size_px - 1) / 2 - turn.sum(axis=1) * (image.shape[0] - 1) / 2])
    colour, cover = (cv2.warpAffine(picture, matrix, (size_px, size_px)) for picture in (image, alpha))
    cut = cv2.multiply(colour, cv2.cvtColor(cover, cv2.COLOR_GRAY2BGR), scale=1 / 255)
    return cv2.merge([cut, cover])


def skin(weights: np.ndarray) -> np.ndarray:
    """The bare head's colours for weights (7,) that sum to 1: (SKIN,SKIN,3) BGR uint8, without its edge."""
    return cv2.convertScaleAbs((weights.astype(np.float32) @ _skins()).reshape(SKIN, SKIN, 3))


@lru_cache(maxsize=1)
def _skins() -> np.ndarray:
    """The skins of the seven emotions (7,SKIN*SKIN*3) float32: light from the upper left, a warm rim, and the mood."""
    axis = np.linspace(-1, 1, SKIN, dtype=np.float32) / 0.88
    x, y = axis[None] + 0 * axis[:, None], axis[:, None] + 0 * axis[None]
    return np.stack([_one_skin(name, x, y).ravel() for name in EMOTIONS])


# Colours of a skin: lit, middle, rim.
_TONES = {
    "angry": ("#ffa35c", "#f8693b", "#cf2f22"),
    "disgust": ("#d8ea7a", "#a9cc4e", "#6d9a35"),
    "fear": ("#fff0a0", "#ffd95a", "#efa83a"),
    "happy": ("#fff08a", "#ffd63b", "#f79d1e"),
    "sad": ("#fff0a0", "#fdd65a", "#f0a238"),
    "surprise": ("#fff08a", "#ffd63b", "#f79d1e"),
    "neutral": ("#fff08a", "#ffd63b", "#f79d1e"),
}
# Soft spots: colour, centre x and y, width and height (radii), strength.
_CHEEK = bgr("#ff6f61")
_SPOTS = {
    "angry": [(bgr("#b3121a"), 0.0, -0.95, 1.1, 0.55, 0.55)],
    "disgust": [(bgr("#5f8f2f"), -0.62, 0.34, 0.25, 0.22, 0.35), (bgr("#5f8f2f"), 0.62, 0.34, 0.25, 0.22, 0.35)],
    "fear": [(bgr("#4f7fe8"), 0.0, -1.05, 1.35, 0.62, 0.95)],
    "happy": [(_CHEEK, -0.68, 0.20, 0.22, 0.16, 0.60), (_CHEEK, 0.68, 0.20, 0.22, 0.16, 0.60)],
    "sad": [
        (bgr("#6f9bea"), 0.0, -1.15, 1.2, 0.4, 0.28),
        (_CHEEK, -0.6, 0.3, 0.2, 0.14, 0.22),
        (_CHEEK, 0.6, 0.3, 0.2, 0.14, 0.22),
    ],
    "surprise": [(_CHEEK, -0.68, 0.30, 0.20, 0.14, 0.38), (_CHEEK, 0.68, 0.30, 0.20, 0.14, 0.38)],
    "neutral": [(_CHEEK, -0.66, 0.28, 0.20, 0.14, 0.22), (_CHEEK, 0.66, 0.28, 0.20, 0.14, 0.22)],
}


def _one_skin(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    light, middle, rim = (np.array(bgr(tone), np.float32) for tone in _TONES[name])
    away = np.clip(np.hypot(x + 0.22, y + 0.34) / 1.25, 0, 1)[..., None]
    skin = light + (middle - light) * np.clip(away * 1.5, 0, 1)
    skin = skin + (rim - skin) * np.clip((away - 0.5) / 0.5, 0, 1) ** 1.6 * 0.8
    for colour, cx, cy, width, height, strength in _SPOTS[name]:
        spot = strength * np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2)[..., None]
        skin = skin + (np.array(colour, np.float32) - skin) * spot
    edge = np.clip((np.hypot(x, y)[..., None] - 0.90) / 0.10, 0, 1) ** 1.5
    skin = skin * (1 - 0.16 * edge)
    return np.asarray(skin + (255 - skin) * _lights(x, y), np.float32)


def _lights(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Strength of the highlights (SKIN,SKIN,1): a window's at the upper left, a glow along the lower right rim."""
    along, aside = 0.87 * (x + 0.45) - 0.50 * (y + 0.68), 0.50 * (x + 0.45) + 0.87 * (y + 0.68)
    window = 0.50 * np.exp(-(((along / 0.26) ** 2 + (aside / 0.10) ** 2) ** 1.5))
    rim = np.exp(-(((np.hypot(x, y) - 0.86) / 0.07) ** 2)) * np.clip((x + y) / 1.3, 0, 1) ** 3
    return np.asarray((window + 0.30 * rim)[..., None])
