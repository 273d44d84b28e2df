"""Anything given as a video (a file, a folder of images, a camera, an address) as a source of frames."""

import re
from collections.abc import Iterator
from pathlib import Path

from emojimation.errors import InputError
from emojimation.files import copies_words, skipped_words
from emojimation.media import SUFFIXES, read_image, search_images
from emojimation.video.camera import Camera, Stream
from emojimation.video.reader import ASSUMED_FPS, Frame, Info, Source, VideoFile, open_container
from emojimation.video.scene import crowd

_MOVING = (".gif", ".webp", ".png", ".apng", ".avif")
_SYNTHETIC = re.compile(r"synthetic(?::(\d+(?:\.\d+)?)(?:x(\d+))?)?")


class Pictures:
    """Image files, sorted by name, as a video of `fps` frames per second.

    Broken ones are skipped and noted, as are the folder's other files.
    """

    def __init__(self, path: str | Path, fps: float = ASSUMED_FPS, start_s: float = 0.0, end_s: float | None = None):
        found = search_images([path])
        self._paths = found.pictures
        self._fps, self._start_s, self._end_s = fps, start_s, end_s
        self.notes = [skipped_words([one.name for one in found.skipped])] if found.skipped else []
        self.notes += [copies_words([one.name for one in found.copies])] if found.copies else []
        self.notes += found.failed.values()
        self._unread = len(found.failed)
        self.info = Info(name=str(path), fps=fps, duration_s=len(self._paths) / fps)

    @property
    def incomplete(self) -> str | None:
        """What could not be read so far; None if nothing."""
        return f"{self._unread} of the images or folders could not be read" if self._unread else None

    def close(self) -> None:
        """Nothing to free."""

    def __iter__(self) -> Iterator[Frame]:
        count = 0
        for number, path in enumerate(self._paths):
            time_s = number / self._fps
            if time_s < self._start_s - 1e-6 or (self._end_s is not None and time_s >= self._end_s):
                continue
            try:
                image = read_image(path).frame
            except InputError as error:
                self.notes.append(str(error))
                self._unread += 1
                continue
            yield Frame(image, time_s, count)
            count += 1
        if not count:
            raise InputError(f"Expected images, got {self.info.name}, of which none can be read.")


def open_source(
    source: str | int | Path, start_s: float = 0.0, end_s: float | None = None, fps: float | None = None
) -> Source:
    """The source that `source` names.

    A number or a string of digits is a camera; `http(s)://...` a video file where it has a length, else, as any other
    `scheme://...`, a network stream; a folder, a glob or an image a sequence (of `fps` frames a second, 25 if not
    given); `synthetic`, `synthetic:SECONDS` or `synthetic:SECONDSxFACES` a made-up video; anything else a video file.
    start_s, end_s: the part to read, in seconds, of what has a length.
    """
    text = str(source)
    made_up = _SYNTHETIC.fullmatch(text)
    if fps is not None and not (made_up or _is_sequence(Path(text))):
        raise InputError(f"Expected a folder of images together with --fps, got {text}. Omit --fps.")
    if text.isdecimal():
        return _whole(Camera(int(text)), start_s, end_s)
    if re.match("https?://", text):
        file = _remote_file(text, start_s, end_s)
        if file is not None:
            return file
    if "://" in text:
        return _whole(Stream(text), start_s, end_s)
    if made_up and not Path(text).exists():
        scene = crowd(int(made_up[2] or 1), fps=fps or 30.0, seconds=float(made_up[1] or 10))
        scene.start_s, scene.end_s = start_s, scene.end_s if end_s is None else end_s
        return scene
    if _is_sequence(Path(text)):
        return Pictures(text, fps or ASSUMED_FPS, start_s, end_s)
    return VideoFile(text, start_s, end_s)


def _remote_file(url: str, start_s: float, end_s: float | None) -> VideoFile | None:
    """The video behind an address, None for a live stream: that has no length, or is a playlist of pieces."""
    container = open_container(url)
    try:
        live = not container.duration or container.duration < 0 or "hls" in container.format.name
    finally:
        container.close()
    return None if live else VideoFile(url, start_s, end_s)


def _whole(source: Source, start_s: float, end_s: float | None) -> Source:
    if start_s or end_s is not None:
        source.close()
        raise InputError(f"Expected no --start and --end for {source.info.name}, which is not seekable. Omit them.")
    return source


def _is_sequence(path: Path) -> bool:
    if path.is_dir():
        return True
    if not path.exists():
        return any(mark in str(path) for mark in "*?[")
    return path.suffix.lower() in SUFFIXES - set(_MOVING)
