"""The benchmark of the tracker runs, and real detections of known faces keep their numbers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_people_keep_their_numbers_on_the_test_videos(tiny_model: Path, tmp_path: Path) -> None:
    program = ROOT / "benchmarks" / "track.py"
    command = [sys.executable, str(program), "--model", str(tiny_model), "--rates", "5", "--out", str(tmp_path)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads((tmp_path / "track.json").read_text("utf-8"))
    films = told["films"]
    assert films["crossing_5_fps"]["sightings"] > 100 and films["crossing_5_fps"]["numbers"] == 2
    assert films["hide_and_seek_5_fps"]["sightings"] > 70
    assert all(films[f"{name}_5_fps"]["switches_under_1_s"] == 0 for name in ("crossing", "hide_and_seek"))
    assert told["difference_5_and_30_fps_by_onset_s"]["0.4"] < 0.02
    assert told["update"]["20_faces"]["median_ms"] < 20
