"""The film and the table that run while the window is live: at most one of each, begun and ended in the engine's threads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from emojimation.apps.desktop.files import Recorder, Table, reason
from emojimation.apps.desktop.painter import Painter
from emojimation.live import LiveResult


class Outputs:
    """Writes what is drawn and what is answered.

    told: what to tell the person (text, kind, path). changed: keyword arguments `recording` or `logging` when they change.
    """

    def __init__(self, painter: Painter, told: Callable[..., None], changed: Callable[..., Any]) -> None:
        self._painter, self._told, self._changed = painter, told, changed
        self._recorder: Recorder | None = None
        self._table: Table | None = None

    def record(self, folder: Path) -> None:
        """Begin a film, or end the one that runs. Raises InputError where it cannot be written."""
        if self._recorder is not None:
            return self.stop_recording()
        self._recorder = Recorder(folder, self._recorded)
        self._painter.on_drawn = self._recorder.write
        return self._changed(recording=True)

    def stop_recording(self) -> None:
        """End the film if one runs; the rest is done by its thread."""
        self._painter.on_drawn = None
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()

    def log(self, folder: Path, still: LiveResult | None = None) -> None:
        """Begin a table, or end the one that runs. still: a photo's answers, which are all that comes."""
        if self._table is not None:
            return self.stop_log()
        table = Table(folder)
        if still is not None:
            table.write(still)
            table.close()
            return self._told(f"Saved {table.path.name}", "saved", table.path)
        self._table = table
        return self._changed(logging=True)

    def stop_log(self) -> None:
        """End the table if one runs."""
        table, self._table = self._table, None
        if table is not None:
            table.close()
            self._changed(logging=False)
            self._told(f"Saved {table.path.name} ({table.rows} rows)", "saved", table.path)

    def write(self, result: LiveResult) -> None:
        """Add a result to the table if one runs; where the disk is full, end it and tell."""
        table = self._table
        if table is None:
            return
        try:
            table.write(result)
        except OSError as error:
            self._table = None
            table.close()
            self._changed(logging=False)
            self._told(
                f"The table ended: {reason(error)}; {table.path.name} holds what came before", "error", table.path
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

    def _recorded(self, path: Path | None, wrong: str | None) -> None:
        self._recorder, self._painter.on_drawn = None, None
        self._changed(recording=False)
        if wrong is None and path is not None:
            self._told(f"Saved {path.name}", "saved", path)
        else:
            kept = f"; {path.name} holds what came before" if path else ""
            self._told(f"The recording ended: {wrong}{kept}", "error", path)
