"""Looking for cameras in a thread, checking what was asked for, and opening a folder in the system's file manager. Knows no Tk."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from emojimation.apps.desktop.actions import SAMPLE_NAMES
from emojimation.errors import InputError


class Cameras:
    """The cameras that were found. found: (name, source) each. changed: set when a search ended, for the reader to clear."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.looking = self.changed = False

    def look(self) -> None:
        """Search in a thread."""
        if not self.looking:
            self.looking = True
            threading.Thread(target=self._look, name="emojimation-cameras", daemon=True).start()

    def _look(self) -> None:
        from emojimation.apps.desktop.sources import cameras

        try:
            self.found = [(choice.name, choice.source) for choice in cameras()]
        finally:
            self.looking, self.changed = False, True


def opener(platform: str = sys.platform) -> str | None:
    """The program that opens a folder; "" on Windows, which does it itself; None where there is none."""
    if platform == "win32":
        return ""
    return shutil.which("open" if platform == "darwin" else "xdg-open")


def reveal(folder: Path) -> str | None:
    """Open a folder; what went wrong, or None."""
    program = opener()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if program is None:
            return f"Files are in {folder}"
        if program:
            subprocess.Popen([program, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            os.startfile(folder)  # type: ignore[attr-defined]
    except OSError as error:
        return f"Cannot open {folder}: {error.strerror}"
    return None


def check(source: str) -> None:
    """Raises InputError for a file that is not there, before anything is opened."""
    named = source in SAMPLE_NAMES or source.startswith("synthetic") or "://" in source or source.isdecimal()
    if not named and not any(mark in source for mark in "*?[") and not Path(source).exists():
        raise InputError(
            f"Expected a camera number, a photo, a film, an address or sample, got {source}, which does not exist."
        )
