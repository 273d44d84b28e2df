"""An emoji face drawn from the probability vector, which moves between expressions instead of jumping.

The seven key poses and skins of a character are blended by the sharpened probabilities; time adds blinks, breath, a
wandering gaze, a running tear and a tremble, all as deterministic functions of time, so that a video is drawn the same
way every time. A puppet has its own blinks, gaze and mouth.
"""

from collections.abc import Callable
from copy import copy
from pathlib import Path

import cv2
import numpy as np

from emojimation.draw.canvas import Canvas
from emojimation.draw.characters import Part, character
from emojimation.draw.portrait import Pose, closed, disc, draw_features
from emojimation.draw.puppet import Puppet, moved, puppet_of
from emojimation.draw.sprites import Colour
from emojimation.draw.turn import Turn
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import EMOTIONS

# Probabilities are raised to this power: 70 % then has a weight of over 90 %, while one half stays one half.
SHARPNESS = 2.0
# Size of a character with parts behind its head, where it may tilt by about 20 degrees.
TILTED = 0.8


class Avatar:
    """Draws faces. seed: shifts the blinks, so that two people do not blink in unison. who: name or folder, see
    `characters`."""

    def __init__(self, seed: int = 0, who: str | Path = "emoji") -> None:
        self.seed, self.character = seed, character(who)

    def draw(
        self,
        probabilities: np.ndarray,
        size_px: int,
        time_s: float = 0.0,
        roll_deg: float | None = None,
        puppet: Puppet | None = None,
    ) -> np.ndarray:
        """A face for `probabilities` (7,) in the order of `EMOTIONS` -> (size_px,size_px,4) uint8.

        BGRA with premultiplied alpha (a sprite; see sprites.py), the head filling `sprites.DISC` of the width.
        time_s: seconds, drives blinks and breath. roll_deg: clockwise tilt; if it is given, a character with ears or
        the like is drawn smaller, so that tilting does not cut them off. puppet: moves the face in place of its own
        blinks and gaze. InputError if the vector is not seven finite numbers of at least 0 with a positive sum, or the
        size is below 1.
        """
        weights = _weights(probabilities)
        if size_px < 1:
            raise InputError(f"size_px must be at least 1, not {size_px}; ask for a larger image")
        factor = 4 if size_px <= 64 else 2 if size_px <= 160 else 1.5 if size_px <= 640 else 1
        size = round(size_px * factor)
        who = self.character
        turn = Turn() if puppet is None else Turn(puppet.yaw * puppet.weight, puppet.pitch * puppet.weight)
        image = cv2.resize(who.skin.draw(weights, turn), (size, size), interpolation=cv2.INTER_LINEAR)
        canvas = Canvas(image, _bold(size_px), turn)
        skin = who.skin.middle(weights)
        _draw_parts(canvas, who.front, skin)
        draw_features(canvas, self._alive(who.pose(weights), time_s, puppet), who.colours, who.pupil_width)
        cover = disc(size, who.skin.squareness)
        if who.behind:
            image, cover = _with_back(canvas, cover, who.behind, skin)
        room = TILTED if who.behind and roll_deg is not None else 1.0
        return _finish(image, cover, size_px, time_s, roll_deg or 0.0, room)

    def drawer(self, time_s: float = 0.0) -> Callable[[Face, int], np.ndarray]:
        """The `draw` of `annotate(..., style="avatar", draw=...)`: draws a face; people blink independently.

        Faces without an emotion are drawn neutral, those with a mesh as puppets. The tilt is left to the renderer.
        """
        neutral = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]

        def draw(face: Face, size_px: int) -> np.ndarray:
            seven = face.seven()
            answer = neutral if seven is None else seven
            return self._of(face).draw(answer, size_px, time_s, puppet=puppet_of(face))

        return draw

    def _of(self, face: Face) -> "Avatar":
        """The same character with the blinks of this person."""
        if face.track_id is None:
            return self
        other = copy(self)
        other.seed = self.seed + face.track_id
        return other

    def _alive(self, pose: Pose, time_s: float, puppet: Puppet | None) -> Pose:
        """The pose with blink, breath, gaze, tear and tremble at this moment; blink and gaze are a puppet's own."""
        own = 1.0 if puppet is None else 1 - puppet.weight
        # Laughing eyes are closed already.
        shut = own * blink(time_s, self.seed) * float(np.clip(pose.low + 0.86, 0, 1))
        breath = np.sin(2 * np.pi * time_s / 3.6)
        tremble = 0.016 * pose.shake * np.sin(2 * np.pi * 6.5 * time_s)
        if puppet is not None:
            pose = moved(pose, puppet)
        return closed(pose, shut)._replace(
            gaze_x=pose.gaze_x + tremble + own * 0.03 * np.sin(0.9 * time_s) * np.sin(0.37 * time_s),
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


def _finish(
    image: np.ndarray, alpha: np.ndarray, size_px: int, time_s: float, roll_deg: float, room: float
) -> np.ndarray:
    """Breathe, tilt, downscale (S,S,3) and its coverage (S,S) to `size_px`, and join them into a sprite.

    room: how large the head is, as a share of its usual size.
    """
    while image.shape[0] > 2 * size_px:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image, alpha = (cv2.resize(picture, half, interpolation=cv2.INTER_AREA) for picture in (image, alpha))
    zoom = room * size_px / image.shape[0]
    swell = 1 + 0.010 * np.sin(2 * np.pi * time_s / 3.6)
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turn = np.array([[cos, -sin], [sin, cos]]) * (2 - swell, swell) * zoom
    matrix = np.column_stack([turn, (size_px - 1) / 2 - turn.sum(axis=1) * (image.shape[0] - 1) / 2])
    cut = cv2.multiply(image, cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGR), scale=1 / 255)
    return np.asarray(cv2.warpAffine(cv2.merge([cut, alpha]), matrix, (size_px, size_px)))


def _draw_parts(canvas: Canvas, parts: list[Part], skin: Colour) -> None:
    for part in parts:
        if part.fill is not None:
            canvas.fill(part.points, skin if isinstance(part.fill, str) else part.fill)
        if part.line is not None:
            canvas.stroke(part.points, part.width, part.line, closed=part.closed)


def _with_back(canvas: Canvas, cover: np.ndarray, parts: list[Part], skin: Colour) -> tuple[np.ndarray, np.ndarray]:
    """The head's image and coverage with the parts behind it: ears, antennas."""
    back = np.full_like(canvas.image, next((part.line for part in parts if part.line is not None), skin))
    mask = np.zeros_like(canvas.image)
    seen = [part._replace(points=canvas.turn.behind(part.points)) for part in parts]
    _draw_parts(Canvas(back, canvas.bold, Turn()), seen, skin)
    white = [part._replace(fill=part.fill and (255,) * 3, line=part.line and (255,) * 3) for part in seen]
    _draw_parts(Canvas(mask, canvas.bold, Turn()), white, skin)
    head = cv2.cvtColor(cover, cv2.COLOR_GRAY2BGR)
    kept = cv2.multiply(back, 255 - head, scale=1 / 255)
    image = cv2.add(kept, cv2.multiply(canvas.image, head, scale=1 / 255))
    return image, cv2.max(cover, cv2.add(cover, cv2.multiply(mask[..., 0], 255 - cover, scale=1 / 255)))
