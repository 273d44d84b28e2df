"""Who may open the pages: the host names that the server accepts. It asks no other host for its own address."""

import socket
from collections.abc import Sequence

from streamlit import net_util

LOCAL = ("127.0.0.1", "localhost", "::1")


def host_names(host: str, more: Sequence[str] = ()) -> list[str]:
    """The Host headers to accept on that address, which excludes other sites whose name points here (DNS rebinding).

    more: names by which a reverse proxy or the network knows the server.
    """
    if host in LOCAL:
        return [*LOCAL, *more]
    own = [host] if host not in ("0.0.0.0", "::", "") else [socket.gethostname(), socket.getfqdn(), *_addresses()]
    return list(dict.fromkeys([*LOCAL, *own, *more]))


def ask_nobody() -> None:
    """Keep Streamlit from asking an outside host for this machine's address, as it does for a foreign Origin."""
    net_util.get_external_ip = lambda: None


def _addresses() -> list[str]:
    """This machine's addresses, as far as known without any request."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        found = []
    internal = net_util.get_internal_ip()
    return [*(str(entry[4][0]) for entry in found), *([internal] if internal else [])]
