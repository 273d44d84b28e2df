"""Where pictures may come from: the cameras that are there, files, addresses, the sample; and opening one of them."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from emojimation.apps.desktop.actions import SAMPLE_NAMES
from emojimation.apps.desktop.state import fitted
from emojimation.media import SUFFIXES, read_image
from emojimation.video.camera import Camera
from emojimation.video.reader import Frame, Info, Source
from emojimation.video.scene import SAMPLES, crowd
from emojimation.video.source import open_source

PROBED = 4  # camera numbers that are tried where the system has no list


@dataclass(frozen=True, slots=True)
class Choice:
    """A source by the name that a person reads and by the text that `open_choice` takes."""

    name: str
    source: str


def cameras(devices: Path = Path("/sys/class/video4linux"), platform: str = sys.platform) -> list[Choice]:
    """The cameras that are there. On Linux from the kernel's list, elsewhere by trying the first numbers (takes a second)."""
    if not platform.startswith("linux"):
        return [Choice(f"Camera {number}", str(number)) for number in range(PROBED) if _opens(number)]
    found = []
    for device in sorted(devices.glob("video*"), key=lambda path: int(path.name.removeprefix("video") or 0)):
        if _text(device / "index") in ("0", ""):  # the others give a camera's data, not its picture
            number = device.name.removeprefix("video")
            found.append(Choice(_text(device / "name") or f"Camera {number}", number))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _opens(number: int) -> bool:
    capture = cv2.VideoCapture(number)
    try:
        return capture.isOpened()
    finally:
        capture.release()


def is_photo(source: str) -> bool:
    """Whether the source is a single picture."""
    return source == "sample:photo" or (Path(source).suffix.lower() in SUFFIXES - {".gif"} and Path(source).is_file())


def is_camera(source: str) -> bool:
    """Whether the source is a camera's number."""
    return source.isdecimal()


def kind_of(source: str) -> str:
    """ "camera", "film" or "photo"."""
    return "camera" if is_camera(source) else "photo" if is_photo(source) else "film"


def title_of(source: str) -> str:
    """How the window names a source."""
    if is_camera(source):
        return next((choice.name for choice in cameras_quick() if choice.source == source), f"Camera {source}")
    if "://" in source:
        return source.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return SAMPLE_NAMES.get(source) or Path(source).name


def cameras_quick() -> list[Choice]:
    """`cameras` where that takes no time, else nothing."""
    return cameras() if sys.platform.startswith("linux") else []


def open_choice(source: str, size_wh: tuple[int, int]) -> Source:
    """Open a source; pictures of films and streams larger than `size_wh` come smaller. Raises InputError."""
    if source == "sample:photo":
        return Photo(SAMPLES / "group.jpg")
    if source in SAMPLE_NAMES:
        return crowd(5 if source == "sample:5" else 1, seconds=None)
    if is_photo(source):
        return Photo(source)
    if is_camera(source):
        return Camera(int(source), size_wh=size_wh)
    return Smaller(open_source(source), size_wh)


class Photo:
    """One picture as a film of one frame."""

    def __init__(self, path: str | Path) -> None:
        read = read_image(path)
        self.notes, self._frame = list(read.notes), read.frame
        self.info = Info(name=Path(path).name)

    def close(self) -> None:
        """Nothing to free."""

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self._frame, 0.0, 0)


class Smaller:
    """The frames of a source, reduced where they do not fit into `size_wh`."""

    def __init__(self, source: Source, size_wh: tuple[int, int]) -> None:
        self._source, self._size_wh = source, size_wh
        self.info, self.notes = source.info, source.notes

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            height, width = frame.image.shape[:2]
            if width <= self._size_wh[0] and height <= self._size_wh[1]:
                yield frame
            else:
                size = fitted((width, height), self._size_wh)
                yield replace(frame, image=cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA))
