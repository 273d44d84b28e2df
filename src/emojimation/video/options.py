"""The options of a run over a video: checked, and compared when a run is resumed."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from emojimation.draw.styles import HIDING, STYLES
from emojimation.errors import InputError
from emojimation.files import checked_threads
from emojimation.hiding.search import strength_of
from emojimation.priors import Prior
from emojimation.tracking.people import People


@dataclass(frozen=True, slots=True)
class Options:
    """How a video is processed.

    style, art, character: see `draw.styles.annotate`. A style that hides covers every face, in two passes, for
    which faces should be found by a `hiding.search.searching` pipeline. hide: such a style is a must. every:
    analyse every k-th frame, or "auto". workers: frames in parallel. start_s, end_s: the part of the video. fps: of
    image sequences. sound: copy it. resume: continue a run with the same settings. search_name: says how faces are
    found, so that no run resumes with another search. strength: of hiding, a key of `hiding.search.STRENGTHS`.
    spans: (start, end) in seconds of the source, in which the whole image is hidden. region: x0, y0, x1, y1 in
    pixels, outside of which nothing is searched. cover: an image to lay over each head, in place of a style's.
    prior: base rates that the answers are corrected for; the run learns them if they are the video's own. reidentify:
    recognise people by their appearance, who then keep their number when they return or after a cut.
    """

    style: str = "boxes"
    art: str = "noto"
    character: str = "emoji"
    hide: bool = False
    every: int | str = 1
    workers: int = 1
    start_s: float = 0.0
    end_s: float | None = None
    fps: float | None = None
    sound: bool = True
    resume: bool = False
    search_name: str = ""
    strength: str = "careful"
    spans: tuple[tuple[float, float], ...] = ()
    region: tuple[int, int, int, int] | None = None
    cover: Path | None = None
    prior: Prior | None = None
    reidentify: bool = False

    @property
    def people(self) -> People | None:
        """A new memory of people's appearance, None if nobody is to be recognised."""
        return People() if self.reidentify else None

    @property
    def hides(self) -> bool:
        """Whether faces are covered: on request, or because the style covers them."""
        return self.hide or self.style in HIDING


def check(options: Options, draws: bool) -> None:
    """Raise InputError for invalid options. draws: whether a video is written."""
    if options.style not in STYLES:
        raise InputError(f"Expected a style among {', '.join(STYLES)}, got {options.style!r}.")
    if options.hides and options.style not in HIDING:
        raise InputError(f"Expected a style that hides faces ({', '.join(HIDING)}), got {options.style!r}.")
    if (options.hide or options.cover is not None or options.spans) and not draws:
        raise InputError("Expected a video file to write to, got none: give --out OUT.mp4.")
    if options.cover is not None and not options.hides:
        raise InputError(f"Expected a style that hides faces with the cover {options.cover}, got {options.style!r}.")
    if any(start >= end for start, end in options.spans):
        raise InputError("Expected spans whose end comes after their start.")
    strength_of(options.strength)
    checked_threads(options.workers)
    if options.start_s < 0:
        raise InputError(f"Expected a start from 0 s on, got {options.start_s:g} s.")


def asked_of(source: str | int | Path, options: Options, suffix: str | None) -> dict[str, Any]:
    """What a run depends on, to compare when it is resumed."""
    path = Path(str(source))
    file = {"size": path.stat().st_size, "changed": path.stat().st_mtime_ns} if path.is_file() else {}
    left_out = ("resume", "workers", "sound")
    settings = {one.name: getattr(options, one.name) for one in fields(options) if one.name not in left_out}
    settings["cover"] = None if options.cover is None else str(options.cover)
    prior = options.prior
    settings["prior"] = prior and [prior.name, None if prior.shares is None else prior.shares.round(9).tolist()]
    return {"source": str(path.resolve()) if path.exists() else str(source), **file, "film": suffix, **settings}
