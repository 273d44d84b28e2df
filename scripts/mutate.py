"""Change the code in small ways and see whether the tests notice: a mutation run over geometry, tracking and detection.

Run: python scripts/mutate.py [faces tracking detect] [--sample 100] [--seed 0] [--out out/mutants.json] [--survivors]
[--only PATTERN]
Each mutant is one change of a constant, an operator, a sign, a slice or a min/max. It lives in a forked process that
runs the fast tests of its module until the first failure; nothing on disk is touched. Answers are kept in --out under
the text of the mutant and of its tests, so that a run that was stopped goes on where it was, and a second run is free.
scripts/mutants.toml lists, with reasons, the mutants that change nothing anyone could notice; they are not run.
"""

import argparse
import ast
import copy
import difflib
import hashlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path

import cv2  # noqa: F401  (loaded once here, so that the forked processes need not)
import numpy as np  # noqa: F401
import onnxruntime  # noqa: F401
import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "emojimation"
EQUIVALENT = ROOT / "scripts" / "mutants.toml"
# Folder or module -> its test files, those that fail first in front.
TESTS = {
    "faces.py": ("test_faces", "test_golden"),
    "tracking/adapt.py": ("test_priors",),
    "tracking/assign.py": ("test_assign", "test_track_score", "test_track"),
    "tracking/blinks.py": ("test_blinks",),
    "tracking/cuts.py": ("test_cuts",),
    "tracking/fading.py": ("test_puppet",),
    "tracking/neutral.py": ("test_neutral",),
    "tracking/people.py": ("test_people",),
    "tracking/smooth.py": ("test_smooth", "test_track"),
    "tracking/track.py": ("test_track_score", "test_track"),
    "detect/following.py": ("test_following",),
    "detect/": ("test_detect_rules", "test_detect"),
}
# A mutant hangs if its tests take this many times as long as on the code as it is, which may itself take so long.
SLOWER, BASELINE_S = 4.0, 600.0

ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
# The border of a comparison, and its opposite.
COMPARISON = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
OPPOSITE = {"min": "max", "minimum": "maximum", "floor": "ceil", "any": "all", "argmin": "argmax"}
OPPOSITE |= {after: before for before, after in OPPOSITE.items()}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. path: under the package. line: from 1. key: function and change, stable when lines move."""

    path: str
    line: int
    key: str
    source: str

    def diff(self) -> str:
        """The changed lines, as a unified diff without headers and context."""
        before = (PACKAGE / self.path).read_text("utf-8").splitlines()
        lines = difflib.unified_diff(before, self.source.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in lines if line[:2] not in ("--", "++", "@@"))


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the node's place."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            yield ast.Constant(value + 1 if isinstance(value, int) or not value else round(value * 1.5, 12))
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.AugAssign(target, op, value) if type(op) in ARITHMETIC:
            yield ast.AugAssign(target, ARITHMETIC[type(op)](), value)
        case ast.UnaryOp(ast.USub() | ast.Invert() | ast.Not(), operand):
            yield operand
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.Compare(left, [op], comparators):
            yield from (ast.Compare(left, [other()], comparators) for other in COMPARISON[type(op)])
        case ast.Slice(lower, upper, step):
            yield from (ast.Slice(None, upper, step) for _ in [0] if lower)
            yield from (ast.Slice(lower, None, step) for _ in [0] if upper)
        case ast.Name(name) if name in OPPOSITE:
            yield ast.Name(OPPOSITE[name])
        case ast.Attribute(value, name) if name in OPPOSITE:
            yield ast.Attribute(value, OPPOSITE[name])


def nodes(node: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """(function or class around it, node) of all code; annotations are left out, they are not run."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                named = isinstance(child, ast.FunctionDef | ast.ClassDef)
                place = f"{inside}.{child.name}".lstrip(".") if named else inside
                yield place, child
                yield from nodes(child, place)


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of the file."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    found, seen = [], Counter()
    for place, node in nodes(ast.parse(source)):
        for new in changes(node):
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            before, after = source.encode()[start:end].decode(), ast.unparse(ast.fix_missing_locations(copy.copy(new)))
            text = f"({after})" if isinstance(new, ast.BinOp | ast.Compare | ast.BoolOp) else after
            key = f"{place or 'module'}: {' '.join(before.split())} -> {after}"
            seen[key] += 1
            key += f" #{seen[key]}" if seen[key] > 1 else ""
            changed = (source.encode()[:start] + text.encode() + source.encode()[end:]).decode()
            found.append(Mutant(path, node.lineno, key, changed))
    return sorted(found, key=lambda mutant: mutant.line)


class Changed(SourceFileLoader):
    """Loads a module from a text instead of its file, and stands in front of the usual finders."""

    def __init__(self, path: str, source: str) -> None:
        name = "emojimation." + path.removesuffix(".py").replace("/", ".")
        super().__init__(name, str(PACKAGE / path))
        self.source = source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """This module's spec if it is the one asked for."""
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> object:
        """The changed text, compiled."""
        return compile(self.source, self.path, "exec")


