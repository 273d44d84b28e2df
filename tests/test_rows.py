"""The log of a run and the tables made from it."""

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest

from emojimation.errors import InputError
from emojimation.faces import TEMPLATE, Face
from emojimation.labels import EMOTIONS
from emojimation.story.rows import COLUMNS, Log, csv_cells, export, face_of, of_csv_cells, read_log, rows_of


def face(track_id=1, landmarks=True, classified=True):
    look = np.array([0.1, 0.0, 0.0, 0.6, 0.1, 0.1, 0.1], np.float32) if classified else None
    return Face(np.array([1, 2, 31.5, 42], np.float32), 0.75, TEMPLATE * 30 if landmarks else None, look, track_id)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "frames.jsonl"
    written = Log(path)
    for frame, faces in enumerate([[face(1), face(2)], [], [face(2, landmarks=False)], [face(None, classified=False)]]):
        written.write(frame, frame / 30, faces)
    written.close()
    return path


def test_every_finished_frame_can_be_read_immediately(tmp_path):
    log = Log(tmp_path / "frames.jsonl")
    for frame in range(3):
        log.write(frame, frame / 30, [face()])
        assert len(list(read_log(log.path))) == frame + 1, "before the file is closed"
    log.close()


def test_a_line_cut_short_is_left_out_and_overwritten(log):
    whole = log.read_bytes()
    log.write_bytes(whole[:-20])
    assert [line.frame for line in read_log(log)] == [0, 1, 2]
    again = Log(log, keep=4)
    assert again.frames == 3
    again.write(3, 0.1, [])
    again.close()
    assert [line.frame for line in read_log(log)] == [0, 1, 2, 3]
    shorter = Log(log, keep=2)
    shorter.close()
    assert [line.frame for line in read_log(log)] == [0, 1] and list(read_log(log.with_name("none"))) == []


def test_jsonl_has_a_row_per_face(log, tmp_path):
    lines = [json.loads(line) for line in export(log, tmp_path / "a.jsonl", "jsonl").read_text("utf-8").splitlines()]
    assert [(line["frame"], line["track_id"]) for line in lines] == [(0, 1), (0, 2), (2, 2), (3, None)]
    assert lines == list(rows_of(log))
    assert {"frame": 0, "time_s": 0.0, "shot": 1, **face(1).to_dict(), "prior": None} == lines[0]
    assert not list(tmp_path.glob("*.partial"))


def test_csv_and_parquet_hold_the_same(log, tmp_path):
    with export(log, tmp_path / "a.csv", "csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    columns = pyarrow.parquet.read_table(export(log, tmp_path / "a.parquet", "parquet")).to_pylist()
    assert list(table[0]) == list(columns[0]) == list(COLUMNS)
    for text, typed in zip(table, columns, strict=True):
        assert {k: "" if v is None else str(v) for k, v in typed.items()} == text
    assert columns[0]["happy"] == 0.6 and columns[0]["x1"] == 31.5 and columns[0]["emotion"] == "happy"
    assert columns[2]["nose_x"] is None and columns[3]["happy"] is None and columns[3]["track_id"] is None
    assert typed["time_s"] == 0.1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''-1"])
def test_a_text_that_a_spreadsheet_would_compute_is_marked_and_comes_back(text):
    assert csv_cells({"a": text, "b": -1.5}) == {"a": f"'{text}", "b": -1.5}
    assert of_csv_cells(csv_cells({"a": text})) == {"a": text}


@pytest.mark.parametrize("text", ["", "a=1", "'quoted'", "'", "photo-1.jpg", "/a/=b"])
def test_other_texts_stay_as_they_are(text):
    assert csv_cells({"a": text}) == of_csv_cells({"a": text}) == {"a": text}


def test_a_face_comes_back_from_its_row():
    before = face(3)
    after = face_of(before.to_dict(), 0.4)
    assert np.allclose(after.xyxy, before.xyxy) and np.allclose(after.landmarks, before.landmarks, atol=0.01)
    assert np.allclose(after.probabilities, before.probabilities) and after.track_id == 3 and after.threshold == 0.4
    assert len(EMOTIONS) == len(after.probabilities)
    assert face_of(face(None, False, False).to_dict()).probabilities is None


def test_without_pyarrow_the_message_says_what_to_install(monkeypatch, log, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match="pip install"):
        export(log, tmp_path / "a.parquet", "parquet")
