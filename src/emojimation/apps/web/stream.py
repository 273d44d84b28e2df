"""One visitor's live video: frames in, annotated frames out, and recent results for the page."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from emojimation.apps.web import pictures
from emojimation.draw.avatar import Avatar
from emojimation.draw.boxes import Places
from emojimation.draw.puppet import puppet_of
from emojimation.draw.sprites import stamp
from emojimation.draw.styles import STYLES
from emojimation.faces import Face
from emojimation.files import usable_processors
from emojimation.heaps import give_back
from emojimation.labels import EMOTION_LABELS, EMOTIONS
from emojimation.live import LiveLoop, LiveResult
from emojimation.pipeline import Pipeline

HISTORY_S = 30.0
ANSWER_S = 2.0  # a snapshot that takes longer is returned without annotations
MAX_SIDE_PX = 1280
# Frames per second of all viewers together, so that none waits long for a processor.
FRAMES_S = 12 * usable_processors()
SLACK_S = 0.05  # how much may be caught up after a late frame
STAGE = (36, 26, 30)  # BGR behind the large avatar
STAGE_SHARE = 0.75  # its width, relative to the height of the frame

Make = Callable[[], np.ndarray]


class Late:
    """A frame for a `LiveLoop` whose image is decoded on demand: dropped frames cost nothing.

    make: returns (H,W,3) BGR uint8. time_s: arrival, in seconds of `time.monotonic`. index: from 0.
    """

    def __init__(self, make: Make, time_s: float, index: int) -> None:
        self.make, self.time_s, self.index = make, time_s, index
        self._image: np.ndarray | None = None

    @property
    def image(self) -> np.ndarray:
        """The image, decoded once."""
        if self._image is None:
            self._image = self.make()
        return self._image


class Feed:
    """The source of a `LiveLoop`: frames that a connection pushes, the newest only.

    gap_s: returns the minimum time between frames in seconds.
    """

    def __init__(self, gap_s: Callable[[], float] = lambda: 0.0) -> None:
        self.gap_s = gap_s
        self._changed = threading.Condition()
        self._frame: Late | None = None
        self._closed = False
        self._count = 0

    def push(self, make: Make) -> int:
        """Pass the decoder of the next (H,W,3) BGR uint8 image; returns the frame's number."""
        with self._changed:
            self._frame = Late(make, time.monotonic(), self._count)
            self._count += 1
            self._changed.notify_all()
            return self._frame.index

    def close(self) -> None:
        """End the iteration."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Late]:
        due_s = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._frame is not None)
                self._changed.wait_for(lambda: self._closed, max(due_s - time.monotonic(), 0))
                if self._closed or self._frame is None:
                    return
                frame, self._frame = self._frame, None
            due_s = max(due_s, time.monotonic() - SLACK_S) + self.gap_s()
            yield frame


class Stream:
    """Analyses and draws one visitor's frames in a thread of its own; it starts with the first frame.

    model: name or path, for the next start. style: as in `draw.styles.STYLES`. character: who avatar and puppet are.
    stage: add the large avatar beside the image. mirror: turn the image as a mirror does. These four may be changed
    while it runs. send: called in that
    thread with each drawn (H,W,3) BGR uint8 frame and its time in seconds.
    """

    def __init__(self, model: str = "default", send: Callable[[np.ndarray, float], None] | None = None) -> None:
        self.model, self.send = model, send
        self.style, self.character, self.stage, self.mirror = "boxes", "emoji", True, True
        self.history: deque[tuple[float, np.ndarray]] = deque()
        self.labels = EMOTION_LABELS
        self._places: Places = {}  # of the labels, in the frame before
        self.latencies_ms: deque[float] = deque(maxlen=300)
        self.drawn: np.ndarray | None = None
        self.faces: list[Face] = []
        self.last_s: float | None = None
        self.error: str | None = None
        self._result: LiveResult | None = None
        self._loop: LiveLoop | None = None
        self._drawn_as = self.style
        self._feed = Feed()
        self._changed = threading.Condition()
        _STREAMS.add(self)

    def push(self, make: Make) -> int:
        """Hand over what makes the next (H,W,3) BGR uint8 image, at once; the frame's number. Older ones not begun
        are left out.
        """
        self._running()
        return self._feed.push(lambda: self._prepared(make()))

    def look(self, image: np.ndarray) -> np.ndarray:
        """Analyse a (H,W,3) BGR uint8 image and return it annotated; unchanged on failure, with `error` set."""
        number = self.push(lambda: image)
        with self._changed:
            came = self._changed.wait_for(lambda: self._result is not None and self._result.index >= number, ANSWER_S)
            return self.drawn if came and self.drawn is not None else self._prepared(image)

    def close(self) -> None:
        """End the loop and its threads; the next image would restart them."""
        with self._changed:
            loop, self._loop = self._loop, None
        self._feed.close()
        if loop is not None:
            loop.stop()
        with self._changed:  # not before the loop has ended: it may still be drawing a last frame
            self._result, self.drawn, self.last_s, self.faces = None, None, None, []
        give_back()  # a closed connection leaves reference cycles of codecs and frames behind

    @property
    def fps(self) -> float:
        """Recent rate of analysed frames per second; 0 if the last one is two seconds old."""
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

    def _prepared(self, image: np.ndarray) -> np.ndarray:
        image = pictures.fitted(image, MAX_SIDE_PX)
        return cv2.flip(image, 1) if self.mirror else image

    def _show(self, result: LiveResult) -> None:
        """Draw a result, record what the page shows of it, and send it on."""
        faces = sorted(result.faces, key=lambda face: -face.size_px)
        error = None
        try:
            out = self._drawn(result, faces)
        except Exception as problem:  # one bad frame must not end the connection
            error, out = str(problem), result.frame
        with self._changed:
            self.error, self.drawn, self.faces, self._result = error, out, faces, result
            self.last_s = time.monotonic()
            self.latencies_ms.append((self.last_s - result.time_s) * 1000)
            self._remember(result.time_s)
            self._changed.notify_all()
        if self.send is not None:
            self.send(out, result.time_s)

    def _drawn(self, result: LiveResult, faces: list[Face]) -> np.ndarray:
        out = pictures.draw(result.frame, result.faces, self.style, result.time_s, self._places, self.character)
        return staged(out, faces, result.time_s, self.character) if self.stage else out

    def _running(self) -> LiveLoop:
        with self._changed:
            if self._loop is None or not self._loop.running:
                self._feed, self._result = Feed(_gap_s), None
                self.history.clear()
                self.latencies_ms.clear()
                self._drawn_as = self.style
                self._loop = LiveLoop(self._feed, self._pipeline(), self._show, paced=False).start()
            elif _needs(self._drawn_as) != _needs(self.style):
                self._drawn_as = self.style
                self._loop.pipeline = self._pipeline()
            return self._loop

    def _pipeline(self) -> Pipeline:
        return pictures.tracking(self.model, *_needs(self._drawn_as))

    def _remember(self, time_s: float) -> None:
        if self.faces and self.faces[0].probabilities is not None:
            self.labels = self.faces[0].labels
            self.history.append((time_s, self.faces[0].probabilities))
        while self.history and self.history[0][0] < time_s - HISTORY_S:
            self.history.popleft()


_STREAMS: "weakref.WeakSet[Stream]" = weakref.WeakSet()


def _needs(style: str) -> tuple[bool, tuple[str, ...]]:
    """What a style needs of the pipeline: a search that misses nobody, and measures."""
    return STYLES[style].hides, STYLES[style].measures


def _gap_s() -> float:
    """Seconds between a viewer's frames: `FRAMES_S` is shared by the active viewers."""
    return sum(stream.fps > 0 for stream in list(_STREAMS)) / FRAMES_S


def staged(frame: np.ndarray, faces: list[Face], time_s: float, character: str = "emoji") -> np.ndarray:
    """The frame with the largest face's avatar large beside it, (H,W+0.75H,3) BGR uint8."""
    height, width = frame.shape[:2]
    side = int(height * STAGE_SHARE) // 2 * 2
    out = np.empty((height, width + side, 3), np.uint8)
    out[:, :width] = frame
    out[:, width:] = STAGE
    seen = faces[0] if faces else None
    seven = seen.seven() if seen else None
    vector = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")] if seven is None else seven
    roll_deg, puppet = (seen.roll_deg, puppet_of(seen)) if seen else (0.0, None)
    small = Avatar(who=character).draw(vector, min(side, 320), time_s, roll_deg, puppet)
    sprite = small if small.shape[0] == side else cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    stamp(out, sprite, width, (height - side) // 2)
    return out
