"""Hiding in a live picture, which is shown before anything later is known: nobody waits to be confirmed."""

from emojimation.hiding.search import STRENGTHS
from emojimation.tracking.track import Tracker

CONFIRM_HITS = 2  # of a tracker that hides nobody


def tune(tracker: Tracker, hides: bool) -> None:
    """Let a stream's tracker show each face at once and keep it for a while where it is lost, or not."""
    tracker.hold_s = STRENGTHS["fast"].gap_s if hides else 0.0
    tracker.confirm_hits = 1 if hides else CONFIRM_HITS
