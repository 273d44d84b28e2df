"""The puppet: what the face does, the avatar does; characters of one's own; and the avatar where no mesh is sure."""

import csv
import json
import subprocess
import sys
from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest

from conftest import ROOT, SAMPLES
from emojimation.attributes import ATTRIBUTES, mirrored
from emojimation.draw.avatar import Avatar
from emojimation.draw.characters import FOLDER, character, names
from emojimation.draw.portrait import Pose
from emojimation.draw.puppet import Puppet, moved, puppet_of
from emojimation.draw.styles import annotate
from emojimation.draw.turn import Turn
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.hiding.covers import Covers
from emojimation.labels import EMOTIONS
from emojimation.photos import run_images
from emojimation.pipeline import make_pipeline
from emojimation.story.rows import columns_of
from emojimation.tracking.blinks import Blinks
from emojimation.tracking.neutral import Neutral
from emojimation.tracking.track import Tracker

REST = np.array(ATTRIBUTES["mesh"].rest, np.float32)
COLUMN = {name: number for number, name in enumerate(ATTRIBUTES["mesh"].columns)}
NEUTRAL = np.eye(7)[EMOTIONS.index("neutral")]


def mesh(**values: float) -> np.ndarray:
    """The attribute of a face at rest, but for some values."""
    measured = REST.copy()
    for name, value in values.items():
        measured[COLUMN[name]] = value
    return measured


def face(probabilities=NEUTRAL, **attributes) -> Face:
    return Face(np.array([20, 20, 80, 80], np.float32), 0.9, None, probabilities, 1, attributes=attributes)


def test_each_movement_of_the_face_moves_its_part_of_the_avatar():
    rest = moved(Pose(), puppet_of(face(mesh=mesh())))
    for values, change in (
        ({"eye_right": 0.08}, lambda p: p.shut_right > 0.9 and p.shut_left == 0),
        ({"eye_left": 0.08}, lambda p: p.shut_left > 0.9 and p.shut_right == 0),
        ({"mouth_open": 0.3}, lambda p: p.up + p.down > rest.up + rest.down + 0.3),
        ({"mouth_width": 0.75}, lambda p: p.mouth_w > rest.mouth_w + 0.05),
        ({"smile": 0.07}, lambda p: p.smile > rest.smile + 0.05),
        ({"smile_asymmetry": 0.05}, lambda p: p.tilt > 0.02),
        ({"brow_right": 0.36}, lambda p: p.raise_right > 0.05 and abs(p.raise_left) < 1e-6),
        ({"brow_furrow": 0.3}, lambda p: p.brow_in < rest.brow_in - 0.02),
        ({"jaw_side": 0.1}, lambda p: p.mouth_x > 0.03),
    ):
        assert change(moved(Pose(), puppet_of(face(mesh=mesh(**values))))), values
    looking = moved(Pose(), puppet_of(face(mesh=mesh(), gaze=np.array([20, -10], np.float32))))
    assert looking.gaze_x > 0.05 and looking.gaze_y < -0.02


def test_without_a_sure_mesh_the_puppet_is_the_avatar_and_it_fades_in_between():
    for attributes in ({}, {"mesh": mesh(presence=0.5)}, {"mesh": np.full_like(REST, np.nan)}):
        assert puppet_of(face(**attributes)) is None
    weights = [puppet_of(face(mesh=mesh(presence=p))).weight for p in (0.72, 0.8, 0.9, 0.97)]
    assert weights == sorted(weights) and weights[-1] == 1
    avatar = Avatar()
    plain = avatar.draw(NEUTRAL, 96, 0.5)
    faint = avatar.draw(NEUTRAL, 96, 0.5, puppet=Puppet(weight=0.01, yaw=40, open=1, shut_left=1))
    assert np.abs(plain.astype(int) - faint).mean() < 1.5
    frame = np.full((100, 100, 3), 128, np.uint8)
    turned = face(mesh=mesh(mouth_open=0.3), pose=np.array([40, 0, 0], np.float32))
    assert (annotate(frame, [face()], "puppet") == annotate(frame, [face()], "avatar")).all()
    assert (annotate(frame, [turned], "avatar") == annotate(frame, [face()], "avatar")).all()
    assert (annotate(frame, [turned], "puppet") != annotate(frame, [face()], "avatar")).any()


