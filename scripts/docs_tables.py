"""Fills the tables of the documentation while it is built (a hook of mkdocs): `<!-- table: NAME -->` is replaced.

models and speed come from benchmarks/results, cards from the model files, commands from the command line itself.
"""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from readme_figures import models_table, speed_table


def cards() -> str:
    """The card of each bundled emotion model."""
    from emojimation.apps.desktop.card import card_rows
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.weights import emotion_models

    parts = []
    for name in emotion_models():
        rows = [f"| {what} | {value} |" for what, value in card_rows(EmotionClassifier(name).card) if what != "Model"]
        parts += [f"## {name}", "", "| | |", "|---|---|", *rows, ""]
    return "\n".join(parts)


def commands() -> str:
    """Every command with its arguments and options."""
    import typer

    from emojimation.cli.app import app

    return "\n".join(_commands("emojimation", typer.main.get_command(app)))


def _commands(path: str, group: Any) -> list[str]:
    lines = []
    for name, command in sorted(group.commands.items()):
        full = f"{path} {name}"
        if hasattr(command, "commands"):
            lines += _commands(full, command)
        elif not command.hidden:
            lines += [f"## {full}", "", *_plain(command.help), "", *_options(command), ""]
    return lines


def _options(command: Any) -> list[str]:
    from emojimation.cli.options import with_names

    rows = []
    for parameter in command.params:
        written = ", ".join([*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            written = (parameter.metavar or parameter.name or "").upper()
        text = " ".join(_plain(with_names(getattr(parameter, "help", "") or "")))
        rows.append(f"| `{written}` | {text} |".replace(" | |", " | |"))
    return ["| argument or option | |", "|---|---|", *rows] if rows else []


def _plain(text: str | None) -> list[str]:
    """Help without what Markdown would take for a tag or a column."""
    return [line.strip().replace("<", "&lt;").replace("|", "\\|") for line in (text or "").splitlines()]


TABLES = {
    "models": lambda: "\n".join(models_table()),
    "speed": lambda: "\n".join(speed_table()),
    "cards": cards,
    "commands": commands,
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs with each page."""
    return re.sub(r"<!-- table: (\w+) -->", lambda found: TABLES[found[1]](), markdown)
