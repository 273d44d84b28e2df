"""What the engine reports to the window: its state, and one-time messages. Does not use Tk."""

import queue
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Status:
    """state: "idle", "opening", "live", "still" (a photo), "ended" (end of a video), "failed". message: the error.

    recording_s: when the current recording started (`time.monotonic`), None if there is none. length_s: of a video that
    can be moved in, None for others; frame_s: from one of its frames to the next.
    """

    state: str = "idle"
    source: str = ""
    message: str = ""
    paused: bool = False
    recording_s: float | None = None
    logging: bool = False
    calibrating: bool = False
    length_s: float | None = None
    frame_s: float = 0.04


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to show once.

    kind: "saved", "info" or "error". path: the file concerned. refused: a model that cannot be used; instead: the one
    that stays.
    """

    text: str
    kind: str = "info"
    path: Path | None = None
    refused: str = ""
    instead: str = ""


class Board:
    """The newest status, and the notices not yet shown; any thread may change them."""

    def __init__(self) -> None:
        self.status = Status()
        self.notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def set(self, **changes: Any) -> None:
        """Change fields of the status."""
        with self._lock:
            self.status = replace(self.status, **changes)

    def notify(self, text: str, kind: str = "info", path: Path | None = None) -> None:
        """Show a notice."""
        self.notices.put(Notice(text, kind, path))

    def notes_of(self, source: Any) -> None:
        """Show a source's remarks on how it was read."""
        if source.notes:
            self.notify(" · ".join(source.notes))
