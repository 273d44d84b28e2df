"""The sound of a file copied into another, packet by packet, or re-encoded if the container cannot hold it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from emojimation.video.reader import load_av, open_container

# Sound that may be copied into the container as it is; other sound is re-encoded.
COPIED = {"mp4": ("aac", "mp3", "opus", "ac3", "eac3", "alac", "flac"), "webm": ("opus", "vorbis")}
ENCODED = {"mp4": "aac", "webm": "libopus"}


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a file from `start_s` to `end_s` (None: all of it)."""

    path: str | Path
    start_s: float = 0.0
    end_s: float | None = None


class Track:
    """One audio stream on its way into the video; `next_s` is the time of its next packet."""

    def __init__(self, out: Any, sound: Sound, number: int, kind: str):
        self._source = open_container(sound.path)
        source = self._source.streams.audio[number]
        self._sound, self._copied = sound, source.codec_context.name in COPIED[kind]
        self._zero = (self._source.start_time or 0) / load_av().time_base + sound.start_s
        if self._copied:
            self.stream = added(out, source)
        else:
            self.stream = out.add_stream(ENCODED[kind], rate=48000 if kind == "webm" else source.rate)
            self.stream.codec_context.layout = "mono" if source.codec_context.channels == 1 else "stereo"
        if sound.start_s:
            self._source.seek(int(self._zero * load_av().time_base))
        self._packets = self._copies(source) if self._copied else self._encoded(source)
        self._waiting = next(self._packets, None)

    @property
    def next_s(self) -> float | None:
        """The time of the next packet in seconds; None after the last."""
        packet = self._waiting
        return None if packet is None else float(packet.pts * packet.time_base)

    def pop(self) -> Any:
        """The next packet, ready to be muxed."""
        packet: Any = self._waiting
        self._waiting = next(self._packets, None)
        packet.stream = self.stream
        return packet

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _within(self, pts: int, time_base: Fraction) -> bool | None:
        """Whether a time lies in the requested part; None after it."""
        time_s = float(pts * time_base) - self._zero
        if self._sound.end_s is not None and time_s >= self._sound.end_s - self._sound.start_s:
            return None
        # An encoder's first packet may lie before the start; the player needs it.
        return time_s >= -0.01 or not self._sound.start_s

    def _copies(self, source: Any) -> Iterator[Any]:
        for packet in packets_of(self._source, source):
            inside = self._within(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
            if inside is None:
                return
            if inside:
                shift = round(self._zero / packet.time_base)
                packet.pts = (packet.pts if packet.pts is not None else packet.dts) - shift
                packet.dts -= shift
                yield packet

    def _encoded(self, source: Any) -> Iterator[Any]:
        av, context = load_av(), self.stream.codec_context
        resampler = av.AudioResampler(format=context.codec.audio_formats[0], layout=context.layout, rate=context.rate)
        for frame in self._sounds(source):
            shift = round(self._zero / frame.time_base)
            frame.pts -= shift
            for piece in resampler.resample(frame):
                yield from self.stream.encode(piece)
        for piece in resampler.resample(None):
            yield from self.stream.encode(piece)
        yield from self.stream.encode(None)

    def _sounds(self, source: Any) -> Iterator[Any]:
        errors = load_av().error
        for packet in packets_of(self._source, source):
            try:
                frames = packet.decode()
            except errors.FFmpegError:
                continue
            for frame in frames:
                inside = self._within(frame.pts, frame.time_base)
                if inside is None:
                    return
                if inside:
                    yield frame


def tracks_of(out: Any, sound: Sound, kind: str) -> list[Track]:
    """A track in the container `out` of `kind` ("mp4" or "webm") for each audio stream."""
    with open_container(sound.path) as container:
        count = len(container.streams.audio)
    return [Track(out, sound, number, kind) for number in range(count)]


def packets_of(container: Any, stream: Any) -> Iterator[Any]:
    """Packets with data; a damaged end is where it ends."""
    errors = load_av().error
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except errors.FFmpegError:
            return
        if packet is None:
            return
        if packet.size and packet.dts is not None:
            yield packet


def added(out: Any, template: Any) -> Any:
    """A stream of the container `out` for packets of another one, without its metadata."""
    stream = out.add_stream_from_template(template)
    stream.metadata.clear()
    return stream
