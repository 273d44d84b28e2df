"""Draw one emoji face from a pose: the numbers that say where lids, brows and lips are.

Lengths are in radii of the head; the head's centre is (0, 0), x to the right, y down. All drawing is continuous in the
pose: no number switches a feature on or off.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from emojimation.draw.canvas import Canvas, Window
from emojimation.draw.sprites import DISC, Colour, bgr

EYE_X = 0.37
SHINE = bgr("#ffffff")


class Colours(NamedTuple):
    """What the features are drawn with; the emoji's own unless a character has others."""

    ink: Colour = bgr("#3d1c0c")
    lid: Colour = bgr("#edd4b2")  # what is left of white there: skin in a warm shadow
    white: Colour = bgr("#ffffff")
    eye_rim: Colour = bgr("#8a4b12")
    iris: Colour = bgr("#6e3a17")
    iris_light: Colour = bgr("#b9752f")
    pupil: Colour = bgr("#3d1c0c")
    eye_shadow: Colour = bgr("#d3d7e6")
    eye_wet: Colour = bgr("#a5dcff")
    mouth: Colour = bgr("#5e1422")
    teeth: Colour = bgr("#ffffff")
    teeth_shadow: Colour = bgr("#d5dae8")
    tongue: Colour = bgr("#f4566f")
    tongue_light: Colour = bgr("#ff93a3")
    tongue_line: Colour = bgr("#cf3a57")
    water: Colour = bgr("#4fb3f6")
    water_light: Colour = bgr("#e6f7ff")
    water_edge: Colour = bgr("#2e86d6")
    fold: Colour = bgr("#56701c")
    crease: Colour = bgr("#b3541a")


class Pose(NamedTuple):
    """The face's muscles, in head radii; `low`, `lid` and everything from `teeth` on are shares of 1 unless noted."""

    eye_w: float = 0.22
    eye_h: float = 0.255
    eye_y: float = -0.10
    low: float = 1.0  # lower lid: 1 open, -1 pushed up to the upper lid
    lid: float = 0.07  # upper lid: 0 open, 1 closed
    slant: float = 0.0  # upper lid's inner end lower (+) or higher (-)
    lash: float = 0.06
    pupil: float = 0.158
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    shine: float = 0.054
    brow_y: float = -0.50
    brow_in: float = 0.0  # how far the brow's inner end is raised
    brow_out: float = 0.0
    brow_arch: float = 0.055
    brow_w: float = 0.085
    mouth_y: float = 0.46
    mouth_w: float = 0.30
    smile: float = 0.0  # how far the mouth's corners are above its middle
    up: float = 0.0  # opening above and below the line of the lips
    down: float = 0.0
    teeth: float = 0.0
    teeth_low: float = 0.0
    tongue: float = 0.0
    wave: float = 0.0
    lip: float = 0.075
    bleh: float = 0.0  # tongue out
    wet: float = 0.0  # water in the eyes
    tear: float = 0.0
    sweat: float = 0.0
    wrinkle: float = 0.0  # length of the two folds of the nose
    dimple: float = 0.0  # length of the folds beside the mouth
    skew: float = 0.0  # how far the right brow is above the left, in head radii
    shake: float = 0.0
    fall: float = 0.35  # where the tear is on its way, 0 to 1
    shut_right: float = 0.0  # how far the eye on the viewer's left is closed besides, 0 to 1; the person's right eye
    shut_left: float = 0.0
    raise_right: float = 0.0  # how far the brow on the viewer's left is raised besides
    raise_left: float = 0.0
    mouth_x: float = 0.0
    tilt: float = 0.0  # how far the corner on the viewer's right is above the middle, the other one below


def draw_features(canvas: Canvas, pose: Pose, colours: Colours, pupil_width: float = 1.0) -> None:
    """Draw eyes, brows, mouth and drops onto the canvas of a bare head."""
    _mouth(canvas, pose, colours)
    _folds(canvas, pose, colours)
    for side in (-1, 1):
        _eye(canvas, _of_side(pose, side), colours, pupil_width, side)
        _brow(canvas, pose, colours, side)
    _drop(canvas, colours, -0.47, pose.eye_y + 0.30 + 0.42 * pose.fall, 0.16 * pose.tear)
    _drop(canvas, colours, 0.79, -0.36, 0.125 * pose.sweat)


def _of_side(pose: Pose, side: int) -> Pose:
    """The pose with the lids of one eye as far closed as that eye is."""
    shut = pose.shut_right if side < 0 else pose.shut_left
    return closed(pose, shut) if shut > 0 else pose


