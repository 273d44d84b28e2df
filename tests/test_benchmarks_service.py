"""The benchmarks of service and batch run, small, and write what the pages quote."""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
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


def test_every_call_of_the_soak_is_answered_as_expected_and_the_soak_runs(tmp_path, tiny_model):
    httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")
    pytest.importorskip("fastapi", reason="the extra `api` is not installed")
    import soak

    from served import service

    async def each(url: str) -> list[str]:
        async with httpx.AsyncClient(base_url=url, timeout=100) as client:
            kinds = soak.calls(url, tmp_path)
            return [name for name, (_, call) in kinds.items() if not await call(client)]

    with service(model=str(tiny_model), workers=1) as running:
        assert asyncio.run(each(running.url)) == []
        args = argparse.Namespace(minutes=0.05, share=0.8, clients=2, seed=0)
        got = asyncio.run(soak.soaked(running.url, running.process.pid, tmp_path, args))
    assert got["calls"] > 0 and not got["unexpected"] and len(got["capacity_per_s"]) == 1
    assert len(got["memory_mb"]) == len(got["files"]) == 2 and got["peak_mb"] > 50


def test_memory_is_that_of_a_service_which_can_do_without_arenas(monkeypatch):
    pytest.importorskip("fastapi", reason="the extra `api` is not installed")
    import memory

    monkeypatch.setattr(memory, "STEP", 3)
    prefix = [sys.executable, memory.__file__, memory.WITHOUT_ARENAS]
    got = memory.soak(memory.requests(4)[:3], 6, 5.0, prefix)
    assert got["photos"] == 6 and got["statuses"] == {"200": 6}
    assert len(got["resident_mb"]) == 2 and got["peak_mb"] >= max(got["resident_mb"]) > 50


def test_the_soak_notices_wrong_answers_and_growth():
    import soak

    async def wrong(_: object) -> bool:
        return False

    seen = asyncio.run(soak.run_for("http://127.0.0.1:1", {"wrong": (1, wrong)}, 0.05, 50.0, 1, 0))
    assert seen.unexpected["wrong"] == len(seen.seconds["wrong"]) > 0
    samples = [{"s": s, "memory_mb": 100.0 + s, "files": 8, "threads": 3} for s in range(100)]
    got = soak.grown(samples)
    assert (got["memory_mb"], got["growth_mb"], got["peak_mb"]) == ([114.5, 194.5], 80.0, 199.0)


def test_a_batch_that_is_killed_answers_every_file_once(tmp_path, tiny_model):
    got = figures("kills", tmp_path, str(tiny_model), "--files", "460", "--kills", "1", "--seed", "4", "--workers", "2")
    assert (got["files"], got["once"], got["failed"], got["faces"]) == (460, 460, 40, 400)
    assert (got["images"], got["answers"]) == (23, 23)
    assert got["left_behind"] == ["out.jsonl", "out.jsonl.errors.jsonl", "out.jsonl.settings.json"]
    (kill,) = got["killed"]
    assert kill["alive"] and 0 < kill["answered"] < 460 and not kill["orphans"]


def test_the_kill_run_notices_lost_doubled_and_different_answers(tmp_path):
    import kills

    (tmp_path / "images").mkdir()
    for name in ("0-a.jpg", "1-a.jpg", "2-b.jpg"):
        (tmp_path / "images" / name).touch()
    rows = [{"source": str(tmp_path / "images" / name), "faces": faces} for name, faces in
            (("0-a.jpg", []), ("0-a.jpg", []), ("1-a.jpg", [1]))]  # fmt: skip
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "out.jsonl.errors.jsonl").touch()
    found = kills.compared(tmp_path / "images", tmp_path / "out.jsonl")
    assert (found["files"], found["once"], found["more_than_once"], found["never"]) == (3, 1, 1, 1)
    assert (found["images"], found["answers"]) == (1, 2) and not kills.held(found | {"killed": []})


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
