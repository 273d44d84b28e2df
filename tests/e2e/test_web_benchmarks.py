"""The benchmark of the web pages runs, small, and the clock in its image tells the time from camera to screen."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT

pytest.importorskip("streamlit", reason="the web extra is not installed: pip install -r requirements/web.txt")
pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
sys.path.insert(0, str(ROOT / "scripts"))
import web_browser as tools  # isort: skip

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(tools.chromium_path() is None, reason="no Chromium: apt-get install chromium"),
]


def test_speed_is_reported_and_seen(tmp_path, tiny_model):
    small = ["--starts", "1", "--uploads", "1", "--warm", "1", "--seconds", "3", "--viewers", "2"]
    command = [sys.executable, str(ROOT / "benchmarks" / "web.py"), "--model", str(tiny_model), "--out", str(tmp_path)]
    done = subprocess.run([*command, *small], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    got = json.loads((tmp_path / "web.json").read_text("utf-8"))
    assert got["first_page_s"]["median"] > 0.5 and got["upload_2mp_s"]["median"] > 0.01
    told, seen = got["live_2"]["told"], got["live_2"]["seen"]
    assert len(told["p95_ms"]) == len(seen["p95_ms"]) == 2
    assert min(told["frames_per_second"]) > 0 and min(seen["frames_per_second"]) > 0
    assert all(10 < late < 60_000 for late in seen["median_ms"])  # the clock was read