def tests_of(path: str) -> list[Path]:
    """Test files of a module."""
    names = next(names for start, names in TESTS.items() if path.startswith(start))
    return [file for name in names if (file := ROOT / "tests" / f"{name}.py").is_file()]


def passes(path: str, source: str, timeout_s: float = BASELINE_S) -> bool:
    """Whether the module's tests pass when `source` stands in its place; a run that hangs or dies does not."""
    child = os.fork()
    if not child:
        _run_tests(path, source)
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_tests(path: str, source: str) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.path.insert(0, str(PACKAGE.parent))
    sys.meta_path.insert(0, Changed(path, source))
    # The same examples each time, and none made smaller: that a test fails is all we ask.
    settings.register_profile(
        "mutate", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
    )
    chosen = ["-m", "not slow and not e2e", "-x", "-q", "-p", "no:cacheprovider"]
    chosen += ["-p", "_hypothesis_pytestplugin", "--hypothesis-profile=mutate"]
    code: int = 1
    try:
        code = int(pytest.main([*chosen, *map(str, tests_of(path))]))
    finally:
        os._exit(code)


def equivalents() -> dict[str, dict[str, str]]:
    """Module -> key of a mutant that nobody could notice -> the reason."""
    return tomllib.loads(EQUIVALENT.read_text("utf-8")) if EQUIVALENT.is_file() else {}


def modules_of(names: list[str]) -> list[str]:
    """Module files of the names given: a module, a path, or a folder of modules."""
    files = []
    for name in names:
        place = PACKAGE / name
        files += sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return [file.relative_to(PACKAGE).as_posix() for file in files if file.name != "__init__.py"]


def fingerprint(mutant: Mutant) -> str:
    """Of the mutant's text and its tests'."""
    texts = [mutant.source, *(file.read_text("utf-8") for file in tests_of(mutant.path))]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def timeout_of(path: str) -> float:
    """Seconds after which a mutant of the module hangs; its tests have to pass on the code as it is."""
    start_s = time.monotonic()
    if not passes(path, (PACKAGE / path).read_text("utf-8")):
        raise SystemExit(f"Expected the tests of {path} to pass on the code as it is: mend them first.")
    return 10 + SLOWER * (time.monotonic() - start_s)


def judge(mutants: list[Mutant], kept: Path) -> list[tuple[Mutant, str]]:
    """Each mutant with "killed", "survived" or "equivalent"; answers known from `kept` are taken from there."""
    equivalent, timeouts = equivalents(), {}
    known = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    answers = []
    for mutant in mutants:
        mark = fingerprint(mutant)
        if mutant.key in equivalent.get(mutant.path, {}):
            answer = "equivalent"
        elif mark in known:
            answer = known[mark]["answer"]
        else:
            timeouts[mutant.path] = timeouts.get(mutant.path) or timeout_of(mutant.path)
            answer = "survived" if passes(mutant.path, mutant.source, timeouts[mutant.path]) else "killed"
            known[mark] = {"answer": answer, "path": mutant.path, "key": mutant.key}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        answers.append((mutant, answer))
        print(f"{answer:10} {mutant.path}:{mutant.line}  {mutant.key}", flush=True)
    return answers


def summary(answers: list[tuple[Mutant, str]]) -> str:
    """Survivors with their diffs, and the share killed of each module and of all."""
    lines = [f"\n{m.path}:{m.line}  {m.key}\n{m.diff()}" for m, answer in answers if answer == "survived"]
    lines.append("\nmodule                  killed survived equivalent  share")
    for path in [*dict.fromkeys(mutant.path for mutant, _ in answers), ""]:
        count = Counter(answer for mutant, answer in answers if path in ("", mutant.path))
        judged = count["killed"] + count["survived"]
        share = f"{count['killed'] / judged:6.1%}" if judged else "     -"
        numbers = f"{count['killed']:6} {count['survived']:8} {count['equivalent']:10}"
        lines.append(f"{path or 'all':23} {numbers} {share}")
    return "\n".join(lines)


def main() -> None:
    """Make mutants, run their tests, print who survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=["faces", "tracking", "detect"])
    parser.add_argument("--sample", type=int, help="as many mutants, drawn with --seed; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="those whose function and change match this pattern")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "mutants.json")
    parser.add_argument("--survivors", action="store_true", help="only those that survived before, by --out")
    args = parser.parse_args()
    os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": tempfile.gettempdir(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    mutants = []
    for path in modules_of(args.modules):
        mutants += mutants_of(path, (PACKAGE / path).read_text("utf-8"))
    if args.survivors:
        kept = json.loads(args.out.read_text("utf-8")).values()
        again = {(row["path"], row["key"]) for row in kept if row["answer"] == "survived"}
        mutants = [mutant for mutant in mutants if (mutant.path, mutant.key) in again]
    mutants = [mutant for mutant in mutants if re.search(args.only, mutant.key)]
    if args.sample is not None and args.sample < len(mutants):
        chosen = sorted(random.Random(args.seed).sample(range(len(mutants)), args.sample))
        mutants = [mutants[index] for index in chosen]
    print(summary(judge(mutants, args.out)))


if __name__ == "__main__":
    main()
