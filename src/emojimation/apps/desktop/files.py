"""What the window writes: a picture, a film of what is shown, a table of the answers. All off Tk's thread."""

import csv
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.apps.desktop.settings import new_file
from emojimation.errors import InputError
from emojimation.live import LiveResult
from emojimation.rows import COLUMNS, face_row, flat_row

WAITING = 12  # frames that may wait for the encoder; later ones are left out


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
    """A film (H.264, MP4) that grows in a thread of its own.

    done: called from that thread with the path and None, or with the path (None if nothing could be kept) and what went
    wrong. Raises InputError at once where the folder cannot be written or PyAV is missing.
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
        self._ending = self._hurry = False
        self._thread = threading.Thread(target=self._run, name="emojimation-recorder", daemon=True)
        self._thread.start()

    def write(self, image: np.ndarray, now_s: float) -> None:
        """Hand over a (H,W,3) BGR uint8 picture that is not changed afterwards; returns at once."""
        if self._ending:
            return
        self._began_s = now_s if self._began_s is None else self._began_s
        try:
            self._frames.put_nowait((image, now_s - self._began_s))
        except queue.Full:
            self.left_out += 1

    def stop(self, hurry: bool = False, timeout_s: float | None = 0.0) -> None:
        """End the film. hurry: leave it as it grew, which plays as well, instead of putting its index in front."""
        self._hurry = self._hurry or hurry
        if not self._ending:
            self._ending = True
            self._frames.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        wrong: str | None = None
        try:
            self._encode()
        except Exception as error:
            wrong = reason(error)
        self._ending = True
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
        """Make the film from what was written, whether that ended well or not."""
        from emojimation.video.writer import beside, count_frames, join

        if not self._part.exists() or (wrong and not count_frames(self._part)) or not self.frames:
            self._part.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            return None, wrong or "nothing was shown while it ran"
        try:
            if wrong or self._hurry:
                os.replace(self._part, self.path)
            else:
                join([(self._part, 0.0)], self.path)
                self._part.unlink()
        except Exception as error:  # no room for the copy: what grew is a film too
            wrong = reason(error)
            beside(self.path).unlink(missing_ok=True)
            os.replace(self._part, self.path)
        return self.path, wrong


class Table:
    """A CSV with a row per face and analysed frame, written line by line. Called from the analysing thread."""

    def __init__(self, folder: Path) -> None:
        self.path, self.rows = new_file(folder, ".csv"), 0
        self._file = self.path.open("w", encoding="utf-8", newline="", buffering=1)
        self._writer = csv.DictWriter(self._file, list(COLUMNS), lineterminator="\n")
        self._writer.writeheader()
        self._lock = threading.Lock()

    def write(self, result: LiveResult) -> None:
        """Add a frame's faces. Raises OSError for a full disk."""
        rows: list[dict[str, Any]] = [
            flat_row(face_row(result.index, result.time_s, face.to_dict())) for face in result.faces
        ]
        with self._lock:
            if not self._file.closed:
                self._writer.writerows(rows)
                self.rows += len(rows)

    def close(self) -> None:
        """End the table."""
        with self._lock, suppress(OSError):  # a full disk: the rows before are in the file
            self._file.close()


def reason(error: BaseException) -> str:
    """An error in one line for a person."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return " ".join(str(error).split()) or type(error).__name__
