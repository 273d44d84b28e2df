"""The benchmarks of speed: an earlier commit, the peers, and how cost grows."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from conftest import ROOT
from emojimation.weights import resolve

sys.path.insert(0, str(ROOT / "benchmarks"))
import against  # isort: skip
import growth  # isort: skip
import memory  # isort: skip
import peers  # isort: skip


def test_a_quarter_of_the_input_is_a_quarter_of_the_operations():
    whole, close_up = (growth.operations(resolve("face_detector"), (1, side, side, 3)) for side in (192, 96))
    assert whole == pytest.approx(4 * close_up, rel=0.01) and 100 < whole < 500


def test_operations_are_those_that_a_run_makes():
    """Of every layer with weights: the outputs that it really has, times the weights behind each."""
    onnx = pytest.importorskip("onnx", reason='training packages are absent: pip install "emojimation[train]"')
    from emojimation.training.export.slim import widened

    model = widened(onnx.load(resolve("default")))
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul") and node.input[1] in weights]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(node.output[0]) for node in layers)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    made = session.run([node.output[0] for node in layers], {"image": np.zeros((1, 48, 48, 1), np.float32)})
    sizes = [weights[node.input[1]] for node in layers]
    each = [np.prod(size[1:] if node.op_type == "Conv" else size[:1]) for node, size in zip(layers, sizes, strict=True)]
    products = sum(np.size(out) * count for out, count in zip(made, each, strict=True))
    assert growth.operations(resolve("default"), (1, 48, 48, 1)) == pytest.approx(2 * products / 1e6, abs=0.1)


def test_medians_and_ratios_of_two_trees():
    took = {"one": {"before": [(9.0, 1), (11.0, 1), (10.0, 1)], "now": [(4.0, 2), (6.0, 2), (5.0, 2)]}}
    assert against.table(took) == {"one": {"before": 10, "now": 5, "ratio": 0.5, "faces_before": 1, "faces_now": 2}}


def test_the_pictures_have_as_many_faces_as_they_say():
    assert [frame.shape[:2] for frame in against.pictures().values()] == [(480, 640), (480, 640), (720, 1280)]
    frame = growth.portraits(7, 1920, 1080)
    assert frame.shape == (1080, 1920, 3) and 0.1 < float((frame == 128).all(axis=2).mean()) < 0.9


def test_a_peer_that_cannot_be_installed_is_left_out_with_the_reason(monkeypatch, tmp_path):
    def refuse(*command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="looking\nno such version\n")

    monkeypatch.setattr(peers.subprocess, "run", refuse)
    monkeypatch.setattr(peers.venv, "create", lambda *_, **__: None)
    absent = ["deface 1.5.0", "fer 25.10.3", "human 3.3.6"]
    commands, left_out = peers.made(["emojimation", *absent], tmp_path)
    assert list(commands) == ["emojimation"] and left_out == dict.fromkeys(absent, "no such version")
    assert not (tmp_path / "fer").exists(), "an environment that is half made would be taken for a whole one"


def test_tensorflow_comes_with_what_it_needs_and_fer_without_pytorch(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(peers, "run", ran.append)
    monkeypatch.setattr(peers.venv, "create", lambda place, **_: place.mkdir())
    peers.make_python(peers.PEERS["fer 25.10.3"], tmp_path / "fer")
    whole, bare = ran
    assert "--no-deps" not in whole and any(word.startswith("tensorflow-cpu==") for word in whole)
    assert bare[-2:] == ["--no-deps", "fer==25.10.3"]


def test_every_peer_has_its_worker_and_its_line_in_the_table():
    assert all((peers.WORKERS / peer.worker).is_file() for peer in peers.PEERS.values())
    took = {name: {"one_large": [(1.0, 2.0, 1), (3.0, 4.0, 1)]} for name in peers.PEERS}
    lines = peers.text(peers.table(took)).splitlines()
    assert len(lines) == 2 + len(peers.PEERS) and all("2.0 (3.0), 1" in line for line in lines[2:])


@pytest.mark.slow
def test_our_own_worker_answers(tmp_path):
    names = peers.write_pictures(tmp_path / "pictures")
    worker = peers.Worker([sys.executable, str(peers.WORKERS / "worker_ours.py"), str(tmp_path / "pictures")])
    cpu_ms, wall_ms, faces = worker.ask(names[0])
    worker.close()
    assert cpu_ms > 0 and wall_ms > 0 and faces == 1


def test_tables_hold_every_figure():
    rows = [{"faces": 1, "ms": 2.5}, {"faces": 1000, "ms": 20.0}]
    text = growth.tables({"limit": {"core_gflops": 69.0}, **dict.fromkeys(growth.PARTS[1:], rows)})
    assert (
        text.count("| 1,000 | 20.0 |") == len(growth.PARTS) - 1
        and "| core gflops |" in text
        and np.isfinite(growth.peak(1))
    )


def test_the_curves_are_drawn_from_the_figures_kept(tmp_path):
    pytest.importorskip("matplotlib", reason='packages of the extra "dev" are absent')
    figures = json.loads((ROOT / "benchmarks" / "results" / "growth.json").read_text("utf-8"))
    growth.draw(figures, tmp_path / "growth.svg")
    drawn, shown = (path.read_text("utf-8") for path in (tmp_path / "growth.svg", ROOT / "docs/images/growth.svg"))
    places = {f">{row['files']:,}</text>" for row in figures["files"]}
    places |= {f">{row['frames']:,}</text>" for row in figures["video"]}
    assert drawn.count("limit of one core") == 3 and all(place in drawn for place in places)
    assert all(place in shown for place in places), "run benchmarks/growth.py --only --page docs/performance.md"
    assert len(shown) < 100_000


def test_files_of_a_batch_are_links_that_it_takes_for_files(tmp_path):
    command = growth.crops_batch(tmp_path, 1001)
    files = sorted(Path(command[1]).rglob("*.jpg"))
    assert len(files) == 1001 and len({path.stat().st_ino for path in files}) == growth.DISTINCT
    assert {path.parent.name for path in files} == {"0000", "0001"}


def test_memory_is_shown_at_a_few_points_of_the_run():
    rows = {"on": {"photos": 2000, "resident_mb": list(range(300, 320)), "growth_mb": 19, "peak_mb": 330}}
    rows["on"]["cpu_ms_per_photo"] = 60.5
    assert memory.text(rows).splitlines()[-1] == "| on | 2,000 | 300 | 302 | 309 | 319 |  |  | 19 | 330 | 60.5 |"
