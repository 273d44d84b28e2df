"""Who may import what, and how long things may be: read from the source with `ast`, nothing is imported."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "emojimation"
GROUND = {"errors", "labels", "weights", "faces"}
RENDER_PARTS = {"sprites", "cover", "panel"}
STAGES = {"detect", "classify", "track", "quality", "render", "avatar", "media"}
# Module -> modules of the package that it may import. A new module has to be given its place here.
MAY_IMPORT = {
    "errors": set(),
    "labels": set(),
    "weights": {"errors"},
    "faces": {"errors", "labels"},
    "assign": set(),
    "people": GROUND,
    "page": GROUND,
    "timeline": GROUND | {"people", "page"},
    "neutral": GROUND,
    "live": GROUND | {"neutral"},
    "sprites": GROUND,
    "panel": GROUND | {"sprites"},
    "cover": GROUND | {"sprites", "panel"},
    **dict.fromkeys(STAGES, GROUND),
    "views": GROUND,
    "detect": GROUND | {"views"},
    "smooth": set(),
    "track": GROUND | {"assign", "smooth"},
    "render": GROUND | RENDER_PARTS,
    "canvas": GROUND | {"sprites"},
    "portrait": GROUND | {"sprites", "canvas"},
    "explain": GROUND,
    "avatar": GROUND | {"sprites", "portrait"},
    "pipeline": GROUND | {"detect", "classify", "track", "quality"},
    "tone": GROUND,
    "interrupt": set(),
    "heaps": set(),
    "rows": GROUND,
    "run": GROUND | {"pipeline", "media", "render", "timeline", "track"},
    # Films: what they are read from, how they are written, and the job above both.
    "video.tone": GROUND,
    "video.reader": GROUND | {"video.tone"},
    "video.camera": GROUND | {"video.reader"},
    "video.scene": GROUND | {"video.reader", "media"},
    "video.source": GROUND | {"video.reader", "video.camera", "video.scene", "media"},
    "video.sound": GROUND | {"video.reader"},
    "video.writer": GROUND | {"video.reader", "video.sound"},
    "video.analyse": GROUND | {"video.reader"},
    "video.chains": GROUND,
    "video.anonymise": GROUND | {"video.chains"},
    "video.options": GROUND | {"video.anonymise", "render"},
    "video.job": GROUND | {"video.writer", "rows"},
    "video.outputs": GROUND
    | {f"video.{part}" for part in ("writer", "sound", "source")}
    | {"rows", "timeline", "page"},
    "video.run": GROUND
    | {f"video.{part}" for part in ("analyse", "anonymise", "job", "options", "outputs", "reader", "source", "writer")}
    | {"avatar", "interrupt", "render", "rows", "track"},
    # Very many pictures: what they are, the processes, the journal, the tables; the run above them.
    "batch.listing": GROUND | {"media", "rows"},
    "batch.workers": {"errors"},
    "batch.journal": {"errors"},
    "batch.tables": GROUND | {"rows"},
    "batch.output": {"errors", "batch.journal", "batch.tables"},
    "batch.contact": GROUND | {"batch.listing", "media", "render", "rows"},
    "batch.run": GROUND
    | {f"batch.{part}" for part in ("contact", "journal", "listing", "output", "workers")}
    | {"media", "pipeline", "run"},
}
RUNTIME = set(MAY_IMPORT)
KERAS_PARTS = "models network fit train export quantize ensemble slim runs events"
KERAS_HOMES = {f"training.{part}" for part in KERAS_PARTS.split()}
# Heavy package -> the only modules that may import it.
HOMES = {
    **dict.fromkeys(("keras", "tensorflow", "jax", "tf2onnx", "onnx"), KERAS_HOMES),
    "matplotlib": {"training.report"},  # and the files of that name's beginning
    "streamlit": {"apps.web"},
    "streamlit_webrtc": {"apps.web"},
    "altair": {"apps.web"},
    "tkinter": {"apps.desktop"},
    "sv_ttk": {"apps.desktop"},
    "fastapi": {"apps.api"},
    "uvicorn": {"apps.api"},
    "prometheus_client": {"apps.api"},
    "ray": {"apps.ray_batch"},
    "torch": set(),
    "av": {"video.reader"},  # everybody else asks reader.load_av(), which tells what to install
}
LIGHT = set(sys.stdlib_module_names) | {"emojimation", "typer", "rich", "numpy"}
MAX_LINES = 300
MAX_LINES_OF_TESTS = 400  # lists of cases
NO_NAMES = {"utils", "helpers", "common", "core", "base", "manager"}


def modules() -> dict[str, Path]:
    """Dotted name under the package -> file, without the package files themselves."""
    files = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in files}


def python_files() -> list[Path]:
    folders = ("src", "tests", "scripts", "benchmarks", "examples")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(nodes: list[ast.stmt] | ast.Module, deep: bool = True) -> set[str]:
    """Dotted names that are imported; not those for type checking only, and with `deep` off not those in functions."""
    found: set[str] = set()
    for node in nodes.body if isinstance(nodes, ast.Module) else nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif deep or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= imports([child for child in ast.walk(node) if child is not node and _is_import(child)])
    return found


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def inside(names: set[str]) -> set[str]:
    """The package's own modules among imported names, as dotted names under the package."""
    own = {name.removeprefix("emojimation.") for name in names if name.startswith("emojimation.")}
    return own & set(modules())


