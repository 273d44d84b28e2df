"""The desktop window's logic, without a display: settings, state, painting, words."""

import re
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from emojimation.apps.desktop import menus
from emojimation.apps.desktop import panel as desktop_panel
from emojimation.apps.desktop.actions import ACTIONS, STYLE_KEYS, keys
from emojimation.apps.desktop.card import card_rows
from emojimation.apps.desktop.commands import COMMANDS
from emojimation.apps.desktop.history import History, strip
from emojimation.apps.desktop.main_face import Chooser, face_at, fitted, frame_point, mirrored
from emojimation.apps.desktop.menus import MENUS
from emojimation.apps.desktop.painter import Eased, Painter, Rate, Room, ppm
from emojimation.apps.desktop.panel import TONES, Look, PanelPainter, greeting, headline
from emojimation.apps.desktop.settings import (
    WindowSettings,
    load,
    new_file,
    parse,
    placed,
    save,
    settings_file,
)
from emojimation.apps.desktop.status import Status
from emojimation.apps.desktop.timeline import NOBODY, PARTS, UNKNOWN, Timeline, clock, seek_bar, time_at, track_ends
from emojimation.apps.desktop.view import facts, usable
from emojimation.attributes import ATTRIBUTES
from emojimation.draw.sprites import bgr
from emojimation.draw.styles import HIDING, STYLES
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import COLOURS, label_set
from emojimation.live import LiveResult

HAPPY = np.eye(7, dtype=np.float32)[3]


def face(x: float = 10, side: float = 40, number: int | None = 1, look: np.ndarray | None = HAPPY) -> Face:
    box = np.array([x, 20, x + side, 20 + side], np.float32)
    return Face(box, 0.9, TEMPLATE * side + box[:2], look, number)


def result(faces: list[Face], index: int = 0, size=(120, 160, 3)) -> LiveResult:
    return LiveResult(np.full(size, 90, np.uint8), faces, index / 30, 30.0, 12.0, index)


def wait(condition, seconds: float = 20.0) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)


# --- settings -----------------------------------------------------------------------------------------------------


def test_settings_survive_and_bad_ones_do_not(tmp_path):
    path = tmp_path / "deep" / "desktop.json"
    kept = WindowSettings(theme="light", style="blur", min_score=0.45, several=False, folder="/there")
    assert load(path) == WindowSettings() and save(kept, path) and load(path) == kept
    assert [p.name for p in path.parent.iterdir()] == ["desktop.json"]
    bad = {
        "theme": "pink",
        "style": 3,
        "min_score": 7,
        "smooth_s": True,
        "mirror": "yes",
        "unknown": 1,
        "art": "fluent",
    }
    assert parse(bad) == WindowSettings(art="fluent")
    for text in ("", "[1]", "{", '{"theme": null}'):
        path.write_text(text, "utf-8")
        assert load(path) == WindowSettings()


def test_settings_that_cannot_be_kept_do_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    assert save(WindowSettings(), tmp_path / "file" / "desktop.json") is False


