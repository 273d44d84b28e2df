"""Draw one emoji face from a pose: the numbers that say where lids, brows and lips are.

Lengths are in radii of the head; the head's centre is (0, 0), x to the right, y down. All drawing is continuous in the
pose: no number switches a feature on or off.
"""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from emojimation.sprites import DISC, Colour, bgr

INK, WHITE, EYE_RIM, EYE_GLOW = bgr("#42210f"), bgr("#ffffff"), bgr("#8a4b12"), bgr("#b98d72")
MOUTH, TONGUE, TONGUE_LINE = bgr("#5e1422"), bgr("#f4617a"), bgr("#d8425f")
WATER, WATER_LIGHT, WATER_EDGE = bgr("#4fb3f6"), bgr("#d9f3ff"), bgr("#2e86d6")
FOLD = bgr("#5c7420")
EYE_X = 0.37


class Pose(NamedTuple):
    """The face's muscles, in head radii; `low`, `lid`, and from `teeth` on in parts of 1 where not said."""

    eye_w: float = 0.215
    eye_h: float = 0.25
    eye_y: float = -0.12
    low: float = 1.0  # lower lid: 1 open, -1 pushed up to the upper lid
    lid: float = 0.0  # upper lid: 0 open, 1 closed
    slant: float = 0.0  # upper lid's inner end lower (+) or higher (-)
    lash: float = 0.045
    pupil: float = 0.155
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    shine: float = 0.05
    brow_y: float = -0.55
    brow_in: float = 0.0  # how far the brow's inner end is raised
    brow_out: float = 0.0
    brow_arch: float = 0.05
    brow_w: float = 0.075
    mouth_y: float = 0.46
    mouth_w: float = 0.30
    smile: float = 0.0  # how far the mouth's corners are above its middle
    up: float = 0.0  # opening above and below the line of the lips
    down: float = 0.0
    teeth: float = 0.0
    tongue: float = 0.0
    wave: float = 0.0
    lip: float = 0.075
    bleh: float = 0.0  # tongue out
    tear: float = 0.0
    sweat: float = 0.0
    wrinkle: float = 0.0  # length of the two folds of the nose
    skew: float = 0.0  # how far the right brow is above the left, in head radii
    shake: float = 0.0
    fall: float = 0.35  # where the tear is on its way, 0 to 1


class Curves(NamedTuple):
    """Points of the shapes that all features are made of, as many as the picture's size needs."""

    across: np.ndarray  # -1 to 1 from corner to corner of a lid or lip, closer together towards the corners
    arc: np.ndarray  # height of the half circle above `across`
    circle: np.ndarray
    drop: np.ndarray
    brow: np.ndarray  # 0 at the inner end, 1 at the outer


