"""Frames of a video file with the stream's own timestamps, read by PyAV."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.video.tone import HDR_TRANSFERS, ToneMapper

ASSUMED_FPS = 25.0
PLAUSIBLE_FPS = (0.05, 480.0)
# A stream may say that it is longer than its last frame; beyond this it is reported as truncated.
SHORT_S, SHORT_SHARE = 1.0, 0.02
OPEN_S, READ_S = 10.0, 5.0  # how long a server may be silent
SEEK_BACK_S = 0.5  # some demuxers land a little late
UNTOLD = 2  # colour matrix "unspecified", ITU-T H.273
HD_HEIGHT_PX = 720  # from here up, unspecified colour is BT.709, below it BT.601
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a video. image: (H,W,3) BGR uint8, upright. time_s: seconds since the video's start.
    index: number of the frame, counted from 0 at the first that the source gave. shot: see `shots.numbered`.
    """

    image: np.ndarray
    time_s: float
    index: int
    shot: int = 1


@dataclass(frozen=True, slots=True)
class Info:
    """What a source reports before a frame is read.

    name: as a person would call it. fps: mean frame rate, None if unknown. duration_s: None for what has no end. live:
    cannot be read twice. pixel_aspect: width of a pixel over its height. has_audio: there is sound to copy.
    """

    name: str
    fps: float | None = None
    duration_s: float | None = None
    live: bool = False
    pixel_aspect: Fraction = Fraction(1)
    has_audio: bool = False


class Source(Protocol):
    """Anything that yields frames: iterate once, then close. notes grow while it is read."""

    info: Info
    notes: list[str]

    def __iter__(self) -> Iterator[Frame]: ...
    def close(self) -> None: ...


class SourceLostError(InputError):
    """A source that gave frames gives no more, though it has not ended."""


def load_av() -> Any:
    """The module PyAV. Raises InputError with what to install where it is missing."""
    need("video", "av")
    # Its log stays off, as it is by default: with it on, FFmpeg's threads wait for Python's lock and can hang.
    import av

    return av


@dataclass(slots=True)
class _Clock:
    """Presentation times that always rise, with a guess for frames that have none."""

    step_s: float
    last_s: float = -1.0
    guessed: int = 0
    mended: int = 0

    def of(self, time_s: float | None) -> float:
        if time_s is None:
            self.guessed += 1
            time_s = self.last_s + self.step_s if self.last_s >= 0 else 0.0
        if time_s <= self.last_s:
            self.mended += 1
            time_s = self.last_s + self.step_s / 8
        self.last_s = max(time_s, 0.0)
        return self.last_s


@dataclass(slots=True)
class _Counts:
    frames: int = 0
    damaged: int = 0
    sizes: set[tuple[int, int]] = field(default_factory=set)