@pytest.mark.parametrize("fps", [25, 30])
def test_the_puppet_follows_lids_mouth_and_head_within_80_ms(fps):
    """A person who closes the eyes, opens the mouth and turns the head from one frame to the next, as a live stream."""
    still = {"mesh": mesh(), "pose": np.zeros(3, np.float32)}
    acting = {"mesh": mesh(eye_right=0.1, eye_left=0.1, mouth_open=0.3), "pose": np.array([30, 0, 0], np.float32)}
    tracker, begins = Tracker(), fps  # after a second
    seen = [tracker.update([face(**(acting if n >= begins else still))], n / fps)[0] for n in range(fps + 15)]
    puppets = [puppet_of(one) for one in seen]
    before, after = puppets[begins - 1], puppets[-1]
    late = begins + int(0.08 * fps)
    for part in ("shut_right", "shut_left", "open", "yaw"):
        start, end = getattr(before, part), getattr(after, part)
        share = (getattr(puppets[late], part) - start) / (end - start)
        assert share > 0.5, f"{part}: {share:.0%} after {1000 * (late - begins) / fps:.0f} ms"
    assert puppets[begins].shut_right > 0.9, "a blink of a tenth of a second must not be smoothed away"


LOST = {"pose": np.full(3, np.nan, np.float32), "mesh": np.append(0.1, np.full(len(REST) - 1, np.nan)).astype("f")}
TURNED = {"pose": np.array([40, 10, 0], np.float32), "mesh": mesh(mouth_open=0.3, brow_right=0.36)}


def drawn_through_a_loss(faces: list[Face]) -> tuple[list[float], list[float]]:
    """How much the drawing changes from frame to frame, and how far each frame's mesh is trusted."""
    puppets = [puppet_of(one) for one in faces]
    sprites = [Avatar().draw(NEUTRAL, 96, 0.5, puppet=puppet).astype(int) for puppet in puppets]
    changes = [float(np.abs(a - b).mean()) for a, b in pairwise(sprites)]
    return changes, [0.0 if puppet is None else puppet.weight for puppet in puppets]


def check_fading(changes: list[float], weights: list[float]) -> None:
    whole = np.abs(
        Avatar().draw(NEUTRAL, 96, 0.5).astype(int) - Avatar().draw(NEUTRAL, 96, 0.5, puppet=puppet_of(face(**TURNED)))
    ).mean()
    assert weights[8] == weights[-1] == 1 and weights[23] == 0
    assert max(changes) < 0.55 * whole, "the puppet jumps"
    assert sum(change > 0.02 * whole for change in changes) >= 4


def test_a_puppet_whose_mesh_is_lost_fades_into_the_avatar_and_back():
    shown = [face(**(LOST if 10 <= number < 25 else TURNED)) for number in range(40)]
    tracker, covers = Tracker(), Covers()
    live = [tracker.update([one], number / 30)[0] for number, one in enumerate(shown)]
    check_fading(*drawn_through_a_loss(live))
    for number, one in enumerate(shown):
        covers.add(number / 30, [one])
    covers.finish()
    hidden = [covers.at(number / 30)[0][0] for number in range(40)]
    check_fading(*drawn_through_a_loss(hidden))
    for faces in (live, hidden):
        assert np.isnan(faces[23].attributes["pose"]).all() and faces[23].attributes["mesh"][0] < 0.5
        assert all(one.attributes["mesh"][0] < 0.9 for one in faces[12:24])


def test_a_turned_head_carries_its_features_over_the_sphere():
    right = Turn(45, 0).points(np.array([[0.0, 0.0], [0.37, -0.1], [-0.37, -0.1]]))
    assert 0.35 < right[0, 0] < 0.6 and abs(right[0, 1]) < 1e-9
    assert right[1, 0] - right[0, 0] < 0.37 < right[0, 0] - right[2, 0] + 0.1
    assert Turn(0, 30).points(np.zeros((1, 2)))[0, 1] > 0.2
    around = np.linspace(-1, 1, 201)[:, None] * (1, 0)
    steps = np.diff(Turn(-60, 10).points(around)[:, 0])
    assert (steps > -1e-9).sum() > 100 and np.abs(steps).max() < 0.1
    assert np.abs(Turn(-30, 0).behind(np.array([[0.0, -1.0]]))[0] - (0, -1)).max() < 0.15


