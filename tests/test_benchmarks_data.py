"""The data benchmarks run and print what they promise."""

import json
import subprocess
import sys
from pathlib import Path

from emojimation.training.data.load import Dataset, save

ROOT = Path(__file__).resolve().parents[1]


def test_csv_parse_reports_time_and_memory(fer_rows: Dataset, tmp_path: Path):
    save(fer_rows, tmp_path / "fer2013.csv")
    command = [sys.executable, str(ROOT / "benchmarks" / "csv_parse.py"), str(tmp_path / "fer2013.csv"), "--runs", "1"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["rows"] == 60 and 0 < told["median_s"] < 15 and 0 < told["peak_mb"] < 1000


def test_audit_time_reports_what_it_found(fer_rows: Dataset, tmp_path: Path):
    save(fer_rows, tmp_path / "fer.csv")
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "audit_time.py"),
        str(tmp_path / "fer.csv"),
        "--out",
        str(tmp_path),
    ]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["n"] == 60 and told["audit_s"] > 0 and told["identical_groups_inside"]["train"] == 0


def test_evaluate_time_reports_the_whole_command(fer_rows: Dataset, tmp_path: Path):
    save(fer_rows, tmp_path / "fer.csv")
    command = [sys.executable, str(ROOT / "benchmarks" / "evaluate_time.py"), str(tmp_path / "fer.csv")]
    command += ["--rounds", "1", "--out", str(tmp_path)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["n"] == 15 and 0 < told["best_s"] < 30 and 0 <= told["accuracy"] <= 1
    assert told == json.loads((tmp_path / "evaluate.json").read_text("utf-8"))
