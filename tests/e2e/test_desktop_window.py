"""The desktop window with real keys and clicks on a screen of its own: sources, styles, people, settings, keyboard,
sizes.
"""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import screen as screens
from screen import buttons, click, dialog, live, press, pump, toast, widgets, words, xdotool

from emojimation.errors import InputError
from emojimation.video.scene import SAMPLES, crowd

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(screens.missing()), reason=str(screens.missing()))]


@pytest.fixture(scope="module")
def screen():
    return screens.shared()


@pytest.fixture
def show(screen, tmp_path, model):
    with screens.windows(tmp_path, model) as make:
        yield make


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> str:
    """A short video of one face."""
    from emojimation.video.writer import Segment

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    segment = Segment(path, 30)
    for frame in crowd(1, seconds=1.0):
        segment.write(frame.image, frame.time_s)
    segment.close()
    return str(path)


def menu(made, parent, label: str) -> None:
    """Choose an entry of a menu that is unfolded, with the mouse."""
    pump(made.root, parent.winfo_viewable)
    entries = [n for n in range(parent.index("end") + 1) if parent.type(n) != "separator"]
    entry = next(n for n in entries if str(parent.entrycget(n, "label")) == label)
    click(made, parent, x=20, y=parent.yposition(entry) + 6)


def choose(made, box, number: int) -> None:
    """Unfold a list with the mouse and choose an entry with the keyboard."""
    click(made, box)
    entries = f"{made.root.tk.call('ttk::combobox::PopdownWindow', box)}.f.l"
    pump(made.root, lambda: str(made.root.tk.call("focus")) == entries)
    xdotool("key", "ctrl+Home", *["Down"] * number, "Return")


def ask(monkeypatch, name: str, answer: str) -> None:
    """Answer the system's dialog for files, which no test can drive alike on every system."""
    monkeypatch.setattr(f"tkinter.filedialog.{name}", lambda **_: answer)


def colours(image) -> int:
    return len(np.unique(np.asarray(image.convert("RGB")).astype(np.int32) @ (1, 256, 65536)))


# --- sources ------------------------------------------------------------------------------------------------------


def test_start_page_leads_to_the_sample(show, screen):
    made = show()
    pump(
        made.root,
        lambda: "Sample video" in buttons(made.view.picture) and not (made.cameras.looking or made.cameras.changed),
    )
    assert "Analyse only people who have consented" in words(made.view.picture)
    click(made, buttons(made.view.picture)["Sample video"])
    live(made)
    pump(made.root, lambda: "640 x 480" in made.view.facts.cget("text") and "1 face" in made.view.facts.cget("text"))
    pump(made.root, lambda: "ms latency" in made.view.facts.cget("text"))
    pump(made.root, lambda: colours(screen.picture()) > 5000)  # something colourful is really on the screen
    assert made.root.title() == "Sample video - Emojimation"


def test_the_source_picker_lists_cameras_and_opens_what_is_chosen(show, film, monkeypatch, tmp_path):
    for number, name in ((0, "Front camera"), (2, "Desk camera")):
        (tmp_path / "devices" / f"video{number}").mkdir(parents=True)
        (tmp_path / "devices" / f"video{number}" / "name").write_text(name)
    from emojimation.apps.desktop import sources

    real = sources.cameras
    monkeypatch.setattr(sources, "cameras", lambda: real(tmp_path / "devices", "linux"))
    made = show()
    pump(made.root, lambda: {"Front camera", "Desk camera"} <= set(buttons(made.view.picture)))
    click(made, made.view.source)
    menu(made, made.view.source_menu, "Sample video, five people")
    live(made, 5)
    ask(monkeypatch, "askopenfilename", film)
    click(made, made.view.source)
    menu(made, made.view.source_menu, "Open photo or video ...")
    pump(made.root, lambda: made.engine.status.state == "ended")
    pump(made.root, lambda: "Space restarts" in made.view.facts.cget("text"))
    assert made.view.buttons["pause"].cget("text") == "Resume" and made.view.source.cget("text") == "film.mp4"
    press(made, "space")  # once more
    pump(made.root, lambda: made.engine.status.state == "live")
    click(made, made.view.source)
    menu(made, made.view.source_menu, "Close source")
    pump(made.root, lambda: "Front camera" in buttons(made.view.picture))
    pump(made.root, lambda: not made.view.picture.filled)


