"""What the engine reports to the window: its state, and one-time messages. Does not use Tk."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Status:
    """state: "idle", "opening", "live", "still" (a photo), "ended" (end of a video), "failed". message: the error.

    recording_s: when the current recording started (`time.monotonic`), None if there is none.
    """

    state: str = "idle"
    source: str = ""
    message: str = ""
    paused: bool = False
    recording_s: float | None = None
    logging: bool = False
    calibrating: bool = False


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
