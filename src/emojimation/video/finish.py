"""The end of a run over a video: its files are written, and its outcome is summed up."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from emojimation.story import rows
from emojimation.video.drawing import Drawn
from emojimation.video.footage import Work
from emojimation.video.outputs import Shown, Targets, write_all


@dataclass(slots=True, eq=False)
class VideoResult:
    """The outcome of a video. frames: finished, in all. rows: faces in them. people: different numbers. seconds: it
    took. notes: remarks for people. hidden: what `hiding.report.Report` says, None without; hiding: the same as
    numbers. interrupted: by Ctrl-C. incomplete: why the source ended before its end, None if it did not."""

    source: str
    frames: int = 0
    rows: int = 0
    people: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    hidden: str | None = None
    hiding: dict[str, Any] | None = None
    interrupted: bool = False
    incomplete: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "seconds": round(self.seconds, 2), "written": [str(path) for path in self.written]}


class Finish:
    """Writes the targets from what the passes left in the run's folder."""

    def __init__(self, work: Work, targets: Targets):
        self._work, self._targets = work, targets

    def run(self, drawn: Drawn) -> VideoResult:
        """The outcome, with every target written if a frame was finished."""
        result = VideoResult(
            self._work.footage.info.name,
            drawn.done.frames,
            notes=drawn.notes,
            interrupted=self._work.interrupt.asked,
            incomplete=drawn.incomplete,
            hidden=None if drawn.hidden is None else str(drawn.hidden),
            hiding=None if drawn.hidden is None else drawn.hidden.to_dict(),
        )
        if not result.frames:
            return result
        result.written = write_all(self._targets, self._work.job.log, drawn.done.parts, self._shown(drawn))
        result.rows, result.people = self._counted()
        return result

    def _shown(self, drawn: Drawn) -> Shown:
        options, footage = self._work.options, self._work.footage
        end_s = drawn.done.time_s + footage.frame_s if self._work.interrupt.asked else options.end_s
        sound = options.sound and footage.info.has_audio
        return Shown(footage.given, options.start_s, end_s, options.hides, sound)

    def _counted(self) -> tuple[int, int]:
        """How many faces the log has, and how many people."""
        count, numbers = 0, set()
        for row in rows.rows_of(self._work.job.log):
            count += 1
            numbers.add(row["track_id"])
        return count, len(numbers - {None})
