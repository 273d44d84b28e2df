"""Blinks of a constructed video: a portrait whose lids close at known times while the head turns."""

import cv2
import numpy as np
import pytest

from conftest import SAMPLES
from emojimation.detect import FaceDetector
from emojimation.mesh.measures import measures
from emojimation.mesh.network import FaceMesh, Mesh
from emojimation.mesh.pose import head_pose, rotation_of
from emojimation.tracking.blinks import Blinks
from turned import turned

# The upper lids and the lower ones opposite, of the right and the left eye.
UPPER = (246, 161, 160, 159, 158, 157, 173, 466, 388, 387, 386, 385, 384, 398)
LOWER = (7, 163, 144, 145, 153, 154, 155, 249, 390, 373, 374, 380, 381, 382)
# A point of the skin above each eye, from which the lid takes its colour.
LID_SKIN = (27, 257)
CLOSURES = (0.0, 0.35, 0.7, 1.0)
YAWS = (-15, 0, 15)
FPS, SECONDS = 30, 12
TIMES = (1.3, 2.3, 3.1, 4.4, 5.0, 6.2, 7.0, 8.4, 9.4, 10.5)


def with_lids(frame: np.ndarray, mesh: Mesh, closure: float) -> np.ndarray:
    """The frame with both eyes closed by a share: skin down to where the lids are, a dark line of lashes below it."""
    out = frame.copy()
    for half, skin in ((slice(0, 7), LID_SKIN[0]), (slice(7, 14), LID_SKIN[1])):
        upper, lower = mesh.points[list(UPPER[half]), :2], mesh.points[list(LOWER[half]), :2]
        edge = upper + closure * (lower - upper)
        x, y = mesh.points[skin, :2].astype(int)
        colour = frame[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
        fold = np.rint(np.concatenate([upper - (0, 1), edge[::-1]])).astype(np.int32)
        cv2.fillPoly(out, [fold], colour.tolist(), cv2.LINE_AA)
        cv2.polylines(out, [np.rint(edge).astype(np.int32)], False, (colour * 0.35).tolist(), 2, cv2.LINE_AA)
    return out


def closing(time_s: float) -> int:
    """Index into `CLOSURES`: a blink closes within 70 ms, stays closed for 60 and opens within 100."""
    closure = max(np.interp(time_s - at, (-0.1, -0.03, 0.03, 0.13), (0, 1, 1, 0)) for at in TIMES)
    return int(np.abs(np.array(CLOSURES) - closure).argmin())


@pytest.mark.slow
def test_nine_of_ten_blinks_of_a_turning_head_are_counted_and_none_is_made_up():
    frame = cv2.imread(str(SAMPLES / "astronaut.jpg"))[:300, 120:360].copy()
    detect, network, rng = FaceDetector(search="fast"), FaceMesh(), np.random.default_rng(0)
    (start,) = network(frame, detect(frame)[:1])
    upright = head_pose(start.points).rotation.T
    pictures = {
        (yaw, index): turned(
            with_lids(frame, start, closure) if closure else frame, start, rotation_of(yaw, 0, 0) @ upright
        )
        for yaw in YAWS
        for index, closure in enumerate(CLOSURES)
    }
    faces = {yaw: detect(pictures[yaw, 0])[:1] for yaw in YAWS}
    blinks, counts = Blinks(), []
    for number in range(FPS * SECONDS):
        time_s = number / FPS
        yaw = YAWS[int(time_s / 4) % 3]
        clean = pictures[yaw, closing(time_s)]
        noisy = np.clip(clean + rng.normal(0, 5, clean.shape), 0, 255).astype(np.uint8)
        (found,) = network(noisy, faces[yaw])
        counts.append(blinks(values(found), 1 / FPS)[2])
    hits = [
        any(counts[round((at - 0.1) * FPS)] < counts[k] for k in range(round(at * FPS), round((at + 0.35) * FPS)))
        for at in TIMES
    ]
    assert sum(hits) >= 9, [at for at, hit in zip(TIMES, hits, strict=True) if not hit]
    assert counts[-1] <= len(TIMES)


def values(mesh: Mesh) -> np.ndarray:
    return measures(mesh.points, head_pose(mesh.points), mesh.presence)


@pytest.mark.slow
def test_a_face_that_keeps_still_measures_the_same_in_noise():
    frame = cv2.imread(str(SAMPLES / "obama.jpg"))
    faces, network, rng = FaceDetector()(frame)[:1], FaceMesh(), np.random.default_rng(1)
    seen, poses = [], []
    for _ in range(12):
        noisy = np.clip(frame + rng.normal(0, 6, frame.shape), 0, 255).astype(np.uint8)
        moved = [faces[0].with_(xyxy=faces[0].xyxy + rng.normal(0, 0.01, 4) * faces[0].size_px)]
        (found,) = network(noisy, moved)
        seen.append(values(found))
        poses.append(head_pose(found.points).angles_deg())
    assert np.std(poses, axis=0).max() < 1.5
    assert np.std(seen, axis=0).max() < 0.02