@pytest.mark.parametrize("who", names())
def test_every_character_is_drawn_at_every_size_and_covers_the_face(who):
    avatar = Avatar(who=who)
    for size in (1, 32, 33, 128, 512):
        for puppet in (None, Puppet(yaw=45, pitch=-30, open=1, shut_left=1)):
            sprite = avatar.draw(NEUTRAL, size, 0.3, puppet=puppet)
            assert sprite.shape == (size, size, 4) and (sprite[..., :3] <= sprite[..., 3:]).all()
    head = Avatar().draw(NEUTRAL, 128)[..., 3]
    assert (avatar.draw(NEUTRAL, 128)[..., 3] >= head.astype(int) - 8).all()
    small = [avatar.draw(np.eye(7)[i], 32).astype(int) for i in range(7)]
    assert min(np.abs(a - b).mean() for i, a in enumerate(small) for b in small[:i]) > 3


def test_the_ears_of_a_tilted_cat_are_whole():
    def drawn(roll_deg: float) -> int:
        eyes = np.array([[-15, 0], [15, 0]]) @ cv2.getRotationMatrix2D((0, 0), -roll_deg, 1)[:, :2].T
        marks = np.vstack([eyes, np.zeros((3, 2))]).astype(np.float32) + 150
        tilted = Face(np.array([110, 110, 190, 190], np.float32), 0.9, marks, NEUTRAL)
        frame = np.full((300, 300, 3), 128, np.uint8)
        return int((annotate(frame, [tilted], "avatar", character="cat") != frame).any(axis=2).sum())

    assert [drawn(roll) for roll in (15, -30, 45)] == pytest.approx([drawn(0)] * 3, rel=0.01)


def test_the_large_avatar_of_a_tilted_cat_has_room_for_its_ears():
    for who, changed in (("cat", True), ("emoji", False)):
        upright, tilted = (Avatar(who=who).draw(NEUTRAL, 200, roll_deg=roll) for roll in (0, 18))
        assert np.concatenate([tilted[0], tilted[-1], tilted[:, 0], tilted[:, -1]])[:, 3].max() < 40
        assert (upright[..., 3] > 0).sum() == pytest.approx((tilted[..., 3] > 0).sum(), rel=0.01)
        smaller = (upright[..., 3] > 0).sum() < 0.8 * (Avatar(who=who).draw(NEUTRAL, 200)[..., 3] > 0).sum()
        assert smaller == changed


def test_red_and_green_do_not_make_brown():
    half = (np.eye(7)[EMOTIONS.index("angry")] + np.eye(7)[EMOTIONS.index("disgust")]) / 2
    blue, green, red = character("emoji").skin.middle(half)
    assert red > 200 and green > 150 and blue < green


@pytest.mark.parametrize("who", names())
def test_no_mixture_of_moods_is_bleached_or_brown(who):
    """As light as the lightest mood at most, or as yellow between red and green; grey has no say in the hue."""
    skin = character(who).skin
    light = [max(skin.middle(one)) for one in np.eye(7)]
    for a, b in combinations(range(7), 2):
        middle = skin.middle((np.eye(7)[a] + np.eye(7)[b]) / 2)
        assert min(middle) < 225 and min(light[a], light[b]) - 6 <= max(middle) <= 255, (EMOTIONS[a], EMOTIONS[b])
    half = (np.eye(7)[EMOTIONS.index("happy")] + NEUTRAL) / 2
    blue, green, red = skin.middle(half)
    assert blue < green < red


def test_a_sad_puppet_at_rest_frowns():
    sad = character("emoji").pose(np.eye(7)[EMOTIONS.index("sad")])
    assert moved(sad, puppet_of(face(mesh=mesh()))).smile < 0.55 * sad.smile < 0


