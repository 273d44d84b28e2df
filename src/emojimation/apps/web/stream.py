"""One visitor's live picture: frames come in, drawn frames go out, and the page reads what was found of late."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import cv2
import numpy as np

from emojimation.apps.web import engine
from emojimation.avatar import Avatar
from emojimation.faces import Face
from emojimation.labels import EMOTIONS
from emojimation.live import LiveLoop, LiveResult
from emojimation.sprites import stamp
from emojimation.track import Tracker
from emojimation.video.reader import Frame, load_av

HISTORY_S = 30.0
ANSWER_S = 2.0  # a frame that takes longer goes out undrawn
MAX_SIDE_PX = 1280
STAGE = (36, 26, 30)  # BGR behind the large avatar
STAGE_SHARE = 0.75  # its width, in heights of the picture


class Feed:
    """The source of a `LiveLoop`: frames that a connection pushes, the newest only."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False
        self._count = 0
        self._began_s = time.monotonic()

    def push(self, image: np.ndarray) -> None:
        """Hand over the next (H,W,3) BGR uint8 picture."""
        with self._changed:
            self._frame = Frame(image=image, time_s=time.monotonic() - self._began_s, index=self._count)
            self._count += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the iteration."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._frame is not None)
                if self._closed or self._frame is None:
                    return
                frame, self._frame = self._frame, None
            yield frame


class Stream:
    """Analyses and draws one visitor's frames. Settings may be changed while it runs; it starts with the first frame.

    style: as in `render.STYLES`. stage: add the large avatar beside the picture. mirror: turn the picture as a mirror does.
    """

    def __init__(self) -> None:
        self.style, self.stage, self.mirror = "boxes", True, True
        self.history: deque[tuple[float, np.ndarray]] = deque()
        self.latencies_ms: deque[float] = deque(maxlen=300)
        self.drawn: np.ndarray | None = None
        self.faces: list[Face] = []
        self.last_s: float | None = None
        self.error: str | None = None
        self._result: LiveResult | None = None
        self._loop: LiveLoop | None = None
        self._feed = Feed()
        self._lock = threading.Lock()

    def look(self, image: np.ndarray) -> np.ndarray:
        """Analyse a (H,W,3) BGR uint8 picture and give it back drawn; undrawn where that fails, with `error` set."""
        began = time.monotonic()
        image = engine.fitted(image, MAX_SIDE_PX)
        if self.mirror:
            image = np.ascontiguousarray(image[:, ::-1])
        try:
            out = self._drawn(image)
            self.error = None
        except Exception as error:  # one bad frame must not end the connection
            self.error, out = str(error), image
        self.drawn, self.last_s = out, time.monotonic()
        self.latencies_ms.append((self.last_s - began) * 1000)
        return out

    def close(self) -> None:
        """End the loop and its threads; the next picture would start anew."""
        with self._lock:
            loop, self._loop, self._result = self._loop, None, None
            self.drawn, self.last_s = None, None
            self.faces = []
        self._feed.close()
        if loop is not None:
            loop.stop()

    @property
    def fps(self) -> float:
        """Analysed frames a second of late; 0 when the last one is two seconds old."""
        fresh = self.last_s is not None and time.monotonic() - self.last_s < 2
        return self._result.fps if fresh and self._result else 0.0

    @property
    def p95_ms(self) -> float | None:
        """Milliseconds from a frame's arrival here to its drawing, 95th percentile of the last 300."""
        return float(np.percentile(list(self.latencies_ms), 95)) if self.latencies_ms else None

    @property
    def neutral(self) -> Any:
        """The calibrations of the running loop, None before the first frame."""
        return self._loop and self._loop.neutral

    def _drawn(self, image: np.ndarray) -> np.ndarray:
        loop = self._running()
        before = self._result
        self._feed.push(image)
        result = loop.wait(before, ANSWER_S)
        if result is None:
            return image
        self._result, self.faces = result, sorted(result.faces, key=lambda face: -face.size_px)
        self._remember(result.time_s)
        out = engine.draw(result.frame, result.faces, self.style, result.time_s)
        return staged(out, self.faces, result.time_s) if self.stage else out

    def _running(self) -> LiveLoop:
        with self._lock:
            if self._loop is None or not self._loop.running:
                self._feed, self._result = Feed(), None
                self.history.clear()
                pipeline = copy(engine.pipeline())  # the models are shared, the tracker is this visitor's
                pipeline.tracker = Tracker()
                self._loop = LiveLoop(self._feed, pipeline, paced=False).start()
            return self._loop

    def _remember(self, time_s: float) -> None:
        if self.faces and self.faces[0].probabilities is not None:
            self.history.append((time_s, self.faces[0].probabilities))
        while self.history and self.history[0][0] < time_s - HISTORY_S:
            self.history.popleft()


def staged(frame: np.ndarray, faces: list[Face], time_s: float) -> np.ndarray:
    """The frame with the largest face's avatar large beside it, (H,W+0.75H,3) BGR uint8."""
    height, width = frame.shape[:2]
    side = int(height * STAGE_SHARE) // 2 * 2
    out = np.empty((height, width + side, 3), np.uint8)
    out[:, :width] = frame
    out[:, width:] = STAGE
    neutral = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]
    seen = faces[0] if faces else None
    vector = neutral if seen is None or seen.probabilities is None else seen.probabilities
    small = Avatar().draw(vector, min(side, 320), time_s, seen.roll_deg if seen else 0.0)
    sprite = small if small.shape[0] == side else cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    stamp(out, sprite, width, (height - side) // 2)
    return out


def frame_callback(stream: Stream) -> Callable[[Any], Any]:
    """What streamlit-webrtc calls with each av.VideoFrame."""
    av = load_av()

    def callback(frame: Any) -> Any:
        return av.VideoFrame.from_ndarray(stream.look(frame.to_ndarray(format="bgr24")), format="bgr24")

    return callback
