"""Make docs/images/puppet.webp, the README's moving picture: a portrait that moves, and the puppets that follow it.

The bundled portrait of Eileen Collins (NASA, public domain) is warped on its own face mesh: lids, brows, mouth and the
turn of the head follow a short script. What is drawn beside it is what `--style puppet` makes of these frames.

Run: python scripts/readme_motion.py [--out FILE]
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from emojimation.draw.styles import annotate
from emojimation.media import read_image
from emojimation.mesh.network import FaceMesh, Mesh
from emojimation.mesh.pose import head_pose, rotation_of
from emojimation.pipeline import make_pipeline
from emojimation.tracking.track import Tracker

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "src" / "emojimation" / "assets" / "samples" / "astronaut.jpg"
PART = np.s_[5:275, 95:335]  # head and shoulders
ENLARGED = 1.5
FPS, SECONDS = 15.0, 6.0
CHARACTERS = ("emoji", "cat")
# Points of the mesh: upper and lower lids, and brows, of the right and the left eye; lower lip and chin.
LIDS = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)
BROWS = ((70, 63, 105, 66, 107, 46, 53, 52, 65, 55), (300, 293, 334, 296, 336, 276, 283, 282, 295, 285))
JAW = (17, 18, 200, 199, 175, 152, 148, 377, 176, 400, 83, 313, 84, 314, 181, 405, 91, 321, 15, 16, 86, 316)
LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)  # its inner edge
# The picture moves with the nearest points of the mesh: standard deviation of their weights, and the weight of standing
# still, which leaves what is far from the face where it is. In eye distances.
NEAR, STILL = 0.16, 0.6
LASHES, MOUTH = 0.4, (38, 24, 62)  # share of the skin's brightness; the inside of the mouth, BGR
# Seconds -> value, linear between them.
KEYS = {
    "yaw": ((0, 0), (1.0, -16), (2.0, 16), (2.8, 0), (4.6, 0), (5.3, -8), (6, 0)),
    "pitch": ((0, 0), (0.8, 5), (1.6, -5), (2.4, 0), (3.0, -6), (4.0, -4), (4.6, 0), (6, 0)),
    "roll": ((0, 0), (4.2, 0), (5.0, 9), (5.6, 9), (6, 0)),
    "shut": ((0, 0), (0.5, 0), (0.6, 1), (0.75, 1), (0.9, 0), (4.4, 0), (4.5, 1), (4.65, 1), (4.8, 0), (6, 0)),
    "brows": ((0, 0), (2.6, 0), (3.0, 1), (3.9, 1), (4.3, 0), (6, 0)),
    "jaw": ((0, 0), (2.6, 0), (3.1, 1), (3.9, 1), (4.3, 0), (6, 0)),
}


def main() -> None:
    """Move, follow, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "puppet.webp")
    args = parser.parse_args()
    pictures = [Image.fromarray(panel[..., ::-1]) for panel in panels()]
    step_ms = round(1000 / FPS)
    pictures[0].save(
        args.out, save_all=True, append_images=pictures[1:], duration=step_ms, loop=0, quality=72, method=6
    )
    print(f"{args.out}  {len(pictures)} frames, {args.out.stat().st_size / 1e6:.2f} MB")


