"""The end of a run over a video: its files are written, and its outcome is summed up."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from emojimation.priors import Prior, words_of
from emojimation.story import rows
from emojimation.video.drawing import Drawn
from emojimation.video.footage import Work
from emojimation.video.outputs import Shown, Targets, write_all


@dataclass(slots=True, eq=False)
class VideoResult:
    """The outcome of a video. frames: finished, in all. rows: faces in them. people: different numbers. seconds: it
    took. notes: remarks for people. hidden: what `hiding.report.Report` says, None without; hiding: the same as
    numbers. prior: name of the base rates that the answers are corrected for, None if unknown; base_rates: their shares
    by class, None for the model's own. interrupted: by Ctrl-C. incomplete: why the source ended before its end, None if
    it did not."""

    source: str
    frames: int = 0
    rows: int = 0
    people: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    hidden: str | None = None
    hiding: dict[str, Any] | None = None
    prior: str | None = None
    base_rates: dict[str, float] | None = None
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
        classes = self._count(result)
        shown = self._shown(drawn, self._base_rates(result, drawn, classes))
        result.written = write_all(self._targets, self._work.job.log, drawn.done.parts, shown)
        return result

    def _base_rates(self, result: VideoResult, drawn: Drawn, classes: tuple[str, ...]) -> str | None:
        """Write the base rates into the result; the same in words."""
        prior = self._work.options.prior
        if prior is None:
            return None
        result.prior, result.base_rates = prior.name, _shares(prior, drawn, classes)
        words = words_of(prior, result.base_rates)
        if prior.learns:
            result.notes.append(f"base rates: {words}")
        return words

    def _shown(self, drawn: Drawn, prior: str | None) -> Shown:
        options, footage = self._work.options, self._work.footage
        end_s = drawn.done.time_s + footage.frame_s if self._work.interrupt.asked else options.end_s
        sound = options.sound and footage.info.has_audio
        return Shown(footage.given, options.start_s, end_s, options.hides, sound, prior)

    def _count(self, result: VideoResult) -> tuple[str, ...]:
        """Count the faces in the log and the people among them; the classes of their probabilities."""
        numbers, classes = set(), ()
        for row in rows.rows_of(self._work.job.log):
            result.rows += 1
            numbers.add(row["track_id"])
            classes = classes or tuple(row["probabilities"] or ())
        result.people = len(numbers - {None})
        return classes


def _shares(prior: Prior, drawn: Drawn, classes: tuple[str, ...]) -> dict[str, float] | None:
    shares = prior.shares if drawn.rates is None else drawn.rates.shares
    if shares is None or len(shares) != len(classes):
        return None
    return {name: round(float(share), 4) for name, share in zip(classes, shares, strict=True)}
