"""HTML and Markdown from Jinja2 templates, in a folder `templates` next to the code that fills them."""

from collections.abc import Callable
from functools import cache
from typing import Any


def fill(package: str, name: str, **values: Any) -> str:
    """The template `name` of `package` with `values`, where every text is escaped unless it is `Markup`.

    A name that a template uses without a value is an error, not an empty text.
    """
    return _open(package)(name).render(values)


@cache
def _open(package: str) -> Callable[[str], Any]:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # 60 ms, paid only by those who write pages

    pages = Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # More compact than the default, in the given order; "<", ">", "&" and "'" are escaped either way.
    pages.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    pages.filters["thousands"] = "{:,}".format
    pages.filters["percent"] = percent
    pages.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")  # of a Markdown table
    return pages.get_template


def percent(value: float | None, digits: int = 1) -> str:
    """0.6512 -> "65.1 %"; a dash for None."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"
