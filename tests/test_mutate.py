"""The mutation script changes what it says, and the tests notice the changes that once went unnoticed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import mutate  # noqa: E402

SOURCE = '''"""3 + 4"""
LIMIT: Literal[5] = 0.5


def near(a: "int | None", b=-2):
    return a[:b] if not a < LIMIT and max(a, b) else a * 2
'''


def test_mutants_of_a_module_are_its_operators_constants_signs_and_slices() -> None:
    keys = [mutant.key for mutant in mutate.mutants_of("x.py", SOURCE)]
    assert sorted(keys) == sorted(
        [
            "module: 0.5 -> 0.75",
            "near: -2 -> 2",
            "near: 2 -> 3",
            "near: :b -> :",
            "near: not a < LIMIT and max(a, b) -> not a < LIMIT or max(a, b)",
            "near: not a < LIMIT -> a < LIMIT",
            "near: a < LIMIT -> a <= LIMIT",
            "near: a < LIMIT -> a >= LIMIT",
            "near: max -> min",
            "near: a * 2 -> a / 2",
            "near: 2 -> 3 #2",
        ]
    )


def test_each_mutant_compiles_and_differs_in_one_place() -> None:
    source = (mutate.PACKAGE / "tracking" / "assign.py").read_text("utf-8")
    mutants = mutate.mutants_of("tracking/assign.py", source)
    assert len(mutants) > 30 and len({mutant.key for mutant in mutants}) == len(mutants)
    for mutant in mutants:
        compile(mutant.source, "assign.py", "exec")
        assert mutant.source != source
        assert mutant.diff().count("\n") <= 3, mutant.diff()


def test_every_module_has_tests_and_every_equivalent_mutant_exists() -> None:
    """A key that no longer fits excludes nothing: take it out, or write it anew."""
    paths = mutate.modules_of(["faces", "tracking", "detect"])
    assert "faces.py" in paths and "tracking/track.py" in paths
    assert all(mutate.tests_of(path) for path in paths)
    for path, reasons in mutate.equivalents().items():
        keys = {mutant.key for mutant in mutate.mutants_of(path, (mutate.PACKAGE / path).read_text("utf-8"))}
        assert set(reasons) <= keys, set(reasons) - keys


# Each of these went unnoticed by 310 tests before: the template's nose, the crop's bound; overlap in the cost, the
# memory of landmarks.
NAMED = {
    "faces": r"^module: 0\.598 -> 0\.897$|^_around: .+ \+ 2 -> .+ - 2$",
    "tracking/track": r"^_costs: .+ - iou\(.+ -> .+ \+ iou|^_absorb: 1 - theta -> 1 \+ theta #3$",
}


@pytest.mark.slow
@pytest.mark.parametrize("module", NAMED)
def test_the_tests_notice(module: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "mutate.py"), module, "--only", NAMED[module]]
    out = tmp_path / "mutants.json"
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=True, cwd=tmp_path)
    answers = [row["answer"] for row in json.loads(out.read_text("utf-8")).values()]
    assert len(answers) == 2 and set(answers) == {"killed"}, done.stdout
