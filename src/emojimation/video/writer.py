"""Frames into a video: a segment that stays readable while it grows, then one file that browsers play, with sound.

Frames first go into a fragmented file: killed at any moment, all but the last seconds can be read. `join` copies one
or more such segments, without re-encoding, into the final video (MP4 with its index in front, or WebM),
together with the sound of the source.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.files import whole
from emojimation.video.reader import ASSUMED_FPS, load_av, open_container
from emojimation.video.sound import Sound, Track, added, packets_of, tracks_of

CODECS = {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9"}
OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "crf": "32", "b": "0", "row-mt": "1"},
}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
TICKS = 90000  # a second
KEY_FRAME_S = 2.0
AHEAD_S = 0.5  # how far sound may run ahead of the images in the file


class Segment:
    """A video file without sound that grows frame by frame. The first frame determines the size.

    path: .mp4 (H.264) or .webm (VP9). fps: what the encoder plans with; times are those of `write`. pixel_aspect: width
    of a pixel over its height. Odd sizes get one more row or column; frames of another size are fitted with black bars.
    Raises InputError for another suffix, OSError if the disk is full.
    """

    def __init__(self, path: Path, fps: float | None = None, pixel_aspect: Fraction = Fraction(1)):
        self._av = load_av()
        self.path, self.frames = path, 0
        self._fps, self._aspect = Fraction(fps or ASSUMED_FPS).limit_denominator(1001), pixel_aspect
        self._codec = codec_of(path)
        options = FRAGMENTED if self._codec == "libx264" else {"flush_packets": "1"}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = self._av.open(f"file:{path}", "w", format=_format_of(path), options=options)
        self._stream: Any = None
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        ways = self._av.video.reformatter.Interpolation
        self._rounding = (
            ways.BILINEAR | ways.ACCURATE_RND
        )  # without it everything becomes darker by one level, and pinkish
        self._last = -1

    def write(self, image: np.ndarray, time_s: float) -> None:
        """Add a (H,W,3) BGR uint8 frame that is shown from `time_s` on, seconds from the video's start."""
        if self._stream is None:
            self._stream = self._start(image.shape[1], image.shape[0])
        frame = self._av.VideoFrame.from_ndarray(self._fitted(image), format="bgr24")
        frame = self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=self._matrix(),
            dst_color_range=1,
            interpolation=self._rounding,
            threads=1,
        )
        self._last = max(self._last + 1, round(time_s * TICKS))
        frame.pts, frame.time_base = self._last, Fraction(1, TICKS)
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Flush the encoder and end the file, which is then valid."""
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _start(self, width: int, height: int) -> Any:
        stream = self._container.add_stream(self._codec, rate=self._fps, options=OPTIONS[self._codec])
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, TICKS)
        context.gop_size = max(1, round(KEY_FRAME_S * self._fps))
        if self._aspect != 1:
            context.sample_aspect_ratio = self._aspect
        # Tell the player by which matrix colours were converted; the numbers are ITU-T H.273's.
        context.colorspace = context.color_primaries = context.color_trc = 1 if self._matrix_is_709(height) else 6
        context.color_range = 1
        return stream

    def _matrix(self) -> int:
        return 1 if self._matrix_is_709(self._stream.height) else 5

    @staticmethod
    def _matrix_is_709(height: int) -> bool:
        return height >= 720

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        width, height = self._stream.width, self._stream.height
        if image.shape[:2] == (height, width):
            return np.ascontiguousarray(image)
        if abs(image.shape[0] - height) <= 1 and abs(image.shape[1] - width) <= 1:
            more = (0, max(0, height - image.shape[0]), 0, max(0, width - image.shape[1]))
            return np.ascontiguousarray(cv2.copyMakeBorder(image, *more, cv2.BORDER_REPLICATE)[:height, :width])
        return letterboxed(image, width, height)


def notes_on(shape: tuple[int, ...]) -> list[str]:
    """Remarks for people about a video of frames of that (H,W) shape."""
    height, width = shape[:2]
    if not (height % 2 or width % 2):
        return []
    even = f"{width + width % 2} x {height + height % 2}"
    return [f"the frames of {width} x {height} pixels are padded to {even}: video needs even sizes"]


def letterboxed(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image (H,W,3) scaled into (height,width,3), shape kept, black around."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(image, size, interpolation=way)
    return canvas


def codec_of(path: Path) -> str:
    """The encoder for a video of that name. Raises InputError for a suffix that is not written."""
    if path.suffix.lower() not in CODECS:
        raise InputError(f"Expected a video file ending in {', '.join(CODECS)}, got {path}. Choose one of these.")
    return CODECS[path.suffix.lower()]


def _format_of(path: Path) -> str:
    return "webm" if codec_of(path) == "libvpx-vp9" else "mp4"


def count_frames(path: Path) -> int:
    """How many frames of a possibly truncated segment can be read."""
    av = load_av()
    try:
        with open_container(path) as container:
            return sum(1 for packet in packets_of(container, container.streams.video[0]) if packet.size)
    except (InputError, IndexError, av.error.FFmpegError):
        return 0


def join(
    segments: Sequence[tuple[Path, float]],
    target: Path,
    sound: Sound | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """Copy the frames of the segments, one after the other, and the sound into `target`; nothing is encoded twice.

    segments: each file with the time in seconds of its first frame (a fragmented file forgets it). tags: the video's
    metadata; nothing else of the source's is kept. Sound that the container cannot hold is encoded as AAC or
    Opus. `target` appears complete: it is written next to it and renamed. Raises OSError for a full disk.
    """
    av = load_av()
    kind = _format_of(target)
    flags = {"movflags": "+faststart"} if kind == "mp4" else {}
    # An exception leaves nothing: half of a video without its index helps nobody, and the disk may be full.
    with whole(target) as part, av.open(f"file:{part}", "w", format=kind, options=flags) as out:
        out.metadata.update(tags or {})
        with open_container(segments[0][0]) as first:
            stream = added(out, first.streams.video[0])
        tracks = tracks_of(out, sound, kind) if sound else []
        for packet in _pictures(segments):
            packet.stream = stream
            _mux_until(out, tracks, float(packet.dts * packet.time_base) + AHEAD_S)
            out.mux(packet)
        _mux_until(out, tracks, float("inf"))


def tags_of(path: Path) -> dict[str, str]:
    """The metadata of a file, its container's own marks left out."""
    own = ("major_brand", "minor_version", "compatible_brands", "encoder")
    with open_container(path) as container:
        return {key: value for key, value in container.metadata.items() if key.lower() not in own}


def _pictures(segments: Sequence[tuple[Path, float]]) -> Iterator[Any]:
    last = None
    for segment, start_s in segments:
        with open_container(segment) as container:
            shift = None
            for packet in packets_of(container, container.streams.video[0]):
                if shift is None:  # the first packet is a key frame, and the first to be shown
                    shift = round(start_s / packet.time_base) - packet.pts
                packet.pts += shift
                # Decoding begins a little before the first image is due, which may be within the last segment.
                packet.dts = packet.dts + shift if last is None else max(packet.dts + shift, last + 1)
                last = packet.dts
                yield packet


def _mux_until(out: Any, tracks: list[Track], time_s: float) -> None:
    for track in tracks:
        while track.next_s is not None and track.next_s <= time_s:
            out.mux(track.pop())
        if track.next_s is None:
            track.close()
