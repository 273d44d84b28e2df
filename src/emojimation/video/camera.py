"""Live video: cameras by number (OpenCV) and network streams (PyAV), both as frames with their time of arrival."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.video.reader import Converter, Frame, Info, SourceLostError, load_av, open_input, without_password

CAMERA_WAIT_S = 2.0  # a camera silent for this long is gone
OPEN_S, READ_S = 10.0, 5.0  # a stream silent for this long is closed and reopened
GIVE_UP_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 4.0

Clock = Callable[[], float]


class Camera:
    """A camera by its number; frames come as fast as it delivers them, `time_s` counted from the first.

    size_wh: requested frame size; the camera gives the nearest that it supports. Raises InputError if there is none, it
    is busy, or (while iterating) it was unplugged.
    """

    def __init__(self, number: int = 0, clock: Clock = time.monotonic, size_wh: tuple[int, int] | None = None):
        self._clock = clock
        cv2.setLogLevel(0)  # silent: we report errors ourselves
        self._capture = cv2.VideoCapture(number)
        self.notes: list[str] = []
        if not self._capture.isOpened():
            self._capture.release()
            raise InputError(
                f"Expected camera {number}, got none: it is missing, or another program is using it. "
                "Close that program, or give another --camera number."
            )
        if size_wh is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.info = Info(name=f"camera {number}", fps=fps if fps > 0 else None, live=True)

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()

    def __iter__(self) -> Iterator[Frame]:
        index, began, last = 0, None, self._clock()
        while True:
            there, image = self._capture.read()
            now = self._clock()
            if not there or image is None:
                if not self._capture.isOpened() or now - last > CAMERA_WAIT_S:
                    raise SourceLostError(
                        f"Expected frames from {self.info.name}, got none: it was unplugged or stalled."
                    )
                time.sleep(0.01)
                continue
            began, last = now if began is None else began, now
            yield Frame(_three_channels(image), now - began, index)
            index += 1


class Stream:
    """Frames of an address (rtsp://, http://, https://, udp:// ...), reopened if it stalls or breaks off.

    url: as FFmpeg takes it. give_up_s: how long to retry without a single frame before InputError. What has a length (a
    video behind HTTP) ends with it; what has none is live, and its end is taken as a fault. `time_s` is the arrival's.
    """

    def __init__(self, url: str, give_up_s: float = GIVE_UP_S, read_s: float = READ_S, clock: Clock = time.monotonic):
        self._av = load_av()
        self._url, self._give_up_s, self._read_s, self._clock = url, give_up_s, read_s, clock
        self._bgr = Converter(self._av)
        self.notes: list[str] = []
        self._began: float | None = None
        self._index = 0
        self._container: Any = self._open()
        rate = self._container.streams.video[0].average_rate
        self.info = Info(name=without_password(url), fps=float(rate) if rate else None, live=True)

    def close(self) -> None:
        """Hang up."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def __iter__(self) -> Iterator[Frame]:
        last, reconnects = self._clock(), 0
        while True:
            for frame in self._frames():
                last = self._clock()
                yield frame
            if self._ended:
                return
            reconnects += 1
            self.notes[:] = [f"the stream broke off: reconnected {reconnects} times"]
            self._reconnect(last)

    def _reconnect(self, last: float) -> None:
        pause = FIRST_PAUSE_S
        while True:
            self.close()
            if self._clock() - last > self._give_up_s:
                raise SourceLostError(
                    f"Expected frames from {self.info.name}, got none for {self._give_up_s:g} s. Is it still sending?"
                )
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            try:
                self._container = self._open()
                return
            except InputError:
                continue

    def _frames(self) -> Iterator[Frame]:
        """Frames until the connection ends; `_ended` says whether that was the video's own end."""
        self._ended = False
        finite = bool(self._container.duration)
        try:
            for packet in self._container.demux(video=0):
                for raw in self._decoded(packet):
                    yield self._frame(raw)
            self._ended = finite
        except self._av.error.FFmpegError:
            return  # stalled or broken off: the caller reconnects

    def _decoded(self, packet: Any) -> list[Any]:
        try:
            return packet.decode()
        except self._av.error.InvalidDataError:
            return []  # packet loss; the next key frame repairs the image

    def _frame(self, raw: Any) -> Frame:
        now = self._clock()
        self._began = now if self._began is None else self._began
        self._index += 1
        return Frame(self._bgr(raw), now - self._began, self._index - 1)

    def _open(self) -> Any:
        options = {"rtsp_transport": "tcp"} if self._url.startswith("rtsp") else {}
        wait = min(OPEN_S, self._give_up_s), self._read_s
        name = without_password(self._url)
        try:
            container = open_input(self._url, options=options, timeout=wait)
        except self._av.error.FFmpegError as error:
            raise InputError(
                f"Expected a video stream, got {name}, which cannot be opened ({error.strerror})."
            ) from error
        if not container.streams.video:
            container.close()
            raise InputError(f"Expected a video stream, got {name}, which has no video.")
        return container


def _three_channels(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return image if image.shape[2] == 3 else np.ascontiguousarray(image[..., :3])
