"""The service on a socket: started, announced, and shut down after accepted requests are finished."""

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TextIO

import uvicorn
from fastapi import FastAPI

from emojimation.apps.api.gate import JsonLines
from emojimation.apps.api.limits import Limits
from emojimation.apps.api.protocol import PatientProtocol, PatientStream
from emojimation.interrupt import SIGNALS
from emojimation.listening import BACKLOG, listening

KEEP_ALIVE_S = 15
log = logging.getLogger("emojimation.api")


def run(app: FastAPI, host: str, port: int, limits: Limits, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish accepted requests for at most `limits.grace_s` seconds.

    port: 0 for a free one. announce: called with the address once it is bound. Raises InputError if it is in use.
    """
    _log_to(sys.stderr)
    bound = listening(host, port)
    http, stream = (type(kind.__name__, (kind,), {"limits": limits}) for kind in (PatientProtocol, PatientStream))
    config = uvicorn.Config(
        app,
        http=http,
        ws=stream,
        loop="asyncio",  # the timers of the protocols are tried with it; uvloop may be installed by chance
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(limits.grace_s) or 1,
        backlog=BACKLOG,
        ws_max_size=limits.body_bytes,
        ws_max_queue=2,
    )
    shown = f"[{host}]" if ":" in host else host
    announce(f"http://{shown}:{bound.getsockname()[1]}")
    for number in SIGNALS:  # uvicorn re-raises them when everything is done
        signal.signal(number, _done)
    log.info("start")
    with bound:
        uvicorn.Server(config).run(sockets=[bound])
    log.info("end")


def _done(_number: int, _frame: FrameType | None) -> None:
    """Ignore signals after the end."""


def _log_to(stream: TextIO) -> None:
    """One JSON line per event, including uvicorn's own."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger("emojimation").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at lower levels it logs addresses
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what clients send
