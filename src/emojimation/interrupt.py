"""Ctrl-C that lets the current frame finish."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """Within `with`, the first Ctrl-C sets `asked`; the second raises KeyboardInterrupt as usual.

    Outside the main thread, where Python does not allow signal handlers, it changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._taken = False

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
            self._taken = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        if self._taken:
            signal.signal(signal.SIGINT, self._before)
            self._taken = False
