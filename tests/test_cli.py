import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from conftest import SAMPLES
from emojimation import __main__ as cli
from emojimation.cli import info
from emojimation.detect import DETECTORS
from emojimation.draw.sprites import ART
from emojimation.draw.styles import STYLES
from emojimation.extras import EXTRAS
from emojimation.labels import EMOTIONS
from emojimation.media import read_image, write_image
from emojimation.weights import emotion_models

ASTRONAUT = SAMPLES / "astronaut.jpg"


@pytest.fixture
def emojimation(command, model):
    """Run a command that takes --model in this process with the model under test."""
    return lambda *args: command(*args, "--model", model)


def process(*args, **options):
    """Run the real thing: a new process."""
    command = [sys.executable, "-m", "emojimation", *map(str, args)]
    return subprocess.run(command, text=True, **{"capture_output": True} | options)


def test_a_closed_standard_output_is_no_reason_for_a_traceback():
    done = subprocess.run(["bash", "-c", f'"{sys.executable}" -m emojimation info >&-'], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and done.returncode == 0


def test_ctrl_c_during_the_imports_ends_the_command_as_later(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["info"]) == cli.INTERRUPTED == 130


def test_only_emotion_models_are_offered_for_a_wrong_name(command):
    code, _, err = command("image", ASTRONAUT, "--model", "gpt")
    assert code == 2 and err.strip().endswith(f"Known names: {', '.join(emotion_models())}")


def test_a_photo_is_answered_for_a_person(emojimation):
    code, out, err = emojimation("image", ASTRONAUT)
    assert (code, err) == (0, "")
    assert out.startswith(f"{ASTRONAUT}: 1 face\n  😄 happy")


def test_json_is_one_object_per_line_and_nothing_else(emojimation, tmp_path):
    code, out, err = emojimation("image", SAMPLES, "--json", "--out", tmp_path)
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "") and len(rows) == len(list(SAMPLES.glob("*.jpg")))
    for row in rows:
        assert row["faces"] and os.path.exists(row["written"])
        for face in row["faces"]:
            assert list(face["probabilities"]) == list(EMOTIONS)
            assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_a_crop_is_answered_as_one_face(emojimation, tmp_path):
    crop = cv2.resize(read_image(ASTRONAUT).frame[76:170, 178:272], (96, 96), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(crop, (0, 0), 8.4)  # from 7.8 to 9 the detectors see a face faintly
    path = write_image(tmp_path / "crop.png", blurred)
    code, out, _ = emojimation("image", path, "--cropped", "--json")
    assert code == 0 and json.loads(out)["faces"][0]["xyxy"] == [0, 0, 96, 96]
    code, out, _ = emojimation("image", path)
    assert code == 0 and "use --cropped" in out


def test_no_face_is_one_friendly_line(emojimation, tmp_path):
    path = write_image(tmp_path / "grey.png", np.full((480, 640, 3), 128, np.uint8))
    assert emojimation("image", path) == (0, f"{path}:  (no face found)\n", "")


def test_some_of_many_failed(emojimation, tmp_path):
    (tmp_path / "bad.jpg").write_text("text")
    code, out, err = emojimation("image", tmp_path / "bad.jpg", ASTRONAUT, tmp_path / "none.png")
    assert code == 1 and "1 face" in out
    assert err.startswith("Error: 2 of 3 images failed:\n") and "bad.jpg" in err and "none.png" in err


def test_all_of_many_failed(emojimation, tmp_path):
    code, out, err = emojimation("image", tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert code == 2 and out == "" and err.startswith("Error: 2 of 2 images failed:")


def test_a_failed_image_is_a_json_row_too(emojimation, tmp_path):
    code, out, err = emojimation("image", tmp_path / "a.jpg", "--json")
    assert code == 2 and set(json.loads(out)) == {"source", "error"} and err.startswith("Error: ")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["image"], "PATH"),
        (["image", ASTRONAUT, "--style", "oil", "--out", "x"], "oil"),
        (["image", ASTRONAUT, "--style", "emoji"], "--out DIR"),
        (["image", ASTRONAUT, "--min-score", "much"], "min-score"),
        (["image", ASTRONAUT, "--threads", "0"], "threads"),
        (["image", ASTRONAUT, "--threads", "100000"], "1 to 256 threads, got 100000"),
        (["image", ASTRONAUT, "--tiles", "--search", "fast"], "search='fast' or tiles, got both"),
        (["image", ASTRONAUT, "--character", "dragon"], "a character among emoji"),
        (["image", ASTRONAUT, "--style", "none", "--out", "x"], "a style that draws"),
        (["image", ""], "a value after image, got an empty text"),
        (["image", ASTRONAUT, "--out", ""], "a value after --out, got an empty text"),
        (["image", ASTRONAUT, "--detector", "mtcnn"], "mtcnn"),
        (["image", ASTRONAUT, "--model", "gpt"], "Known names"),
        (["image", ASTRONAUT, "--nonsense"], "--nonsense"),
        (["paint"], "paint"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(command, args, words):
    code, out, err = command(*args)
    assert (code, out) == (2, "") and err.startswith("Error: ") and err.count("\n") == 1
    assert words in err and "Traceback" not in err


def test_debug_shows_the_traceback_wherever_it_stands(command):
    for args in (["--debug", "image", "none.jpg", "--model", "no"], ["image", "none.jpg", "--model", "no", "--debug"]):
        code, _, err = command(*args)
        assert code == 2 and "Traceback" in err and err.splitlines()[-1].startswith("Error: ")


@pytest.mark.slow
def test_demo_names_all_samples_and_writes_them(emojimation, tmp_path):
    code, out, err = emojimation("demo", "--out", tmp_path / "demo")
    names = sorted(path.stem for path in SAMPLES.glob("*.jpg"))
    assert (code, err) == (0, "") and all(f"{name}.jpg" in out for name in names)
    assert str(tmp_path / "demo") in out and "emojimation image YOUR-PHOTO.jpg" in out
    written = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert written == sorted(f"{name}-{style}.jpg" for name in names for style in ("boxes", "emoji"))


def test_info_as_json(emojimation):
    code, out, err = emojimation("info", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "") and found["model"]["labels"] == list(EMOTIONS)
    assert found["models"]["face_detector"]["intact"] is True and found["processors"] >= 1
    assert set(found["extras"]) == set(EXTRAS) and found["versions"]["numpy"]


def test_info_for_a_person(emojimation):
    code, out, _ = emojimation("info")
    assert code == 0
    for words in ("processors", "onnxruntime", "extra train", "face_detector", "temperature", "angry, disgust"):
        assert words in out


def test_two_opencv_wheels_side_by_side_are_reported(emojimation, monkeypatch):
    assert "are both installed" not in emojimation("info")[1]
    monkeypatch.setattr(info, "_version", lambda package: "4.11" if package != "opencv-contrib-python" else None)
    assert "opencv-python-headless and opencv-python and" in emojimation("info")[1]


def test_help_names_every_command(command):
    for args in ([], ["--help"], ["-h"]):
        code, out, _ = command(*args)
        assert code == 0 and all(name in out for name in ("image", "demo", "info", "data"))


def test_version(command):
    code, out, _ = command("--version")
    assert code == 0 and out.startswith("emojimation ")


def test_the_command_line_starts_without_heavy_packages():
    code = "import sys, emojimation.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"keras", "tensorflow", "onnxruntime", "onnx", "matplotlib", "tkinter", "streamlit", "pyarrow", "sklearn"}
    assert not heavy & set(loaded)


@pytest.mark.slow
def test_a_terminal_that_knows_only_ascii(model):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = process("image", ASTRONAUT, "--model", model, env=environment)
    assert done.returncode == 0 and "happy" in done.stdout and done.stderr == ""
    done = process("image", ASTRONAUT, "--model", model, "--json", env=environment)
    assert json.loads(done.stdout)["faces"][0]["emoji"] == "😄"


@pytest.mark.skipif(os.name == "nt", reason="pipes break in another way on Windows")
def test_a_reader_that_goes_away_is_no_traceback(model):
    line = f"{sys.executable} -m emojimation image {SAMPLES} --model {model} --json | head -c 10"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("args", [["image", "--json"], ["image"], ["info"], ["info", "--json"], ["--help"], ["video"]])
def test_a_full_disk_at_standard_output_is_one_line(model, args):
    given = {"image": [ASTRONAUT], "video": ["synthetic:0.2", "--json"]}.get(args[0], [])
    chosen = [] if args[0] == "--help" else ["--model", model]
    with open("/dev/full", "w") as full:
        done = process(*args, *given, *chosen, stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("Error: Expected to write to standard")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_an_image_from_standard_input(model, tmp_path):
    with ASTRONAUT.open("rb") as file:
        done = process("image", "-", "--json", "--out", tmp_path, "--model", model, stdin=file)
    row = json.loads(done.stdout)
    assert done.returncode == 0 and row["source"] == "-" and row["faces"][0]["emotion"] == "happy"
    assert os.path.exists(row["written"])
    done = process("image", "-", "--model", model, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "standard input" in done.stderr and done.stderr.count("\n") == 1


def test_what_is_skipped_in_a_folder_is_counted_and_named(emojimation, tmp_path):
    shutil.copy(ASTRONAUT, tmp_path)
    (tmp_path / "notes.txt").touch()
    code, out, err = emojimation("image", tmp_path)
    assert code == 0 and "1 face" in out and err == "Skipped 1 file that is not an image: notes.txt\n"
    assert emojimation("image", tmp_path / "astronaut.jpg", "--out", tmp_path)[0] == 0
    assert emojimation("image", tmp_path)[2].splitlines()[1:] == ["Skipped 1 annotated copy: astronaut-boxes.jpg"]
    (tmp_path / "astronaut-boxes.jpg").unlink()
    for number in range(4):
        (tmp_path / f"film{number}.mov").touch()
    code, out, err = emojimation("image", tmp_path, "--json")
    assert code == 0 and len(out.splitlines()) == 1
    assert err.split() == (
        [
            "Skipped",
            "5",
            "files",
            "that",
            "are",
            "not",
            "images:",
            "film0.mov,",
            "film1.mov,",
            "film2.mov",
            "and",
            "2",
            "more",
        ]
    )


def test_what_other_commands_skip_in_a_folder_is_told_too(emojimation, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(ASTRONAUT, photos)
    (photos / "notes.txt").touch()
    emojimation("image", ASTRONAUT, "--out", photos)
    for args in (("batch", photos, "--out", tmp_path / "a.jsonl"), ("video", photos, "--csv", tmp_path / "a.csv")):
        code, _, err = emojimation(*args)
        assert code == 0 and "Skipped 1 file that is not an image: notes.txt" in err
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 1
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_a_batch_tells_of_annotated_copies(command, model, tmp_path):
    shutil.copy(ASTRONAUT, tmp_path)
    command("image", ASTRONAUT, "--out", tmp_path, "--model", model)
    code, _, err = command("batch", tmp_path, "--out", tmp_path / "a.jsonl", "--model", model, "--workers", 1)
    assert code == 0 and "Skipped 1 annotated copy: astronaut-boxes.jpg" in err


@pytest.mark.parametrize("command_name", ["image", "video"])
@pytest.mark.parametrize("option", [["--tiles"], ["--search", "wide"], ["--detector", "haar"]])
def test_what_hiding_would_ignore_is_refused(command, tmp_path, command_name, option):
    out = tmp_path / ("a.mp4" if command_name == "video" else "")
    code, _, err = command(command_name, ASTRONAUT, "--style", "blur", "--out", out, *option)
    assert code == 2 and err.count("\n") == 1 and option[0] in err and "hiding has its own search" in err


@pytest.mark.parametrize("command_name", ["image", "video"])
def test_a_strength_of_hiding_without_hiding_is_refused(command, tmp_path, command_name):
    out = ["--csv", tmp_path / "a.csv"] if command_name == "video" else []
    code, _, err = command(command_name, ASTRONAUT, *out, "--strength", "careful")
    assert code == 2 and err.count("\n") == 1 and "a style that hides faces together with --strength careful" in err


@pytest.mark.slow
@pytest.mark.parametrize(("option", "names"), [("--style", STYLES), ("--art", ART)])
def test_every_style_and_art_is_taken_and_no_other(emojimation, tmp_path, option, names):
    drawn = {}
    for name in names:
        if name == "none":
            continue
        code, _, err = emojimation("image", ASTRONAUT, "--out", tmp_path / name, "--style", "emoji", option, name)
        assert (code, err) == (0, "")
        drawn[name] = [path.read_bytes() for path in tmp_path.glob(f"{name}/*.jpg")]
        assert len(drawn[name]) == 1
    assert len({files[0] for files in drawn.values()}) == len(drawn)
    code, _, err = emojimation("image", ASTRONAUT, "--out", tmp_path / "no", option, "oil")
    assert code == 2 and all(name in err for name in names) and not (tmp_path / "no").exists()


@pytest.mark.parametrize("command_name", ["image", "video", "webcam", "batch"])
def test_a_detector_can_be_chosen_wherever_one_runs(command, command_name):
    code, out, _ = command(command_name, "--help")
    assert code == 0
    for option in ("--detector", "--detector-model", "--min-score", "--search", "--tiles", "--prior", "--model"):
        assert option in out
    for name in (*DETECTORS, *emotion_models(), "everyday"):
        assert name in out, "the help names what the tables have"
    code, _, err = command(
        command_name, *(["--out", "x.csv", "x"] if command_name == "batch" else []), "--detector", "no"
    )
    assert code == 2 and "haar" in err


@pytest.mark.parametrize("command_name", ["demo", "serve", "web", "desktop"])
def test_programs_take_a_detector_and_base_rates_too(command, command_name):
    code, out, _ = command(command_name, "--help")
    assert code == 0 and all(option in out for option in ("--detector", "--detector-model", "--prior"))
    code, _, err = command(command_name, "--detector", "no")
    assert code == 2 and "haar" in err and err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for other processes")
def test_an_interrupt_is_130_without_a_traceback(command, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("emojimation.cli.info.facts", interrupted)
    code, _, err = command("info")
    assert code == 130 and "Traceback" not in err


@pytest.mark.parametrize(
    ("found", "called", "program"),
    [
        ("/usr/bin/emojimation", "/usr/bin/emojimation", "emojimation"),
        (None, os.path.abspath(".venv/bin/emojimation"), os.path.join(".venv", "bin", "emojimation")),
        (None, "/somewhere/__main__.py", "python -m emojimation"),
    ],
)
def test_the_next_steps_can_be_typed_as_they_stand(monkeypatch, found, called, program):
    from emojimation.cli import demo as cli

    monkeypatch.setattr("shutil.which", lambda name: found)
    monkeypatch.setattr("sys.argv", [called])
    assert cli._program() == program
