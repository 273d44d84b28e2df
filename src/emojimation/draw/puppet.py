"""A face's movements, for the avatar to make them as well: lids, brows, mouth, gaze and the turn of the head.

The probabilities set the pose, the measures move it: a share of the emotion's own stays, so that the mood remains
readable. Without a mesh, or where it is not sure to see a face, the avatar is what it is without a puppet.
"""

from typing import NamedTuple

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.draw.portrait import Pose
from emojimation.faces import Face

# Presence from which a mesh counts at all, and in full.
PRESENT = (0.5, 0.95)
# Openness of an eye that starts to close, and of one that is shut, for a person whose own range is not known.
OPEN, SHUT = 0.19, 0.12
# How much of mouth, brows and lids is the person's, the rest being the emotion's.
MOUTH, BROWS, LIDS = 0.8, 0.6, 0.85
_REST = dict(zip(ATTRIBUTES["mesh"].columns, ATTRIBUTES["mesh"].rest, strict=True))


class Puppet(NamedTuple):
    """How the person's face differs from one at rest; shares of a large movement unless noted.

    weight: 0 to 1, how far the mesh is trusted. yaw, pitch: of the head, in degrees. shut_right, shut_left: 1 is
    closed. wide: eyes opened beyond rest. smile: -1 to 1. gaze_x, gaze_y: head radii. width: the mouth's, over rest.
    """

    weight: float = 1.0
    yaw: float = 0.0
    pitch: float = 0.0
    shut_right: float = 0.0
    shut_left: float = 0.0
    wide: float = 0.0
    open: float = 0.0
    width: float = 1.0
    smile: float = 0.0
    tilt: float = 0.0
    raise_right: float = 0.0
    raise_left: float = 0.0
    furrow: float = 0.0
    side: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


def puppet_of(face: Face) -> Puppet | None:
    """The puppet of a face with the attribute "mesh"; "pose", "gaze" and "blinks" are used if present."""
    if "mesh" not in face.attributes:
        return None
    values = face.attributes["mesh"]
    weight = float(np.interp(values[0], PRESENT, (0, 1)))
    if not np.isfinite(values).all() or weight == 0:
        return None
    m = dict(zip(_REST, (float(v) for v in values), strict=True))
    yaw, pitch = _two(face, "pose")
    gaze_yaw, gaze_pitch = _two(face, "gaze")
    shut_right, shut_left = _shut(face, m)
    return Puppet(
        weight=weight,
        yaw=yaw,
        pitch=pitch,
        shut_right=shut_right,
        shut_left=shut_left,
        wide=_share(max(m["eye_right"], m["eye_left"]), _REST["eye_right"] + 0.02, 0.10),
        open=_share(m["mouth_open"], _REST["mouth_open"] + 0.02, 0.36),
        width=float(np.clip(m["mouth_width"] / _REST["mouth_width"], 0.6, 1.5)),
        smile=float(np.clip((m["smile"] - _REST["smile"]) / 0.085, -1, 1)),
        tilt=float(np.clip(m["smile_asymmetry"] / 0.06, -1, 1)),
        raise_right=float(np.clip((m["brow_right"] - _REST["brow_right"]) / 0.09, -1, 1)),
        raise_left=float(np.clip((m["brow_left"] - _REST["brow_left"]) / 0.09, -1, 1)),
        furrow=_share(m["brow_furrow"], 0.06, 0.20),
        side=float(np.clip(m["jaw_side"] / 0.12, -1, 1)),
        gaze_x=float(np.clip(gaze_yaw / 25, -1, 1)) * 0.11,
        gaze_y=float(np.clip(gaze_pitch / 25, -1, 1)) * 0.09,
    )


def moved(pose: Pose, puppet: Puppet) -> Pose:
    """The emotion's pose with the person's movements, as far as the mesh is trusted."""
    mouth, brows, lids = (puppet.weight * share for share in (MOUTH, BROWS, LIDS))
    gap = pose.up + pose.down
    wanted = _mix(gap, 0.85 * puppet.open, mouth)
    above = 0.34 if gap < 0.04 else _mix(0.34, pose.up / gap, min(1.0, (gap - 0.04) / 0.1))
    showing = min(1.0, wanted / 0.15)
    # A mouth at rest keeps more of the emotion's curve: few people frown as an emoji does.
    curve = 0.75 * mouth * (0.5 + 0.5 * min(1.0, 2 * abs(puppet.smile) + puppet.open))
    return pose._replace(
        # Laughing eyes are arcs; a person's are seen, so that they can look and blink.
        low=_mix(pose.low, max(pose.low, 0.36), lids),
        lid=_mix(pose.lid, min(pose.lid, 0.2) * (1 - puppet.wide), lids * 0.6),
        eye_h=pose.eye_h * (1 + 0.14 * puppet.wide * puppet.weight),
        shut_right=puppet.shut_right * puppet.weight,
        shut_left=puppet.shut_left * puppet.weight,
        gaze_x=_mix(pose.gaze_x, puppet.gaze_x, puppet.weight),
        gaze_y=_mix(pose.gaze_y, puppet.gaze_y, puppet.weight),
        raise_right=0.17 * puppet.raise_right * brows,
        raise_left=0.17 * puppet.raise_left * brows,
        brow_in=pose.brow_in - 0.10 * puppet.furrow * brows,
        up=wanted * above,
        down=wanted * (1 - above),
        teeth=_mix(pose.teeth, max(pose.teeth, 0.5), puppet.weight * showing),
        tongue=_mix(pose.tongue, max(pose.tongue, 0.8), puppet.weight * showing * puppet.open),
        mouth_w=_mix(pose.mouth_w, 0.30 * puppet.width**1.4, 0.75 * mouth),
        smile=_mix(pose.smile, 0.16 * puppet.smile + 0.035, curve),
        tilt=0.05 * puppet.tilt * mouth,
        mouth_x=0.10 * puppet.side * mouth,
        mouth_y=pose.mouth_y - 0.25 * mouth * max(0.0, wanted * (1 - above) - pose.down),
    )


def _shut(face: Face, measured: dict[str, float]) -> tuple[float, float]:
    """How far the right and the left eye are closed: of the person's own range if it is known."""
    blinks = face.attributes.get("blinks")
    if blinks is not None and np.isfinite(blinks[:2]).all():
        return float(blinks[0]), float(blinks[1])
    right, left = (1 - float(np.interp(measured[name], (SHUT, OPEN), (0, 1))) for name in ("eye_right", "eye_left"))
    return right, left


def _two(face: Face, name: str) -> tuple[float, float]:
    """The first two values of an attribute, 0 where it is missing or unknown."""
    values = face.attributes.get(name)
    if values is None or not np.isfinite(values[:2]).all():
        return 0.0, 0.0
    return float(values[0]), float(values[1])


def _share(value: float, start: float, span: float) -> float:
    return float(np.clip((value - start) / span, 0, 1))


def _mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share
