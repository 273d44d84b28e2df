"""Whole videos: outputs, resuming, interruption, full disks, errors; with a look that needs no model."""

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from conftest import ROOT
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTION_LABELS
from emojimation.priors import prior_of
from emojimation.story.rows import Log, read_log
from emojimation.video import writer as movie
from emojimation.video.options import Options
from emojimation.video.outputs import Targets
from emojimation.video.run import run_video
from emojimation.video.writer import count_frames, tags_of
from test_camera import FakeCapture
from videos import images, number_of, picture, sound_packets, streams, times, write_video

HAPPY = np.array([0.02, 0.02, 0.02, 0.85, 0.03, 0.03, 0.03], np.float32)


def look(image):
    """One face in the middle, a third of the image high."""
    height, width = image.shape[:2]
    side = height / 3
    xyxy = np.array([width / 2 - side / 2, height / 3, width / 2 + side / 2, 2 * height / 3], np.float32)
    return [Face(xyxy, 0.9, (xyxy[:2] + TEMPLATE * side).astype(np.float32), HAPPY)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "in.mp4"
    tags = {"title": "At home", "location": "+51.5-000.1/", "make": "Telephone"}
    options = {"movflags": "use_metadata_tags"}
    return write_video(path, 60, 30, (160, 120), sound="aac", tags=tags, container_options=options)


class After:
    """Does something once when that many frames of a stage are done."""

    def __init__(self, frames, deed, stage="film"):
        self.left, self.deed, self.stage, self.seen = frames, deed, stage, []

    def __call__(self, at):
        if at.stage == self.stage:
            self.seen.append(at)
            self.left -= 1
            if self.left == 0:
                self.deed()


def everything(folder):
    names = ("a.mp4", "a.jsonl", "a.csv", "a.parquet", "a.srt", "a.vtt", "a.html")
    return Targets(*(folder / name for name in names))


def test_everything_that_is_asked_for_is_written(film, tmp_path):
    targets = everything(tmp_path)
    seen = After(0, None)
    result = run_video(film, look, targets, Options(workers=2), seen)
    assert result.frames == result.rows == 60 and result.people == 1 and not result.interrupted
    assert set(result.written) == set(targets.all.values()) and all(path.stat().st_size for path in result.written)
    assert streams(targets.film) == {"video": "h264", "audio": "aac"}
    assert np.allclose(times(targets.film), times(film), atol=1e-3)
    assert sound_packets(targets.film) == sound_packets(film)
    assert tags_of(targets.film)["title"] == "At home"
    with targets.csv.open(encoding="utf-8") as file:
        assert [int(row["frame"]) for row in csv.DictReader(file)] == list(range(60))
    assert "happy" in targets.srt.read_text("utf-8") and "At home" not in targets.report.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in result.written)
    assert [at.frame for at in seen.seen] == list(range(60)) and seen.seen[30].share == pytest.approx(0.5, abs=0.02)
    drawn, before = images(targets.film)[30], images(film)[30]
    assert np.abs(drawn.astype(int) - before).max() > 100


@pytest.mark.slow
def test_hidden_videos_keep_no_place_and_no_device(film, tmp_path):
    assert b"51.5" in film.read_bytes()
    result = run_video(film, look, Targets(tmp_path / "a.mp4"), Options(style="pixelate", hide=True))
    data = (tmp_path / "a.mp4").read_bytes()
    assert result.hiding["covered"] == result.hiding["found"] == 60 and result.hiding["faces"] == 1
    assert 0.05 < result.hiding["share"] < 0.4 and result.hiding["doubtful"] == []
    assert result.hidden.startswith("1 person; covers in 60 of 60 frames") and result.frames == 60
    assert not any(secret in data for secret in (b"51.5", b"Telephone", b"At home"))
    assert streams(tmp_path / "a.mp4") == {"video": "h264", "audio": "aac"}
    silent = Options(style="blur", hide=True, sound=False)
    run_video(film, look, Targets(tmp_path / "b.webm"), silent)
    assert streams(tmp_path / "b.webm") == {"video": "vp9"}