def test_a_photo_is_shown_and_stays_on_the_screen(show, screen):
    made = show(str(SAMPLES / "group.jpg"))
    live(made, 5)
    assert made.view.buttons["record"].instate(["disabled"]) and not made.view.strip.winfo_ismapped()
    for theme in ("light", "dark"):  # nothing comes any more, and still it is there
        press(made, "t")
        pump(made.root, lambda t=theme: made.settings.theme == t and made.view.picture.filled)
    pump(made.root, lambda: colours(screen.picture()) > 20_000)


def test_an_address_is_typed_and_opened(show, tmp_path, film):
    import http.server

    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: handler(*args, directory=str(Path(film).parent))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = show()
        press(made, "u")
        asked = dialog(made, "Open address")
        entry = widgets(asked, "TEntry")[0]
        xdotool("type", "srt")
        pump(made.root, lambda: entry.get() == "srt")  # letters are letters here
        xdotool("key", "Return")
        pump(made.root, lambda: "got srt" in words(asked))
        assert made.settings.theme == "dark" and made.engine.status == type(made.engine.status)()
        entry.delete(0, "end")
        entry.insert(0, f"http://user:secret@127.0.0.1:{server.server_port}/film.mp4")
        xdotool("key", "Return")
        pump(made.root, lambda: made.engine.status.state == "ended")
        assert "secret" not in made.root.title() and "127.0.0.1" in made.root.title()
        server.shutdown()


def test_a_broken_file_is_reported_and_another_source_chosen(show):
    made = show(str(ROOT / "Makefile"))
    pump(made.root, lambda: "Try again" in buttons(made.view.picture))
    assert "Expected a video" in words(made.view.picture) and "Makefile" in words(made.view.picture)
    click(made, buttons(made.view.picture)["Choose another source"])
    pump(made.root, lambda: "Sample video" in buttons(made.view.picture))


@pytest.mark.skipif(Path("/dev/video9").exists(), reason="there is a camera 9 here")
def test_no_camera_is_reported(show):
    made = show("9")
    pump(made.root, lambda: "Try again" in buttons(made.view.picture))
    assert "Camera 9 cannot be opened" in words(made.view.picture)


class Unplugged:
    """A camera that is busy the first time, pulled out after a few frames the second time, and stays the third time."""

    times = 0

    def __init__(self, source, size_wh):
        Unplugged.times += 1
        if Unplugged.times == 1:
            raise InputError("Camera 0 cannot be opened: another program holds it.")
        self.info, self.notes = SimpleNamespace(name="camera 0", live=True, fps=30), []
        self._ends, self._closed = Unplugged.times == 2, threading.Event()

    def __iter__(self):
        for frame in crowd(1, seconds=None):
            if self._closed.wait(0.03):
                return
            if self._ends and frame.index == 10:
                raise InputError("Expected images from camera 0, got none: it was unplugged or stalls.")
            yield frame

    def close(self):
        self._closed.set()


def test_a_busy_and_an_unplugged_camera_leave_the_window_alive(show):
    made = show("0", opener=Unplugged)
    for problem in ("another program holds it", "unplugged"):
        pump(made.root, lambda p=problem: p in words(made.view.picture))
        press(made, "t")  # it lives
        click(made, buttons(made.view.picture)["Try again"])
    live(made)
    assert Unplugged.times == 3 and made.settings.theme == "dark"


# --- images, people -------------------------------------------------------------------------------------------------


def test_styles_are_chosen_by_key_and_list(show):
    made = show("sample")
    live(made)
    drawn = []
    for key in "123456":
        before = made.engine.painter.drawn
        press(made, key)
        pump(made.root, lambda b=before: made.engine.painter.drawn is not b)
        drawn.append(made.view.style.get())
    assert drawn == ["Boxes", "Emoji", "Avatar", "Blur", "Squares", "Nothing"]
    choose(made, made.view.style, 1)
    pump(made.root, lambda: made.settings.style == "emoji")


