import re
import sys
import tomllib
from pathlib import Path

import pytest

from emojimation import extras
from emojimation.errors import InputError

ROOT = Path(__file__).parent.parent


def test_the_table_is_that_of_pyproject():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    names = {extra: {re.split(r"[\[<>=]", line)[0] for line in lines} for extra, lines in declared.items()}
    table = {extra: {extras.package_of(module) for module in modules} for extra, modules in extras.EXTRAS.items()}
    assert table == {extra: packages for extra, packages in names.items() if extra not in ("docs", "dev")}


@pytest.mark.parametrize("extra", extras.EXTRAS)
def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch, extra):
    for module in extras.EXTRAS[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    packages = [extras.package_of(module) for module in extras.EXTRAS[extra]]
    assert extras.missing(extra) == packages
    with pytest.raises(InputError) as caught:
        extras.need(extra)
    told = str(caught.value)
    assert f'pip install "emojimation[{extra}]"' in told and all(name in told for name in packages)


def test_what_is_there_is_needed_in_silence():
    extras.need("video", "json", "sys")
    with pytest.raises(InputError, match="no-such-module"):
        extras.need("video", "json", "no_such_module")


def test_no_other_place_tells_what_to_install():
    sources = {path: path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")}
    telling = {path.name for path, text in sources.items() if "pip install" in text}
    assert telling == {"extras.py"}
