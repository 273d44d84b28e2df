"""How much the mesh of a still face flickers, by where its crop comes from.

python scripts/measure_steadiness.py

Portraits drift slowly through noise, as in front of a camera. The crop of each frame follows the box of the whole
frame's search, the box of a followed face (`detect.following`), or the mesh of the frame before (`region_around`).
Printed: standard deviation of yaw, pitch and roll in degrees, and the largest one of the measures.
"""

from collections.abc import Callable

import cv2
import numpy as np

from emojimation.detect import FaceDetector
from emojimation.detect.following import FollowingDetector
from emojimation.mesh.measures import measures
from emojimation.mesh.network import FaceMesh, Mesh, Region, region_around, region_of
from emojimation.mesh.pose import head_pose
from emojimation.weights import ASSETS

PORTRAITS = {"obama.jpg": 0.4, "astronaut.jpg": 0.5, "biden.jpg": 0.3}  # scaled to faces of 50 to 100 pixels
FRAMES, SETTLED, NOISE = 40, 5, 5.0


def main() -> None:
    mesh = FaceMesh()
    for name, scale in PORTRAITS.items():
        portrait = cv2.resize(
            cv2.imread(str(ASSETS / "samples" / name)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        for words, ways in WAYS.items():
            found = [measured(one) for one in ways(mesh, drifting(portrait))][SETTLED:]
            spread = np.std(found, axis=0)
            print(f"{name}, {words}: {spread[:3].round(2)} degrees, measures {spread[3:].max():.4f}")


def drifting(portrait: np.ndarray) -> list[np.ndarray]:
    """The frames, the same for every way."""
    rng, frames = np.random.default_rng(1), []
    for number in range(FRAMES):
        matrix = np.array([[1, 0, 0.7 * number], [0, 1, 2 * np.sin(number / 4)]])
        frame = cv2.warpAffine(portrait, matrix, portrait.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        frames.append(np.clip(frame + rng.normal(0, NOISE, frame.shape), 0, 255).astype(np.uint8))
    return frames


def by_search(mesh: FaceMesh, frames: list[np.ndarray]) -> list[Mesh]:
    detect = FaceDetector(search="stream")
    return [mesh(frame, detect(frame)[:1])[0] for frame in frames]


def by_following(mesh: FaceMesh, frames: list[np.ndarray]) -> list[Mesh]:
    detect = FollowingDetector(FaceDetector(search="stream"))
    return [mesh(frame, detect(frame)[:1])[0] for frame in frames]


def by_last_mesh(mesh: FaceMesh, frames: list[np.ndarray]) -> list[Mesh]:
    region: Region = region_of(FaceDetector(search="stream")(frames[0])[0])
    found = []
    for frame in frames:
        found += mesh.at(frame, [region])
        region = region_around(found[-1].points)
    return found


def measured(mesh: Mesh) -> np.ndarray:
    pose = head_pose(mesh.points)
    return np.concatenate([pose.angles_deg(), measures(mesh.points, pose, mesh.presence)[1:]])


WAYS: dict[str, Callable[[FaceMesh, list[np.ndarray]], list[Mesh]]] = {
    "whole search": by_search,
    "followed face": by_following,
    "last mesh": by_last_mesh,
}

if __name__ == "__main__":
    main()