def test_pause_keeps_the_image(show):
    made = show("sample")
    live(made)
    press(made, "space")
    pump(made.root, lambda: made.engine.status.paused and made.view.buttons["pause"].cget("text") == "Resume")
    loop = made.engine._player.loop  # a frame that was being analysed still comes
    pump(made.root, lambda: loop._idle and made.engine._screen.result is loop.latest())
    still, shown = made.engine._screen.result, made.engine.latest().number
    pump(made.root, lambda: made.engine.latest().number > shown + 20)  # the avatar lives on
    assert made.engine._screen.result is still
    click(made, made.view.buttons["pause"])
    pump(made.root, lambda: made.engine._screen.result is not still)


def test_a_video_is_scrubbed_and_moved_by_single_frames(show):
    made = show("synthetic:60")
    live(made)
    bar, timeline = made.view.seek, made.engine.painter.timeline
    pump(made.root, lambda: bar.winfo_ismapped() and bar.filled and (timeline.classes >= 0).any())
    pump(made.root, lambda: made.engine.painter.room.seek_wh == bar.size_wh)

    def at_s() -> float:
        result = made.engine._screen.result  # none while a video is opened again
        return -1.0 if result is None else result.time_s

    def shows(time_s: float, within: float) -> None:
        pump(made.root, lambda: abs(at_s() - time_s) < within)

    x, y = bar.winfo_rootx() + bar.winfo_width() // 2, bar.winfo_rooty() + bar.winfo_height() // 2
    xdotool("mousemove", x - 50, y, "mousedown", 1)
    pump(made.root, lambda: made.engine.status.paused)  # it waits while it is dragged
    xdotool("mousemove", x, y)
    shows(30.0, 0.2)
    held = at_s()
    press(made, "period")
    shows(held + 1 / 30, 0.01)
    press(made, "comma", "comma")
    shows(held - 1 / 30, 0.01)
    press(made, "Left")
    shows(held - 5 - 1 / 30, 0.05)
    xdotool("mouseup", 1)
    pump(made.root, lambda: not made.engine.status.paused)
    press(made, "space")
    pump(made.root, lambda: made.engine.status.paused)
    click(made, bar, x=bar.winfo_width() - 2)
    shows(60.0, 0.1)
    press(made, "space")
    pump(made.root, lambda: made.engine.status.state == "ended")
    click(made, bar, x=2)  # what has ended can be moved back
    pump(made.root, lambda: made.engine.status.state == "live")
    shows(0.5, 2.0)
    assert timeline.classes[-1] >= 0  # its colours have been kept
    made.open("sample")
    pump(made.root, lambda: not bar.winfo_ismapped())


def test_a_face_is_chosen_by_a_click_and_calibrated(show):
    made = show("sample:5")
    live(made, 5)
    press(made, "space")  # so that nobody moves away under the mouse
    pump(made.root, lambda: made.engine.status.paused)
    other = min(made.engine._screen.result.faces, key=lambda face: face.size_px)
    view = made.view.picture
    scale = min(view.winfo_width() / 640, view.winfo_height() / 480)
    middle = (other.xyxy[:2] + other.xyxy[2:]) / 2 * scale
    left, top = (view.winfo_width() - 640 * scale) / 2, (view.winfo_height() - 480 * scale) / 2
    click(made, view, round(left + float(middle[0])), round(top + float(middle[1])))
    pump(made.root, lambda: made.engine.painter.chooser.chosen == other.track_id)
    assert str(other.track_id) in toast(made, "is the main one")
    press(made, "n")
    pump(made.root, lambda: made.engine.painter.chooser.chosen != other.track_id)
    press(made, "space", "c")
    pump(made.root, lambda: made.engine.status.calibrating)
    press(made, "Escape")
    pump(made.root, lambda: not made.engine.status.calibrating)
    press(made, "c")
    toast(made, "alibrated")  # a smiling face is refused, with the reason
    assert not made.engine.status.calibrating


def test_hiding_by_key_and_switch_and_mirror(show):
    made = show("sample")
    live(made)
    press(made, "a")
    pump(made.root, lambda: made.settings.anonymise and made.view.hide.get() and made.view.style.get() == "Emoji")
    click(made, made.view.hide_switch)
    pump(made.root, lambda: not made.settings.anonymise)
    toast(made, "shown again")
    plain = made.engine._screen.result
    press(made, "m")
    pump(made.root, lambda: made.engine.painter.mirror and made.view.settings.mirror.get())
    pump(made.root, lambda: made.engine._screen.result is not plain)
    assert made.settings.mirror  # remembered for cameras, not for videos


