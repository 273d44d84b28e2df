"""The face mesh: where its points lie, what pose and measures say, and faces that it cannot see."""

import cv2
import numpy as np
import pytest

from conftest import FACELESS, SAMPLES
from emojimation.attributes import ATTRIBUTES
from emojimation.detect import FaceDetector
from emojimation.draw.puppet import puppet_of
from emojimation.draw.styles import annotate
from emojimation.faces import Face
from emojimation.mesh.gaze import Iris
from emojimation.mesh.network import FaceMesh, Region, region_around, region_of
from emojimation.mesh.pose import HeadPose, canonical, head_pose, rotation_of
from emojimation.mesh.stage import MeshStage
from emojimation.pipeline import make_pipeline
from turned import turned


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, list[Face]]:
    frame = cv2.resize(cv2.imread(str(SAMPLES / "obama.jpg")), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    return frame, FaceDetector()(frame)[:1]


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    """Between two rotations."""
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))


def test_the_points_lie_on_the_landmarks_of_the_detector(mesh, portrait):
    frame, faces = portrait
    (found,) = mesh(frame, faces)
    assert found.presence > 0.9 and found.points.shape == (468, 3) and found.points.dtype == np.float32
    eyes = np.stack([found.points[[33, 133], :2].mean(0), found.points[[263, 362], :2].mean(0)])
    apart = np.linalg.norm(eyes[1] - eyes[0])
    assert np.linalg.norm(eyes - faces[0].landmarks[:2], axis=1).max() < 0.15 * apart
    assert np.linalg.norm(found.points[1, :2] - faces[0].landmarks[2]) < 0.2 * apart


def test_a_batch_answers_as_single_faces_do_and_a_tilted_face_as_an_upright_one(mesh, portrait):
    frame, faces = portrait
    regions = [region_of(faces[0].with_(xyxy=faces[0].xyxy + shift)) for shift in range(20)]
    together = mesh.at(frame, regions)
    for region, found in zip(regions[::7], together[::7], strict=True):
        assert np.abs(mesh.at(frame, [region])[0].points - found.points).max() < 0.01
    height, width = frame.shape[:2]
    tilted = cv2.warpAffine(frame, cv2.getRotationMatrix2D((width / 2, height / 2), -30, 1), (width, height))
    (found,) = mesh(tilted, FaceDetector()(tilted)[:1])
    assert head_pose(found.points).angles_deg()[2] == pytest.approx(30, abs=4)


@pytest.mark.parametrize("angles", [(0, 0, 0), (40, 0, 0), (-25, 10, 0), (10, -35, 5), (-40, 20, -30)])
def test_pose_is_that_of_the_mean_face_turned_and_the_head_is_turned_back(angles):
    points = canonical()[0] @ rotation_of(*angles).T * 83 + (310, 205, 7)
    pose = head_pose(points)
    assert pose.angles_deg() == pytest.approx(angles, abs=1e-6) and pose.scale == pytest.approx(83)
    assert np.abs(pose.to_head(points) - canonical()[0]).max() < 1e-9
    assert HeadPose(rotation_of(*angles), 1, np.zeros(3)).angles_deg() == pytest.approx(angles, abs=1e-6)


@pytest.mark.slow
def test_pose_of_a_portrait_turned_up_to_40_degrees_errs_by_less_than_five(mesh, portrait):
    frame, faces = portrait
    (start,) = mesh(frame, faces)
    upright, errors, detect = head_pose(start.points).rotation.T, [], FaceDetector()
    for yaw, pitch in (
        (0, 0),
        (20, 0),
        (-20, 0),
        (40, 0),
        (-40, 0),
        (0, 20),
        (0, -20),
        (30, 15),
        (-30, -15),
        (-40, 20),
    ):
        picture = turned(frame, start, rotation_of(yaw, pitch, 0) @ upright)
        (first,) = mesh(picture, detect(picture)[:1])
        (found,) = mesh.at(picture, [region_around(first.points)])
        errors.append(np.abs(head_pose(found.points).angles_deg() - (yaw, pitch, 0)))
    assert np.mean(errors, axis=0).max() < 5, f"yaw, pitch, roll: {np.mean(errors, axis=0).round(1)} degrees"


def test_presence_is_low_without_a_face_and_for_half_of_one(mesh, portrait):
    for path in sorted(FACELESS.glob("*.jpg")):
        frame = cv2.imread(str(path))
        side = min(frame.shape[:2])
        (nothing,) = mesh.at(frame, [Region(frame.shape[1] / 2, frame.shape[0] / 2, side, 0)])
        assert nothing.presence < 0.6 and np.isfinite(nothing.points).all(), path
    frame, (face,) = portrait
    beside = face.with_(xyxy=face.xyxy + np.array([1.3, 0, 1.3, 0]) * face.size_px, landmarks=None)
    assert mesh(frame, [beside])[0].presence < 0.1
    middle = round(float(face.xyxy[[0, 2]].mean()))
    half = frame[:, middle:]
    assert mesh(half, [face.with_(xyxy=face.xyxy - np.array([middle, 0, middle, 0]))])[0].presence < 0.7


