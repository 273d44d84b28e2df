"""What the window saves: snapshots (PNG), recordings (MP4), tables of predictions (CSV). All outside Tk's thread."""

import csv
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.apps.desktop.painter import Painter
from emojimation.apps.desktop.settings import new_file
from emojimation.errors import InputError
from emojimation.live import LiveResult
from emojimation.priors import of_photos
from emojimation.story.rows import columns_for, csv_cells, face_row, flat_row

WAITING = 12  # frames that may wait for the encoder; further ones are dropped


def snapshot(folder: Path, image: np.ndarray) -> Path:
    """Write (H,W,3) BGR uint8 as a new PNG. Raises InputError."""
    from emojimation.media import write_image

    path = new_file(folder, ".png")
    try:
        return write_image(path, image)
    except InputError:
        path.unlink(missing_ok=True)
        raise


class Recorder:
    """A recording (H.264, MP4) that is written in a thread of its own.

    done: called from that thread with the path and None, or with the path (None if nothing could be kept) and the
    error. ended: no more frames are taken. Raises InputError immediately if the folder is not writable or PyAV is
    missing.
    """

    def __init__(self, folder: Path, done: Callable[[Path | None, str | None], None], fps: float = 30.0) -> None:
        from emojimation.video.reader import load_av

        load_av()
        self.path = new_file(folder, ".mp4")
        self.frames = self.left_out = 0
        self._part = self.path.with_name(f"{self.path.stem}.growing.mp4")
        self._done, self._fps = done, fps
        self._frames: queue.Queue[tuple[np.ndarray, float] | None] = queue.Queue(WAITING)
        self._began_s: float | None = None
        self.ended = self._hurry = False
        self._thread = threading.Thread(target=self._run, name="emojimation-recorder", daemon=True)
        self._thread.start()

    def write(self, image: np.ndarray, now_s: float) -> None:
        """Hand over a (H,W,3) BGR uint8 image that is not changed afterwards; returns immediately."""
        if self.ended:
            return
        self._began_s = now_s if self._began_s is None else self._began_s
        try:
            self._frames.put_nowait((image, now_s - self._began_s))
        except queue.Full:
            self.left_out += 1

    def stop(self, hurry: bool = False, timeout_s: float | None = 0.0) -> None:
        """End the recording. hurry: keep it fragmented, which also plays, instead of moving its index to the front."""
        self._hurry = self._hurry or hurry
        if not self.ended:
            self.ended = True
            self._put_end()
        self._thread.join(timeout_s)

    def _put_end(self) -> None:
        """Ask the thread to end, without waiting for a hanging disk: a waiting frame is dropped."""
        while True:
            try:
                return self._frames.put_nowait(None)
            except queue.Full:
                with suppress(queue.Empty):
                    self._frames.get_nowait()
                    self.left_out += 1

    def _run(self) -> None:
        wrong: str | None = None
        try:
            self._encode()
        except Exception as error:
            wrong = reason(error)
        self.ended = True
        self._done(*self._kept(wrong))

    def _encode(self) -> None:
        from emojimation.video.writer import Segment

        segment = Segment(self._part, self._fps)
        try:
            while (item := self._frames.get()) is not None:
                segment.write(*item)
                self.frames += 1
        finally:
            segment.close()

    def _kept(self, wrong: str | None) -> tuple[Path | None, str | None]:
        """Make the recording from what was written, even after an error."""
        from emojimation.video.writer import count_frames, join

        if not self._part.exists() or (wrong and not count_frames(self._part)) or not self.frames:
            self._part.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            return None, wrong or "nothing was on screen while it ran"
        try:
            if wrong or self._hurry:
                os.replace(self._part, self.path)
            else:
                join([(self._part, 0.0)], self.path)
                self._part.unlink()
        except Exception as error:  # no space for the copy: the fragmented file plays too
            wrong = reason(error)
            os.replace(self._part, self.path)
        return self.path, wrong


