"""What the desktop window opens and writes, and the engine behind it, without a display."""

import csv
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from conftest import ROOT, SAMPLES
from emojimation.apps.desktop import opening, sources
from emojimation.apps.desktop.recording import Recorder, Table, reason, snapshot
from emojimation.apps.desktop.settings import WindowSettings, reveal, save
from emojimation.apps.desktop.worker import WindowWorker
from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTIONS, label_set
from emojimation.live import LiveResult
from emojimation.media import read_image
from emojimation.tracking.adapt import AdaptingTracker
from emojimation.tracking.track import Tracker
from emojimation.video.scene import Scene

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


# --- files --------------------------------------------------------------------------------------------------------


def test_snapshot_is_what_was_shown(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(read_image(snapshot(tmp_path, image)).frame, image)


@pytest.mark.parametrize("hurry", [False, True])
def test_a_video_is_recorded_and_read_back(tmp_path, hurry):
    done = []
    recorder = Recorder(tmp_path, lambda *told: done.append(told))
    for n in range(8):
        recorder.write(np.full((48, 64, 3), 20 * n, np.uint8), 5 + n / 10)
    recorder.stop(hurry)
    wait(lambda: done)
    path, wrong = done[0]
    assert wrong is None and [p.name for p in tmp_path.iterdir()] == [path.name]
    frames = list(opening.open_choice(str(path), (640, 480)))
    assert [round(float(f.image.mean()), -1) for f in frames] == pytest.approx([20 * n for n in range(8)], abs=11)
    assert [f.time_s for f in frames] == pytest.approx([n / 10 for n in range(8)], abs=0.01)


def test_a_video_without_frames_leaves_nothing(tmp_path):
    done = []
    Recorder(tmp_path, lambda *told: done.append(told)).stop()
    wait(lambda: done)
    assert done == [(None, "nothing was on screen while it ran")] and not list(tmp_path.iterdir())


def test_a_full_disk_ends_the_video_and_keeps_what_came_before(tmp_path, monkeypatch):
    from emojimation.video import writer

    written, real = [], writer.Segment.write

    def write(self, image, time_s):
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        written.append(time_s)
        real(self, image, time_s)

    monkeypatch.setattr(writer.Segment, "write", write)
    done = []
    recorder = Recorder(tmp_path, lambda *told: done.append(told))
    for n in range(9):
        recorder.write(np.full((48, 64, 3), 20 * n, np.uint8), n / 10)
    wait(lambda: done)
    path, wrong = done[0]
    assert wrong == "no space left on device"
    assert len(list(opening.open_choice(str(path), (640, 480)))) == 5
    recorder.write(np.zeros((48, 64, 3), np.uint8), 2.0)  # no harm


def test_the_table_has_a_row_per_face(tmp_path):
    table = Table(tmp_path, "stream")
    table.write(result([face(10), face(90, number=2)], 7))
    table.write(result([], 8))
    table.close()
    table.write(result([face()], 9))  # after the end nothing comes
    rows = list(csv.DictReader(table.path.open(encoding="utf-8")))
    assert [(row["frame"], row["track_id"], row["emotion"]) for row in rows] == [
        ("7", "1", "happy"),
        ("7", "2", "happy"),
    ]
    assert {row["prior"] for row in rows} == {"stream"}
    assert table.rows == 2 and all(float(row[name]) == (name == "happy") for row in rows for name in EMOTIONS)


def test_the_table_has_the_models_own_classes_and_a_head_without_faces(tmp_path):
    table = Table(tmp_path, "uniform")
    shares = np.array([0.75, 0.25], np.float32)
    table.write(result([face().with_(probabilities=shares, labels=label_set(("=yes", "no")))], 1))
    table.close()
    (row,) = csv.DictReader(table.path.open(encoding="utf-8"))
    assert (row["=yes"], row["no"], row["emotion"]) == ("0.75", "0.25", "'=yes") and "happy" not in row
    empty = Table(tmp_path, "uniform")
    empty.close()
    assert empty.path.read_text("utf-8").startswith("frame,time_s,")


def test_errors_in_one_line():
    assert reason(OSError(28, "No space left on device")) == "no space left on device"
    assert reason(InputError("a\n  b")) == "a b" and reason(KeyError()) == "KeyError"


# --- the pipeline -------------------------------------------------------------------------------------------------


def test_base_rates_are_learned_from_what_is_live_and_a_photo_has_everyday_ones(tiny_model):
    learned = WindowSettings(model=tiny_model, prior="stream", detector="haar")
    live = opening.pipeline_for(learned, still=False)
    assert live.prior.name == "stream" and isinstance(live.tracker, AdaptingTracker)
    assert type(live.detector).__name__ == "HaarDetector"
    photo = opening.pipeline_for(learned, still=True)
    assert photo.prior.name == "everyday" and type(photo.tracker) is Tracker


def test_a_change_of_settings_keeps_the_tracker_unless_base_rates_are_to_be_learned(tiny_model):
    usual, learned = (WindowSettings(model=tiny_model, prior=name) for name in ("uniform", "stream"))
    first = opening.pipeline_for(usual, still=False).tracker
    assert opening.pipeline_for(usual, False, first).tracker is first
    second = opening.pipeline_for(learned, False, first).tracker
    assert isinstance(second, AdaptingTracker)
    assert type(opening.pipeline_for(usual, False, second).tracker) is Tracker


# --- sources ------------------------------------------------------------------------------------------------------


def test_cameras_are_found_by_the_kernels_list(tmp_path):
    for number, name, index in ((0, "Front", 0), (1, "Front", 1), (10, "", 0), (2, "Back", 0)):
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "name").write_text(f"{name}\n")
        (tmp_path / f"video{number}" / "index").write_text(f"{index}\n")
    found = [(c.name, c.source) for c in sources.cameras(tmp_path, "linux")]
    assert found == [("Front", "0"), ("Back", "2"), ("Camera 10", "10")]
    assert sources.cameras(tmp_path / "none", "linux") == []