class VideoFile:
    """A video file, read from `start_s` to `end_s`; iterate over `Frame`s, upright, in 8 bits.

    Rotation of the container is applied, HDR (PQ, HLG) is tone-mapped, transparency is composited on white, damaged
    packets are skipped and reported in `notes`. Times are the stream's, counted from the container's start, whatever
    `start_s` is. Raises InputError for a file that is missing, empty, not a video, or without one frame that can be
    decoded.
    """

    def __init__(self, path: str | Path, start_s: float = 0.0, end_s: float | None = None):
        self._av = load_av()
        self.path, self.start_s, self.end_s = path if is_address(path) else Path(path), start_s, end_s
        self.notes: list[str] = []
        self.incomplete: str | None = None
        self._container = open_container(self.path)
        try:
            self._stream = _picture_stream(self._container, self.path)
            self.info = self._read_info()
            self._check_range()
        except InputError:
            self.close()
            raise
        self._stream.thread_type = "AUTO"
        self._tone, self._bgr = ToneMapper(self._av), Converter(self._av)

    def close(self) -> None:
        """Close the file; frames already given stay valid."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        clock, counts = _Clock(1 / (self.info.fps or ASSUMED_FPS)), _Counts()
        if self.start_s > 0:
            self._seek()
        for raw in self._raw_frames(counts):
            time_s = clock.of(self._time_of(raw))
            if self.end_s is not None and time_s >= self.end_s:
                break
            if time_s < self.start_s - 1e-6:
                continue
            image = self._image(raw)
            counts.sizes.add((image.shape[1], image.shape[0]))
            yield Frame(image, time_s, counts.frames)
            counts.frames += 1
        self._tell(clock, counts)

    def _raw_frames(self, counts: _Counts) -> Iterator[Any]:
        errors = self._av.error
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except errors.FFmpegError:  # damage, or a server that has gone silent
                counts.damaged += 1
                packet = None
            try:
                yield from self._stream.decode(packet)
            except errors.EOFError:
                return
            except errors.FFmpegError:
                counts.damaged += 1
            if packet is None or (packet.dts is None and packet.size == 0):
                return

    def _seek(self) -> None:
        begin = self._container.start_time or 0
        target = begin + int(max(0.0, self.start_s - SEEK_BACK_S) * self._av.time_base)
        try:
            self._container.seek(target)
        except self._av.error.FFmpegError:
            self.notes.append("the file is not seekable: it was read from its start")

    def _time_of(self, raw: Any) -> float | None:
        if raw.pts is None or raw.time_base is None:
            return None
        return float(raw.pts * raw.time_base) - (self._container.start_time or 0) / self._av.time_base

    def _image(self, raw: Any) -> np.ndarray:
        turn = _TURNS.get(raw.rotation % 360)
        image = self._tone(raw) if int(raw.color_trc) in HDR_TRANSFERS else self._bgr(raw)
        return image if turn is None else np.ascontiguousarray(cv2.rotate(image, turn))

    def _read_info(self) -> Info:
        stream = self._stream
        fps = next((float(r) for r in (stream.average_rate, stream.guessed_rate) if r and _plausible(float(r))), None)
        duration = self._container.duration
        seconds = None if not duration or duration < 0 else duration / self._av.time_base
        aspect = stream.sample_aspect_ratio
        return Info(
            name=self.path.name if isinstance(self.path, Path) else without_password(self.path),
            fps=fps,
            duration_s=seconds,
            pixel_aspect=Fraction(aspect) if aspect else Fraction(1),
            has_audio=bool(self._container.streams.audio),
        )

    def _check_range(self) -> None:
        if self.end_s is not None and self.end_s <= self.start_s:
            raise InputError(f"Expected an end after the start ({self.start_s:g} s), got {self.end_s:g} s.")
        length = self.info.duration_s
        if length is not None and self.start_s >= length:
            raise InputError(f"Expected a start before the video's end ({length:.2f} s), got {self.start_s:g} s.")

    def _tell(self, clock: _Clock, counts: _Counts) -> None:
        """Raise if there was no frame, note anything unusual."""
        if not counts.frames:
            raise InputError(f"Expected a video, got {self.path}, of which no frame can be decoded.")
        if clock.guessed:
            rate = f"{self.info.fps:g}" if self.info.fps else f"no frame rate, {ASSUMED_FPS:g} assumed"
            self.notes.append(f"{clock.guessed} frames without a time: filled in by the frame rate ({rate})")
        if clock.mended:
            self.notes.append(f"{clock.mended} frames with a time that went backwards: corrected")
        if counts.damaged:
            self.notes.append(f"{counts.damaged} damaged packets were skipped")
        if len(counts.sizes) > 1:
            self.notes.append("the frame size changes: " + ", ".join(f"{w}x{h}" for w, h in sorted(counts.sizes)))
        self._tell_short(clock)

    def _tell_short(self, clock: _Clock) -> None:
        length = self._stream.duration and float(self._stream.duration * self._stream.time_base)
        length = length or self.info.duration_s
        if length is None or self.end_s is not None:
            return
        reached = clock.last_s + clock.step_s
        if length - reached > max(SHORT_S, SHORT_SHARE * length):
            self.incomplete = f"the file is truncated: {reached:.1f} s of {length:.1f} s could be read"
            self.notes.append(self.incomplete)


def is_address(path: str | Path) -> bool:
    """Whether a path is an address on the network."""
    return isinstance(path, str) and "://" in path


def open_input(file: str, **how: Any) -> Any:
    """PyAV's container of a file or address; tags in an unknown encoding do not prevent it. how: for `av.open`."""
    av = load_av()
    # From PyAV 19 on that is always so, and the option is gone.
    lenient = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
    return av.open(file, **lenient, **how)


