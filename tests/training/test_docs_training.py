"""What docs/training.md tells people to type exists, and its Python and JSON work."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, SAMPLES
from emojimation.training.fit.recipe import from_json

TEXT = (ROOT / "docs" / "training.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands() -> list[list[str]]:
    lines = [shlex.split(line, comments=True) for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line and line[0] == "emojimation"]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_command_and_option_exists(command, line: list[str]) -> None:
    words = line[1:3] if line[1] == "data" else line[1:2]
    code, out, _ = command(*words, "--help")
    assert code == 0 and all(option in out for option in line if option.startswith("--"))


def test_the_recipe_is_one() -> None:
    (text,) = blocks("json")
    recipe = from_json(text)
    assert recipe.cutmix == 1.0 and recipe.augmentation.crop_px == 6 and recipe.augmentation.camera > 0


@pytest.mark.slow
def test_the_python_block_runs(
    toy: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    shutil.copy(toy[1] / "model.onnx", "runs/mine/model.onnx")
    shutil.copy(SAMPLES / "astronaut.jpg", "photo.jpg")
    (code,) = blocks("python")
    exec(compile(code, "training.md", "exec"), {})
    assert "'neutral': " in capsys.readouterr().out
