"""The examples of docs/service.md, run against a real service."""

import re
import shlex
import shutil
import subprocess

import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from conftest import ROOT, SAMPLES
from emojimation.media import read_image
from emojimation.video import writer
from served import Served, service

TEXT = (ROOT / "docs" / "service.md").read_text("utf-8")
HOST = "127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def lines(start: str) -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines() if line.startswith(start)]


@pytest.fixture(scope="module")
def served(model) -> Served:
    with service(model=model, workers=1) as running:
        yield running


@pytest.fixture
def workplace(tmp_path, monkeypatch, astronaut):
    """A folder with what the examples name."""
    for name in ("photo.jpg", "one.jpg"):
        shutil.copy(SAMPLES / "astronaut.jpg", tmp_path / name)
    shutil.copy(ROOT / "src/emojimation/assets/emoji/noto/happy.png", tmp_path / "two.png")
    segment = writer.Segment(tmp_path / "film.mp4", 10.0)
    for number in range(4):
        segment.write(read_image(SAMPLES / "astronaut.jpg").frame, number / 10)
    segment.close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_blocks_run(number, served, workplace, capsys):
    code = blocks("python")[number].replace(HOST, f"127.0.0.1:{served.port}")
    exec(compile(code, "service.md", "exec"), {})
    assert re.search("happy|done None", capsys.readouterr().out)


@pytest.mark.parametrize("line", lines("curl"))
def test_curl_lines_run(line, served, workplace):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    words = shlex.split(line.replace(HOST, f"127.0.0.1:{served.port}"))
    done = subprocess.run([*words, "--fail", "--silent"], capture_output=True, timeout=60)
    assert done.returncode == 0, done
    hidden = workplace / "hidden.jpg"
    assert b'"faces"' in done.stdout or b'"queued"' in done.stdout or b'"running"' in done.stdout or hidden.exists()


def test_options_that_the_page_names_exist(command):
    told = "".join(command(name, "--help")[1] for name in ("serve", "batch"))
    named = set(re.findall(r"`(--[a-z-]+)", TEXT)) | {
        word for line in lines("emojimation") for word in re.findall(r" (--[a-z-]+)", line)
    }
    assert named - {"--json"} and not [name for name in named if name not in told]
