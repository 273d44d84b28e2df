"""What goes wrong around a batch: unreadable folders, full disks, foreign outputs, ten thousand tiny files."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ROOT
from emojimation import InputError
from emojimation.batch import tables
from emojimation.batch.run import BatchOptions, Output, local, run_batch

DROP, OVERRIDE, READ_SEARCH = 24, 1, 2  # prctl's PR_CAPBSET_DROP, and what lets root read everything


@pytest.fixture(scope="module")
def model(tiny_model) -> str:
    return str(tiny_model)


@pytest.fixture
def folder(tmp_path, small_jpeg) -> Path:
    """A folder with images, and one below it."""
    folder = tmp_path / "pictures"
    (folder / "closed").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "c.jpg", "closed/d.jpg"):
        (folder / name).write_bytes(small_jpeg)
    return folder


def answered(out: Path) -> dict[str, str | None]:
    """Source -> error, None where there is none, of every image in results and errors."""
    rows = [(row["source"], None) for row in tables.format_of(out).read(out)] if out.exists() else []
    errors = Output(out).errors
    rows += [(row["source"], row["error"]) for row in tables.read_jsonl(errors)] if errors.exists() else []
    assert Counter(source for source, _ in rows).most_common(1)[0][1] == 1
    return dict(rows)


def batch(folder, out, model, *more, before=None) -> tuple[int, str]:
    """Exit code and standard error of `emojimation batch` in a process of its own. before: called in it first."""
    command = [sys.executable, "-m", "emojimation", "batch", str(folder), "-o", str(out), "--workers", "1", *more]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*command, "--model", model], env=env, capture_output=True, text=True, timeout=120, preexec_fn=before
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def as_any_user() -> None:
    """Root reads every folder, whatever its permissions say, by two capabilities: the process begins without them."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (OVERRIDE, READ_SEARCH):
        if os.geteuid() == 0 and libc.prctl(DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


@pytest.mark.slow
def test_folders_and_files_that_cannot_be_read_are_reported_and_the_others_answered(folder, tmp_path, model):
    (folder / "b.jpg").chmod(0)
    (folder / "closed").chmod(0)
    out = tmp_path / "out.jsonl"
    try:
        code, told = batch(folder, out, model, before=as_any_user)
    finally:
        (folder / "closed").chmod(0o700)
    rows = answered(out)
    assert code == 1 and "2 unreadable" in told
    assert "may not be read" in rows.pop(str(folder / "b.jpg"))
    assert "Permission denied" in rows.pop(str(folder / "closed"))
    assert rows == dict.fromkeys([str(folder / "a.jpg"), str(folder / "c.jpg")])


def test_a_folder_to_write_to_that_cannot_be_written_is_reported(folder, tmp_path, model):
    (tmp_path / "locked").mkdir(mode=0o500)
    code, told = batch(folder, tmp_path / "locked" / "out.csv", model, before=as_any_user)
    assert code == 2 and told.count("\n") == 1 and "Permission denied" in told and "locked" in told


@pytest.fixture
def disk(tmp_path) -> Path:
    """A file system of 64 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk to fill")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(("room", "full"), [(0, "out.csv.journal"), (12_288, "out.csv.journal"), (20_480, "out.csv")])
def test_a_full_disk_is_reported_and_the_run_can_be_resumed(room, full, folder, disk, tmp_path, model):
    """Full before the first byte; full when the journal grows; full when the table is made from it."""
    for number in range(24):
        shutil.copy(folder / "a.jpg", folder / f"copy{number}.jpg")
    (disk / "other").write_bytes(bytes(65_536 - room))
    out = disk / "out.csv"
    code, told = batch(folder, out, model)
    assert code == 2 and told.count("\n") == 1 and f"none for {disk / full} (" in told and "--resume" in told, told
    assert not out.exists() and [*disk.glob("out*")] == [Output(out).journal] * (room > 0)
    (disk / "other").unlink()
    code, told = batch(folder, out, model, "--resume")
    assert code == 0 and len(answered(out)) == 28, told


@pytest.mark.slow
def test_a_limit_on_files_is_reported_like_a_full_disk(folder, tmp_path, model):
    for number in range(24):
        shutil.copy(folder / "a.jpg", folder / f"copy{number}.jpg")
    out = tmp_path / "out.csv"
    code, told = batch(folder, out, model, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (11_000, 11_000)))
    assert code == 2 and "space" in told and "--resume" in told, told
    assert Output(out).journal.exists() and not out.exists()
    code, _ = batch(folder, out, model, "--resume")
    assert code == 0 and len(answered(out)) == 28


def of_text(path: Path) -> None:
    pq.write_table(pa.table({name: ["x"] for name in tables.COLUMNS}), path)


def cut_short(path: Path) -> None:
    path.write_text(",".join(tables.COLUMNS) + "\na.jpg,640,480\n")


FOREIGN = {
    "other columns.csv": lambda path: path.write_text("a,b\n1,2\n"),
    "cut short.csv": cut_short,
    "bytes.csv": lambda path: path.write_bytes(b"\xff\xfe\0\0" * 50),
    "other keys.jsonl": lambda path: path.write_text('{"a": 1}\n'),
    "odd source.jsonl": lambda path: path.write_text('{"source": {"a": 1}, "faces": []}\n'),
    "no json.jsonl": lambda path: path.write_text("no json\n"),
    "bytes.jsonl": lambda path: path.write_bytes(b"\xff\xfe\0\0" * 50),
    "deep.jsonl": lambda path: path.write_text("[" * 100_000),
    "no parquet.parquet": lambda path: path.write_text("no parquet"),
    "other columns.parquet": lambda path: pq.write_table(pa.table({"source": ["a"]}), path),
    "other types.parquet": of_text,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_output_is_left_as_it_is(name, folder, tmp_path, model):
    out = tmp_path / name
    FOREIGN[name](out)
    content = out.read_bytes()
    with pytest.raises(InputError, match="exists"):
        run_batch(BatchOptions(str(folder), model), Output(out), local(1))
    with pytest.raises(InputError, match="something else"):
        run_batch(BatchOptions(str(folder), model), Output(out, resume=True), local(1))
    assert out.read_bytes() == content and [*tmp_path.glob("*.*")] == [out]


@pytest.mark.slow
def test_ten_thousand_tiny_files(tmp_path, model):
    """Some of one pixel, some empty, some of a byte or two; each is answered or told of, once."""
    dot = cv2.imencode(".png", cv2.UMat(1, 1, cv2.CV_8UC3).get() * 0)[1].tobytes()
    many = tmp_path / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"{number}.png").write_bytes(dot if number % 200 == 0 else b"\x89P"[: number % 3])
    out = tmp_path / "out.parquet"
    summary = run_batch(BatchOptions(str(many), model), Output(out), local(2))
    assert (summary.pictures, summary.failed, summary.without_face) == (10_000, 9_950, 50)
    rows = answered(out)
    assert len(rows) == 10_000 and list(rows.values()).count(None) == 50


@pytest.mark.slow
def test_a_damaged_image_whose_name_is_no_text(tmp_path, small_jpeg, model):
    for name, size in ((b"odd\xff.jpg", 500), (b"good\xff.jpg", None)):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(small_jpeg[:size])
    out = tmp_path / "out.jsonl"
    assert run_batch(BatchOptions(str(tmp_path), model), Output(out), local(1)).failed == 1
    rows = answered(out)
    assert "odd" in rows[f"{tmp_path}/odd\\udcff.jpg"] and rows[f"{tmp_path}/good\\udcff.jpg"] is None


@pytest.mark.slow
def test_without_a_terminal_the_remaining_time_is_reported_in_lines(folder, tmp_path, command, monkeypatch, model):
    monkeypatch.setattr("emojimation.cli.batch.LINE_S", 0)
    monkeypatch.setattr("emojimation.batch.run.PIECE", 1)
    monkeypatch.setattr("emojimation.batch.run.pieces.__defaults__", (1,))
    code, _, told = command("batch", folder, "-o", tmp_path / "out.csv", "--workers", 1, "--model", model)
    assert code == 0 and "4/4 images, " in told and " per second, 0:00:00 left" in told
