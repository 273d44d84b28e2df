"""The thread that paints the newest result, as often as the window can show it. Does not use Tk."""

import threading
import time
from collections.abc import Callable

from emojimation.apps.desktop.painter import Painter, Shown
from emojimation.apps.desktop.player import Player
from emojimation.apps.desktop.recording import reason
from emojimation.apps.desktop.status import Board
from emojimation.live import LiveLoop, LiveResult

TICK_S = 1 / 30  # the avatar moves even if no frame arrives
LEAST_S = 1 / 45  # between two paintings


class Screen:
    """Paints what the player's loop answers. on_end: called when a video has ended. on_failure: when its loop failed.

    shown: the newest images. result: what they show.
    """

    def __init__(
        self,
        painter: Painter,
        player: Player,
        board: Board,
        on_end: Callable[[], None],
        on_failure: Callable[[], None],
    ) -> None:
        self._painter, self._player, self._board = painter, player, board
        self._on_end, self._on_failure = on_end, on_failure
        self.shown: Shown | None = None
        self.result: LiveResult | None = None
        self._seen: LiveResult | None = None  # the loop's newest
        self._stale = False  # another source: this thread must forget the previous one
        self._ready_s = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._paint, name="emojimation-painter", daemon=True)

    def start(self) -> None:
        """Begin to paint."""
        self._thread.start()

    def arrived(self) -> None:
        """Note the time of a new result, called in the loop's thread."""
        self._ready_s = time.monotonic()

    def forget(self) -> None:
        """Forget what is shown before the next painting."""
        self._stale = True

    def stop(self) -> None:
        """Paint no more."""
        self._closing.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the painting in progress."""
        self._thread.join(timeout_s)

    def _paint(self) -> None:
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                self._paint_once()
            except Exception as error:
                if self._board.status.state != "opening":  # else the previous source fails while it is closed
                    self._board.set(state="failed", message=reason(error))
                    self._on_failure()
            self._closing.wait(max(0.001, LEAST_S - (time.monotonic() - began_s)))

    def _paint_once(self) -> None:
        if self._stale:
            self._stale, self.result, self._seen = False, None, None
            self._painter.reset(self._board.status.source)
        loop, progress, board = self._player.loop, None, self._board
        self._painter.timeline.length_s = board.status.length_s
        if loop is not None and board.status.state in ("live", "still"):
            self._take_newest(loop)
            progress = self._watch_calibration(loop)
        if loop is None or not loop.running:
            self._closing.wait(TICK_S)
        now_s = time.monotonic()
        result = self.result if board.status.state in ("live", "still", "ended", "failed") else None
        latency_ms = result.latency_ms + (now_s - self._ready_s) * 1000 if result else 0.0
        live = board.status.state == "live" and not board.status.paused
        self.shown = self._painter.paint(result, now_s, live, min(latency_ms, 9999.0), progress)

    def _take_newest(self, loop: LiveLoop) -> None:
        newer = loop.wait(self._seen, TICK_S)
        if loop is not self._player.loop:
            return
        if newer is not None:
            self.result = self._seen = newer
        elif not loop.running and self._board.status.state == "live":
            self._board.set(state="ended")
            self._on_end()
            self._board.notes_of(loop.source)

    def _watch_calibration(self, loop: LiveLoop) -> float | None:
        progress, problem = loop.neutral.progress, loop.neutral.problem
        if self._board.status.calibrating and progress is None:
            self._board.set(calibrating=False)
            text = f"Not calibrated: {problem}" if problem else "Calibrated: this face reads as neutral from now on"
            self._board.notify(text, "error" if problem else "info")
        return progress