@pytest.mark.slow
def test_every_style_is_drawn_and_every_other_frame_analysed(film, tmp_path):
    for style in ("emoji", "avatar", "blur", "pixelate", "none"):
        run_video(film, look, Targets(tmp_path / f"{style}.mp4"), Options(style=style, every=3, end_s=0.2))
        assert len(times(tmp_path / f"{style}.mp4")) == 6


def test_a_part_of_a_video(film, tmp_path):
    targets = Targets(tmp_path / "a.mp4", tmp_path / "a.jsonl", srt=tmp_path / "a.srt")
    run_video(film, look, targets, Options(start_s=1.0, end_s=1.5))
    assert times(targets.film)[0] == 0 and len(times(targets.film)) == 15
    rows = [json.loads(line) for line in targets.jsonl.read_text("utf-8").splitlines()]
    assert rows[0]["time_s"] == pytest.approx(1.0), "rows tell the source's time"
    assert targets.srt.read_text("utf-8").startswith("1\n00:00:00,000 -->"), "subtitles the video's"


def test_ctrl_c_leaves_a_valid_video_that_can_be_resumed(film, tmp_path):
    targets = Targets(tmp_path / "a.mp4", tmp_path / "a.jsonl")
    result = run_video(film, look, targets, on_frame=After(20, lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert result.interrupted and 20 <= result.frames <= 22
    assert len(times(targets.film)) == result.frames == len(targets.jsonl.read_text("utf-8").splitlines())
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
    whole = run_video(film, look, targets, Options(resume=True))
    assert whole.frames == 60 and whole.people == 1 and not whole.interrupted
    assert np.allclose(times(targets.film), times(film), atol=1e-3)
    assert [json.loads(line)["frame"] for line in targets.jsonl.read_text("utf-8").splitlines()] == list(range(60))
    assert not (tmp_path / "a.mp4.parts").exists()


def put_back(work, kept):
    shutil.rmtree(work)
    kept.rename(work)


@pytest.mark.slow
@pytest.mark.parametrize("hide", [False, True])
def test_after_a_crash_it_continues(film, tmp_path, hide):
    """Killed after 40 frames: what lies on the disk then is copied away, and the run goes on from the copy."""
    targets, options = Targets(tmp_path / "a.mp4", csv=tmp_path / "a.csv"), {"hide": hide, "style": "blur"}
    work = tmp_path / "a.mp4.parts"

    def crash():
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)
        shutil.copytree(work, tmp_path / "kept")
        raise SystemError("killed")

    with pytest.raises(SystemError):
        run_video(film, look, targets, Options(**options), After(40, crash))
    put_back(work, tmp_path / "kept")
    logged = len(list(read_log(work / "frames.jsonl")))
    assert logged == 40
    with (work / "frames.jsonl").open("a") as file:
        file.write('{"frame":40,"time_')
    result = run_video(film, look, targets, Options(**options, resume=True))
    assert result.frames == 60 and result.people == 1
    assert np.allclose(times(targets.film), times(film), atol=1e-3)
    with pytest.raises(SystemError):
        run_video(film, look, targets, Options(**options), After(10, crash))
    put_back(work, tmp_path / "kept")
    with pytest.raises(InputError, match="another every"):
        run_video(film, look, targets, Options(**options, every=2, resume=True))


@pytest.mark.slow
@pytest.mark.parametrize("hide", [False, True])
def test_the_base_rates_of_a_video_are_learned_and_told(film, tmp_path, hide):
    """A face that is happy in every frame: the doubt that is left fades as happy becomes the usual answer."""
    start = prior_of("stream", EMOTION_LABELS)
    targets = everything(tmp_path)
    style = Options(style="blur", hide=True) if hide else Options()
    usual = run_video(film, look, Targets(jsonl=tmp_path / "b.jsonl", film=tmp_path / "b.mp4"), style)
    result = run_video(film, look, targets, replace(style, prior=start))
    rows, before = (
        [json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()]
        for name in ("a.jsonl", "b.jsonl")
    )
    assert usual.prior is None and {row["prior"] for row in before} == {None}
    assert {row["prior"] for row in rows} == {"stream"}
    assert before[-1]["probabilities"]["happy"] == pytest.approx(0.85, abs=1e-3)
    assert rows[0]["probabilities"]["happy"] < rows[-1]["probabilities"]["happy"] > 0.86
    assert result.prior == "stream" and result.base_rates["happy"] > 0.35 and result.to_dict()["base_rates"]
    assert any(note.startswith("base rates: stream (happy ") for note in result.notes)
    assert '"prior":"stream (happy ' in targets.report.read_text("utf-8")
    with targets.csv.open(encoding="utf-8") as file:
        assert {row["prior"] for row in csv.DictReader(file)} == {"stream"}


@pytest.mark.parametrize(("every", "prior"), [(1, None), (4, None), (1, "stream")])
@pytest.mark.parametrize("cut_off_after", [13, 40])
def test_a_resumed_table_is_that_of_an_unbroken_run(tmp_path, every, prior, cut_off_after):
    """Also in its last decimals: the tracker's state is made again from what was found, not guessed from a second."""
    source = write_video(tmp_path / "in.mp4", 60, 30)

    def trembling(image):
        rng = np.random.default_rng(number_of(image))
        x, y = 10 + number_of(image) / 3 + rng.normal(0, 0.8, 2)
        vector = rng.dirichlet(np.ones(7)).astype(np.float32)
        return [Face(np.array([x, y, x + 20, y + 20], np.float32), 0.9, None, vector)]

    def run(name, **more):
        learned = None if prior is None else prior_of(prior, EMOTION_LABELS)
        options = Options(every=every, prior=learned, resume=more.get("resume", False))
        run_video(source, trembling, Targets(jsonl=tmp_path / name), options, more.get("after"))
        return (tmp_path / name).read_text("utf-8").splitlines()

    def crash():
        shutil.copytree(tmp_path / "b.jsonl.parts", tmp_path / "kept")
        raise SystemError("killed")

    whole = run("a.jsonl")
    with pytest.raises(SystemError):
        run("b.jsonl", after=After(cut_off_after, crash))
    put_back(tmp_path / "b.jsonl.parts", tmp_path / "kept")
    assert len(whole) >= 56 and run("b.jsonl", resume=True) == whole


def test_a_callback_that_fails_ends_it_immediately(film, tmp_path):
    class StopError(Exception):
        pass

    def fail():
        raise StopError

    threads = threading.active_count()
    with pytest.raises(StopError):
        run_video(film, look, Targets(tmp_path / "a.mp4"), Options(workers=2), After(5, fail))
    end_s = time.monotonic() + 30
    while threading.active_count() > threads and time.monotonic() < end_s:
        time.sleep(0.02)
    assert threading.active_count() <= threads and not (tmp_path / "a.mp4").exists()
    assert count_frames(tmp_path / "a.mp4.parts" / "film-000.mp4") == 5


@pytest.mark.parametrize("owner", [Log, movie.Segment])
def test_a_full_disk_leaves_what_was_done(film, tmp_path, monkeypatch, owner):
    write, calls = owner.write, []
    logs = 2 if owner is Log else 1  # a frame's finds are logged as well

    def full(self, *args):
        calls.append(1)
        if len(calls) > 30 * logs:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *args)

    monkeypatch.setattr(owner, "write", full)
    with pytest.raises(InputError, match=r"space on the disk.*--resume") as caught:
        run_video(film, look, Targets(tmp_path / "a.mp4"), Options())
    assert "\n" not in str(caught.value)
    work = tmp_path / "a.mp4.parts"
    assert len(list(read_log(work / "frames.jsonl"))) >= 30 and count_frames(work / "film-000.mp4") == 30
    monkeypatch.setattr(owner, "write", write)
    assert run_video(film, look, Targets(tmp_path / "a.mp4"), Options(resume=True)).frames == 60


