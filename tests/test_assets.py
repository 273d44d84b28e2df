"""What is bundled: each file with source, licence and sha256, small enough for a wheel."""

import hashlib
import json
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[1] / "src" / "emojimation" / "assets"
PICTURES = Path(__file__).parent / "data"
OURS = {".md", ".json", ".html", ".css", ".js", ".webmanifest"}  # written by us, under the project's licence
FILES = [
    (folder, path)
    for folder in (ASSETS, PICTURES)
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.suffix not in OURS and not path.name.startswith(("LICENSE", "OFL"))
]


@pytest.mark.parametrize(("folder", "path"), FILES, ids=lambda path: path.name)
def test_every_file_has_its_row_with_sha256(folder: Path, path: Path) -> None:
    rows = (folder / "LICENSES.md").read_text("utf-8").splitlines()
    row = next((row for row in rows if path.relative_to(folder).as_posix() in row or f"| {path.name} |" in row), "")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in row, f"{path}: no row with its sha256 in LICENSES.md"


def test_the_manifest_names_every_model_with_its_sha256() -> None:
    models = ASSETS / "models"
    known = json.loads((models / "manifest.json").read_text("utf-8"))
    assert {"face_detector", "default", "default.weights"} <= set(known)
    assert {entry["file"] for entry in known.values()} == {
        path.name for path in models.iterdir() if path.suffix != ".json"
    }
    for entry in known.values():
        assert hashlib.sha256((models / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_models_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ASSETS / "models").iterdir()}
    assert sizes["default.onnx"] <= 12e6
    assert (
        sizes["lite.onnx"] <= 150 * 1024 and sizes["lite.tflite"] < sizes["lite.weights.npz"]
    )  # eight bits, not sixteen
    assert sum(sizes.values()) <= 60e6