def panels() -> Iterator[np.ndarray]:
    """(H,W,3) BGR uint8 for each frame: the portrait, and it behind the puppets."""
    pipeline = make_pipeline(tracker=Tracker(), measures=("pose", "mesh", "gaze"))
    still = cv2.resize(read_image(SAMPLE).frame[PART], None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    (mesh,) = FaceMesh()(still, make_pipeline().detector(still)[:1])
    for number in range(round(FPS * SECONDS)):
        time_s = number / FPS
        frame = moved(still, mesh, time_s)
        faces = pipeline(frame, time_s)
        drawn = [annotate(frame, faces, "puppet", time_s=time_s, character=who) for who in CHARACTERS]
        yield np.hstack([frame, *drawn])


def moved(still: np.ndarray, mesh: Mesh, time_s: float) -> np.ndarray:
    """The portrait as it is at that time."""
    at = {name: float(np.interp(time_s, *zip(*keys, strict=True))) for name, keys in KEYS.items()}
    pose, points = head_pose(mesh.points), mesh.points.astype(np.float64)
    acted = _acted(points, pose.scale, at)
    centre = points.mean(axis=0) + np.array([0, 0, 0.6 * pose.scale])
    turn = rotation_of(at["yaw"], at["pitch"], at["roll"])
    shown, lip = (((p - centre) @ turn.T + centre)[:, :2] for p in (acted, points))
    out = warped(still, points[:, :2], shown, pose.scale)
    _open_mouth(out, lip[list(LOWER_LIP)], shown[list(LOWER_LIP)])
    for upper, lower in LIDS:
        _close_lid(out, shown[list(upper)], shown[list(lower)], at["shut"])
    return out


def _acted(points: np.ndarray, unit: float, at: dict[str, float]) -> np.ndarray:
    """The mesh (468,3) with brows and jaw moved; unit: distance between the outer corners of the eyes."""
    out = points.copy()
    for brow in BROWS:
        out[list(brow), 1] -= 0.10 * unit * at["brows"]
    out[list(JAW), 1] += 0.16 * unit * at["jaw"]
    out[list(LOWER_LIP)[1:-1], 1] += 0.16 * unit * at["jaw"] * np.sin(np.linspace(0, np.pi, 11)[1:-1]) ** 0.5
    return out


def warped(still: np.ndarray, source: np.ndarray, target: np.ndarray, unit: float) -> np.ndarray:
    """The picture (H,W,3) with the points `source` (n,2) moved to `target`, and what is near them alike."""
    height, width = still.shape[:2]
    x, y = np.meshgrid(np.arange(0, width + 4, 4), np.arange(0, height + 4, 4))
    apart = np.stack([x, y], -1)[:, :, None] - target
    weights = np.exp(-(apart**2).sum(-1) / (2 * (NEAR * unit) ** 2))
    shift = (weights @ (source - target)) / (weights.sum(-1, keepdims=True) + STILL)
    shift = cv2.resize(shift, (4 * x.shape[1], 4 * x.shape[0]), interpolation=cv2.INTER_CUBIC)[:height, :width]
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    maps = (across + shift[..., 0]).astype(np.float32), (down + shift[..., 1]).astype(np.float32)
    return cv2.remap(still, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _open_mouth(frame: np.ndarray, teeth: np.ndarray, lip: np.ndarray) -> None:
    """Darkness between where the lower lip was and where it is, (n,2) each."""
    if np.abs(lip - teeth).max() > 1:
        _fill(frame, np.vstack([teeth, lip[::-1]]), MOUTH)


def _close_lid(frame: np.ndarray, upper: np.ndarray, lower: np.ndarray, shut: float) -> None:
    """Skin over the upper share of the eye, and lashes at its edge."""
    if shut <= 0:
        return
    edge = upper + shut * (lower - upper)
    x, y = (upper.mean(axis=0) - (0, 0.6 * np.abs(lower - upper)[:, 1].max() + 2)).astype(int)
    skin = frame[y - 2 : y + 3, x - 3 : x + 4].reshape(-1, 3).mean(axis=0)
    _fill(frame, np.vstack([upper - np.array([0, 2]), edge[::-1]]), tuple(skin))
    line = np.rint(edge * 16).astype(np.int32)
    cv2.polylines(frame, [line], False, tuple(LASHES * skin), 2, cv2.LINE_AA, 4)


def _fill(frame: np.ndarray, outline: np.ndarray, colour: tuple[float, ...]) -> None:
    cv2.fillPoly(frame, [np.rint(outline * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


if __name__ == "__main__":
    main()