def test_a_folder_is_a_character_and_a_wrong_one_is_told_in_one_line(tmp_path):
    text = (FOLDER / "cat" / "character.json").read_text()
    own = tmp_path / "mine"
    own.mkdir()
    (own / "character.json").write_text(text.replace("#ffd9a0", "#2040ff"))
    assert (Avatar(who=own).draw(NEUTRAL, 64) != Avatar(who="cat").draw(NEUTRAL, 64)).any()
    with pytest.raises(InputError, match="Expected a character among emoji, cat, robot or a folder"):
        character("dog")
    for number, wrong in enumerate(("[]", "{", text.replace('"sad"', '"blue"'), text.replace("0.5,\n", '"x",\n', 1))):
        other = tmp_path / f"wrong{number}"
        other.mkdir()
        (other / "character.json").write_text(wrong)
        with pytest.raises(InputError, match=r"as docs/characters\.md describes") as told:
            character(other)
        assert "\n" not in str(told.value)
    uncovered = json.loads(text) | {"head": {"squareness": 1.0}}
    (own / "character.json").write_text(json.dumps(uncovered))
    character.cache_clear()
    with pytest.raises(InputError, match="would uncover"):
        character(own)


def lids(blinks_at: list[float], seconds: float, fps: float = 30.0) -> tuple[int, list[float]]:
    """Blinks counted on noisy lids that close for 0.1 s at the given times, and the closures."""
    rng, blinks, shut = np.random.default_rng(3), Blinks(), []
    for number in range(round(seconds * fps)):
        away = min((abs(number / fps - at) for at in blinks_at), default=9.0)
        openness = 0.29 * np.clip((away - 0.05) / 0.07, 0.3, 1) + rng.normal(0, 0.006)
        shut.append(float(blinks(mesh(eye_right=openness, eye_left=openness), 1 / fps)[0]))
    return int(blinks.values[2]), shut


def test_blinks_are_counted_and_nothing_else_is():
    times = [1.1, 3.4, 4.0, 7.7, 9.2, 12.6, 15.0, 18.3, 20.1, 24.4]
    count, shut = lids(times, 30)
    assert count == len(times) and max(shut) > 0.9 and np.mean(np.array(shut) > 0.1) < 0.15
    assert lids([], 20)[0] == 0
    blinks = Blinks()
    for number in range(90):  # a wink is no blink, and neither are eyes shut for a second
        shut_right = 0.08 if 30 <= number < 35 or 50 <= number < 80 else 0.3
        shut_left = 0.08 if 50 <= number < 80 else 0.3
        values = blinks(mesh(eye_right=shut_right, eye_left=shut_left), 1 / 30)
    assert values[2] == 0
    for _ in range(120):
        values = blinks(mesh(), 1 / 30)
    assert values[3] == 0


def test_a_calibration_brings_the_persons_rest_to_an_average_rest():
    neutral = Neutral(seconds=0.5)
    own = face(mesh=mesh(eye_right=0.2, eye_left=0.22, brow_right=0.33), gaze=np.array([5, -7], np.float32))
    neutral.start(1)
    for number in range(30):
        (after,) = neutral([own], number / 30)
    assert neutral.problem is None and neutral.calibrated == (1,)
    assert after.attributes["mesh"] == pytest.approx(REST, abs=1e-5)
    assert after.attributes["gaze"] == pytest.approx([0, 0], abs=1e-5)
    neutral.remove(1)
    assert (neutral([own], 2.0)[0].attributes["mesh"] == own.attributes["mesh"]).all()