def open_container(path: str | Path) -> Any:
    """The opened PyAV container of a file, local or over HTTP. Raises InputError if missing or not a video."""
    return _open_remote(str(path)) if is_address(path) else _open_local(Path(path))


def _open_remote(url: str) -> Any:
    av = load_av()
    try:
        # The server's ranges are used to seek; a playlist must not make us open files on this machine.
        options = {"protocol_whitelist": "http,https,tcp,tls,crypto"}
        return open_input(url, options=options, timeout=(OPEN_S, READ_S))
    except av.error.FFmpegError as error:
        name = without_password(url)
        raise InputError(f"Expected a video, got {name}, which cannot be opened ({error.strerror}).") from error


def _open_local(path: Path) -> Any:
    av = load_av()
    if path.is_dir():
        raise InputError(f"Expected a video file, got the folder {path}.")
    if not path.exists():
        raise InputError(f"Expected a video, got {path}, which does not exist. Check the spelling.")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"Expected a video, got {path}, which is empty (0 bytes).")
    try:
        # A playlist must not make us open what it names elsewhere, least of all on the network.
        return open_input(f"file:{path}", options={"protocol_whitelist": "file"})
    except av.error.FFmpegError as error:
        raise InputError(
            f"Expected a video, got {path}, which is not one, or lacks its index because the recording was cut off "
            f"({error.strerror})."
        ) from error


def _picture_stream(container: Any, path: str | Path) -> Any:
    """The first video stream; cover art in an audio file does not count."""
    still = load_av().stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if streams and streams[0].codec_context is None:
        raise InputError(f"Expected a video in a known codec, got {path}, whose codec this PyAV cannot decode.")
    if streams:
        return streams[0]
    what = "only sound" if container.streams.audio else "no images"
    raise InputError(f"Expected a video, got {path}, which holds {what}.")


def _plausible(fps: float) -> bool:
    return PLAUSIBLE_FPS[0] <= fps <= PLAUSIBLE_FPS[1]


class Converter:
    """Turns decoded frames of any pixel format into (H,W,3) BGR uint8, by their own colour matrix; transparency on
    white.

    One converter belongs to one stream: it keeps its tables from frame to frame.
    """

    def __init__(self, av: Any):
        self._matrices = av.video.reformatter.Colorspace
        self._reformatter = av.video.reformatter.VideoReformatter()

    def __call__(self, raw: Any) -> np.ndarray:
        if not any(component.is_alpha for component in raw.format.components):
            return self._converted(raw, "bgr24")
        pixels = self._converted(raw, "bgra")
        alpha = cv2.cvtColor(pixels[..., 3], cv2.COLOR_GRAY2BGR)
        drawn = cv2.multiply(np.ascontiguousarray(pixels[..., :3]), alpha, scale=1 / 255)
        return cv2.add(drawn, 255 - alpha)

    def _converted(self, raw: Any, kind: str) -> np.ndarray:
        matrix = self._matrices.ITU709 if raw.height >= HD_HEIGHT_PX else self._matrices.ITU601
        given = {"src_colorspace": matrix} if int(raw.colorspace) == UNTOLD else {}
        # One thread: starting more for each frame costs more than it saves.
        return self._reformatter.reformat(raw, format=kind, threads=1, **given).to_ndarray()


def without_password(url: str) -> str:
    """The address without the name and password that it may hold, for messages and rows."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
