"""Public names do not change by accident: `public_api.txt` has them, and `python tests/public_api.py` writes it."""

from public_api import KEPT, command_lines, python_lines

HOW = (
    "If it is meant: python tests/public_api.py, and a line in CHANGELOG.md (CONTRIBUTING.md, Versions and deprecation)"
)


def test_public_names_and_parameters_are_the_kept_ones():
    kept = KEPT.read_text("utf-8").split("\n\n")[0].splitlines()
    assert sorted(python_lines()) == sorted(kept), HOW


def test_no_command_or_option_is_lost():
    kept = KEPT.read_text("utf-8").split("\n\n")[1].splitlines()
    assert len(kept) > 200 and sorted(set(kept) - set(command_lines())) == [], HOW
