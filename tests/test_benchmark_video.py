"""The benchmark of videos runs, on a video of a third of a second, and writes what its targets are about."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_it_measures_speed_and_memory(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "video.py"), "--seconds", "0.3", "--rounds", "1", "--out"]
    subprocess.run([*command, str(tmp_path), "--only", "speed"], check=True, capture_output=True, timeout=300)
    figures = json.loads((tmp_path / "video.json").read_text("utf-8"))
    assert figures["480p_1_face_film"]["frames_per_s"] > 0 and figures["720p_5_faces_analysis"]["cpu_ms"] > 0
    assert figures["frame_with_20_faces"]["2_threads"]["found"] >= 18
    assert figures["machine"]["cores"] and figures["workers"] == 2
    results = json.loads((ROOT / "benchmarks" / "results" / "video.json").read_text("utf-8"))
    assert set(figures) <= set(results) and results["memory"]["peak_mb"] < 400