class Table:
    """A CSV with one row per face and analysed frame, written line by line. Called from the analysing thread.

    prior: name of the base rates, as they were at the start.
    """

    def __init__(self, folder: Path, prior: str) -> None:
        self.path, self.rows, self._prior = new_file(folder, ".csv"), 0, prior
        self._file = self.path.open("w", encoding="utf-8", newline="", buffering=1)
        self._columns: list[str] = []  # known with the first face
        self._lock = threading.Lock()

    def write(self, result: LiveResult) -> None:
        """Add a frame's faces. Raises OSError for a full disk."""
        rows = [face_row(result.index, result.time_s, face.to_dict(), prior=self._prior) for face in result.faces]
        with self._lock:
            if rows and not self._file.closed:
                self._append(rows)
                self.rows += len(rows)

    def _append(self, rows: list[dict[str, Any]]) -> None:
        begun, self._columns = bool(self._columns), self._columns or list(columns_for(rows))
        writer = csv.DictWriter(self._file, self._columns, lineterminator="\n")
        if not begun:
            writer.writeheader()
        writer.writerows(csv_cells(flat_row(row, self._columns)) for row in rows)

    def close(self) -> None:
        """End the table; without a face it is a head alone."""
        with self._lock, suppress(OSError):  # a full disk: earlier rows are in the file
            if not self._columns and not self._file.closed:
                self._append([])
            self._file.close()


class Outputs:
    """The recording and the table in progress: at most one of each.

    notify: called with a message for the person (text, kind, path). changed: called with `recording_s` or `logging`
    when they change.
    """

    def __init__(self, painter: Painter, notify: Callable[..., None], changed: Callable[..., Any]) -> None:
        self._painter, self._notify, self._changed = painter, notify, changed
        self._recorder: Recorder | None = None
        self._films = 0
        self._table: Table | None = None

    def record(self, folder: Path) -> None:
        """Start a recording, or end the current one. Raises InputError if it cannot be written."""
        if self._recorder is not None:
            return self.stop_recording()
        self._films += 1
        recorder = Recorder(folder, partial(self._recorded, self._films))
        self._changed(recording_s=time.monotonic())
        self._recorder, self._painter.on_drawn = recorder, recorder.write
        if recorder.ended:  # it failed immediately
            self._end_of(self._films)
        return None

    def snapshot(self, folder: Path, image: np.ndarray) -> None:
        """Save an image and say so. Raises InputError."""
        path = snapshot(folder, image)
        self._notify(f"Saved {path.name}", "saved", path)

    def stop(self) -> None:
        """End recording and table, because the source has ended."""
        self.stop_recording()
        self.stop_log()

    def stop_recording(self) -> None:
        """End the current recording, if any; its thread does the rest."""
        self._painter.on_drawn = None
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()

    def log(self, folder: Path, still: LiveResult | None = None) -> None:
        """Start a table, or end the current one. still: a photo's predictions, which are all there will be."""
        if self._table is not None:
            return self.stop_log()
        prior = self._painter.settings.prior
        table = Table(folder, prior if still is None else of_photos(prior))
        if still is not None:
            table.write(still)
            table.close()
            return self._notify(f"Saved {table.path.name}", "saved", table.path)
        self._table = table
        return self._changed(logging=True)

    def stop_log(self) -> None:
        """End the current table, if any."""
        table, self._table = self._table, None
        if table is not None:
            table.close()
            self._changed(logging=False)
            self._notify(f"Saved {table.path.name} ({table.rows} rows)", "saved", table.path)

    def write(self, result: LiveResult) -> None:
        """Add a result to the current table, if any; if the disk is full, end it and say so."""
        table = self._table
        if table is None:
            return
        try:
            table.write(result)
        except OSError as error:
            self._table = None
            table.close()
            self._changed(logging=False)
            self._notify(
                f"The table ended: {reason(error)}; {table.path.name} has what came before", "error", table.path
            )

    def close(self, free: Callable[[], None]) -> None:
        """End both in a hurry, calling `free` meanwhile."""
        self._painter.on_drawn = None
        recorder, table = self._recorder, self._table
        if recorder is not None:
            recorder.stop(hurry=True)
        free()
        if recorder is not None:
            recorder.stop(hurry=True, timeout_s=0.8)
        if table is not None:
            table.close()

    def _end_of(self, number: int) -> None:
        """Nothing is recorded any more, unless the next recording started while that one was finalised."""
        if number == self._films:
            self._recorder, self._painter.on_drawn = None, None
            self._changed(recording_s=None)

    def _recorded(self, number: int, path: Path | None, wrong: str | None) -> None:
        self._end_of(number)
        if wrong is None and path is not None:
            self._notify(f"Saved {path.name}", "saved", path)
        else:
            kept = f"; {path.name} has what came before" if path else ""
            self._notify(f"The recording ended: {wrong}{kept}", "error", path)


def reason(error: BaseException) -> str:
    """An error in one line for people."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return " ".join(str(error).split()) or type(error).__name__
