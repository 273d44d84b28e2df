"""What the engine tells the window: its state, and what a person shall hear once. Knows no Tk."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Status:
    """state: "idle", "opening", "live", "still" (a photo), "ended" (a film's end), "failed". message: what went wrong.

    recording_s: when the film began that is being recorded (`time.monotonic`), None while there is none.
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
    """Something to tell the person once.

    kind: "saved", "info" or "error". path: the file it is about. refused: a model that cannot be used, `instead` the
    one that stays.
    """

    text: str
    kind: str = "info"
    path: Path | None = None
    refused: str = ""
    instead: str = ""
