"""Who may import whom (the contracts of import-linter in pyproject.toml), and what imports alone cannot say."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "emojimation"
LINTER = Path(sys.executable).with_name("lint-imports")
# What a module of the command line may import before a command runs: `--help` answers at once.
LIGHT = set(sys.stdlib_module_names) | {"typer", "rich", "numpy"}
LIGHT_OWN = ("cli", "errors", "extras", "files", "labels", "training", "weights")  # training.data is light
NO_NAMES = {"utils", "helpers", "common", "core", "manager"}


def linted(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache", *options], cwd=folder, capture_output=True, text=True)


def imports_of(path: Path) -> set[str]:
    """Dotted names that a module imports when it is loaded, not those in its functions or for type checking alone."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            own = f"{node.module}.{node.names[0].name}" if node.module == "emojimation" else str(node.module)
            found.add(own)
    return found


def test_the_contracts_of_pyproject_are_kept():
    result = linted(ROOT)
    assert result.returncode == 0, result.stdout


def test_the_contracts_can_be_broken(tmp_path):
    """A copy of the package in which `faces` imports the pipeline, and errors Keras, is refused for both."""
    package = tmp_path / "emojimation"
    for path in PACKAGE.rglob("*.py"):
        target = package / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text("utf-8"))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for name, line in (("faces", "import emojimation.pipeline"), ("errors", "import keras")):
        module = package / f"{name}.py"
        module.write_text(f"{module.read_text()}\n{line}\n")
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert result.returncode == 1
    assert "emojimation.faces -> emojimation.pipeline" in result.stdout
    assert "emojimation.errors -> keras" in result.stdout


def test_no_module_has_a_name_that_says_nothing():
    parts = {part for path in PACKAGE.rglob("*.py") for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert not parts & NO_NAMES


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.stem)
def test_command_line_modules_start_light(path):
    for name in imports_of(path):
        top, *rest = name.split(".")
        assert top in LIGHT or (top == "emojimation" and (not rest or rest[0] in LIGHT_OWN)), name


def test_a_renamed_module_keeps_its_old_name():
    with pytest.warns(DeprecationWarning, match=r"emojimation\.run is emojimation\.photos"):
        from emojimation.run import run_images
    from emojimation import photos

    assert run_images is photos.run_images