def test_sources_by_their_text(tmp_path):
    assert sources.kind_of("0") == "camera" and sources.kind_of("sample") == "film"
    assert sources.kind_of(str(SAMPLES / "obama.jpg")) == "photo"
    assert sources.title_of("rtsp://me:secret@host:1/x", []) == "host:1"
    for good in ("0", "sample", "synthetic:2", "http://a/b", str(SAMPLES)):
        sources.check(good)
    with pytest.raises(InputError, match=r"got nowhere\.mp4, which does not exist"):
        sources.check("nowhere.mp4")
    frames = list(opening.open_choice(str(SAMPLES / "obama.jpg"), (640, 480)))
    assert len(frames) == 1 and max(frames[0].image.shape) > 640  # photos keep their size
    small = next(iter(opening.open_choice("synthetic:1", (320, 200))))
    assert small.image.shape == (200, 266, 3)


def test_what_has_a_length_can_be_sought():
    film = opening.open_choice("synthetic:2", (320, 240))
    assert (film.length_s, film.frame_s) == (2.0, 1 / 30)
    film.seek(1.0)
    frames = list(film)
    assert (frames[0].time_s, frames[0].index, len(frames)) == (1.0, 30, 30)
    film.seek(99.0)
    assert [frame.index for frame in film] == [59]
    assert opening.open_choice("sample", (320, 240)).info.duration_s is None


def test_a_video_whose_images_end_before_its_length_ends_there(tmp_path):
    class Sound(Scene):
        """Images for a second, sound for three."""

        def __iter__(self):
            if self.start_s > 1.0:
                raise InputError("Expected a video, got one without frames.")
            return super().__iter__()

    def open_at(start_s):
        scene = Sound([], seconds=1.0)
        scene.start_s, scene.info = start_s, replace(scene.info, duration_s=3.0)
        scene.end_s = 1.0
        return scene

    film = opening.Playable(open_at, (640, 480))
    film.seek(2.0)
    assert list(film) == []
    film.seek(0.5)
    assert len(list(film)) == 15


