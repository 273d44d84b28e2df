"""The desktop program as a process of its own: two at once, keys, signals, what it says when it cannot start."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import screen as screens
from screen import ROOT, program, titled, wait, xdotool

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(screens.missing()), reason=str(screens.missing()))]


@pytest.fixture(scope="module")
def screen():
    return screens.shared()


@pytest.fixture
def start(screen, tmp_path):
    """Starts programs, and ends those that still run."""
    started = []

    def one(*args, **how):
        started.append(program(tmp_path, *args, **how))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.communicate()


def key(window: str, name: str) -> None:
    xdotool("windowactivate", "--sync", window, "key", name)


def ended(process, seconds: float = 20.0) -> tuple[int, str]:
    """Exit code and what was said as errors."""
    said = process.communicate(timeout=seconds)[1]
    return process.returncode, said


def test_two_programs_concurrently(start, tmp_path, model):
    out = tmp_path / "out"
    two = [start("sample", "--model", model, "--folder", str(out)) for _ in range(2)]
    wait(lambda: len(titled("Sample video - Emojimation")) == 2)
    for number, window in enumerate(titled("Sample video - Emojimation"), 1):
        # A key that comes before the first image only tells so.
        wait(lambda w=window, n=number: [key(w, "s"), time.sleep(0.3), len(list(out.glob("*.png"))) >= n][2])
    for window in titled("Sample video - Emojimation"):
        key(window, "ctrl+q")
    assert [ended(process) for process in two] == [(0, ""), (0, "")]
    assert json.loads((tmp_path / "emojimation" / "desktop.json").read_text("utf-8"))["folder"] == str(out)


def test_settings_and_place_are_kept(start, tmp_path, model):
    first = start("sample", "--model", model, "--theme", "light")
    wait(lambda: titled("Sample video"))
    window = titled("Sample video")[0]
    wait(lambda: [key(window, "3"), xdotool("windowsize", "--sync", window, 900, 640)][0] is None)
    wait(lambda: xdotool("getwindowgeometry", "--shell", window)[-3:-1] == ["WIDTH=900", "HEIGHT=640"])
    key(window, "ctrl+q")
    assert ended(first) == (0, "")
    kept = json.loads((tmp_path / "emojimation" / "desktop.json").read_text("utf-8"))
    assert kept["style"] == "avatar" and kept["theme"] == "light" and kept["window"].startswith("900x")
    start()
    wait(lambda: titled("Emojimation"))
    wait(lambda: "WIDTH=900" in xdotool("getwindowgeometry", "--shell", titled("Emojimation")[0]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program(start, model, number):
    process = start("sample", "--model", model)
    wait(lambda: titled("Sample video"))
    process.send_signal(number)
    assert ended(process, 10) == (0, "")


def test_it_ends_immediately_while_a_stream_says_nothing(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start(f"http://127.0.0.1:{silent.getsockname()[1]}/film.mp4")
        wait(lambda: titled("127.0.0.1"))
        silent.accept()
        began_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert ended(process, 10) == (0, "") and time.monotonic() - began_s < 4  # a second and a busy machine


def test_what_prevents_the_start_is_one_line(screen, start, monkeypatch):
    for args, display, words in (
        ((), "", "Expected a display"),
        (("nowhere.mp4",), screen.name, "got nowhere.mp4, which does not exist"),
        (("sample", "--model", "none.onnx"), screen.name, "none.onnx"),
    ):
        monkeypatch.setenv("DISPLAY", display)
        code, said = ended(start(*args), 30)
        assert code == 2 and words in said and said.count("\n") == 1 and said.startswith("Error: "), said


@pytest.mark.parametrize(("absent", "words"), [("_tkinter", "python3-tk"), ("sv_ttk", "emojimation[desktop]")])
def test_a_python_without_tk_or_theme_says_so(tmp_path, absent, words):
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{absent!r}] = None\n")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    done = subprocess.run([sys.executable, "-m", "emojimation", "desktop"], env=environ, capture_output=True, text=True)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_webcam_opens_the_window_unless_lines_are_asked_for(screen, start, model):
    lines = start("--camera", "synthetic:3", "--model", model, "--seconds", "1", command="webcam")
    assert "person 1" in lines.communicate(timeout=60)[0] and lines.returncode == 0
    process = start("--camera", "synthetic:3", "--model", model, command="webcam")
    wait(lambda: len(np.unique(np.asarray(screen.picture().convert("L")))) > 100)  # black until a window stands
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10)[0] == "" and process.returncode == 0


def test_make_desktop_is_the_command():
    text = (ROOT / "Makefile").read_text("utf-8")
    assert "desktop: .venv/desktop" in text and "emojimation desktop" in text and shutil.which("Xvfb")
