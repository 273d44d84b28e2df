"""The desktop window with real events on a screen of its own: a film and the synthetic source stand for the camera."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from screen import Screen, missing, pump, rest, window

from emojimation.errors import InputError
from emojimation.video.scene import SAMPLES, crowd

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=str(missing()))]


@pytest.fixture(scope="module")
def screen():
    with Screen() as screen:
        yield screen


@pytest.fixture
def show(screen, tmp_path, model):
    """Windows whose files go to `tmp_path`; closed at the end."""
    made = []

    def make(source=None, **how):
        made.append(window(tmp_path, source, **({"model": model} | how)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> str:
    """A short film of one face."""
    from emojimation.video.writer import Segment

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    segment = Segment(path, 30)
    for frame in crowd(1, seconds=1.5):
        segment.write(frame.image, frame.time_s)
    segment.close()
    return str(path)


def live(made, faces: int = 1):
    pump(made.root, lambda: made.engine.status.state in ("live", "still") and shown(made).faces >= faces)
    pump(made.root, lambda: made.view.picture.itemcget(made.view.picture._item, "state") == "normal")


def shown(made):
    return made.engine.latest() or SimpleNamespace(faces=-1)


def press(made, key: str) -> None:
    made.root.focus_force()
    made.root.update()
    made.view.picture.focus_set()
    made.view.picture.event_generate(f"<KeyPress-{key}>")
    made.root.update()


def toast(made, start: str) -> str:
    pump(made.root, lambda: made.view.toast.text.startswith(start))
    return made.view.toast.text


def click(made, widget) -> None:
    made.root.update()
    x, y = widget.winfo_width() // 2, widget.winfo_height() // 2
    for event in ("<Enter>", "<ButtonPress-1>", "<ButtonRelease-1>"):
        widget.event_generate(event, x=x, y=y)
        made.root.update()


def buttons(widget) -> dict:
    found = {}
    for child in widget.winfo_children():
        if child.winfo_class() == "TButton":
            found[str(child.cget("text"))] = child
        found |= buttons(child)
    return found


def test_start_page_leads_to_the_sample(show, screen):
    made = show()
    pump(made.root, lambda: not (made.cameras.looking or made.cameras.changed))
    rest(made.root, 0.2)
    assert "Analyse only people" in str(
        [c.cget("text") for c in made.view._page.winfo_children() if c.winfo_class() == "TLabel"]
    )
    click(made, buttons(made.view.picture)["Sample film"])
    live(made)
    rest(made.root, 0.5)
    assert "640 x 480" in made.view.facts.cget("text") and "1 face" in made.view.facts.cget("text")
    picture = np.asarray(screen.picture().convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5000  # something colourful is really on the screen


def test_source_and_style_change_while_it_runs(show, film):
    made = show("sample:5")
    live(made, 5)
    drawn = []
    for key in "123456":
        press(made, key)
        pump(made.root, lambda: made.engine.painter.settings is made.engine.settings)
        rest(made.root, 0.15)
        drawn.append(made.view.style.get())
    assert drawn == ["Boxes", "Emoji", "Avatar", "Blur", "Squares", "Nothing"]
    made.open(film)
    pump(made.root, lambda: made.engine.status.state == "ended")
    rest(made.root, 0.3)
    assert "at its end" in made.view.facts.cget("text") and made.view.buttons["pause"].cget("text") == "Go on"
    press(made, "space")  # once more
    pump(made.root, lambda: made.engine.status.state == "live")
    made.open(str(SAMPLES / "group.jpg"))
    live(made, 5)
    assert made.view.buttons["record"].instate(["disabled"])
    made.open(str(ROOT / "Makefile"))
    pump(made.root, lambda: made.engine.status.state == "failed")
    pump(made.root, lambda: "Try again" in buttons(made.view.picture))
    assert "Choose another source" in set(buttons(made.view.picture))
    click(made, buttons(made.view.picture)["Choose another source"])
    pump(made.root, lambda: "Sample film" in buttons(made.view.picture))


def test_record_log_and_snapshot_are_read_back(show, tmp_path):
    from emojimation.media import read_image
    from emojimation.video.source import open_source

    made = show("sample")
    live(made)
    press(made, "r")
    press(made, "l")
    pump(made.root, lambda: made.engine.status.recording and made.engine.status.logging)
    made.root.update()
    pump(made.root, lambda: made.view.buttons["record"].cget("text") == "Stop")
    press(made, "s")
    assert toast(made, "Saved").endswith(".png")
    rest(made.root, 1.5)
    press(made, "l")
    pump(made.root, lambda: ".csv" in made.view.toast.text)
    press(made, "r")
    pump(made.root, lambda: ".mp4" in made.view.toast.text)
    frames = list(open_source(next(tmp_path.glob("*.mp4"))))
    assert len(frames) > 2 and frames[0].image.shape == (480, 640, 3) and frames[-1].time_s > 1.0
    assert read_image(next(tmp_path.glob("*.png"))).frame.shape == (480, 640, 3)
    lines = next(tmp_path.glob("*.csv")).read_text("utf-8").splitlines()
    assert lines[0].startswith("frame,time_s,track_id") and len(lines) > 2
    assert len(list(tmp_path.iterdir())) == 3


def test_pause_keeps_the_picture(show):
    made = show("sample")
    live(made)
    press(made, "space")
    pump(made.root, lambda: made.engine.status.paused)
    rest(made.root, 0.2)
    still = made.engine.painter.drawn
    rest(made.root, 0.4)
    assert made.engine.painter.drawn is still and made.view.buttons["pause"].cget("text") == "Go on"
    press(made, "space")
    pump(made.root, lambda: made.engine.painter.drawn is not still)


def test_a_face_is_calibrated_and_chosen(show):
    made = show("sample:5")
    live(made, 5)
    faces = made.engine._result.faces
    other = min(faces, key=lambda face: face.size_px)
    view = made.view.picture
    scale = min(view.winfo_width() / 640, view.winfo_height() / 480)
    x = (view.winfo_width() - 640 * scale) / 2 + scale * float(other.xyxy[0] + other.xyxy[2]) / 2
    y = (view.winfo_height() - 480 * scale) / 2 + scale * float(other.xyxy[1] + other.xyxy[3]) / 2
    view.event_generate("<ButtonPress-1>", x=round(x), y=round(y))
    pump(made.root, lambda: made.engine.painter.chooser.chosen == other.track_id)
    press(made, "c")
    assert made.engine.status.calibrating
    pump(made.root, lambda: not made.engine.status.calibrating)
    pump(made.root, lambda: "alibrated" in made.view.toast.text)


def test_resize_fullscreen_theme_and_hiding(show):
    made = show("sample")
    live(made)
    for size in ("700x520", "1240x860", "640x480"):
        made.root.geometry(size)
        pump(made.root, lambda s=size: made.root.geometry().startswith(s))
        pump(made.root, lambda: made.engine.painter.room.view_wh == made.view.picture.size_wh)
    press(made, "t")
    assert made.settings.theme == "light"
    press(made, "a")
    rest(made.root, 0.3)
    assert made.settings.anonymise and made.view.hide.get() and made.view.style.get() == "Emoji"
    click(made, made.view.hide_switch)
    assert not made.settings.anonymise
    press(made, "F11")
    assert made.root.attributes("-fullscreen") in (0, 1)  # without a window manager nothing more is to be had


def test_keys_typed_into_a_field_are_not_taken_for_commands(show):
    made = show("sample")
    live(made)
    press(made, "u")
    dialog = next(w for w in made.root.winfo_children() if w.winfo_class() == "Toplevel")
    entry = next(w for f in dialog.winfo_children() for w in f.winfo_children() if w.winfo_class() == "TEntry")
    entry.focus_force()
    for key in "srt":
        entry.event_generate(f"<KeyPress-{key}>")
    made.root.update()
    assert not made.engine.status.recording and made.settings.theme == "dark" and entry.get() == "srt"
    entry.event_generate("<Return>")
    made.root.update()
    assert dialog.winfo_exists()  # that is no address
    dialog.destroy()


def test_about_shows_the_card_and_the_settings_act(show):
    made = show("sample")
    live(made)
    made.do("about")
    dialog = next(w for w in made.root.winfo_children() if w.winfo_class() == "Toplevel")

    def words(widget) -> str:
        own = str(widget.cget("text")) if widget.winfo_class() == "TLabel" else ""
        return own + " ".join(words(child) for child in widget.winfo_children())

    pump(made.root, lambda: "Not sure under" in words(dialog))
    assert "must not decide over anybody" in words(dialog)
    made.change(several=False, smooth_s=1.0, min_score=0.5, art="fluent")
    made.do("help")
    rest(made.root, 0.3)
    assert made.engine.status.state == "live" and made.engine._tracker.smooth_s == 1.0


class Unplugged:
    """A camera that is pulled out after a few frames; the second time it stays."""

    times = 0

    def __init__(self, source, size_wh):
        Unplugged.times += 1
        self.info, self.notes = SimpleNamespace(name="camera 0", live=True, fps=30), []
        self._ends, self._closed = Unplugged.times == 1, threading.Event()

    def __iter__(self):
        for frame in crowd(1, seconds=None):
            if self._closed.wait(0.03):
                return
            if self._ends and frame.index == 10:
                raise InputError("Expected pictures from camera 0, got none: it was unplugged or stalls.")
            yield frame

    def close(self):
        self._closed.set()


def test_an_unplugged_camera_leaves_the_window_alive(show):
    made = show("0", opener=Unplugged)
    pump(made.root, lambda: "Try again" in buttons(made.view.picture))
    assert "unplugged" in made.engine.status.message
    click(made, buttons(made.view.picture)["Try again"])
    live(made)
    press(made, "t")
    assert made.settings.theme == "light"


def test_closing_while_it_records_keeps_the_film_and_takes_under_a_second(show, tmp_path):
    from emojimation.video.source import open_source

    made = show("sample")
    live(made)
    made.do("record")
    pump(made.root, lambda: made.engine.status.recording)
    rest(made.root, 1.0)
    began_s = time.monotonic()
    made.close()
    assert time.monotonic() - began_s < 1.5  # half a second for a busy machine
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]
    assert len(list(open_source(next(tmp_path.glob("*.mp4"))))) > 5


def program(tmp_path: Path, *args: str) -> "subprocess.Popen[str]":
    environ = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "emojimation", "desktop", *args]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not there (Debian: apt-get install xdotool)")
def test_two_programs_at_once_driven_by_xdotool(screen, tmp_path, model):
    programs = [program(tmp_path, "sample", "--model", model, "--folder", str(tmp_path / "out")) for _ in range(2)]
    try:
        found: list[str] = []
        end_s = time.monotonic() + 30
        while len(found) < 2 and time.monotonic() < end_s:
            done = subprocess.run(
                ["xdotool", "search", "--name", "Sample film - Emojimation"], capture_output=True, text=True
            )
            found = done.stdout.split()
            time.sleep(0.1)
        assert len(found) == 2
        time.sleep(2)
        for number in found * 10:  # again where a key is lost before a window has the focus
            if len(list(tmp_path.glob("out/*.png"))) < 2:
                keys = ["windowraise", number, "windowfocus", number, "key", "s"]
                subprocess.run(["xdotool", *keys], capture_output=True, timeout=10)
                time.sleep(0.5)
        assert len({path.name for path in tmp_path.glob("out/*.png")}) >= 2
        while any(one.poll() is None for one in programs):
            assert time.monotonic() < end_s + 20
            for number in found:  # a window that is gone already is no mistake
                keys = ["windowraise", number, "windowfocus", number, "key", "ctrl+q"]
                subprocess.run(["xdotool", *keys], capture_output=True, timeout=10)
            time.sleep(0.5)
        assert [one.wait() for one in programs] == [0, 0]
        assert (tmp_path / "emojimation" / "desktop.json").is_file()
    finally:
        for one in programs:
            one.kill()
            one.wait()
            one.stderr.close()


def test_no_display_and_wrong_sources_are_one_line(screen, tmp_path, monkeypatch):
    for args, display, words in (
        ((), "", "Expected a display"),
        (("nowhere.mp4",), screen.name, "got nowhere.mp4, which does not exist"),
        (("sample", "--model", "none.onnx"), screen.name, "none.onnx"),
    ):
        monkeypatch.setenv("DISPLAY", display)
        one = program(tmp_path, *args)
        told = one.communicate(timeout=30)[1]
        assert one.returncode == 2 and words in told and told.count("\n") == 1 and told.startswith("Error: "), told


def test_a_python_without_tk_says_so(tmp_path):
    (tmp_path / "tkinter.py").write_text("raise ModuleNotFoundError(\"No module named '_tkinter'\", name='_tkinter')\n")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    done = subprocess.run([sys.executable, "-m", "emojimation", "desktop"], env=environ, capture_output=True, text=True)
    assert done.returncode == 2 and "python3-tk" in done.stderr and done.stderr.count("\n") == 1


def test_an_interrupt_ends_the_program(screen, tmp_path, model):
    one = program(tmp_path, "sample", "--model", model)
    try:
        time.sleep(3)
        assert one.poll() is None
        one.send_signal(signal.SIGINT)
        assert one.wait(5) == 0
    finally:
        one.kill()
        one.wait()
        one.stderr.close()


def test_webcam_opens_the_window_unless_lines_are_asked_for(screen, tmp_path, model):
    environ = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    asked = [sys.executable, "-m", "emojimation", "webcam", "--camera", "synthetic:3", "--model", model]
    lines = subprocess.run([*asked, "--seconds", "1"], env=environ, capture_output=True, text=True, timeout=30)
    assert lines.returncode == 0 and "person 1" in lines.stdout
    one = subprocess.Popen(asked, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        end_s = time.monotonic() + 20
        while len(np.unique(np.asarray(screen.picture().convert("L")))) < 100:  # black until a window stands
            assert time.monotonic() < end_s
            time.sleep(0.1)
        one.send_signal(signal.SIGTERM)
        assert one.wait(5) == 0 and one.stdout.read() == ""
    finally:
        one.kill()
        one.wait()
        one.stdout.close()