def closed(pose: Pose, shut: float) -> Pose:
    """The pose with its eyes closed by a share of 0 to 1: the upper lid comes down, the lower one meets it."""
    return pose._replace(
        lid=pose.lid + (1 - pose.lid) * shut,
        low=pose.low + (0.25 - pose.low) * shut,
        lash=pose.lash + 0.03 * shut,
        slant=pose.slant * (1 - shut),
    )


def _eye(canvas: Canvas, pose: Pose, colours: Colours, pupil_width: float, side: int) -> None:
    """A white oval cut by two lids, the skin of the upper one, an eyeball, a dark line where the lid ends."""
    x, y, h = side * EYE_X, pose.eye_y, pose.eye_h
    curves = canvas.curves
    low = pose.low * h * curves.arc
    lid = -h + 2 * h * pose.lid - side * pose.slant * curves.across * h
    socket = np.minimum(-h * curves.arc, low)
    top = np.minimum(_soft_max(socket, lid, 0.22 * h), low)
    across = x + pose.eye_w * curves.across
    upper, lower, bone = (np.stack([across, y + edge], 1) for edge in (top, low, socket))
    if np.ptp(top - socket) > 0.01:
        canvas.shade(np.concatenate([bone, upper[::-1]]), colours.lid)
    outline = np.concatenate([upper, lower[::-1]])
    rim = 1 + 0.02 / np.array([pose.eye_w, h])
    canvas.fill((outline - (x, y)) * rim + (x, y), colours.eye_rim)
    window = canvas.window(outline)
    window.patch[:] = colours.white
    window.fill(np.concatenate([upper, upper[::-1] + np.array([0, pose.lash / 2 + 0.05])]), colours.eye_shadow)
    _eyeball(window, pose, colours, pupil_width, (x + pose.gaze_x, y + pose.gaze_y))
    pool = 0.5 * h * max(pose.low, 0.0) * pose.wet
    if pool > 0.01:
        wet = _mix(colours.white, colours.eye_wet, 8 * pool)
        window.oval(x, y + pose.low * h + 0.1 * pool, pose.eye_w, pool, wet)
    window.close()
    ends = float(np.clip((0.55 - pose.low) / 1.4, 0.15, 1))
    canvas.ribbon(upper, pose.lash * (ends + (1 - ends) * curves.arc), colours.ink)


def _eyeball(window: Window, pose: Pose, colours: Colours, pupil_width: float, at: tuple[float, float]) -> None:
    """Iris with light from below, pupil, a large highlight and a small one."""
    (x, y), r = at, pose.pupil
    window.oval(x, y, r, r * 1.12, colours.ink)
    window.oval(x, y + 0.10 * r, r * 0.80, r * 0.90, colours.iris)
    window.oval(x, y + 0.52 * r, r * 0.56, r * 0.42, colours.iris_light)
    window.oval(x, y, r * 0.56 * pupil_width, r * 0.66, colours.pupil)
    window.oval(x - 0.36 * r, y - 0.44 * r, pose.shine, pose.shine * 1.12, SHINE)
    window.oval(x + 0.42 * r, y + 0.40 * r, pose.shine * 0.48, pose.shine * 0.48, SHINE)


def _brow(canvas: Canvas, pose: Pose, colours: Colours, side: int) -> None:
    """Thick where it begins, tapering outwards."""
    t = canvas.curves.brow
    x = side * (0.17 + 0.43 * t)
    lift = pose.raise_right if side < 0 else pose.raise_left
    y = (
        pose.brow_y
        - lift
        - side * pose.skew
        - pose.brow_in * (1 - t)
        - pose.brow_out * t
        - pose.brow_arch * 4 * t * (1 - t)
    )
    canvas.ribbon(np.stack([x, y], 1), pose.brow_w * (0.92 + 0.75 * t - 1.15 * t**2), colours.ink)


def _folds(canvas: Canvas, pose: Pose, colours: Colours) -> None:
    """Folds of the skin: beside the nose in disgust, beside the mouth in a smile."""
    for side in (-1, 1):
        if pose.wrinkle > 0.005:
            fold = np.array([[0.5, -0.75], [0.8, 0.1], [1.15, 0.75]]) * pose.wrinkle * (side, 1) + (0, 0.10)
            canvas.stroke(fold, 0.35 * pose.wrinkle, colours.fold)
        if pose.dimple > 0.005:
            t = canvas.curves.brow
            fold = np.stack([0.55 * np.sin(np.pi * t), 1.6 * t - 0.9], 1) * pose.dimple * (side, 1)
            corner = (pose.mouth_x + side * (pose.mouth_w + 0.055), pose.mouth_y - pose.smile / 2 - side * pose.tilt)
            canvas.ribbon(fold + corner, 0.30 * pose.dimple * np.sin(np.pi * (0.1 + 0.8 * t)), colours.crease)