def test_settings_lie_in_the_platforms_folder(tmp_path):
    assert settings_file("linux", {"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "emojimation" / "desktop.json"
    assert settings_file("linux", {"XDG_CONFIG_HOME": "relative"}).parts[-3:] == (
        ".config",
        "emojimation",
        "desktop.json",
    )
    assert settings_file("darwin", {}).parts[-4:-2] == ("Library", "Application Support")
    assert settings_file("win32", {"APPDATA": str(tmp_path)}) == tmp_path / "emojimation" / "desktop.json"


@pytest.mark.parametrize("style", STYLES)
def test_hiding_always_draws_a_style_that_hides(style):
    assert WindowSettings(style=style).drawn_style == style
    assert WindowSettings(style=style, anonymise=True).drawn_style in HIDING


def test_new_files_never_meet(tmp_path):
    now = datetime(2026, 1, 2, 3, 4, 5)
    names = [new_file(tmp_path / "new", ".png", now).name for _ in range(3)]
    assert names == [f"emojimation-2026-01-02-030405{more}.png" for more in ("", "-2", "-3")]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Cannot write to .*file.*Choose another folder\.$"):
        new_file(tmp_path / "file", ".png")


# --- state --------------------------------------------------------------------------------------------------------


def test_bars_move_alike_at_every_frame_rate():
    ends = []
    for rate in (10, 60):
        eased = Eased()
        eased.towards(np.zeros(7), 0.0)
        for step in range(1, rate // 2 + 1):
            value = eased.towards(np.ones(7), step / rate)
            assert 0 < value[0] < 1
        ends.append(value[0])
    assert ends[0] == pytest.approx(ends[1], abs=1e-9) and ends[0] == pytest.approx(1 - np.exp(-0.5 / 0.12))


def test_history_keeps_thirty_seconds_with_holes():
    history = History(30.0)
    for tenth in range(400):
        history.add(tenth / 10, face() if not 200 <= tenth < 250 else None)
    columns = history.columns(300, 39.9)
    assert columns.shape == (300, 7) and np.isnan(columns).any(axis=1).sum() == pytest.approx(50, abs=2)
    assert columns[-1, 3] == 1 and len(history._rows) <= 312
    assert np.isnan(history.columns(300, 60.0)[-1]).all()  # nothing new came for long
    history.clear()
    assert np.isnan(history.columns(5, 61.0)).all()


def test_the_timeline_has_the_emotions_of_what_was_analysed():
    timeline = Timeline()
    timeline.add(0.0, face())  # of a camera: no length, nothing to record
    timeline.length_s = 10.0
    for time_s in (1.0, 1.3, 1.6, 6.0, 6.4):
        timeline.add(time_s, face() if time_s < 2 else None)
    parts = timeline.classes
    happy, nobody = np.flatnonzero(parts == 3) / PARTS * 10, np.flatnonzero(parts == NOBODY) / PARTS * 10
    assert (happy.min(), happy.max()) == pytest.approx((1.0, 1.6), abs=0.01) and len(happy) == 73
    assert (nobody.min(), nobody.max()) == pytest.approx((6.0, 6.4), abs=0.01)
    timeline.add(1.3, face(look=np.full(7, 1 / 7, np.float32)))  # not sure
    assert parts[int(0.13 * PARTS)] == NOBODY
    timeline.forget()
    assert (timeline.classes == UNKNOWN).all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_seek_bar_has_the_colours_of_the_timeline_and_a_knob(theme):
    timeline, wide = Timeline(), 600
    timeline.length_s = 60.0
    for tenth in range(300):
        timeline.add(tenth / 10, face())
    picture = seek_bar(timeline, (wide, 26), 1.0, theme)
    left, right = track_ends(wide, 1.0)
    middle = picture[13, left:right]
    at = {share: tuple(int(v) for v in middle[round(share * (right - left))]) for share in (0.25, 0.5, 0.75)}
    assert at[0.25] == bgr(COLOURS["happy"]) and at[0.75] == bgr(TONES[theme][3])
    assert at[0.5] == bgr(TONES[theme][1])  # the knob
    assert [time_at(x, wide, 1.0, 60.0) for x in (0, left, (left + right) / 2, wide)] == [0.0, 0.0, 30.0, 60.0]
    assert [clock(s) for s in (5.9, 65, 3665)] == ["0:05", "1:05", "1:01:05"]


def test_the_main_face_is_the_largest_until_one_is_chosen_and_is_held_on_to():
    chooser, small, large = Chooser(), face(0, 30, 1), face(60, 50, 2)
    assert chooser.main([]) is None and chooser.main([small, large]) is large
    assert chooser.main([face(0, 52, 1), large]) is large  # no jumping to and fro
    chooser.choose(1)
    assert chooser.main([small, large]) is small and chooser.main([large]) is large
    assert chooser.following([small, large]) in (1, 2)
    assert {chooser.following([small, large]) for _ in range(2)} == {1, 2}


def test_a_click_finds_the_face_also_in_the_mirror():
    room, size = (800, 600), (160, 120)
    for mirror in (False, True):
        shown = mirrored(face(10), 160) if mirror else face(10)
        middle = (shown.xyxy[:2] + shown.xyxy[2:]) / 2 * 5
        point = frame_point(*middle, room, size, mirror)
        assert point == pytest.approx((30, 40)) and face_at([face(10), face(100, number=2)], *point).track_id == 1
    assert frame_point(10, 1, (800, 1000), size, False) is None and face_at([face()], 0, 0) is None


def test_mirroring_keeps_right_and_left():
    once = mirrored(face(10), 160)
    assert once.xyxy.tolist() == [110, 20, 150, 60] and once.landmarks[0, 0] < once.landmarks[1, 0]
    twice = mirrored(once, 160)
    assert np.allclose(twice.xyxy, face(10).xyxy) and np.allclose(twice.landmarks, face(10).landmarks)
    tilted = face().with_(landmarks=face().landmarks + np.array([[0, 0], [0, 8], [0, 4], [0, 0], [0, 8]], np.float32))
    assert mirrored(tilted, 160).roll_deg == pytest.approx(-tilted.roll_deg, abs=1e-3)


def test_words_of_the_panel():
    assert headline(face()) == ("happy", "100% sure")
    assert headline(None, "photo") == ("no face", "No face found in this photo")
    doubt = face(look=np.array([0.1, 0, 0, 0.1, 0.41, 0, 0.39], np.float32))
    assert headline(doubt) == ("sad or neutral", "41% and 39%")
    open_minded = face(look=np.array([0.1, 0.1, 0.15, 0.05, 0.25, 0.1, 0.25]))
    assert headline(open_minded) == ("not sure", "sad or neutral?")
    assert headline(face(look=None))[0] == "a face"
    assert {int(greeting(second).argmax()) for second in np.arange(0, 20, 1)} == {3, 5, 6}


def test_sizes_and_rates():
    assert fitted((640, 480), (1000, 300)) == (400, 300) and fitted((1, 5000), (10, 10)) == (1, 10)
    rate = Rate()
    assert rate.value(0) == 0
    for tick in range(90):
        rate.tick(tick / 30)
    assert rate.value(89 / 30) == pytest.approx(30, rel=0.05) and rate.value(100) == 0


# --- painting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(330, 640), (250, 330), (60, 40), (1, 1)])
def test_the_panel_fits_every_size(theme, size):
    look = desktop_panel.Look("not sure", "sad or neutral?", "too dark", certain=False, progress=0.4)
    panel = desktop_panel.PanelPainter().draw(np.full(7, 1 / 7), look, size, 1.0, theme, 1.0)
    assert panel.shape == (size[1], size[0], 3) and panel.dtype == np.uint8


def test_bars_are_as_long_as_the_probabilities():
    colour, lengths = bgr(COLOURS["happy"]), []
    for share in (0.2, 0.6, 1.0):
        vector = HAPPY * share + (1 - share) * np.eye(7)[6]
        panel = desktop_panel.PanelPainter().draw(vector, desktop_panel.Look("happy", ""), (330, 640), 1.0, "dark", 0.0)
        lengths.append(int((np.abs(panel[450:].astype(int) - colour).sum(axis=2) < 12).any(axis=0).sum()))
    assert lengths[0] < lengths[1] < lengths[2] and lengths[2] == pytest.approx(5 / 3 * lengths[1], rel=0.12)


def test_the_history_is_stacked_in_colours_with_holes():
    columns = np.tile(HAPPY * 0.75 + np.eye(7)[0] * 0.25, (200, 1))
    columns[50:100] = np.nan
    picture = strip(columns, (200, 84), 1.0, "light")
    body = picture[8:56, 150].tolist()
    assert body.count(list(bgr(COLOURS["happy"]))) > 2 * body.count(list(bgr(COLOURS["angry"]))) > 10
    assert picture[30, 75].tolist() == list(bgr(desktop_panel.TONES["light"][3]))


def test_pixmaps_are_what_tk_reads():
    head, pixels = ppm(np.full((2, 3, 3), (1, 2, 3), np.uint8)).split(b"\n", 1)
    assert head == b"P6 3 2 255" and pixels == bytes((3, 2, 1)) * 6


def test_the_painter_paints_what_changed_and_hides_all_faces():
    painter = Painter(WindowSettings(style="none", several=False))
    painter.room = Room((160, 120), (200, 300), (160, 60))
    first = result([face(10, number=1), face(90, number=2)])
    shown = painter.paint(first, 1.0, True, 5.0)
    assert shown.view and shown.faces == 2 and shown.word == "happy" and np.array_equal(painter.drawn, first.frame)
    assert painter.paint(first, 1.03, True, 5.0).view is shown.view  # the same until something changes
    painter.settings = WindowSettings(style="none", several=False, anonymise=True)
    assert painter.paint(first, 1.06, True, 5.0).view is not shown.view
    for one in first.faces:  # also the one that is not the main one
        x0, y0, x1, y1 = one.xyxy.astype(int)
        assert (painter.drawn[y0 + 8 : y1 - 8, x0 + 8 : x1 - 8] != 90).any(axis=2).mean() > 0.9
    assert painter.click(first, 110, 40) == 2 and painter.main(first).track_id == 2
    painter.reset("film.mp4")
    assert painter.drawn is None and painter.main(None) is None


def test_the_character_is_in_the_view_and_in_the_panel_which_moves_like_the_face():
    def pictures(character: str, mirror: bool = False, **measured: float) -> tuple[np.ndarray, bytes]:
        values = np.array(ATTRIBUTES["mesh"].rest, np.float32)
        for name, value in measured.items():
            values[ATTRIBUTES["mesh"].columns.index(name)] = value
        painter = Painter(WindowSettings(style="puppet", character=character))
        painter.room, painter.mirror = Room((160, 120), (200, 300), (160, 60)), mirror
        panel = painter.paint(result([face().with_(attributes={"mesh": values})]), 1.0, True, 5.0).panel
        return painter.drawn, panel.data

    (view, panel), (other_view, other_panel) = pictures("emoji"), pictures("robot")
    assert (view != other_view).any() and panel != other_panel
    assert pictures("emoji", eye_right=0.08)[1] != panel != pictures("emoji", eye_left=0.08)[1]
    assert pictures("emoji", eye_right=0.08)[1] == pictures("emoji", eye_left=0.08, mirror=True)[1]


# --- words --------------------------------------------------------------------------------------------------------


def test_menus_and_keys_agree():
    used = [name for names in MENUS.values() for name in names if name not in ("-", "styles", "sample")]
    assert set(used) | {"escape"} == set(ACTIONS) and len(used) == len(set(used))
    events = [event for action in ACTIONS.values() for event in action.events]
    assert len(events) == len(set(events)) and set(STYLE_KEYS.values()) == set(STYLES)
    assert {"Space", "S", "R", "C", "F11", "Esc", "?"} <= {key for key, _ in keys()}


def test_the_models_card_for_a_person(tiny_model):
    from emojimation.classify.classifier import EmotionClassifier

    rows = dict(card_rows(EmotionClassifier(tiny_model).card))
    assert {"Model", "Input", "Emotions", "Not sure below", "Created", "Training data"} <= set(rows)
    assert card_rows({"problem": "no such file"}) == [("Model", "no such file")]


def test_a_kept_place_fits_the_screen_of_today():
    screen = (1280, 900)
    assert placed("900x600+100+50", screen) == "900x600+100+50"
    assert placed("3000x2000+0+0", screen) == "1280x900+0+0"
    assert (
        placed("900x600+2500+50", screen) == placed("900x600+0+-400", screen) == "900x600"
    )  # another screen was there
    assert placed("900x600+-40+50", screen) == "900x600+-40+50"
    assert placed("", screen) == placed("nonsense", screen) == ""


def test_the_picker_lists_emotion_models_only(monkeypatch):
    from emojimation.apps.desktop import settings_tab

    names = ("lite", "face_detector", "default.weights", "other", "max", "default", "seed")
    rows = {name: {"file": f"{name}.npz" if "." in name else f"{name}.onnx"} for name in names}
    monkeypatch.setattr(settings_tab.weights, "manifest", lambda: rows)
    assert settings_tab.weights.emotion_models() == ["default", "seed", "max", "lite", "other"]


def test_the_status_line_and_the_buttons():
    painter = Painter(WindowSettings())
    shown = painter.paint(result([face()]), 1.0, True, 13.2)
    assert facts(shown, Status("live")) == "160 x 120   ·   1 face   ·   0 frames/s   ·   13 ms latency"
    assert facts(shown, Status("live", paused=True)).endswith("paused") and facts(shown, Status()) == "No source"
    assert usable("record", "live") and not usable("record", "still") and usable("log", "still")
    assert usable("pause", "ended") and not usable("log", "ended") and not usable("snapshot", "idle")


def test_panel_and_history_follow_the_classes_of_the_model():
    labels = label_set(("bored", "engaged"))
    person = face().with_(probabilities=np.array([0.8, 0.2], np.float32), labels=labels)
    history = History()
    history.add(0.0, face())
    history.add(0.1, person)
    columns = history.columns(200, 0.1)
    assert columns.shape == (200, 2) and history.labels == labels
    picture = strip(columns, (200, 84), 1.0, "light", labels=labels)
    assert tuple(int(v) for v in picture[40, -1]) == bgr(labels.colour_of("bored"))
    panel = PanelPainter().draw(
        person.probabilities, Look(*headline(person)), (320, 560), 1.0, "dark", 0.0, labels=labels
    )
    colours = {tuple(map(int, colour)) for colour in np.unique(panel.reshape(-1, 3), axis=0)}
    assert {bgr(colour) for colour in labels.colours} <= colours


def test_every_action_and_every_button_has_its_command():
    source = Path(menus.__file__).parent
    asked = {name for path in source.glob("*.py") for name in re.findall(r"do\(\"(\w+)\"\)", path.read_text("utf-8"))}
    assert asked > {"hide", "cameras"} and set(COMMANDS) == set(ACTIONS) | asked
