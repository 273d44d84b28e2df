"""The outputs of a video, checked before anything runs, and written when the frames are done."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.story import page, rows, timeline
from emojimation.video import writer
from emojimation.video.reader import is_address
from emojimation.video.sound import Sound
from emojimation.video.source import open_source

# Kind -> its suffixes; a file of one kind must not have the suffix of another.
SUFFIXES = {
    "film": (".mp4", ".webm", ".mkv", ".mov", ".avi"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet", ".pq"),
    "srt": (".srt",),
    "vtt": (".vtt",),
    "report": (".html", ".htm"),
}


@dataclass(frozen=True, slots=True)
class Targets:
    """The files that a run writes, each None if it is not wanted. film: .mp4 or .webm. report: one HTML page."""

    film: Path | None = None
    jsonl: Path | None = None
    csv: Path | None = None
    parquet: Path | None = None
    srt: Path | None = None
    vtt: Path | None = None
    report: Path | None = None

    @property
    def all(self) -> dict[str, Path]:
        """Kind -> path of the wanted ones."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: Path(path) for name, path in named.items() if path is not None}

    @property
    def primary(self) -> Path | None:
        """The one next to which unfinished work is kept."""
        return next(iter(self.all.values()), None)

    def check(self, source: str | int | Path) -> None:
        """Raise InputError for a target that is the source, a folder, named twice, or of another kind by its suffix."""
        seen: dict[Path, str] = {}
        for kind, path in self.all.items():
            place = path.resolve()
            if place in seen:
                both = f"{_option(seen[place])} and {_option(kind)}"
                raise InputError(f"Expected different files for {both}, got {path} for both.")
            seen[place] = kind
            other = next((name for name, suffixes in SUFFIXES.items() if path.suffix.lower() in suffixes), kind)
            if other != kind:
                raise InputError(f"Expected a name ending in {SUFFIXES[kind][0]} for {_option(kind)}, got {path}.")
            if path.is_dir():
                raise InputError(f"Expected a file's name to write to, got the folder {path}.")
            if _is_within(path, source):
                raise InputError(f"Expected an output other than the input, got {path} for both. Choose another name.")
            _make_folder(path.parent)
        if self.film is not None:
            writer.codec_of(self.film)
            writer.load_av()
        if self.parquet is not None:
            rows.load_parquet()


def _option(kind: str) -> str:
    return "--out" if kind == "film" else f"--{kind}"


def _is_within(path: Path, source: str | int | Path) -> bool:
    """Whether a target is the source file."""
    given = Path(str(source))
    try:
        return path.exists() and given.exists() and path.samefile(given)
    except OSError:
        return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Expected a folder to write to, got {folder} ({error.strerror}).") from error


@dataclass(frozen=True, slots=True)
class Shown:
    """What the outputs need to know about the video. source: as given. start_s: where the part begins. end_s: where the
    sound ends, None for all. hide: faces are covered, so nothing of the source may be shown. sound: copy it. prior:
    the base rates that the answers are corrected for, in words."""

    source: str | int | Path
    start_s: float
    end_s: float | None
    hide: bool
    sound: bool
    prior: str | None = None


def write_all(targets: Targets, log: Path, parts: list[tuple[Path, float]], shown: Shown) -> list[Path]:
    """Write every target from the log and the video's segments, each with the source's time of its first frame."""
    written = []
    if targets.film is not None and parts:
        _write_video(targets.film, parts, shown)
        written.append(targets.film)
    for kind in rows.KINDS:
        if kind in targets.all:
            written.append(rows.export(log, targets.all[kind], kind))
    return written + _write_timeline(targets, log, shown)


def _write_video(target: Path, parts: list[tuple[Path, float]], shown: Shown) -> None:
    path = str(shown.source) if is_address(str(shown.source)) else Path(str(shown.source))
    sound = Sound(path, shown.start_s, shown.end_s) if shown.sound else None
    # Location and device metadata are removed when faces are hidden.
    keeps_tags = isinstance(path, Path) and path.is_file() and shown.sound and not shown.hide
    tags = writer.tags_of(Path(path)) if keeps_tags else {}
    writer.join([(part, time_s - shown.start_s) for part, time_s in parts], target, sound, tags)


def _write_timeline(targets: Targets, log: Path, shown: Shown) -> list[Path]:
    if targets.srt is None and targets.vtt is None and targets.report is None:
        return []
    start_s = shown.start_s if targets.film else 0.0
    length_s, shots_s = _duration_and_shots(log)
    begins = [time_s - start_s for time_s in shots_s]
    story = timeline.of_rows(_shifted(log, start_s), length_s, begins, shown.prior)
    written = []
    if targets.srt is not None:
        written.append(timeline.write_srt(targets.srt, story))
    if targets.vtt is not None:
        written.append(timeline.write_vtt(targets.vtt, story))
    if targets.report is not None:
        written.append(_write_report(targets, story, shown))
    return written


def _shifted(log: Path, start_s: float) -> Iterator[dict[str, Any]]:
    for row in rows.rows_of(log):
        yield {**row, "time_s": row["time_s"] - start_s}


def _duration_and_shots(log: Path) -> tuple[float | None, list[float]]:
    """The seconds from the first frame to the last, None without frames; and the time of each shot's first frame."""
    first = last = shot = None
    begins = []
    for line in rows.read_log(log):
        first = line.time_s if first is None else first
        last = line.time_s
        if line.shot != shot:
            shot = line.shot
            begins.append(line.time_s)
    return None if last is None or first is None else last - first, begins


def _write_report(targets: Targets, story: timeline.Timeline, shown: Shown) -> Path:
    assert targets.report is not None
    is_file = Path(str(shown.source)).is_file()
    video = targets.film or (Path(str(shown.source)) if is_file and not shown.hide else None)
    title = (targets.film or Path(str(shown.source))).name
    pictures = {} if video is None else _thumbnails(story, video)
    return timeline.write_html(targets.report, story, title, video, pictures)


def _thumbnails(story: timeline.Timeline, video: Path) -> dict[tuple[int, int], str]:
    """Images of the peaks, cropped from the video that the page shows."""
    pictures = {}
    for person in story.people:
        for peak in person.peaks():
            with closing(open_source(video, max(peak.time_s - 1e-3, 0.0))) as source:
                frame = next(iter(source), None)
            if frame is not None:
                pictures[person.track_id, peak.frame] = page.thumbnail(frame.image, peak.xyxy)
    return pictures