def _mouth(canvas: Canvas, pose: Pose, colours: Colours) -> None:
    """Two lips; between them the dark, teeth along both, the tongue on the lower one."""
    u, arc = canvas.curves.across, canvas.curves.arc
    x = pose.mouth_x + pose.mouth_w * u
    line = (
        pose.mouth_y - (0.6 * pose.skew + pose.tilt) * u - pose.smile * (u**2 - 0.5) + pose.wave * np.sin(u * 2 * np.pi)
    )
    upper = np.stack([x, line - pose.up * arc], 1)
    lower = np.stack([x, line + pose.down * arc], 1)
    outline = np.concatenate([upper, lower[::-1]])
    canvas.stroke(outline, pose.lip, colours.ink, closed=True)
    window = canvas.window(outline)
    gap = pose.up + pose.down
    window.patch[:] = _mix(colours.ink, colours.mouth, gap / 0.12)
    floor = float(lower[len(u) // 2, 1])
    _tongue(window, pose, colours, floor, gap)
    for lip, part in ((upper, pose.teeth), (lower, -pose.teeth_low)):
        size = (0.45 + 0.55 * arc) * (0.34 * gap * part)
        band, shadow = lip + np.stack([0 * u, size], 1), lip + np.stack([0 * u, 1.18 * size], 1)
        seen = 12 * gap * abs(part)
        window.fill(np.concatenate([lip, shadow[::-1]]), _mix(colours.ink, colours.teeth_shadow, seen))
        window.fill(np.concatenate([lip, band[::-1]]), _mix(colours.ink, colours.teeth, seen))
    window.close()
    _bleh(canvas, pose, colours, floor)


def _tongue(window: Window, pose: Pose, colours: Colours, floor: float, gap: float) -> None:
    size = gap * pose.tongue
    y = floor + 0.15 * size
    window.oval(pose.mouth_x, y, pose.mouth_w * 0.62, 0.62 * size, _mix(colours.ink, colours.tongue, 4 * size))
    window.oval(
        pose.mouth_x,
        y - 0.22 * size,
        pose.mouth_w * 0.34,
        0.20 * size,
        _mix(colours.ink, colours.tongue_light, 4 * size),
    )


def _mix(start: Colour, end: Colour, part: float) -> Colour:
    """A colour between two: details too small to see take their surroundings' colour instead of flickering."""
    part = min(max(part, 0.0), 1.0)
    blue, green, red = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return blue, green, red


def _soft_max(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """The larger of two curves, their crossing rounded off over `width`."""
    return (a + b + np.sqrt((a - b) ** 2 + width**2)) / 2


def _bleh(canvas: Canvas, pose: Pose, colours: Colours, floor: float) -> None:
    """The tongue out of the mouth, as long as `bleh` says."""
    if pose.bleh < 0.01:
        return
    half, length = 0.17 * min(1.0, pose.bleh * 4), pose.bleh
    tip = half * np.stack([-canvas.curves.across, canvas.curves.arc], 1) + (0, floor + length - half)
    outline = np.concatenate([[[half, floor]], tip, [[-half, floor]]])
    canvas.stroke(outline, 0.05, colours.ink)
    canvas.fill(outline, colours.tongue)
    shine = canvas.curves.circle * (0.30 * half, 0.30 * length) + (-0.45 * half, floor + 0.55 * length)
    canvas.fill(shine, colours.tongue_light)
    canvas.stroke(np.array([[0, floor + 0.03], [0, floor + 0.62 * length]]), 0.028, colours.tongue_line)


def _drop(canvas: Canvas, colours: Colours, x: float, y: float, radius: float) -> None:
    """A drop of water with a highlight; nothing for radius 0."""
    if radius < 0.01:
        return
    curves = canvas.curves
    canvas.fill(curves.drop * (radius + 0.014) + (x, y), colours.water_edge)
    canvas.fill(curves.drop * radius + (x, y), colours.water)
    canvas.fill((curves.circle * (0.22, 0.42) + (-0.32, 0.45)) * radius + (x, y), colours.water_light)


@lru_cache(maxsize=8)
def disc(size: int, squareness: float = 2.0) -> np.ndarray:
    """Coverage (size,size) uint8 of the head, antialiased: a disc, squarer the more. Cached: do not write into it."""
    axis = np.abs(np.arange(size) + 0.5 - size / 2)
    if squareness == 2.0:
        away = np.hypot(axis[None], axis[:, None])
    else:
        away = (axis[None] ** squareness + axis[:, None] ** squareness) ** (1 / squareness)
    return np.rint(np.clip(size * DISC / 2 + 0.5 - away, 0, 1) * 255).astype(np.uint8)
