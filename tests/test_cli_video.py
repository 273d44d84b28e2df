"""The commands video and webcam, as a person or a program calls them."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from emojimation.cli.video import seconds_of
from emojimation.errors import InputError
from emojimation.video.writer import count_frames
from videos import times, write_sound


@pytest.fixture
def video(command, model):
    """Run `emojimation video` with the model under test."""
    return lambda *args: command("video", *args, "--model", model)


def test_json_is_a_row_per_face_and_nothing_else(video):
    code, out, _ = video("synthetic:0.2x2", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(rows) == 12 and {row["track_id"] for row in rows} == {1, 2}
    assert list(rows[0])[:4] == ["frame", "time_s", "shot", "xyxy"] and len(rows[0]["probabilities"]) == 7


def test_a_video_and_its_files(video, tmp_path):
    names = {"--out": "a.mp4", "--csv": "a.csv", "--srt": "a.srt", "--report": "a.html"}
    given = [word for flag, name in names.items() for word in (flag, tmp_path / name)]
    code, out, err = video("synthetic:0.5", *given, "--style", "avatar", "--every", "auto")
    assert code == 0 and out == "" and "15 frames, 1 person" in err and err.count("written:") == 4
    assert len(times(tmp_path / "a.mp4")) == 15 and len(list(tmp_path.iterdir())) == 4


def test_hiding_ends_with_a_report(video, tmp_path):
    code, _, err = video("synthetic:0.2", "--anonymise", "--out", tmp_path / "a.mp4", "--no-sound")
    assert code == 0 and "covers in 6 of 6 frames" in err and "1 face covered; look at it" in err
    assert len(times(tmp_path / "a.mp4")) == 6


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["missing.mp4", "--json"], "does not exist"),
        (["synthetic:1"], "Expected something to write"),
        (["synthetic:1", "--json", "--resume"], "output files of the interrupted run together with --resume"),
        (["missing.mp4", "--json", "--fps", "10"], "a folder of images together with --fps"),
        (["synthetic:1", "--json", "--threads", "100000"], "1 to 256 threads"),
        (["synthetic:1", "--json", "--style", "blur"], "--out FILE together with --style"),
        (["synthetic:1", "--json", "--every", "often"], "--every as a whole number"),
        (["synthetic:1", "--json", "--start", "soon"], "a time as seconds"),
        (["synthetic:1", "--out", "a.avi"], "ending in .mp4"),
        (["synthetic:1", "--csv", "x.mp4"], "a name ending in .csv for --csv, got"),
        (["synthetic:1", "--report", "x.csv"], "a name ending in .html for --report"),
        (["synthetic:1", "--out", "a.mp4", "--style", "glitter"], "Expected --style as one of"),
        (["synthetic:1", "--out", "a.mp4", "--anonymise", "--style", "boxes"], "that hides faces"),
    ],
)
def test_mistakes_are_reported_in_one_line(video, args, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = video(*args)
    assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_sound_only_is_reported(video, tmp_path):
    code, _, err = video(write_sound(tmp_path / "a.m4a"), "--json")
    assert code == 2 and "only sound" in err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_and_a_video(model, tmp_path, number):
    film = tmp_path / "a.mp4"
    args = ["video", "synthetic:600", "--out", str(film), "--model", model, "--threads", "1"]
    process = subprocess.Popen([sys.executable, "-m", "emojimation", *args], stderr=subprocess.PIPE, text=True)
    log = tmp_path / "a.mp4.parts" / "frames.jsonl"
    deadline = time.monotonic() + 25
    while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") > 10):
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=25)
    assert process.returncode == 130 and "Continue with --resume" in err
    assert count_frames(film) == log.read_bytes().count(b"\n") > 10


def test_a_reader_that_has_enough_ends_it_quietly(model):
    args = [sys.executable, "-m", "emojimation", "video", "synthetic:600", "--json", "--model", model]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline())["frame"] == 0
    process.stdout.close()
    assert process.wait(timeout=25) == 0 and process.stderr.read() == ""
    process.stderr.close()


def test_webcam_tells_each_face_as_it_comes(command, model):
    code, out, _ = command("webcam", "--camera", "synthetic:0.6", "--json", "--model", model)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and rows and list(rows[0])[:2] == ["frame", "time_s"]
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)


def test_webcam_hands_style_and_character_to_the_window(command, model, monkeypatch):
    opened = {}
    monkeypatch.setattr("emojimation.cli.webcam._has_window", lambda: True)
    monkeypatch.setitem(
        sys.modules,
        "emojimation.apps.desktop.window",
        SimpleNamespace(open_window=lambda *given, **look: opened.update(look, given=given)),
    )
    asked = ("--style", "puppet", "--character", "cat")
    assert command("webcam", "--camera", "synthetic", "--model", model, *asked)[0] == 0
    assert (opened["style"], opened["character"], opened["given"][0]) == ("puppet", "cat", "synthetic")
    code, _, err = command("webcam", "--character", "dog")
    assert (
        code == 2 and err.startswith("Error: Expected --character as one of emoji, cat, robot") and err.count("\n") == 1
    )


def test_webcam_without_a_camera(command, model):
    code, out, err = command("webcam", "--camera", "99", "--json", "--model", model)
    assert code == 2 and out == "" and err.startswith("Error: Expected camera 99, got none")


def test_times():
    assert [seconds_of(text) for text in ("90", "1:30", "0:01:30.5")] == [90, 90, 90.5]
    for wrong in ("", "a", "1:2:3:4", "-1", "inf", "nan"):
        with pytest.raises(InputError, match="h:m:s"):
            seconds_of(wrong)
