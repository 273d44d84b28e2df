"""Public names do not change by accident: `public_api.txt` has them, and `python tests/public_api.py` writes it."""

import emojimation
from public_api import KEPT, command_lines, python_lines

HOW = (
    "If it is meant: python tests/public_api.py, and a line in CHANGELOG.md (CONTRIBUTING.md, Versions and deprecation)"
)


def test_no_public_name_or_parameter_is_lost_and_no_name_is_public_by_accident():
    kept = KEPT.read_text("utf-8").split("\n\n")[0].splitlines()
    assert len(kept) > 100 and sorted(set(kept) - set(python_lines())) == [], HOW
    assert {line for line in kept if line.isidentifier()} == set(emojimation.__all__), HOW


def test_no_command_or_option_is_lost():
    kept = KEPT.read_text("utf-8").split("\n\n")[1].splitlines()
    assert len(kept) > 200 and sorted(set(kept) - set(command_lines())) == [], HOW