def test_a_mirror_swaps_the_eyes_and_turns_the_head_the_other_way():
    values = mirrored("mesh", mesh(eye_right=0.1, jaw_side=0.2))
    assert values == pytest.approx(mesh(eye_left=0.1, jaw_side=-0.2))
    assert mirrored("pose", np.array([10, 5, -3], np.float32)) == pytest.approx([-10, 5, 3])
    frame = cv2.resize(cv2.imread(str(SAMPLES / "obama2.jpg")), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    pipeline = make_pipeline("lite", measures=["pose", "mesh", "gaze"])
    seen, other = (pipeline(picture)[0].attributes for picture in (frame, frame[:, ::-1].copy()))
    assert seen["pose"][0] < -10 and seen["gaze"][0] < -10
    assert mirrored("pose", other["pose"]) == pytest.approx(seen["pose"], abs=4)
    assert mirrored("gaze", other["gaze"]) == pytest.approx(seen["gaze"], abs=8)
    assert mirrored("mesh", other["mesh"])[1:] == pytest.approx(seen["mesh"][1:], abs=0.08)


def test_covers_of_a_video_keep_the_measures_and_count_blinks():
    covers = Covers()
    for number in range(40):
        openness = 0.1 if 18 <= number < 21 else 0.3
        pose = np.array([number, 0, 0], np.float32)
        covers.add(number / 30, [face(pose=pose, mesh=mesh(eye_right=openness, eye_left=openness))])
    covers.finish()
    seen = [covers.at(number / 30)[0][0].attributes for number in range(40)]
    assert [one["pose"][0] for one in seen[5:35:5]] == pytest.approx([5, 10, 15, 20, 25, 30], abs=0.5)
    assert seen[19]["blinks"][0] > 0.9 and seen[10]["blinks"][0] == 0
    assert seen[10]["blinks"][2] == 0 and seen[39]["blinks"][2] == 1
    assert seen[19]["mesh"] == pytest.approx(mesh(eye_right=0.1, eye_left=0.1), abs=0.12)


@pytest.mark.slow
def test_images_are_drawn_as_puppets_of_any_character(tmp_path):
    source, pipeline = SAMPLES / "obama2.jpg", make_pipeline("lite")
    (plain,) = run_images([source], pipeline, tmp_path / "a", "avatar")
    (result,) = run_images([source], pipeline, tmp_path / "b", "puppet")
    (cat,) = run_images([source], pipeline, tmp_path / "c", "puppet", character="cat")
    assert not plain.faces[0].attributes and set(result.faces[0].attributes) == {"pose", "mesh", "gaze"}
    drawn = [cv2.imread(str(one.written)).astype(int) for one in (plain, result, cat)]
    assert np.abs(drawn[0] - drawn[1]).mean() > 1 and np.abs(drawn[1] - drawn[2]).mean() > 1


def test_a_table_is_written_under_the_names_of_other_tools(tmp_path):
    table = tmp_path / "faces.csv"
    columns = columns_of(attributes=("pose", "mesh", "blinks"))
    values = {"frame": 4, "time_s": 0.16, "track_id": 2, "x0": 10, "x1": 50, "score": 0.8, "happy": 0.7}
    values |= {"pose_yaw": 30, "pose_pitch": -10, "mesh_presence": 0.97, "blinks_right": 0.5, "blinks_left": 1}
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerow(dict.fromkeys(columns, 0) | values)
        writer.writerow(dict.fromkeys(columns, 0) | values | {"pose_yaw": "", "mesh_presence": 0.5, "blinks_left": ""})
    script = [sys.executable, str(ROOT / "examples/for_other_tools.py"), str(table)]
    told = {}
    for tool in ("openface", "py-feat"):
        out = tmp_path / f"{tool}.csv"
        subprocess.run([*script, str(out), "--names", tool], check=True, capture_output=True)
        told[tool] = list(csv.DictReader(out.open()))
    first, second = told["openface"]
    assert (first["frame"], first["face_id"], first["success"], second["success"]) == ("5", "2", "1", "0")
    assert float(first["pose_Ry"]) == pytest.approx(0.5236) and float(first["AU45_r"]) == 3.75
    assert second["pose_Ry"] == second["AU45_r"] == ""
    first, second = told["py-feat"]
    assert (float(first["FaceRectWidth"]), float(first["Yaw"]), float(first["happiness"])) == (40, 30, 0.7)
    assert float(first["AU43"]) == 0.75
    table.write_text("frame,time_s\n1,2\n")
    refused = subprocess.run([*script, str(tmp_path / "x.csv")], capture_output=True, text=True)
    assert refused.returncode == 1 and "--measure pose --measure mesh" in refused.stderr