def outside(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def names_of(kind: str) -> list[str]:
    return [name for name in modules() if name.startswith(f"{kind}.")]


def test_every_module_has_its_place():
    loose = {name for name in modules() if not name.startswith(("apps.", "training.", "recipes.", "cli."))}
    assert loose <= RUNTIME, f"give these a row in MAY_IMPORT: {loose - RUNTIME}"
    assert not {part for name in modules() for part in name.split(".")} & NO_NAMES


@pytest.mark.parametrize("name", sorted(RUNTIME & set(modules())))
def test_runtime_modules_import_only_what_lies_below(name):
    assert inside(imports(tree(modules()[name]))) <= MAY_IMPORT[name]


@pytest.mark.parametrize("name", ["labels", "errors", "weights"])
def test_ground_modules_need_only_the_standard_library(name):
    assert outside(imports(tree(modules()[name]))) <= set(sys.stdlib_module_names) | {"emojimation"}


def test_apps_import_neither_each_other_nor_training():
    for name in names_of("apps"):
        own = inside(imports(tree(modules()[name])))
        family = ".".join(
            name.split(".")[:2]
        )  # a large app is a package of its own: apps.web.photo, apps.web.live, ...
        parts = {other for other in own if other.startswith(f"{family}.")}
        assert not {other for other in own - parts if other.startswith(("apps.", "training."))}, name


def test_only_the_windows_own_modules_know_tk():
    """The rest of the desktop app runs, and is tested, without a display."""
    parts = names_of("apps")
    users = {name for name in parts if "tkinter" in outside(imports(tree(modules()[name])))}
    tk = ("window", "commands", "dialogs", "menus", "settings_tab", "view", "widgets")
    assert users == {f"apps.desktop.{part}" for part in tk}
    work = {"pipeline", "detect", "classify", "render", "avatar", "live"}
    work |= {f"video.{part}" for part in ("writer", "scene", "camera", "source")}
    for name in users:  # nothing that computes is done in Tk's thread
        assert not inside(imports(tree(modules()[name]), deep=False)) & work, name


def test_training_does_not_import_the_programs():
    for name in names_of("training"):
        own = inside(imports(tree(modules()[name])))
        assert not {other for other in own if other.startswith(("apps.", "cli.", "run"))}, name


@pytest.mark.parametrize("package", HOMES)
def test_heavy_packages_stay_in_their_homes(package):
    # The command line may import one inside a command: it starts light, which the next test watches.
    users = {
        name
        for name, path in modules().items()
        if package in outside(imports(tree(path), deep=not name.startswith("cli.")))
    }
    assert {user for user in users if not user.startswith(tuple(HOMES[package]) or ("-",))} == set()


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("cli.")])
def test_command_line_modules_start_light(name):
    names = imports(tree(modules()[name]), deep=False)
    assert outside(names) <= LIGHT
    light = {"errors", "labels", "weights", "training.data"} | {
        other for other in modules() if other.startswith("cli.")
    }
    assert inside(names) <= light


def test_files_and_functions_stay_short():
    long = []
    for path in python_files():
        text = path.read_text("utf-8")
        limit = MAX_LINES_OF_TESTS if ROOT / "tests" in path.parents else MAX_LINES
        long += [f"{path.name}: {text.count(chr(10))} lines"] if text.count("\n") > limit else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 60:
                long.append(f"{path.name}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines")
    assert not long


@pytest.mark.parametrize("name", [name for name in modules() if not name.startswith("cli.")])
def test_only_the_command_line_prints(name):
    calls = [node for node in ast.walk(tree(modules()[name])) if isinstance(node, ast.Call)]
    assert not [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]


@pytest.mark.parametrize("name", [name for name in modules() if not name.startswith("apps.")])
def test_nothing_swallows_every_exception(name):
    handlers = [node for node in ast.walk(tree(modules()[name])) if isinstance(node, ast.ExceptHandler)]
    broad = [h.lineno for h in handlers if h.type is None or ast.unparse(h.type) in ("Exception", "BaseException")]
    assert not broad


def test_the_checks_can_fail(tmp_path):
    source = (
        "import keras\ndef f():\n    import torch\n    try:\n        from emojimation import run\n    finally: pass\n"
    )
    (tmp_path / "a.py").write_text(source)
    assert outside(imports(tree(tmp_path / "a.py"))) == {"keras", "torch", "emojimation"}
    assert outside(imports(tree(tmp_path / "a.py"), deep=False)) == {"keras"}
    assert inside(imports(tree(tmp_path / "a.py"))) == {"run"}