def test_a_folder_that_cannot_be_opened_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=str(tmp_path)):
        reveal(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot open"):
        reveal(tmp_path / "file" / "x")


# --- the engine ---------------------------------------------------------------------------------------------------


class Camera:
    """Stands for a camera that shows a portrait; `fail_at`: it is unplugged then."""

    def __init__(self, fail_at: int = 10**9):
        self.info, self.notes = SimpleNamespace(name="camera", live=True, fps=30), []
        self.fail_at, self.closed = fail_at, threading.Event()
        self.image = read_image(SAMPLES / "astronaut.jpg").frame

    def __iter__(self):
        for index in range(10**9):
            if self.closed.wait(0.02):
                return
            if index == self.fail_at:
                raise InputError("Expected images from camera, got none: it was unplugged or stalls.")
            yield SimpleNamespace(image=self.image, time_s=index / 30, index=index)

    def close(self):
        self.closed.set()


@pytest.fixture
def engine(tmp_path, model):
    made = []

    def make(source, **settings) -> WindowWorker:
        made.append(
            WindowWorker(WindowSettings(model=model, folder=str(tmp_path), **settings), lambda text, size: source)
        )
        made[0].open("0")
        return made[0]

    yield make
    for one in made:
        one.close()


def test_an_unplugged_camera_is_reported_and_can_be_tried_again(engine):
    camera = Camera(fail_at=3)
    one = engine(camera)
    wait(lambda: one.status.state == "failed")
    assert "unplugged" in one.status.message and camera.closed.is_set()
    camera.closed.clear()
    camera.fail_at = 10**9
    one.open("0")
    wait(lambda: one.status.state == "live" and one.latest().faces == 1)


def test_closing_frees_the_camera_within_a_second(engine):
    camera = Camera()
    one = engine(camera)
    wait(lambda: one.status.state == "live")
    began_s = time.monotonic()
    one.close()
    assert camera.closed.is_set() and time.monotonic() - began_s < 1.0


def test_settings_take_effect_while_it_runs(engine, tiny_model):
    one = engine(Camera())
    wait(lambda: one.status.state == "live" and one.painter.drawn is not None)
    pipeline = one._player.loop.pipeline
    one.apply(WindowSettings(model=str(tiny_model), anonymise=True, smooth_s=1.5, folder=one.settings.folder))
    wait(lambda: one._player.loop.pipeline is not pipeline)
    assert one._player.loop.pipeline.tracker is pipeline.tracker and pipeline.tracker.smooth_s == 1.5
    assert pipeline.tracker.hold_s > 0 and pipeline.tracker.confirm_hits == 1
    one.apply(replace(one.settings, prior="uniform"))
    wait(lambda: one._player.loop.pipeline.prior.name == "uniform")
    one.apply(WindowSettings(model="nowhere.onnx", folder=one.settings.folder))
    wait(lambda: not one.notices.empty())
    assert "nowhere.onnx" in one.notices.get().text and one.status.state == "live"


def test_a_folder_that_cannot_be_written_is_reported_and_the_video_continues(engine, tmp_path):
    (tmp_path / "file").write_text("")
    one = engine(Camera())
    one.apply(WindowSettings(model=one.settings.model, folder=str(tmp_path / "file")))
    wait(lambda: one.status.state == "live" and one.painter.drawn is not None)
    for ask in (one.snapshot, one.record, one.log):
        ask()
        wait(lambda: not one.notices.empty())
        notice = one.notices.get()
        assert notice.kind == "error" and "Cannot write to" in notice.text
    assert one.status.state == "live" and one.status.recording_s is None and not one.status.logging


def test_settings_file_is_plain_json(tmp_path):
    save(WindowSettings(), tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["style"] == "boxes"
    assert Path(WindowSettings(folder="~/x").out).is_absolute()


def test_the_next_video_outlives_the_end_of_the_last_one(tmp_path):
    from emojimation.apps.desktop.recording import Outputs

    painter, told, status = SimpleNamespace(on_drawn=None), [], {}
    outputs = Outputs(painter, lambda *words: told.append(words), status.update)
    outputs.record(tmp_path)
    first = painter.on_drawn
    first(np.zeros((48, 64, 3), np.uint8), 0.0)
    outputs.stop_recording()
    outputs.record(tmp_path)  # before the first one is in order
    wait(lambda: told)
    assert told[0][1] == "saved" and status["recording_s"] is not None and painter.on_drawn not in (None, first)
    painter.on_drawn(np.zeros((48, 64, 3), np.uint8), 1.0)
    outputs.stop()
    wait(lambda: len(told) == 2)
    assert told[1][1] == "saved" and status["recording_s"] is None and len(list(tmp_path.glob("*.mp4"))) == 2


def test_a_paused_image_is_hidden_anew(engine):
    one = engine(Camera())
    wait(lambda: one.status.state == "live" and one.painter.drawn is not None)
    one.pause()
    wait(lambda: (one.status.paused and not one._player.loop._idle) or one._player.loop.paused)
    before = one._screen.result
    one.apply(WindowSettings(model=one.settings.model, folder=one.settings.folder, anonymise=True))
    wait(lambda: one._screen.result is not before)
    assert one._screen.result.frame is not None and len(one._screen.result.faces) == 1 and one.status.paused


FULL_DISK = """
import resource, sys, time
from pathlib import Path
import numpy as np
from emojimation.apps.desktop.recording import Recorder

resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # no file may grow larger, as on a full disk
done = []
recorder = Recorder(Path(sys.argv[1]), lambda *told: done.append(told))
rng = np.random.default_rng(0)
for n in range(400):
    recorder.write(rng.integers(0, 256, (240, 320, 3), np.uint8), n / 30)
    time.sleep(0.005)
    if done:
        break
end = time.monotonic() + 20
while not done and time.monotonic() < end:
    time.sleep(0.01)
print(done[0][0].name if done[0][0] else None, "|", done[0][1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
@pytest.mark.slow
def test_a_video_on_a_disk_that_is_really_full_can_be_read(tmp_path):
    asked = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    name, wrong = done.stdout.strip().split(" | ")
    assert "too large" in wrong
    frames = list(opening.open_choice(str(tmp_path / name), (640, 480)))
    assert len(frames) > 3 and frames[0].image.shape == (240, 320, 3)
    assert [path.name for path in tmp_path.iterdir()] == [name]
