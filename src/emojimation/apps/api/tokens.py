"""Who may call, and how often: bearer tokens that can be rotated, each with a rate of its own."""

import hmac
import logging
import time
from collections.abc import Callable
from pathlib import Path

from emojimation.errors import InputError

BURST_S = 2.0  # a caller that was silent may send this much of its rate at once
log = logging.getLogger("emojimation.api")


class Tokens:
    """The accepted tokens. Without any, everybody may call.

    token: one that always counts. file: others, one a line, # for comments; a change is noticed with the next request,
    so that a new token can be added, handed out, and the old one removed without a restart. Raises InputError for a
    file that cannot be read or has none.
    """

    def __init__(self, token: str | None = None, file: Path | None = None):
        self._fixed = [token.encode()] if token else []
        self._file, self._stamp = file, _stamp(file)
        self._listed = [] if file is None else _listed(file)

    def accepted(self, authorization: bytes) -> bytes | None:
        """The token in the value of an Authorization header; b"" if none is needed, None if it is not accepted."""
        known = self._known()
        if not known:
            return b""
        scheme, _, given = authorization.partition(b" ")  # the scheme is case-insensitive, RFC 9110 section 11.1
        fits = [token for token in known if hmac.compare_digest(given.strip(b" "), token)]
        return fits[0] if scheme.lower() == b"bearer" and fits else None

    def _known(self) -> list[bytes]:
        stamp = _stamp(self._file)
        if self._file is not None and stamp != self._stamp:
            self._stamp = stamp
            try:
                self._listed = _listed(self._file)
            except InputError as error:  # the previous ones stay: a slip must not open the service, nor close it
                log.error("tokens", extra={"fields": {"reason": str(error)}})
        return self._fixed + self._listed


class Rates:
    """A bucket of requests for each token, filled at `per_s` requests a second; 0: no limit."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic):
        self.per_s, self._clock = per_s, clock
        self._most = max(1.0, per_s * BURST_S)
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def wait_s(self, token: bytes) -> float:
        """0 for a request that may pass now, and is counted; else the seconds after which one may."""
        if not self.per_s:
            return 0.0
        now = self._clock()
        level, at = self._buckets.get(token, (self._most, now))
        level = min(self._most, level + (now - at) * self.per_s)
        if level < 1:
            return (1 - level) / self.per_s
        self._buckets[token] = (level - 1, now)
        return 0.0


def _stamp(file: Path | None) -> tuple[int, int] | None:
    try:
        info = None if file is None else file.stat()
    except OSError:
        return None
    return None if info is None else (info.st_mtime_ns, info.st_size)


def _listed(file: Path) -> list[bytes]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a file with tokens, got {file} ({error}).") from error
    found = [line.strip().encode() for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise InputError(f"Expected a token in {file}, got none. Write one line of random characters into it.")
    return found
