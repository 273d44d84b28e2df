"""The page without a server (`emojimation page`) as this server's browser engine: its files, kept in memory."""

from functools import lru_cache

from emojimation.apps.page.build import MODEL, page_files

PATH = "engine"
_known: dict[str, dict[str, bytes]] = {}  # version -> name -> content


@lru_cache(maxsize=8)
def address(model: str) -> str:
    """Where the engine with that emotion model is, relative to the pages' root; "default" is taken in eight bits.

    Raises InputError for a model of other classes or of crops in colour.
    """
    files, version = page_files(MODEL if model == "default" else model)
    _known[version] = files
    return f"{PATH}/{version}/"


def file(path: str) -> bytes | None:
    """The content of "/engine/VERSION/NAME", wherever a proxy puts it; None for any other path."""
    _, _, rest = path.partition(f"/{PATH}/")
    version, _, name = rest.partition("/")
    return _known.get(version, {}).get(name)
