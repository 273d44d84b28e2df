"""An own cover, spans hidden whole, a region that alone is searched; names that say another kind of file."""

import cv2
import numpy as np
import pytest

from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.hiding.own import Within, cover_of, hidden_whole, in_spans
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from videos import images, write_video

SIZE = (320, 240)
BOX = np.array([120, 80, 180, 140], np.float32)


def scene(number, width, height):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def look(frame):
    return [Face(BOX.copy(), 0.95, probabilities=np.full(7, 1 / 7, np.float32))]


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "in.mp4", 20, 10, size=SIZE, draw=scene)


def changed(before, after):
    return [float((np.abs(a.astype(int) - b).mean(axis=2) > 40).mean()) for a, b in zip(before, after, strict=True)]


def test_a_custom_cover_hides_the_whole_head(video, tmp_path):
    picture = np.zeros((60, 100, 4), np.uint8)
    picture[:, :, 1], picture[10:50, 20:80, 3] = 255, 255  # green, with a transparent rim
    cv2.imwrite(str(tmp_path / "cover.png"), picture)
    run_video(video, look, Targets(tmp_path / "out.mp4"), Options(style="emoji", cover=tmp_path / "cover.png"))
    for frame in images(tmp_path / "out.mp4"):
        face = frame[80:140, 120:180].reshape(-1, 3).mean(axis=0)
        assert face[1] > 200 and face[0] < 60 and face[2] < 60


def test_a_cover_must_be_an_image_and_the_style_one_that_hides(video, tmp_path, capfd):
    with pytest.raises(InputError, match="Expected an image as the cover"):
        cover_of(tmp_path / "none.png")
    assert capfd.readouterr().err == ""
    (tmp_path / "cover.png").write_text("no image")
    with pytest.raises(InputError, match="Expected an image as the cover"):
        cover_of(tmp_path / "cover.png")
    with pytest.raises(InputError, match="style that hides"):
        run_video(video, look, Targets(tmp_path / "a.mp4"), Options(style="boxes", cover=tmp_path / "cover.png"))


def test_a_span_is_hidden_whole_and_nothing_else(video, tmp_path):
    options = Options(style="none", spans=((0.5, 0.9), (1.5, 1.6)))
    run_video(video, lambda frame: [], Targets(tmp_path / "out.mp4"), options)
    hidden = [share > 0.4 for share in changed(images(video), images(tmp_path / "out.mp4"))]
    assert [number for number, there in enumerate(hidden) if there] == [5, 6, 7, 8, 9, 15, 16]
    assert in_spans(0.5, options.spans) and not in_spans(1.0, options.spans)
    assert len(np.unique(hidden_whole(scene(0, *SIZE)).reshape(-1, 3), axis=0)) <= 24 * 18


def test_a_region_alone_is_searched():
    seen = []

    def look_at(frame):
        seen.append(frame.shape)
        return [Face(np.array([1, 2, 11, 12], np.float32), 0.9, np.ones((5, 2), np.float32))]

    face = Within(look_at, (100, 50, 200, 90))(np.zeros((240, 320, 3), np.uint8))[0]
    assert (
        seen == [(40, 100, 3)] and face.xyxy.tolist() == [101, 52, 111, 62] and face.landmarks[0].tolist() == [101, 51]
    )
    run = [np.zeros((240, 320, 3), np.uint8)] * 2
    assert [faces[0].xyxy[0] for faces in Within(look_at, (100, 50, 200, 90)).of_run(run)] == [101, 101]
    look_at.of_run = lambda frames: [look_at(frame) for frame in frames[:1]] * len(frames)
    seen.clear()
    found = Within(look_at, (100, 50, 200, 90)).of_run(run)
    assert len(seen) == 1 and [faces[0].xyxy[0] for faces in found] == [101, 101], "searched together"
    with pytest.raises(InputError, match="320 x 240"):
        Within(look_at, (100, 50, 400, 90))(np.zeros((240, 320, 3), np.uint8))


@pytest.mark.parametrize(
    ("kind", "name"), [("csv", "x.mp4"), ("film", "x.csv"), ("report", "x.srt"), ("jsonl", "x.csv")]
)
def test_a_name_of_another_kind_is_refused(video, tmp_path, kind, name):
    with pytest.raises(InputError, match="Expected a name ending in"):
        run_video(video, look, Targets(**{kind: tmp_path / name}))


def test_unknown_strengths_and_spans_that_end_before_they_begin(video, tmp_path):
    for options in (Options(strength="reckless"), Options(spans=((2.0, 1.0),))):
        with pytest.raises(InputError, match=r"^Expected"):
            run_video(video, look, Targets(tmp_path / "a.mp4"), options)