@lru_cache(maxsize=4)
def _curves(count: int) -> Curves:
    turn = np.linspace(0, np.pi, count)
    circle = np.stack([np.cos(2 * turn[:-1]), np.sin(2 * turn[:-1])], 1)
    drop = np.stack([np.sin(2 * turn) * np.sin(turn) ** 1.4, -1.45 * np.cos(2 * turn)], 1)
    return Curves(-np.cos(turn), np.sin(turn), circle, drop, np.linspace(0, 1, count // 2 + 1))


class Canvas:
    """A square BGR picture with the head filling `DISC` of its width, addressed in head radii."""

    def __init__(self, image: np.ndarray, bold: float) -> None:
        self.image, self.bold = image, bold
        self.size = image.shape[0]
        self.radius = self.size * DISC / 2
        self.curves = _curves(17 if self.size <= 480 else 33)

    def pixels(self, points: np.ndarray, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Points (n,2) in radii -> int32 sixteenths of a pixel, as OpenCV's `shift=4` wants them."""
        return np.rint((points * self.radius + self.size / 2 - 0.5 - origin) * 16).astype(np.int32)

    def width(self, length: float) -> int:
        """A stroke's width in pixels, bolder where the final picture is small."""
        return max(1, round(length * self.radius * self.bold))

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.image, [self.pixels(points)], colour, cv2.LINE_AA, 4)

    def stroke(self, points: np.ndarray, width: float, colour: Colour = INK, closed: bool = False) -> None:
        cv2.polylines(self.image, [self.pixels(points)], closed, colour, self.width(width), cv2.LINE_AA, 4)

    def window(self, outline: np.ndarray) -> "Window":
        return Window(self, outline)


class Window:
    """A part of a canvas seen through an outline: draw into `patch`, then `close` to see it through the outline."""

    def __init__(self, canvas: Canvas, outline: np.ndarray) -> None:
        self.canvas = canvas
        low, high = canvas.pixels(outline).min(axis=0) // 16 - 1, canvas.pixels(outline).max(axis=0) // 16 + 3
        (x0, y0), (x1, y1) = np.clip([low, high], 0, canvas.size)
        self.origin = (int(x0), int(y0))
        self.part = canvas.image[y0:y1, x0:x1]
        self.patch = np.empty_like(self.part)
        self.mask = np.zeros(self.part.shape[:2], np.uint8)
        cv2.fillPoly(self.mask, [canvas.pixels(outline, self.origin)], (255,), cv2.LINE_AA, 4)

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.patch, [self.canvas.pixels(points, self.origin)], colour, cv2.LINE_AA, 4)

    def oval(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled ellipse with half axes `width` and `height`."""
        centre = self.canvas.pixels(np.array([x, y]), self.origin)
        axes = [max(1, round(v * self.canvas.radius * 16)) for v in (width, height)]
        cv2.ellipse(self.patch, centre.tolist(), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)

    def close(self) -> None:
        alpha = cv2.cvtColor(self.mask, cv2.COLOR_GRAY2BGR)
        kept = cv2.multiply(self.part, 255 - alpha, scale=1 / 255)
        self.part[:] = cv2.add(kept, cv2.multiply(self.patch, alpha, scale=1 / 255))


def draw_features(image: np.ndarray, pose: Pose, bold: float = 1.0) -> None:
    """Draw eyes, brows, mouth and drops onto a square picture of a bare head (S,S,3 BGR uint8), in place."""
    canvas = Canvas(image, bold)
    _mouth(canvas, pose)
    _nose(canvas, pose)
    for side in (-1, 1):
        _eye(canvas, pose, side)
        _brow(canvas, pose, side)
    _drop(canvas, -0.47, pose.eye_y + 0.30 + 0.42 * pose.fall, 0.15 * pose.tear)
    _drop(canvas, 0.66, -0.34, 0.14 * pose.sweat)


def _eye(canvas: Canvas, pose: Pose, side: int) -> None:
    """A white oval cut by two lids, a pupil with two lights, a dark line where the upper lid is."""
    x, y, h = side * EYE_X, pose.eye_y, pose.eye_h
    curves = canvas.curves
    low = pose.low * h * curves.arc
    lid = -h + 2 * h * pose.lid - side * pose.slant * curves.across * h
    top = np.minimum(np.maximum(-h * curves.arc, lid), low)
    across = x + pose.eye_w * curves.across
    upper, lower = np.stack([across, y + top], 1), np.stack([across, y + low], 1)
    outline = np.concatenate([upper, lower[::-1]])
    rim = 1 + 0.02 / np.array([pose.eye_w, h])
    canvas.fill((outline - (x, y)) * rim + (x, y), EYE_RIM)
    window = canvas.window(outline)
    window.patch[:] = WHITE
    px, py = x + pose.gaze_x, y + pose.gaze_y
    window.oval(px, py, pose.pupil, pose.pupil * 1.12, INK)
    window.oval(px - 0.38 * pose.pupil, py - 0.45 * pose.pupil, pose.shine, pose.shine * 1.1, WHITE)
    window.oval(px + 0.4 * pose.pupil, py + 0.45 * pose.pupil, pose.shine * 0.5, pose.shine * 0.5, EYE_GLOW)
    window.close()
    canvas.stroke(upper, pose.lash)


def _brow(canvas: Canvas, pose: Pose, side: int) -> None:
    t = canvas.curves.brow
    x = side * (0.17 + 0.42 * t)
    y = pose.brow_y - side * pose.skew - pose.brow_in * (1 - t) - pose.brow_out * t - pose.brow_arch * 4 * t * (1 - t)
    canvas.stroke(np.stack([x, y], 1), pose.brow_w)


def _nose(canvas: Canvas, pose: Pose) -> None:
    """Two folds beside the nose, as in disgust."""
    if pose.wrinkle < 0.005:
        return
    for side in (-1, 1):
        fold = np.array([[0.5, -0.75], [0.8, 0.1], [1.15, 0.75]]) * pose.wrinkle * (side, 1) + (0, 0.10)
        canvas.stroke(fold, 0.35 * pose.wrinkle, FOLD)


def _mouth(canvas: Canvas, pose: Pose) -> None:
    """Two lips; between them the dark, teeth along the upper one, the tongue on the lower one."""
    u, arc = canvas.curves.across, canvas.curves.arc
    x = pose.mouth_w * u
    line = pose.mouth_y - 0.6 * pose.skew * u - pose.smile * (u**2 - 0.5) + pose.wave * np.sin(u * 2 * np.pi)
    upper = np.stack([x, line - pose.up * arc], 1)
    lower = np.stack([x, line + pose.down * arc], 1)
    outline = np.concatenate([upper, lower[::-1]])
    canvas.stroke(outline, pose.lip, closed=True)
    window = canvas.window(outline)
    gap = pose.up + pose.down
    window.patch[:] = _mix(INK, MOUTH, gap / 0.12)
    floor = float(lower[len(u) // 2, 1])
    window.oval(
        0,
        floor + 0.15 * gap * pose.tongue,
        pose.mouth_w * 0.62,
        0.62 * gap * pose.tongue,
        _mix(INK, TONGUE, 4 * gap * pose.tongue),
    )
    band = upper + np.stack([0 * u, (0.4 + 0.6 * arc) * (0.34 * gap * pose.teeth)], 1)
    window.fill(np.concatenate([upper, band[::-1]]), _mix(INK, WHITE, 12 * gap * pose.teeth))
    window.close()
    _bleh(canvas, pose, floor)


def _mix(start: Colour, end: Colour, part: float) -> Colour:
    """A colour between two: a detail too small to be seen takes its surroundings' colour instead of flickering."""
    part = min(max(part, 0.0), 1.0)
    blue, green, red = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return blue, green, red


def _bleh(canvas: Canvas, pose: Pose, floor: float) -> None:
    """The tongue out of the mouth, as long as `bleh` says."""
    if pose.bleh < 0.01:
        return
    half, length = 0.15 * min(1.0, pose.bleh * 4), pose.bleh
    tip = half * np.stack([-canvas.curves.across, canvas.curves.arc], 1) + (0, floor + length - half)
    outline = np.concatenate([[[half, floor]], tip, [[-half, floor]]])
    canvas.stroke(outline, 0.05)
    canvas.fill(outline, TONGUE)
    canvas.stroke(np.array([[0, floor + 0.03], [0, floor + 0.6 * length]]), 0.025, TONGUE_LINE)


def _drop(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A drop of water with a light in it; none of radius 0."""
    if radius < 0.01:
        return
    curves = canvas.curves
    canvas.fill(curves.drop * (radius + 0.014) + (x, y), WATER_EDGE)
    canvas.fill(curves.drop * radius + (x, y), WATER)
    canvas.fill((curves.circle * (0.22, 0.42) + (-0.32, 0.45)) * radius + (x, y), WATER_LIGHT)


@lru_cache(maxsize=8)
def disc(size: int) -> np.ndarray:
    """Coverage (size,size) uint8 of the head's disc, antialiased. Cached: do not write into it."""
    axis = np.arange(size) + 0.5 - size / 2
    return np.rint(np.clip(size * DISC / 2 + 0.5 - np.hypot(axis[None], axis[:, None]), 0, 1) * 255).astype(np.uint8)
