"""The socket of a program that serves HTTP."""

import socket

from emojimation.errors import InputError

BACKLOG = 512


def listening(host: str, port: int, advice: str = "Give --host or --port.") -> socket.socket:
    """A socket that listens already, so that clients who come before the server runs are queued.

    port: 0 for a free one. Raises InputError, which ends with the advice, for an address that is taken or does not
    exist.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # With an explicit protocol, asyncio sets TCP_NODELAY on connections; else each response waits for an ACK.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise InputError(f"Expected a free address, got {host}:{port} ({error}). {advice}") from error
    return bound
