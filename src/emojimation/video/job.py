"""What a run keeps on disk while it is in progress, so that it can resume after a crash.

Next to the first output file is a folder `NAME.parts` with `job.json` (the settings), `frames.jsonl` (one line per
finished frame), `finds.jsonl` (one line per analysed frame) and `film-000.mp4`, ... (one segment per start). It is
locked during the run and deleted at the end.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.files import changed_settings
from emojimation.folders import LOCK, Kept, Temporary
from emojimation.story.rows import LogLine, read_log
from emojimation.video.writer import count_frames

PREFIX, CARD = "emojimation-run-", "job.json"


@dataclass(slots=True, eq=False)
class Done:
    """How far a run came. frames: finished ones. time_s, shot: of the last. parts: segments, with the time of their
    first frame."""

    frames: int = 0
    time_s: float = 0.0
    shot: int = 1
    parts: list[tuple[Path, float]] = field(default_factory=list)


class Job:
    """The folder of a run. primary: the first output file, None for a run without any (then a temporary
    folder).

    asked: what the run depends on; with `resume` it must be as it was. suffix: of the video, None without one. Raises
    InputError if another run is writing there, or if one that was started with other settings is to be resumed.
    """

    def __init__(self, primary: Path | None, asked: dict[str, Any], suffix: str | None, resume: bool):
        self._suffix = suffix
        self._place = Temporary(PREFIX) if primary is None else _kept(primary.with_name(f"{primary.name}.parts"))
        self.folder = self._place.path
        self.log, self.finds, self._card = (self.folder / n for n in ("frames.jsonl", "finds.jsonl", CARD))
        self.resumed = resume and self._card.is_file()
        if self.resumed:
            self._check(asked)
        else:
            for path in _files(self.folder):
                path.unlink()
        self._card.write_text(json.dumps(asked, indent=1) + "\n", "utf-8")

    def done(self) -> Done:
        """How far the run came: the frames in the log and, if there is one, also in the video."""
        if self._suffix is None:
            return _counted(self, None, [])
        segments = [(path, count_frames(path)) for path in sorted(self.folder.glob(f"film-*{self._suffix}"))]
        for path, count in segments:
            if not count:
                path.unlink()
        segments = [segment for segment in segments if segment[1]]
        return _counted(self, sum(count for _, count in segments), segments)

    def next_segment(self) -> Path:
        """A free name for a video segment."""
        taken = len(list(self.folder.glob(f"film-*{self._suffix}")))
        return self.folder / f"film-{taken:03}{self._suffix}"

    def close(self, keep: bool) -> None:
        """End the run. keep: what was done stays, if a frame was, so that the run can be resumed."""
        begun = any(log.exists() and log.stat().st_size for log in (self.log, self.finds))
        if isinstance(self._place, Kept) and not (keep and begun):
            self._place.remove()
        else:
            self._place.close()

    def _check(self, asked: dict[str, Any]) -> None:
        try:
            before = json.loads(self._card.read_text("utf-8"))
        except ValueError:
            before = {}
        changed = changed_settings(before, asked)
        if changed:
            self._place.close()
            raise InputError(
                f"Expected --resume with the settings that the run in {self.folder} was started with, got another "
                f"{', '.join(changed)}. "
                "Omit --resume to start afresh."
            )


def _kept(folder: Path) -> Kept:
    """The folder for unfinished work, of this run alone. Raises InputError if it holds anything else."""
    if folder.is_dir() and not (folder / CARD).is_file() and _files(folder):
        raise InputError(f"Expected {folder} to be free for unfinished work, got a folder with other files.")
    return Kept(folder)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != LOCK]


def _counted(job: Job, limit: int | None, segments: list[tuple[Path, int]]) -> Done:
    done = Done()
    starts = {}
    first = 0
    for path, count in segments:
        starts[first] = path
        first += count
    for line in read_log(job.log):
        if done.frames == limit:
            break
        if done.frames in starts:
            done.parts.append((starts[done.frames], line.time_s))
        _take(done, line)
    if limit is not None and done.frames < limit:
        raise InputError(
            f"Expected a log as long as the video in {job.folder}, got a shorter one: run without --resume."
        )
    return done


def _take(done: Done, line: LogLine) -> None:
    done.frames += 1
    done.time_s, done.shot = line.time_s, line.shot
