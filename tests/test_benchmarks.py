"""The benchmarks and the script of the README's image run and write what they promise."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT
from emojimation.media import read_image


def script(name, *args):
    command = [sys.executable, str(ROOT / name), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("photo", {"pipeline", "detect", "crop", "classify_1", "classify_32", "annotate_boxes", "annotate_emoji"}),
        ("startup", {"import_emojimation", "import_every_public_name", "help", "image_one_jpg"}),
    ],
)
def test_a_benchmark_keeps_its_figures_with_the_machine(model, tmp_path, name, keys):
    out = script(f"benchmarks/{name}.py", "--runs", 1, "--model", model, "--out", tmp_path)
    kept = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    assert kept == json.loads(out)
    assert all(0 < kept[key]["p5_ms"] <= kept[key]["median_ms"] <= kept[key]["p95_ms"] for key in keys)
    assert kept["machine"]["versions"]["onnxruntime"] and kept["machine"]["commit"] and kept["machine"]["cores"] >= 1
    if name == "startup":
        assert 30 < kept["image_one_jpg_peak_mb"] < 250  # megabytes: the target, which no load of the machine moves


def test_the_readme_image_is_drawn(model, tmp_path):
    script("scripts/readme_picture.py", "--model", model, "--out", tmp_path / "result.jpg")
    height, width = read_image(tmp_path / "result.jpg").frame.shape[:2]
    assert height == 420 and width > 1000