# --- settings, keys, sizes --------------------------------------------------------------------------------------------


def test_settings_act_immediately(show, monkeypatch, tmp_path, tiny_model):
    from emojimation.weights import emotion_models as models

    made = show("sample")
    live(made)
    made.view.tabs.select(1)
    tab = made.view.settings
    for slider, name, value in ((tab.threshold, "min_score", 0.65), (tab.smoothing, "smooth_s", 0.5)):
        slider.focus_force()
        made.root.update()
        xdotool("key", "Right")
        pump(made.root, lambda n=name, v=value: getattr(made.settings, n) == pytest.approx(v))
    click(made, tab.smoothing, x=tab.smoothing.winfo_width() - 3)
    pump(made.root, lambda: made.settings.smooth_s > 1.8 and made.engine._player.tracker.smooth_s > 1.8)
    assert list(tab.model.cget("values")) == [*models(), "Other file ..."] and "face_detector" not in models()
    (tmp_path / "none.onnx").write_text("no model")
    ask(monkeypatch, "askopenfilename", str(tmp_path / "none.onnx"))
    made.do("choose_model")
    toast(made, "none.onnx")
    pump(made.root, lambda: made.settings.model == "default" and tab.model.get() == "default")  # the old one stays
    ask(monkeypatch, "askopenfilename", str(tiny_model))
    made.do("choose_model")
    pump(made.root, lambda: made.engine._player.loop.pipeline.classifier.card["name"] != "default")
    assert made.engine.status.state == "live" and tab.model.get() == Path(tiny_model).name
    ask(monkeypatch, "askdirectory", str(tmp_path / "elsewhere"))
    click(made, buttons(tab)["Choose folder ..."])
    pump(made.root, lambda: "elsewhere" in made.view.folder.cget("text") and "elsewhere" in tab.folder.cget("text"))


def test_resolution_reaches_the_source(show):
    asked = []

    def opener(source, size_wh):
        asked.append(size_wh)
        return crowd(1, seconds=None)

    made = show("0", opener=opener)
    live(made)
    made.view.tabs.select(1)
    choose(made, made.view.settings.resolution, 1)
    pump(made.root, lambda: asked == [(640, 480), (1280, 720)])
    live(made)


def test_everything_is_reached_by_keyboard(show):
    made = show("sample:photo")
    live(made, 5)
    press(made, "Tab")
    reached = []
    for _ in range(40):
        made.root.update()
        reached.append(made.root.focus_get())
        xdotool("key", "Tab")
        pump(made.root, lambda: made.root.focus_get() is not reached[-1])
        if made.root.focus_get() in reached:
            break
    usable = [
        made.view.source,
        made.view.style,
        made.view.buttons["snapshot"],
        made.view.buttons["log"],
        made.view.theme,
        made.view.hide_switch,
        made.view.tabs,
        buttons(made.view.status)["Open folder"],
    ]
    assert not [str(widget) for widget in usable if widget not in reached]
    made.view.theme.focus_force()
    made.root.update()
    xdotool("key", "Return")
    pump(made.root, lambda: made.settings.theme == "light")
    made.view.tabs.focus_force()
    xdotool("key", "Right")
    pump(made.root, lambda: made.view.tabs.index("current") == 1)


def test_menus_and_dialogs_by_keyboard(show):
    made = show("sample")
    live(made)
    press(made, "alt+f")  # unfolds the menu, and is no F
    xdotool("key", "Escape", "Escape")
    made.root.update()
    assert "file manager" not in made.view.toast.text
    press(made, "question")
    assert "Start or stop recording" in words(dialog(made, "Keys"))
    xdotool("key", "Escape")
    pump(made.root, lambda: not widgets(made.root, "Toplevel"))
    made.do("about")
    about = dialog(made, "About Emojimation")
    pump(made.root, lambda: "Not sure below" in words(about))
    assert "must not decide about anybody" in words(about) and "accuracy" in words(about)
    xdotool("key", "Return")
    pump(made.root, lambda: not widgets(made.root, "Toplevel"))


