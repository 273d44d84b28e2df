"""The query parameters of a request: those that its route does not have are refused, not ignored."""

from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection

from emojimation.errors import InputError

CHECKED = "/v1/"  # probes and browsers may add to the other addresses what they like


async def check_parameters(connection: HTTPConnection) -> None:
    """Raise InputError for an unknown parameter of a request, which may be a misspelled one. A stream says so itself,
    as it can only once it is open."""
    if connection.scope["type"] == "http" and (reason := unknown_parameter(connection)):
        raise InputError(reason)


def unknown_parameter(connection: HTTPConnection) -> str | None:
    """What is wrong with a query that has a parameter which the route does not know; None if it knows all."""
    if not connection.url.path.startswith(CHECKED):
        return None
    known = _names(connection.scope["route"].dependant)
    unknown = next((name for name in connection.query_params if name not in known), None)
    return unknown and f"Expected {_listed(known)}, got {unknown!r}."


def _names(dependant: Dependant) -> list[str]:
    inner = [name for one in dependant.dependencies for name in _names(one)]
    return [*(field.alias for field in dependant.query_params), *inner]


def _listed(names: list[str]) -> str:
    return f"a query parameter among {', '.join(names)}" if names else "no query parameters"
