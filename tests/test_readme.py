"""What the README tells people to type works, and what it links to exists."""

import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conftest import ROOT, SAMPLES
from emojimation.media import read_image

README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/decisions.md",
    "docs/service.md",
    "docs/scale.md",
    "docs/training.md",
)
# Pages whose commands are run as well; docs/service.md, scale.md and training.md have tests of their own.
PAGES = tuple(f"docs/{name}.md" for name in ("start", "hiding", "measures", "video", "page", "web", "desktop"))
# Commands that take minutes, need FER2013 or stay open: that they and their options exist is checked, they are not run.
SLOW = {"train", "evaluate", "export", "report", "data", "web", "desktop", "webcam", "serve"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(document: str) -> Iterator[tuple[str, ...]]:
    """Every command line of a document, split, without comments."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / document).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    for language, block in fenced:
        for line in block.splitlines() if language in ("", "bash") else ():
            if re.match(r"(\.venv/bin/)?emojimation ", line):
                yield tuple(shlex.split(line, comments=True))


def lines() -> Iterator[Any]:
    """Each different command of the README, and of the pages among the slow tests."""
    known = set()
    for document in ("README.md", *PAGES):
        for words in commands(document):
            if words[1:] not in known:
                known.add(words[1:])
                yield pytest.param(words, id=" ".join(words[1:]), marks=[pytest.mark.slow] if document in PAGES else [])


@pytest.fixture
def workplace(tmp_path, monkeypatch, tiny_model):
    """A folder with what the README's examples name: photo.jpg, crop.png, photos/, a model."""
    shutil.copy(SAMPLES / "astronaut.jpg", tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(SAMPLES / "obama.jpg", tmp_path / "photos" / "one.jpg")
    cv2.imwrite(str(tmp_path / "crop.png"), np.full((48, 48), 128, np.uint8))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    shutil.copy(tiny_model, tmp_path / "runs" / "mine" / "model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("workplace")
def test_the_python_block_runs(capsys):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "😄 happy" in out and "'neutral': " in out


@pytest.mark.parametrize("line", tuple(lines()))
def test_the_commands_work(command, workplace, line):
    if line[1] in SLOW:
        words = [word for word in line[1:] if not word.startswith("-")]
        depth = 2 if line[1] == "data" else 1
        code, out, _ = command(*words[:depth], "--help")
        assert code == 0 and all(option in out for option in line if option.startswith("--"))
        return
    if line[1] == "video":
        pytest.importorskip("av", reason="the extra `video` is not installed")
        from videos import write_still

        write_still(workplace / line[2], cv2.resize(read_image(SAMPLES / "astronaut.jpg").frame, (320, 320)), 8)
    code, out, err = command(*line[1:])
    assert code == 0 and (err == "" or line[1] in ("video", "page")) and out + err
    for option in {"--out", "--csv", "--report"} & set(line):
        written = workplace / line[line.index(option) + 1]
        assert list(written.iterdir()) if written.is_dir() else written.stat().st_size


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document):
    text = (ROOT / document).read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    path = ROOT / document
    links = re.findall(r"\]\(([^)#]+)", path.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_the_readme_is_finished():
    assert re.findall(r"\{\{.*?\}\}", README) == [], "figures that the lead fills in"


def test_installation_files_exist():
    for name in re.findall(r"requirements/\w+\.txt", README):
        assert (ROOT / name).is_file()
    assert Path(ROOT / ".ci" / "run").stat().st_mode & 0o111


def version() -> str:
    """The version in its one place; installed copies have it from there."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        ("CITATION.cff", r"^version: (.+)$"),
        ("CHANGELOG.md", r"^## \[(\d.+?)\] - \d{4}-\d\d-\d\d$"),
        ("deploy/kubernetes/deployment.yaml", r"image: emojimation:(.+)$"),
        ("docs/start.md", r"emojimation-(.+?)-py3-none-any.whl"),
    ],
)
def test_every_file_that_names_the_version_names_the_same(document, pattern):
    named = re.search(pattern, (ROOT / document).read_text("utf-8"), re.MULTILINE)
    assert named and named[1] == version(), "the newest version; CHANGELOG.md has it first"


def test_the_date_of_the_release_is_the_changelogs():
    cited = re.search(r"^date-released: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited and f"## [{version()}] - {cited[1]}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_citation_and_the_templates_are_complete():
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the packages of the tests")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "license"} <= set(cited)
    forms = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    for form in forms:
        assert {"name", "description", "body"} <= set(yaml.safe_load(form.read_text("utf-8")))
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["test"]["steps"]
    assert forms and {"run": ".ci/run"} in steps