def test_sizes_and_full_screen(show, screen):
    made = show("sample")
    live(made)
    for size in ("640x480", "900x700", "1200x800"):
        made.root.geometry(size)
        pump(made.root, lambda s=size: made.root.geometry().startswith(s))
        pump(made.root, lambda: made.engine.painter.room.view_wh == made.view.picture.size_wh)
        assert made.view.status.winfo_y() + made.view.status.winfo_height() <= made.root.winfo_height()
    press(made, "F11")
    pump(made.root, lambda: (made.root.winfo_width(), made.root.winfo_height()) == (1280, 900))
    assert not made.view.bar.winfo_ismapped()
    press(made, "Escape")
    pump(made.root, lambda: made.root.geometry().startswith("1200x800") and made.view.bar.winfo_ismapped())


def test_the_smallest_window_still_shows_a_large_image(show):
    made = show("sample")
    live(made)
    made.root.geometry("640x480")
    pump(made.root, lambda: made.view.picture.winfo_width() >= 380 and made.view.picture.winfo_height() >= 285)
    assert [made.view.tabs.tab(number, "text") for number in range(2)] == ["Face", "Settings"]
    switch = made.view.hide_switch
    pump(made.root, lambda: switch.winfo_x() + switch.winfo_width() <= made.root.winfo_width() == 640)  # not cut off
    made.root.geometry("1100x760")
    pump(made.root, made.view.strip.winfo_ismapped)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_names_in_the_file_dialog_are_legible(show, theme):
    made = show(theme=theme)
    made.root.update()  # the theme's colours are set when the window is idle
    tk = made.root.tk
    tk.eval(
        "::tk::IconList .names; .names add [image create photo -width 16 -height 16] {one two}"
    )  # the list in Tk's own file dialog
    texts = [
        item
        for item in tk.splitlist(tk.eval(".names.cHull.canvas find all"))
        if "text" in tk.eval(f".names.cHull.canvas type {item}")
    ]
    ground = brightness(made.root, tk.eval(".names.cHull.canvas cget -background"))
    colours = {tk.eval(f".names.cHull.canvas itemcget {item} -fill") for item in texts}
    assert texts and all(abs(brightness(made.root, colour) - ground) > 0.6 for colour in colours)


def brightness(root, colour) -> float:
    return sum(root.winfo_rgb(str(colour))) / 3 / 65535


def test_nothing_in_the_source_picker_is_greyed_out(show, monkeypatch):
    from emojimation.apps.desktop import sources

    monkeypatch.setattr(sources, "cameras", list)
    made = show()
    pump(made.root, lambda: not made.cameras.looking)
    menu = made.view.source_menu
    made.root.tk.eval(str(menu.cget("postcommand")))
    entries = [n for n in range(menu.index("end") + 1) if menu.type(n) == "command"]
    assert menu.entrycget(entries[0], "label") == "No camera was found: search again"
    assert {menu.entrycget(n, "state") for n in entries} == {"normal"}


def test_a_tip_comes_and_goes(show):
    made = show("sample")
    live(made)
    xdotool("mousemove", made.view.hide_switch.winfo_rootx() + 9, made.view.hide_switch.winfo_rooty() + 9)
    pump(made.root, lambda: any("Show and save no face" in words(tip) for tip in widgets(made.root, "Toplevel")))
    xdotool("mousemove", made.view.picture.winfo_rootx() + 9, made.view.picture.winfo_rooty() + 9)
    pump(made.root, lambda: not widgets(made.root, "Toplevel"))


def test_the_window_answers_while_a_source_hangs(show):
    hangs = threading.Event()

    def opener(source, size_wh):
        hangs.wait(60)
        raise InputError("Expected a stream, got none.")

    made = show("rtsp://nowhere/x", opener=opener)
    pump(made.root, lambda: "Opening ..." in words(made.view.picture))
    press(made, "t")
    pump(made.root, lambda: made.settings.theme == "light")
    click(made, buttons(made.view.picture)["Choose another source"])
    pump(made.root, lambda: "Sample video" in buttons(made.view.picture))
    hangs.set()
