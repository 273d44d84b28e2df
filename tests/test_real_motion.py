"""What ordinary videos show and drawn scenes do not: shake, motion blur, turned heads, title cards, hard cuts."""

import json
from functools import cache

import cv2
import numpy as np
import pytest

from conftest import SAMPLES
from emojimation.hiding.search import searcher
from emojimation.photos import run_images
from emojimation.pipeline import make_pipeline
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.writer import Segment
from motion import FPS, shaken, title
from videos import images

pytestmark = pytest.mark.slow
TURNS = {"upright": None, "90": cv2.ROTATE_90_CLOCKWISE, "180": cv2.ROTATE_180, "270": cv2.ROTATE_90_COUNTERCLOCKWISE}
# Boxes of the five faces of group.jpg, brows to chin.
GROUP = ((105, 84, 229, 209), (746, 385, 920, 559), (761, 79, 906, 224), (419, 68, 585, 234), (287, 406, 426, 546))


@cache
def look():
    return make_pipeline(detector=searcher())


def written(path, frames):
    video = Segment(path, FPS)
    for number, frame in enumerate(frames):
        video.write(frame, number / FPS)
    video.close()
    return path


def hidden(tmp_path, frames):
    """The decoded frames before and after hiding, and what `run_video` says."""
    source = written(tmp_path / "in.mp4", frames)
    targets = Targets(tmp_path / "out.mp4", jsonl=tmp_path / "out.jsonl")
    result = run_video(source, look(), targets, Options(style="blur", hide=True))
    return images(source), images(tmp_path / "out.mp4"), result


def bare(before, after, box):
    """Whether the middle of a face is as it was."""
    x0, y0, x1, y1 = box
    w, h = (x1 - x0) / 4, (y1 - y0) / 4
    part = np.s_[int(y0 + h) : int(y1 - h), int(x0 + w) : int(x1 - w)]
    return np.abs(before[part].astype(int) - after[part]).mean() < 4


def over_covered(before, after, box):
    """Share of the image that was changed outside of 2.2 times the box."""
    changed = np.abs(before.astype(int) - after).mean(axis=2) > 12
    if box is not None:
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * 1.1
        (x0, y0), (x1, y1) = np.maximum(centre - half, 0).astype(int), np.maximum(centre + half, 0).astype(int)
        changed[y0:y1, x0:x1] = False
    return float(changed.mean())


def test_a_title_card_and_one_person_behind_a_cut(tmp_path):
    person = [shaken("obama3.jpg", number, face_px=170 + number) for number in range(16)]
    frames = [title(number) for number in range(16)] + [frame for frame, _ in person]
    before, after, result = hidden(tmp_path, frames)
    titles = [over_covered(a, b, None) for a, b in zip(before[:16], after[:16], strict=True)]
    assert max(titles) < 0.005, "nothing of a title card is covered"
    pairs = list(zip(before[16:], after[16:], person, strict=True))
    assert [number for number, (a, b, (_, box)) in enumerate(pairs) if bare(a, b, box)] == []
    assert np.median([over_covered(a, b, box) for a, b, (_, box) in pairs]) < 0.03
    assert result.people == 1 and "look at it before you publish it" in result.hidden


def test_a_head_that_turns_and_is_smeared_stays_covered(tmp_path):
    person = [
        shaken("astronaut.jpg", number, 140, turn=62 * np.sin(number / 5), blur_px=5 + 2 * (number % 4))
        for number in range(20)
    ]
    before, after, result = hidden(tmp_path, [frame for frame, _ in person])
    pairs = list(zip(before, after, person, strict=True))
    assert [number for number, (a, b, (_, box)) in enumerate(pairs) if bare(a, b, box)] == []
    assert np.median([over_covered(a, b, box) for a, b, (_, box) in pairs]) < 0.03 and result.people == 1


@pytest.mark.parametrize("style", ["boxes", "blur"])
def test_two_people_on_both_sides_of_a_cut_are_two(tmp_path, style):
    frames = [shaken(name, number)[0] for name in ("obama3.jpg", "biden.jpg") for number in range(10)]
    source = written(tmp_path / "in.mp4", frames)
    pipeline = look() if style == "blur" else make_pipeline(search="stream")
    run_video(source, pipeline, Targets(jsonl=tmp_path / "a.jsonl", film=tmp_path / "a.mp4"), Options(style=style))
    found = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    numbers = [{row["track_id"] for row in found if row["shot"] == shot} for shot in (1, 2)]
    assert {row["shot"] for row in found} == {1, 2} and all(len(one) == 1 for one in numbers)
    assert numbers[0] != numbers[1]
    assert {row["frame"] >= 10 for row in found if row["shot"] == 2} == {True}


@pytest.mark.parametrize("turn", TURNS)
def test_a_photo_is_hidden_however_it_is_turned(tmp_path, turn):
    photo = cv2.imread(str(SAMPLES / "group.jpg"))
    code = TURNS[turn]
    frame = photo if code is None else cv2.rotate(photo, code)
    cv2.imwrite(str(tmp_path / "in.png"), frame)
    (result,) = run_images([tmp_path / "in.png"], make_pipeline(), tmp_path / "out", "emoji")
    after = cv2.imread(str(result.written))
    back = {"90": cv2.ROTATE_90_COUNTERCLOCKWISE, "180": cv2.ROTATE_180, "270": cv2.ROTATE_90_CLOCKWISE}.get(turn)
    after = after if back is None else cv2.rotate(after, back)
    assert [box for box in GROUP if bare(photo, after, box)] == []
    assert "5 faces covered; look at it before you publish it" in result.notes
