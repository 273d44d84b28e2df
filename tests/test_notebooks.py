"""The notebooks run from the first cell to the last, except for the cell that installs the package."""

import os
import sys
from pathlib import Path

import pytest

from conftest import ROOT

nbformat = pytest.importorskip("nbformat", reason="notebooks cannot be read: pip install nbclient ipykernel")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TRAINED = {"own_data"}


def test_there_are_notebooks_without_stored_output():
    assert len(NOTEBOOKS) >= 3
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="notebooks cannot be run: pip install nbclient ipykernel")
    if path.stem in TRAINED:
        pytest.importorskip("keras", reason='training packages are absent: pip install "emojimation[train]"')
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    book = nbformat.read(path, as_version=4)
    book.cells = [cell for cell in book.cells if "install" not in cell.metadata.get("tags", [])]
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert any("data" in output and "text/html" in output["data"] for output in shown)
    assert not [output for output in shown if "Expected " in output.get("text", "")]
