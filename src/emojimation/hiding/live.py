"""Hiding in live video, which is shown before later frames are known: no track waits for confirmation."""

from emojimation.hiding.search import STRENGTHS
from emojimation.tracking.track import Tracker

CONFIRM_HITS = 2  # of a tracker for a style that does not hide


def tune(tracker: Tracker, hides: bool) -> None:
    """Make a stream's tracker emit each face immediately and hold lost ones for a while, or undo that."""
    tracker.hold_s = STRENGTHS["fast"].gap_s if hides else 0.0
    tracker.confirm_hits = 1 if hides else CONFIRM_HITS
