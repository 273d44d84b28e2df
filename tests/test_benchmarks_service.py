"""The benchmarks of service and batch run, small, and write what the pages quote."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow


def figures(name: str, tmp_path, model: str, *options: str) -> dict:
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / f"{name}.py"),
        "--model",
        model,
        "--out",
        str(tmp_path),
        *options,
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(next(tmp_path.glob("*.json")).read_text())


def test_the_load_test_runs(tmp_path, model):
    pytest.importorskip("fastapi", reason="the extra `api` is not installed")
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    got = figures("serve", tmp_path, model, "--requests", "40", "--malformed", "40")
    assert got["statuses"] == {"200": 40} and sum(got["malformed"].values()) == 40
    assert (
        got["per_s"] > 1 and got["p50_ms"] <= got["p99_ms"] and not [s for s in got["malformed"] if s.startswith("5")]
    )


def test_the_batch_runs(tmp_path, model):
    got = figures("batch", tmp_path, model, "--files", "60")["local"]
    assert (got["pictures"], got["faces"], got["failed"]) == (60, 60, 0)
    assert got["per_s"] > 1 and 50 < got["memory_mb"] < 2000 and got["cpu_ms_per_picture"] > 1
