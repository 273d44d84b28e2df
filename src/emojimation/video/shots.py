"""Frames with the number of the shot that they belong to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from emojimation.tracking.cuts import CutDetector
from emojimation.video.reader import Frame


def numbered(frames: Iterable[Frame], shot: int = 1, known_until_s: float | None = None) -> Iterator[Frame]:
    """The frames with their shots, counted from `shot`.

    known_until_s: frames up to this time were counted before, so that a cut among them does not count again.
    """
    is_cut = CutDetector()
    for frame in frames:
        cut = is_cut(frame.image)
        shot += cut and (known_until_s is None or frame.time_s > known_until_s)
        yield replace(frame, shot=shot)
