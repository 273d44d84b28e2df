"""The benchmark of hiding: a clip that was not hidden is all bare, one that is black is covered in vain."""

import importlib.util
import sys

import numpy as np
import pytest

from conftest import ROOT
from emojimation.video.reader import VideoFile
from emojimation.video.writer import Segment


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("benchmark_hiding", ROOT / "benchmarks" / "hiding.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def test_its_measure_tells_bare_faces_from_covered_ones(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "hide_and_seek", lambda fps: benchmark.crowd(2, (320, 240), fps, 0.6))
    truth = benchmark.made_clip(tmp_path / "in.mp4")
    assert sorted(truth) == [0, 5] and all(len(boxes) == 2 for boxes in truth.values())
    same = benchmark.judged(tmp_path / "in.mp4", tmp_path / "in.mp4", truth)
    assert same == {"bare": 4, "faces": 4, "in_vain_median": 0.0, "in_vain_max": 0.0}
    black = Segment(tmp_path / "black.mp4", 15.0)
    for frame in VideoFile(tmp_path / "in.mp4"):
        black.write(np.zeros_like(frame.image), frame.time_s)
    black.close()
    covered = benchmark.judged(tmp_path / "in.mp4", tmp_path / "black.mp4", truth)
    assert covered["bare"] == 0 and covered["in_vain_median"] > 0.3


def test_a_command_is_timed_with_its_children(benchmark):
    took = benchmark.timed([sys.executable, "-c", "sum(range(3_000_000))"])
    assert took["cpu_s"] > 0 and took["wall_s"] > 0
