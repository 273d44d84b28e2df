"""The examples of docs/service.md, run against a real service."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("fastapi", reason="the extra `api` is not installed")
httpx = pytest.importorskip("httpx", reason="httpx, the tests' client, is not installed")

from conftest import ROOT, SAMPLES  # noqa: E402
from emojimation.media import read_image  # noqa: E402
from emojimation.video import writer  # noqa: E402
from served import Served, service  # noqa: E402

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
    assert re.search(r"happy|done None|422 Expected an image", capsys.readouterr().out)


ANSWERS = {  # what a line's answer has, by a part of the line; the first that fits
    "-X DELETE": '"state":"deleted"',
    "/csv": "",
    "/v1/anonymise": "",
    "/v1/analyze": '"happy"',
    "/v1/video": '"state":',
    "/v1/model": '"labels"',
    "/metrics": "emojimation_pictures_total",
}


@pytest.mark.slow
def test_curl_lines_run_one_after_the_other(served, workplace):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    job = "ID"
    for line in lines("curl"):
        words = shlex.split(line.replace(HOST, f"127.0.0.1:{served.port}").replace("/ID", f"/{job}"))
        done = subprocess.run([*words, "--fail", "--silent"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (line, done)
        wanted = next(answer for part, answer in ANSWERS.items() if part in line)
        assert wanted in done.stdout, (line, done.stdout)
        if "--data-binary @film.mp4" in line:
            job = json.loads(done.stdout)["id"]
            wait_for(served, job)
    assert (workplace / "hidden.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (workplace / "faces.csv").read_text().startswith("frame,time_s,")


def wait_for(served: Served, job: str) -> None:
    for _ in range(600):
        if httpx.get(f"{served.url}/v1/video/{job}").json()["state"] == "done":
            return
        time.sleep(0.05)
    raise AssertionError("the job is not done")


@pytest.mark.slow
@pytest.mark.parametrize("line", lines("emojimation batch"))
def test_batch_lines_run(line, workplace, command, model):
    (workplace / "photos" / "more").mkdir(parents=True)
    shutil.copy("photo.jpg", "photos/a.jpg")
    shutil.copy("photo.jpg", "photos/more/b.jpg")
    (workplace / "list.txt").write_text("photo.jpg\none.jpg\n")
    picture = (workplace / "photo.jpg").read_bytes()
    pq.write_table(pa.table({"image": [{"bytes": picture, "path": "x"}] * 2}), "pictures.parquet")
    words = shlex.split(line, comments=True)[1:]
    code, _, told = command(*words, "--model", model, "--workers", 1)
    assert code == 0 and told.startswith("2 images"), told
    assert (workplace / words[words.index("--out") + 1]).stat().st_size
    assert "--contact-sheet" not in line or (workplace / "sheet.jpg").stat().st_size


def test_the_figures_are_those_of_the_results():
    sys.path.insert(0, str(ROOT / "scripts"))
    import readme_figures

    assert "\n".join(readme_figures.load_table()) in TEXT, "scripts/readme_figures.py was not run"
    assert "HTTP service" in "\n".join(readme_figures.speed_table())


def test_options_that_the_page_names_exist(command):
    told = "".join(command(name, "--help")[1] for name in ("serve", "batch"))
    named = set(re.findall(r"`(--[a-z-]+)", TEXT)) | {
        word for line in lines("emojimation") for word in re.findall(r" (--[a-z-]+)", line)
    }
    assert named - {"--json"} and not [name for name in named if name not in told]
