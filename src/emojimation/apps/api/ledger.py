"""The service's video jobs in a file, so that they survive a restart: a row each, written whenever one changes."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.video.run import Options, VideoResult
from emojimation.videojobs import VideoJob

PLAIN = ("id", "name", "prior", "owner", "measures", "tries", "state", "kinds", "frames", "error")
OUTCOME = ("notes", "hiding", "prior", "base_rates")  # of the result, what responses tell
ASKED = ("style", "character", "hide", "every", "strength", "reidentify")  # of the options, what callers choose


class Ledger:
    """The jobs of one service in an SQLite file. Raises InputError if it cannot be read."""

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, job TEXT NOT NULL)")
        except sqlite3.Error as error:
            raise InputError(f"Expected a ledger of jobs, got {path} ({error}). Move it away.") from error

    def save(self, job: VideoJob) -> None:
        """Write a job as it is now."""
        text = json.dumps(_row(job))
        with self._lock:
            self._file.execute(
                "INSERT INTO jobs VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET job = excluded.job", (job.id, text)
            )

    def forget(self, job: VideoJob) -> None:
        """Delete a job."""
        with self._lock:
            self._file.execute("DELETE FROM jobs WHERE id = ?", (job.id,))

    def rows(self) -> Iterator[dict[str, Any]]:
        """What `restored` takes, oldest first."""
        with self._lock:
            texts = self._file.execute("SELECT job FROM jobs ORDER BY rowid").fetchall()
        yield from (json.loads(text) for (text,) in texts)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def _row(job: VideoJob) -> dict[str, Any]:
    row = {name: getattr(job, name) for name in PLAIN}
    options = {name: getattr(job.options, name) for name in ASKED}
    result = job.result if job.state == "done" else None
    outcome = {} if result is None else {name: getattr(result, name) for name in OUTCOME}
    return row | {"options": options, "ended_at": time.time() if job.over else None, "outcome": outcome}


def restored(row: dict[str, Any], folder: Path, workers: int) -> VideoJob:
    """The job of a row, its files below `folder`; one that was interrupted is queued again. Its pipeline is to be set
    by the caller."""
    place = folder / row["id"]
    job = VideoJob(
        row["id"],
        row["name"],
        place,
        next(iter(sorted(place.glob("source*"))), place / "source"),
        Options(**row["options"], workers=workers),
        tuple(row["kinds"]),
        prior=row["prior"],
        owner=row["owner"],
        measures=tuple(row.get("measures", ())),  # which a service of version 0.2 did not write
        tries=row["tries"],
        frames=row["frames"],
        error=row["error"],
    )
    if row["ended_at"] is not None:
        job.state, job.share = row["state"], 1.0 if row["state"] == "done" else None
        job.ended_s = time.monotonic() - (time.time() - row["ended_at"])
        job.result = VideoResult("", row["frames"], **row["outcome"])
    return job
