"""Small videos made for the tests: with sound, odd times, turns, wide colours, damage."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emojimation.video import writer

RATE = 48000
WAYS = av.video.reformatter.Interpolation


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A grey frame whose level tells its number (10, then 4 more a frame), with a white corner at the top left."""
    frame = np.full((height, width, 3), 10 + 4 * (number % 60), np.uint8)
    frame[: height // 4, : width // 4] = 255
    return frame


def number_of(image: np.ndarray) -> int:
    """The number that `picture` wrote, from the middle of a decoded frame."""
    height, width = image.shape[:2]
    return round((float(image[height // 2 :, width // 2 :].mean()) - 9) / 4)


def write_video(
    path: Path,
    frames: int = 30,
    fps: int = 30,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    sound: str | None = None,
    times_ms: list[int] | None = None,
    rotation: int = 0,
    transfer: int = 0,
    tags: dict[str, str] | None = None,
    draw=picture,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a video of `draw(number, width, height)`; sound: an encoder's name, a tone as long as the video."""
    with av.open(str(path), "w", options=container_options or {}) as out:
        out.metadata.update(tags or {})
        video = out.add_stream(codec, rate=fps, options=({"qp": "0"} if codec == "libx264" else {}) | (options or {}))
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        if transfer:
            context = video.codec_context
            context.color_trc, context.color_primaries, context.colorspace = transfer, 9, 9
        if times_ms:
            video.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            video.set_display_rotation(rotation)
        audio = _sound_stream(out, sound)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(number, *size), "bgr24")
            frame = frame.reformat(format=pix_fmt, interpolation=WAYS.BILINEAR | WAYS.ACCURATE_RND)
            frame.pts, frame.time_base = (
                (times_ms[number], Fraction(1, 1000)) if times_ms else (number, Fraction(1, fps))
            )
            out.mux(video.encode(frame))
        if audio is not None:
            _write_tone(out, audio, frames / fps)
        out.mux(video.encode(None))
    return path


def write_still(path: Path, image: np.ndarray, frames: int) -> Path:
    """Write a video of the upper part of an image, ten frames a second, as the product encodes it."""
    segment = writer.Segment(path, 10.0)
    for number in range(frames):
        segment.write(image[:384], number / 10)
    segment.close()
    return path


def _sound_stream(out, sound):
    if sound is None:
        return None
    stream = out.add_stream(sound, rate=RATE)
    stream.codec_context.layout = "mono"
    return stream


def _write_tone(out, stream, seconds: float) -> None:
    wave = (np.sin(np.arange(round(RATE * seconds)) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)
    for start in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
        frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def write_sound(path: Path, seconds: float = 0.5) -> Path:
    """A file with sound only."""
    with av.open(str(path), "w") as out:
        _write_tone(out, _sound_stream(out, "aac"), seconds)
    return path


def times(path: Path) -> list[float]:
    """Presentation times of all frames in seconds."""
    with av.open(str(path)) as film:
        return [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]


def images(path: Path) -> list[np.ndarray]:
    """All frames of a video, BGR."""
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


def sound_packets(path: Path) -> list[bytes]:
    """The sound as it lies in the file."""
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(audio=0) if packet.size]


def streams(path: Path) -> dict[str, str]:
    """Kind of stream -> codec."""
    with av.open(str(path)) as film:
        return {stream.type: stream.codec_context.name for stream in film.streams}
