"""An honest report on hiding: what was detected, what was filled in, and where doubt remains."""

from dataclasses import dataclass, field
from typing import Any

ADVICE = "look at it before you publish it"
SPANS_SHOWN = 5
NEAR_S = 0.2  # stretches that are closer together are checked in one go


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a video, in seconds, with detections too doubtful to be covered; score: of the best."""

    start_s: float
    end_s: float
    score: float


@dataclass(slots=True)
class Report:
    """How a video, or (still) a single image, was covered.

    frames: total; covered: of these with a cover. faces: distinct ones that are covered; people: of these with a
    number, sure enough for rows. found, held, interpolated: covers that were found in their frame, kept beyond the
    first or last find, placed between two finds. longest_gap_s: the longest bridged gap.
    share: mean covered share of the image, 0 to 1. doubtful: stretches to check.
    """

    still: bool = False
    frames: int = 0
    covered: int = 0
    faces: int = 0
    people: int = 0
    found: int = 0
    held: int = 0
    interpolated: int = 0
    longest_gap_s: float = 0.0
    share: float = 0.0
    doubtful: list[Span] = field(default_factory=list)

    def count(self, share: float, found: int, held: int = 0, interpolated: int = 0) -> None:
        """Count a frame: covered share, and number of covers of each kind."""
        self.frames += 1
        self.share += (share - self.share) / self.frames
        self.covered += bool(found + held + interpolated)
        self.found += found
        self.held += held
        self.interpolated += interpolated

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        numbers = {
            name: getattr(self, name)
            for name in ("frames", "covered", "faces", "people", "found", "held", "interpolated")
        }
        spans = [
            {"start_s": round(s.start_s, 3), "end_s": round(s.end_s, 3), "score": round(s.score, 3)}
            for s in self.doubtful
        ]
        measures = {"longest_gap_s": round(self.longest_gap_s, 3), "share": round(self.share, 4)}
        return {**numbers, **measures, "doubtful": spans, "words": str(self)}

    def __str__(self) -> str:
        return f"{_counted(self.faces, 'face')} covered; {ADVICE}" if self.still else self._of_video()

    def _of_video(self) -> str:
        filled = f"{self.held} held, {self.interpolated} interpolated (longest gap {self.longest_gap_s:.2f} s)"
        parts = [
            f"{_counted(self.people, 'person', 'people')}; covers in {self.covered} of {self.frames} frames, "
            f"{100 * self.share:.1f} % of the image: {self.found} found, {filled}"
        ]
        if self.doubtful:
            parts.append(f"not covered, as too doubtful: {_times(self.doubtful)}")
        parts.append(f"{_counted(self.faces, 'face')} covered; {ADVICE}")
        return "\n".join(parts)


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _times(spans: list[Span]) -> str:
    stretches = _joined(spans)
    shown = [f"{_clock(start)} to {_clock(end)}" for start, end in stretches[:SPANS_SHOWN]]
    more = len(stretches) - SPANS_SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _joined(spans: list[Span]) -> list[tuple[float, float]]:
    """Start and end in seconds of the stretches that overlap none of the others, in order."""
    joined: list[tuple[float, float]] = []
    for span in sorted(spans, key=lambda span: span.start_s):
        start, end = joined.pop() if joined and span.start_s <= joined[-1][1] + NEAR_S else (span.start_s, span.end_s)
        joined.append((start, max(end, span.end_s)))
    return joined


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
