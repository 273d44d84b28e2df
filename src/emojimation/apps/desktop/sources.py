"""What a person can choose: detected cameras, photos, videos, addresses, samples; their kinds and names.

Light to import, because the window needs it before it is visible; `opening` opens the choice. Does not use Tk.
"""

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from emojimation.errors import InputError

SAMPLE_NAMES = {
    "sample": "Sample video",
    "sample:5": "Sample video, five people",
    "sample:photo": "Sample photo",
}
PROBED = 4  # camera numbers to try if the system has no list


@dataclass(frozen=True, slots=True)
class Choice:
    """A camera: its display name, and its number as text."""

    name: str
    source: str


class Cameras:
    """The detected cameras. changed: set when a search has ended, cleared by the reader."""

    def __init__(self) -> None:
        self.found: list[Choice] = []
        self.looking = self.changed = False

    def look(self) -> None:
        """Search in a thread."""
        if not self.looking:
            self.looking = True
            threading.Thread(target=self._look, name="emojimation-cameras", daemon=True).start()

    def _look(self) -> None:
        try:
            self.found = cameras()
        finally:
            self.looking, self.changed = False, True


def cameras(devices: Path = Path("/sys/class/video4linux"), platform: str = sys.platform) -> list[Choice]:
    """The available cameras: on Linux from the kernel's list, elsewhere by trying some numbers (takes a second)."""
    if not platform.startswith("linux"):
        return [Choice(f"Camera {number}", str(number)) for number in range(PROBED) if _opens(number)]
    found = []
    for device in sorted(devices.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        if _text(device / "index") in ("0", ""):  # the others deliver a camera's metadata, not its video
            number = device.name.removeprefix("video")
            found.append(Choice(_text(device / "name") or f"Camera {number}", number))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _opens(number: int) -> bool:
    import cv2

    capture = cv2.VideoCapture(number)
    try:
        return capture.isOpened()
    finally:
        capture.release()


def is_camera(source: str) -> bool:
    """Whether the source is a camera's number."""
    return source.isdecimal()


def is_photo(source: str) -> bool:
    """Whether the source is a single image."""
    from emojimation.media import SUFFIXES

    return source == "sample:photo" or (Path(source).suffix.lower() in SUFFIXES - {".gif"} and Path(source).is_file())


def kind_of(source: str) -> str:
    """ "camera", "video" or "photo"."""
    return "camera" if is_camera(source) else "photo" if is_photo(source) else "film"


def title_of(source: str, found: list[Choice]) -> str:
    """The display name of a source; found: the known cameras. Passwords are removed from addresses."""
    if is_camera(source):
        return next((choice.name for choice in found if choice.source == source), f"Camera {source}")
    if "://" in source:
        return source.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return SAMPLE_NAMES.get(source) or Path(source).name or source


def check(source: str) -> None:
    """Raise InputError for a file that does not exist, before anything is opened."""
    named = source in SAMPLE_NAMES or source.startswith("synthetic") or "://" in source or is_camera(source)
    if not named and not any(mark in source for mark in "*?[") and not Path(source).exists():
        raise InputError(
            f"Expected a camera number, a photo, a video, an address or sample, got {source}, which does not exist."
        )
