"""What the desktop window writes, read back: videos, images, tables; folders and disks that refuse them."""

import csv
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contextlib import suppress

import screen as screens
from screen import click, live, press, pump, toast

from emojimation.apps.desktop.status import Notice
from emojimation.labels import EMOTIONS
from emojimation.media import read_image
from emojimation.video.source import open_source

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(screens.missing()), reason=str(screens.missing()))]


@pytest.fixture(scope="module")
def screen():
    return screens.shared()


@pytest.fixture
def show(screen, tmp_path, model):
    with screens.windows(tmp_path, model) as make:
        yield make


def recorded(made, frames: int) -> None:
    """Wait until the video has so many frames."""
    pump(made.root, lambda: made.engine._outputs._recorder is not None)
    pump(made.root, lambda: made.engine._outputs._recorder.frames >= frames)


def test_record_log_and_snapshot_are_read_back(show, tmp_path):
    made = show("sample")
    live(made)
    press(made, "r", "l")
    pump(made.root, lambda: made.engine.status.recording_s is not None and made.engine.status.logging)
    pump(made.root, lambda: made.view.buttons["record"].cget("text") == "Stop")
    pump(made.root, lambda: "Recording 0:0" in made.view.writing.cget("text") and made.view.writing.winfo_ismapped())
    press(made, "s")
    assert toast(made, "Saved").endswith(".png")
    recorded(made, 12)
    click(made, made.view.buttons["log"])
    assert "rows)" in toast(made, ".csv")
    click(made, made.view.buttons["record"])
    toast(made, ".mp4")
    pump(made.root, lambda: not made.view.writing.winfo_ismapped())
    frames = list(open_source(next(tmp_path.glob("*.mp4"))))
    assert len(frames) >= 12 and frames[0].image.shape == (480, 640, 3)
    assert all(later.time_s > earlier.time_s for earlier, later in itertools.pairwise(frames))
    assert read_image(next(tmp_path.glob("*.png"))).frame.shape == (480, 640, 3)
    with next(tmp_path.glob("*.csv")).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 5 and {row["track_id"] for row in rows} == {"1"}
    assert all(sum(float(row[name]) for name in EMOTIONS) == pytest.approx(1, abs=0.01) for row in rows)
    assert len(list(tmp_path.iterdir())) == 3


def test_the_next_video_may_begin_while_the_last_one_is_finished(show, tmp_path):
    made = show("sample")
    live(made)
    for _ in range(3):
        made.do("record")
        recorded(made, 4)
        made.do("record")
        pump(made.root, lambda: made.engine._outputs._recorder is None)
    pump(made.root, lambda: made.engine.status.recording_s is None)
    pump(made.root, lambda: not list(tmp_path.glob("*growing*")))
    pump(made.root, lambda: all(path.stat().st_size for path in tmp_path.glob("*.mp4")))
    films = sorted(tmp_path.glob("*.mp4"))
    assert len(films) == 3 and all(len(list(open_source(film))) >= 4 for film in films)


def test_a_log_ends_with_its_video_and_a_photo_gives_one_immediately(show, tmp_path):
    made = show("synthetic:2")
    live(made)
    press(made, "l")
    pump(made.root, lambda: made.engine.status.state == "ended")
    assert "rows)" in toast(made, ".csv")
    assert not made.engine.status.logging
    pump(made.root, lambda: made.view.buttons["log"].instate(["disabled"]))
    made.open("sample:photo")
    live(made, 5)
    click(made, made.view.buttons["log"])
    pump(made.root, lambda: len(list(tmp_path.glob("*.csv"))) == 2)
    newest = max(tmp_path.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
    pump(made.root, lambda: len(newest.read_text("utf-8").splitlines()) == 6)  # five people


@pytest.mark.parametrize("odd", ["641x481"])
def test_videos_of_odd_sizes_are_recorded(show, tmp_path, odd):
    import numpy as np

    from emojimation.media import write_image

    width, height = (int(side) for side in odd.split("x"))
    (tmp_path / "frames").mkdir()
    for number in range(60):
        write_image(tmp_path / "frames" / f"{number:02}.png", np.full((height, width, 3), number * 4, np.uint8))
    made = show(str(tmp_path / "frames"), size="1280x720")
    pump(made.root, lambda: made.view.picture.filled)
    made.do("record")
    toast(made, ".mp4")  # it ends with its source
    assert len(list(open_source(next(tmp_path.glob("*.mp4"))))) > 2


def test_a_folder_that_cannot_be_written_is_reported(show, tmp_path):
    (tmp_path / "file").write_text("")
    made = show("sample", out=tmp_path / "file" / "out")
    live(made)
    for key in "srl":
        made.view.toast.hide()
        press(made, key)
        assert "Choose another folder" in toast(made, "Cannot write to")
    assert made.engine.status.state == "live" and made.engine.status.recording_s is None


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip(
            "only the superuser may mount a small disk; tests/test_desktop_engine.py limits the file's size instead"
        )
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # lazily: a reader may not be collected yet


def test_a_full_disk_ends_video_and_table_and_both_are_readable(show, small_disk):
    made = show("sample", out=small_disk)
    live(made)
    made.do("log")
    made.do("record")
    recorded(made, 5)
    toast(made, "The recording ended: no space left on device")
    pump(made.root, lambda: not made.engine.status.logging)
    assert made.engine.status.state == "live" and made.engine.status.recording_s is None
    film, table = next(small_disk.glob("*.mp4")), next(small_disk.glob("*.csv"))
    assert len(list(open_source(film))) > 3
    assert len(table.read_text("utf-8").splitlines()) > 5
    with suppress(OSError):  # what the recording left free
        (small_disk / "filler").write_bytes(bytes(400_000))
    made.view.toast.hide()
    made.do("snapshot")
    assert "No space left on device" in toast(made, "Expected an image file")
    assert not list(small_disk.glob("*.png"))


def test_errors_at_the_same_time_are_all_shown(show):
    made = show("sample")
    live(made)
    for text in ("The table ended: disk full", "The recording ended: disk full"):
        made.engine.notices.put(Notice(text, "error"))
    assert toast(made, "recording").splitlines() == ["The table ended: disk full", "The recording ended: disk full"]
    made.engine.notices.put(Notice("Saved"))
    assert toast(made, "Saved") == "Saved"


def test_closing_while_it_records_keeps_the_video_and_takes_under_a_second(show, tmp_path):
    made = show("sample")
    live(made)
    made.do("record")
    recorded(made, 10)
    began_s = time.monotonic()
    made.close()
    assert time.monotonic() - began_s < 2.0  # one second for a busy machine; benchmarks/desktop.py measures it
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]
    assert len(list(open_source(next(tmp_path.glob("*.mp4"))))) >= 10


def test_where_files_go_is_opened_or_told(show, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    manager = tmp_path / "bin" / "xdg-open"
    manager.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    manager.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    made = show("sample", out=tmp_path / "out")
    live(made)
    press(made, "s")
    toast(made, "Saved")
    click(made, made.view.toast._button)
    pump(made.root, lambda: (tmp_path / "opened").is_file() and (tmp_path / "opened").read_text())
    assert (tmp_path / "opened").read_text().strip() == str(tmp_path / "out")
    manager.write_text("#!/bin/sh\nexit 3\n")
    press(made, "f")
    assert str(tmp_path / "out") in toast(made, "file manager")
