"""The public surface as lines of text: names, parameters with their defaults, and the options of every command.

python tests/public_api.py    writes tests/public_api.txt anew, after a change that is meant
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import emojimation
from emojimation.cli.app import app

KEPT = Path(__file__).with_suffix(".txt")


def python_lines() -> list[str]:
    """`name`, `name(parameter=default)` and `Class.member...` of all that the package exports."""
    lines: list[str] = []
    for name in emojimation.__all__:
        found = getattr(emojimation, name)
        lines += [name, *(_parameters(name, found) if callable(found) else ())]
        if inspect.isclass(found) and not issubclass(found, Exception):
            for member in sorted(_members(found)):
                lines += [f"{name}.{member}", *_parameters(f"{name}.{member}", getattr(found, member))]
    return lines


def _members(found: type) -> set[str]:
    """Public methods, properties and annotated fields of a class of ours."""
    ours = [kind for kind in found.__mro__ if kind.__module__.startswith("emojimation")]
    fields = {name for kind in ours for name in inspect.get_annotations(kind)}
    return {
        name for kind in ours for name in {*vars(kind), *fields} if not name.startswith("_") and hasattr(found, name)
    }


def _parameters(name: str, found: Any) -> Iterator[str]:
    if not callable(found) or (inspect.isclass(found) and issubclass(found, Exception)):
        return
    for parameter in inspect.signature(found).parameters.values():
        if parameter.name != "self":
            default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
            stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
            yield f"{name}({stars}{parameter.name}{default})"


def command_lines() -> list[str]:
    """`command --option` for every command."""
    return sorted(_options("emojimation", typer.main.get_command(app)))


def _options(path: str, command: Any) -> Iterator[str]:
    for name, below in getattr(command, "commands", {}).items():
        yield from _options(f"{path} {name}", below)
    if not hasattr(command, "commands") and not command.hidden:
        yield path
        for parameter in command.params:
            yield from (f"{path} {option}" for option in (*parameter.opts, *parameter.secondary_opts))


if __name__ == "__main__":
    KEPT.write_text("\n".join([*python_lines(), "", *command_lines(), ""]), "utf-8")
