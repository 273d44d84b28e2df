"""A live source analysed in real time: always the newest frame, in its own threads, for windows and web pages.

    with LiveLoop(source, Pipeline(tracker=Tracker())) as loop:
        result = None
        while (result := loop.wait(result)) is not None:
            show(result.frame, result.faces)

One thread reads and keeps only the newest frame, a second one analyses; frames that arrive faster than they can be
analysed are dropped, so that the display never lags by more than one analysis. Nothing polls.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from emojimation.faces import Face
from emojimation.tracking.cuts import CutDetector
from emojimation.tracking.neutral import Neutral

STOP_S = 0.8  # how long `stop` waits; "within a second"
CLOSE_AFTER_S = 0.4  # of which this long before a source that does not answer is closed while being read
RATE_WINDOW_S = 2.0  # the frame rate is averaged over this window


class FrameLike(Protocol):
    """What a source yields: image (H,W,3) BGR uint8, time_s in seconds or None, index from 0."""

    image: np.ndarray
    time_s: float | None
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """An analysed frame.

    frame: (H,W,3) BGR uint8. faces: from the pipeline, with calibration applied. time_s: the frame's time, or
    seconds since the start if the source has none. fps: recent rate of analysed frames per second. latency_ms: from
    the frame's arrival to this result. index: the frame's number in the source. skipped: frames dropped so far.
    """

    frame: np.ndarray
    faces: list[Face]
    time_s: float
    fps: float
    latency_ms: float
    index: int
    skipped: int = 0


class LiveLoop:
    """Reads `source` and runs `pipeline` on its newest frame until it ends, fails or is stopped.

    source: any iterable of `FrameLike`; its close(), if it has one, is called once the loop ends. If a read hangs,
    close() is called from another thread meanwhile, and again if the read returns. pipeline: (frame, time_s) -> faces;
    may be replaced while running, and belongs to this loop alone if it has a tracker; its reset(), if it has one, is
    called at each cut. on_result: called with each
    result in the analysing thread. paced: read no faster than the frames' timestamps; None: for files only, where
    `source.info.live` is False. neutral: calibrations, see `Neutral`; available as `loop.neutral`.

    An error of source, pipeline or `on_result` ends the loop and is raised by the next `latest`, `wait` or `stop`.
    """

    def __init__(
        self,
        source: Iterable[Any],
        pipeline: Callable[[np.ndarray, float], list[Face]],
        on_result: Callable[[LiveResult], None] | None = None,
        paced: bool | None = None,
        neutral: Neutral | None = None,
    ) -> None:
        self.source, self.pipeline, self.on_result = source, pipeline, on_result
        self.paced = not getattr(getattr(source, "info", None), "live", True) if paced is None else paced
        self.neutral = neutral or Neutral()
        self._changed = threading.Condition()  # guards everything below
        self._newest: tuple[FrameLike, float] | None = None
        self._result: LiveResult | None = None
        self._error: BaseException | None = None
        self._reported = self._stopping = self._paused = self._exhausted = False
        self._target_s: float | None = None  # where the reader shall go on
        self._let_through = False  # one frame is answered although paused
        self._jumped = False  # the next frame to be analysed is the first after a seek
        self._idle = True  # no frame is being analysed
        self._began_s = 0.0
        self._zero_s: float | None = None  # clock at a paced source's time 0
        self._skipped = 0
        self._done: deque[float] = deque()
        self._is_cut = CutDetector()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"emojimation-{name}", daemon=True)
            for name, work in (("reader", self._read), ("analyser", self._analyse))
        ]

    def start(self) -> "LiveLoop":
        """Start reading and analysing; only once. Returns the loop itself."""
        self._began_s = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End the loop and release the source, within a second even if a read hangs. Raises an unreported error."""
        self._halt()
        with self._changed:
            error, reported = self._error, self._reported
            self._reported = True
        if error is not None and not reported:
            raise error

    def latest(self) -> LiveResult | None:
        """The newest result, None before the first one. Raises the error that ended the loop."""
        with self._changed:
            self._raise_error()
            return self._result

    def wait(self, after: LiveResult | None = None, timeout_s: float | None = None) -> LiveResult | None:
        """The next result newer than `after`; None if the loop has ended without one, or on timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._result is not after or not self.running or self._error, timeout_s)
            self._raise_error()
            return None if self._result is after else self._result

    def pause(self) -> None:
        """Stop analysing for now: `latest` stays as it is. A paced file pauses, a camera's frames are dropped."""
        self._set_paused(True)

    def resume(self) -> None:
        """Continue with the newest frame."""
        self._set_paused(False)

    def step(self) -> None:
        """Pause, and answer one more frame."""
        with self._changed:
            self._paused = self._let_through = True
            self._changed.notify_all()

    def seek(self, time_s: float) -> bool:
        """Go on at another time of a source that has `seek(time_s)`; while paused, one frame from there is answered.

        False if the source has ended and is closed.
        """
        with self._changed:
            if self._exhausted or self._stopping:
                return False
            self._target_s, self._newest = time_s, None
            self._let_through, self._jumped = self._paused, True
            self._changed.notify_all()
            return True

    @property
    def paused(self) -> bool:
        """Whether the loop is paused."""
        return self._paused

    @property
    def running(self) -> bool:
        """Whether results may still come."""
        return self._threads[1].is_alive() and not self._stopping and not self._finished()

    def __enter__(self) -> "LiveLoop":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        else:  # the error already propagating is the one to report
            self._halt()

    def _finished(self) -> bool:
        return self._exhausted and self._newest is None and self._idle

    def _raise_error(self) -> None:
        if self._error is not None:
            self._reported = True
            raise self._error

    def _set_paused(self, paused: bool) -> None:
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def _halt(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = time.monotonic() + STOP_S
        reader = self._threads[0]
        started = [thread for thread in self._threads if thread.ident and thread is not threading.current_thread()]
        if reader in started:
            reader.join(CLOSE_AFTER_S)
        if reader.is_alive():
            # In a thread, because close() may wait for the very read that hangs.
            threading.Thread(target=self._close, name="emojimation-closer", daemon=True).start()
        elif not reader.ident:
            self._close()
        for thread in started:
            thread.join(max(deadline - time.monotonic(), 0))

    def _guarded(self, work: Callable[[], None]) -> None:
        with _Handover(self._fail):
            work()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if not self._stopping:  # otherwise it results from stopping, or from the first error
                self._error, self._stopping = error, True
            self._changed.notify_all()

    def _close(self) -> None:
        close = getattr(self.source, "close", None)
        if close is not None:
            with _Handover(self._fail):
                close()

    def _read(self) -> None:
        try:
            while self._read_on():
                pass
        finally:
            self._close()
            with self._changed:
                self._exhausted = True
                self._changed.notify_all()

    def _read_on(self) -> bool:
        """Read to the end or to a seek. False at the end."""
        for frame in self.source:
            if not self._offer(frame):
                break
        with self._changed:
            target_s, self._target_s, self._zero_s = self._target_s, None, None
            self._exhausted = target_s is None or self._stopping
        if target_s is not None and not self._stopping:
            self.source.seek(target_s)  # type: ignore[attr-defined]
        return not self._exhausted

    def _offer(self, frame: FrameLike) -> bool:
        """Make a frame the newest one, at its time if paced. False if reading must not go on from here."""
        with self._changed:
            if self.paced:
                self._keep_pace(frame)
            if self._target_s is not None:
                return False
            if self._newest is not None:
                self._skipped += 1
            self._newest = (frame, time.monotonic())
            self._changed.notify_all()
            return not self._stopping

    def _keep_pace(self, frame: FrameLike) -> None:
        """Wait until the frame is due, counted from the first one; pauses do not count."""
        time_s, now = frame.time_s or 0.0, time.monotonic()
        zero = now - time_s if self._zero_s is None else self._zero_s
        self._changed.wait_for(
            lambda: self._stopping or self._paused or self._target_s is not None, max(zero + time_s - now, 0)
        )
        if self._paused:
            self._changed.wait_for(
                lambda: (
                    self._stopping
                    or self._target_s is not None
                    or not self._paused
                    or (self._let_through and self._newest is None)
                )
            )
            zero = time.monotonic() - time_s
        self._zero_s = zero

    def _analyse(self) -> None:
        while (taken := self._take()) is not None:
            result = self._result_of(*taken)
            with self._changed:
                self._result, self._idle = result, True
                self._changed.notify_all()
            if self.on_result is not None:
                self.on_result(result)

    def _take(self) -> tuple[FrameLike, float, int, bool] | None:
        """Wait for the newest frame; with its arrival, the number of dropped ones and whether a seek led to it. None at
        the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or (self._may_answer() and (self._newest is not None or self._exhausted))
            )
            if self._stopping or self._newest is None:
                return None
            frame, arrived = self._newest
            jumped, self._jumped = self._jumped, False
            self._newest, self._idle, self._let_through = None, False, False
            return frame, arrived, self._skipped, jumped

    def _may_answer(self) -> bool:
        return not self._paused or self._let_through

    def _result_of(self, frame: FrameLike, arrived: float, skipped: int, jumped: bool) -> LiveResult:
        time_s = arrived - self._began_s if frame.time_s is None else frame.time_s
        if (self._is_cut(frame.image) or jumped) and hasattr(self.pipeline, "reset"):
            self.pipeline.reset()
        faces = self.neutral(self.pipeline(frame.image, time_s), time_s)
        now = time.monotonic()
        return LiveResult(frame.image, faces, time_s, self._rate(now), (now - arrived) * 1000, frame.index, skipped)

    def _rate(self, now: float) -> float:
        """Results per second over the last two seconds; 0 at the first one."""
        self._done.append(now)
        while self._done[0] < now - RATE_WINDOW_S:
            self._done.popleft()
        span = now - self._done[0]
        return (len(self._done) - 1) / span if span > 0 else 0.0


class _Handover:
    """A block whose error is handed to a function and goes no further: a thread has no caller to raise to."""

    def __init__(self, take: Callable[[BaseException], None]) -> None:
        self.take = take

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self.take(error)
        return True