def test_two_runs_do_not_write_the_same_output(film, tmp_path):
    targets, refused = Targets(tmp_path / "a.mp4"), []

    def again():
        for resume in (False, True):
            with pytest.raises(InputError, match="another run is writing to it") as caught:
                run_video(film, look, targets, Options(resume=resume))
            refused.append(caught)

    assert run_video(film, look, targets, on_frame=After(20, again)).frames == 60 and len(refused) == 2
    assert len(times(targets.film)) == 60 and not (tmp_path / "a.mp4.parts").exists()


def test_a_run_starts_afresh_where_one_was_given_up(film, tmp_path):
    targets = Targets(tmp_path / "a.mp4")
    run_video(film, look, targets, on_frame=After(20, lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert (tmp_path / "a.mp4.parts").is_dir()
    assert run_video(film, look, targets).frames == 60 and not (tmp_path / "a.mp4.parts").exists()


@pytest.mark.parametrize("hide", [False, True])
def test_an_error_before_the_first_frame_leaves_no_folder(film, tmp_path, hide):
    options = Options(style="blur", hide=hide, region=(9000, 9000, 9999, 9999))
    with pytest.raises(InputError, match="region within the frame"):
        run_video(film, look, Targets(tmp_path / "out" / "a.mp4"), options)
    assert not list((tmp_path / "out").iterdir())


def test_the_temporary_folder_of_a_killed_run_is_deleted_by_the_next(film, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = (
        "import os\n"
        "from emojimation.video.outputs import Targets\n"
        "from emojimation.video.run import run_video\n"
        "run_video('synthetic:1', lambda image: [], Targets(), on_frame=lambda at: os._exit(9))"
    )
    env = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", program], env=env).returncode == 9 and list(tmp_path.iterdir())
    run_video(film, look, Targets(), Options(end_s=0.1))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_is_refused_before_anything_runs(film, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(film.read_bytes())
    (tmp_path / "link.mp4").symlink_to(copy)
    (tmp_path / "b.mp4.parts").mkdir()
    (tmp_path / "b.mp4.parts" / "mine.txt").write_text("mine")
    blocked = tmp_path / "file"
    blocked.touch()
    wrong = {
        "other than the input": (Targets(tmp_path / "link.mp4"), {}),
        "ending in .mp4": (Targets(tmp_path / "a.avi"), {}),
        "for --out and --csv": (Targets(tmp_path / "a.mp4", csv=tmp_path / "a.mp4"), {}),
        "different files": (Targets(jsonl=tmp_path / "a", csv=tmp_path / "a"), {}),
        "got the folder": (Targets(csv=tmp_path), {}),
        "folder to write to": (Targets(blocked / "a.mp4"), {}),
        "folder with other files": (Targets(tmp_path / "b.mp4"), {}),
        "that hides faces": (Targets(tmp_path / "a.mp4"), {"hide": True}),
        "a video file to write": (Targets(csv=tmp_path / "a.csv"), {"hide": True, "style": "blur"}),
        "file to write to, got none": (Targets(csv=tmp_path / "a.csv"), {"spans": ((0.0, 1.0),)}),
        "got none: give --out": (Targets(csv=tmp_path / "a.csv"), {"style": "blur", "cover": tmp_path / "c.png"}),
        "a style among": (Targets(tmp_path / "a.mp4"), {"style": "glitter"}),
        "start from 0": (Targets(tmp_path / "a.mp4"), {"start_s": -1.0}),
    }
    for words, (targets, options) in wrong.items():
        with pytest.raises(InputError, match=words):
            run_video(copy, look, targets, Options(**options))
    assert copy.read_bytes() == film.read_bytes() and (tmp_path / "b.mp4.parts" / "mine.txt").exists()


def test_a_camera_is_not_read_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    with pytest.raises(InputError, match="read twice"):
        run_video("0", look, Targets(tmp_path / "a.mp4"), Options(hide=True, style="blur"))


def test_missing_folders_are_made_and_nothing_written_without_targets(film, tmp_path):
    run_video(film, look, Targets(jsonl=tmp_path / "new" / "a.jsonl"), Options(end_s=0.1))
    assert (tmp_path / "new" / "a.jsonl").exists()
    assert run_video(film, look, Targets(), Options(end_s=0.1)).written == []


def test_damage_is_reported(film, tmp_path):
    short = tmp_path / "short.ts"
    write_video(short, 60, 30, (160, 120), draw=lambda n, w, h: np.roll(picture(n, w, h), 5 * n, 1))
    data = bytearray(short.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 400] = bytes(400)
    short.write_bytes(data)
    result = run_video(short, look, Targets(tmp_path / "a.mp4"), Options())
    assert 20 < result.frames <= 60 and len(times(tmp_path / "a.mp4")) == result.frames
