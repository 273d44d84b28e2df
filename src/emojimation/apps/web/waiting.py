"""How long the live page waits for its video: from the connection's last step forward, not from its start."""

import time
from collections.abc import Callable, Iterable
from typing import Any


class Wait:
    """The time since something happened that had not happened before in this attempt.

    Each step counts once, so a connection that tries the same thing again and again does not prolong the wait.
    clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._steps = clock, set[str]()
        self._since_s = clock()

    def note(self, steps: Iterable[str]) -> None:
        """Tell what has been reached so far."""
        new = set(steps) - self._steps
        if new:
            self._steps |= new
            self._since_s = self._clock()

    def past_s(self) -> float:
        """Seconds since the last new step."""
        return self._clock() - self._since_s


def steps(connection: Any, camera: str | None, arrived: bool) -> set[str]:
    """What a connection has reached. connection: streamlit-webrtc's context, None before the browser component has
    reported back. camera: the browser's permission, as assets/web/probe.js has it. arrived: a frame has come.
    """
    found = {f"camera {camera}"} if camera else set()
    if connection is None:
        return found
    found |= {name for name in ("signalling", "playing") if getattr(connection.state, name)}
    worker = connection._get_worker()  # the public attributes lack the states between offer and first frame
    if worker is not None and worker.pc is not None:
        peer = worker.pc
        found |= {f"gathering {peer.iceGatheringState}", f"ice {peer.iceConnectionState}", peer.connectionState}
    return found | {"mounted"} | ({"frame"} if arrived else set())
