"""The benchmarks of service and batch run, small, and write what the pages quote."""

import json
import os
import re
import shutil
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
    got = figures("serve", tmp_path, model, "--requests", "40", "--malformed", "40", "--concurrency", "1", "8")
    assert [(load["concurrency"], load["statuses"]) for load in got["loads"]] == [(1, {"200": 20}), (8, {"200": 20})]
    assert all(load["per_s"] > 1 and load["p50_ms"] <= load["p99_ms"] for load in got["loads"])
    assert sum(got["malformed"].values()) == 40 and not [s for s in got["malformed"] if s.startswith("5")]


def test_the_batch_runs(tmp_path, model):
    got = figures("batch", tmp_path, model, "--files", "60")["local"]
    assert (got["pictures"], got["faces"], got["failed"]) == (60, 60, 0)
    assert got["per_s"] > 1 and 50 < got["memory_mb"] < 2000 and got["cpu_ms_per_picture"] > 1


def test_the_cost_is_written_into_the_page(tmp_path, model):
    for name in ("batch_local", "batch_ray"):
        shutil.copy(ROOT / "benchmarks" / "results" / f"{name}.json", tmp_path)
    page = tmp_path / "scale.md"
    before = (ROOT / "docs" / "scale.md").read_text("utf-8")
    page.write_text(re.sub(r"(?<=-->\n).*?(?=<!-- end)", "", before, flags=re.DOTALL), "utf-8")
    (tmp_path / "out").mkdir()
    options = ["--runs", "2", "--page", str(page), "--results", str(tmp_path), "--out", str(tmp_path / "out")]
    got = figures("cost", tmp_path / "out", model, *options)
    assert got["faces"] == {"one_large": 1, "one_small": 1, "five_small": 5} and got["decode_ms_per_megapixel"] > 0.5
    assert all(line in page.read_text("utf-8") for line in got["table"])
    assert [x for x in got["table"] if x not in before] == [], "docs/scale.md: benchmarks/cost.py --page was not run"
