"""The wheel as a stranger gets it: what is in it, how large it is, that it works beside what it requires alone."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pytest

from conftest import ROOT, SAMPLES
from test_readme import version

sys.path.insert(0, str(ROOT / "benchmarks"))
import size  # isort: skip

pytest.importorskip("hatchling", reason="the build backend is not installed")
pytestmark = pytest.mark.slow
WHEEL_MB, INSTALLED_MB = 60, 350


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return size.built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel and links to what it requires, as no package index is asked."""
    folder = tmp_path_factory.mktemp("bare") / "env"
    venv.create(folder, with_pip=False)
    site = next(folder.glob("lib/python*/site-packages"))
    for package in map(distribution, size.required()):
        for name in {PurePosixPath(file).parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            (site / name).symlink_to(package.locate_file(name))
    asked = ["--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *asked], check=True, capture_output=True, timeout=120)
    return folder / "bin"


def run(bare: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(bare / "emojimation"), *words], env=environ, cwd=bare, capture_output=True, text=True, timeout=120
    )


def test_the_wheel_is_small_and_has_what_it_needs(wheel, capsys):
    names = zipfile.ZipFile(wheel).namelist()
    about = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    for needed in ("assets/LICENSES.md", "assets/models/default.onnx", "assets/page/index.html", "py.typed"):
        assert f"emojimation/{needed}" in names
    assert {name.split("/")[0] for name in names} == {"emojimation", about}
    found = size.sizes(wheel)
    with capsys.disabled():
        sys.stdout.write(f"{found}\n")
    assert 10 < found["wheel_mb"] < WHEEL_MB and found["wheel_mb"] < found["installed_mb"] < INSTALLED_MB
    assert 0 <= found["bytecode_mb"] < 60


def test_the_source_archive_has_what_a_checkout_has_and_no_more():
    from hatchling.builders.sdist import SdistBuilder

    names = {file.distribution_path for file in SdistBuilder(str(ROOT)).recurse_included_files()}
    for needed in ("src/emojimation/assets/models/default.onnx", "tests/conftest.py", "web/build.mjs", "docs/index.md"):
        assert needed in names
    unwanted = [name for name in names if re.match(r"(web/node_modules|out|\.venv|data|runs|\..*_cache)/", name)]
    assert unwanted == [] and ".ci/run" in names and "requirements/run.txt" in names


def test_the_command_works_without_extras(bare):
    done = run(bare, "image", str(SAMPLES / "astronaut.jpg"), "--json")
    assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)["faces"][0]["emotion"] == "happy"
    info = json.loads(run(bare, "info", "--json").stdout)
    assert info["emojimation"] == version() and info["extras"]["web"]
    assert all(model["intact"] for model in info["models"].values())
    refused = run(bare, "web")
    assert refused.returncode == 2 and 'pip install "emojimation[web]"' in refused.stderr
    page = run(bare, "page", str(bare.parent / "page"))
    assert page.returncode == 0 and (bare.parent / "page" / "index.html").is_file()