def test_the_far_eye_of_a_turned_head_is_left_out(mesh, portrait, monkeypatch):
    frame, faces = portrait
    (found,) = mesh(frame, faces)
    iris, looked = Iris(), []
    answer = iris._irises
    monkeypatch.setattr(iris, "_irises", lambda frame, eyes: looked.append([e[1] for e in eyes]) or answer(frame, eyes))
    poses = [HeadPose(rotation_of(yaw, 0, 0), 1, np.zeros(3)) for yaw in (0, 30, -30)]
    gazes = iris(frame, [found] * 3, poses)
    assert looked == [[0, 1, 0, 1]], "right and left eye of the first, one of each of the others"
    assert np.array(gazes[1:]).mean(axis=0) == pytest.approx(gazes[0], abs=1), "the mean of both eyes"


def test_no_network_is_loaded_where_nothing_is_measured(portrait, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a network of the mesh was loaded")

    monkeypatch.setattr("emojimation.mesh.stage.FaceMesh", refuse)
    monkeypatch.setattr("emojimation.mesh.stage.Iris", refuse)
    frame, _ = portrait
    assert make_pipeline("lite")(frame) and make_pipeline("lite", measures=["affect"])(frame)
    assert MeshStage(MeshStage.NAMES)(frame, []) == []
    with pytest.raises(AssertionError, match="loaded"):
        MeshStage(["pose"])(frame, [Face(np.array([0, 0, 9, 9], np.float32), 0.9)])


def test_a_crowd_of_tiny_turned_and_halved_faces_is_measured_or_unknown(portrait):
    """A composed picture: sixty faces of 10 to 60 pixels, some rolled, some cut by the border, some on their side."""
    frame, (face,) = portrait
    x0, y0, x1, y1 = (face.xyxy + face.size_px * np.array([-0.3, -0.3, 0.3, 0.3])).astype(int)
    head = frame[max(y0, 0) : y1, max(x0, 0) : x1]
    crowd, faces, rng = np.full((480, 640, 3), 90, np.uint8), [], np.random.default_rng(4)
    for number in range(60):
        side, roll = int(rng.integers(16, 96)), float(rng.choice([0, 15, -20, 90]))
        x, y = int(rng.integers(-side // 2, 640 - side // 2)), int(rng.integers(-side // 2, 480 - side // 2))
        small = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), -roll, 1)
        matrix[:, 2] += (x, y)
        cv2.warpAffine(small, matrix, (640, 480), dst=crowd, borderMode=cv2.BORDER_TRANSPARENT)
        box = np.array([x, y, x + side, y + side]) + side / 1.6 * np.array([0.3, 0.3, -0.3, -0.3])
        faces.append(Face(box.astype(np.float32), 0.9, track_id=number))
    measured = MeshStage(MeshStage.NAMES)(crowd, faces)
    sure = [one for one in measured if one.attributes["mesh"][0] >= 0.5]
    assert 10 < len(sure) < 60
    for one in measured:
        known = [bool(np.isfinite(values[1:]).all()) for values in one.attributes.values()]
        assert all(known) if one in sure else not any(known)
        assert 0 <= one.attributes["mesh"][0] <= 1 and (puppet_of(one) is None or one in sure)
    drawn = annotate(crowd, measured, "puppet")
    centres = [((one.xyxy[:2] + one.xyxy[2:]) / 2).astype(int) for one in faces]
    within = [(x, y) for x, y in centres if 0 <= x < 640 and 0 <= y < 480]
    assert len(within) > 40 and all((drawn[y, x] != crowd[y, x]).any() for x, y in within)


def test_faces_out_of_the_frame_are_unknown_and_the_others_are_not(portrait):
    frame, (face,) = portrait
    far = [face.with_(xyxy=face.xyxy + 5000), face.with_(xyxy=np.array([3, 3, 4, 4], np.float32), landmarks=None)]
    measured = MeshStage(MeshStage.NAMES)(frame, [face] * 6 + far)
    assert len(measured) == 8
    for one in measured:
        for name in MeshStage.NAMES:
            values = one.attributes[name]
            assert values.shape == (len(ATTRIBUTES[name].columns),) and values.dtype == np.float32
    for one in measured[:6]:
        assert all(np.isfinite(values).all() for values in one.attributes.values())
    for one in measured[6:]:  # no face there: nothing is known but that
        assert np.isnan(one.attributes["pose"]).all() and np.isnan(one.attributes["gaze"]).all()
        assert np.isnan(one.attributes["mesh"][1:]).all()
    presence = [one.attributes["mesh"][0] for one in measured]
    assert min(presence[:6]) > 0.9 and max(presence[6:]) < 0.5
