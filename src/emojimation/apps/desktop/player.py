"""The source in use and the live loop over it: opened, given another pipeline, released. Does not use Tk."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from emojimation.apps.desktop import sources
from emojimation.apps.desktop.opening import pipeline_for
from emojimation.apps.desktop.recording import reason
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.status import Board, Notice
from emojimation.hiding.live import tune
from emojimation.live import LiveLoop, LiveResult
from emojimation.pipeline import Pipeline
from emojimation.tracking.track import Tracker

Opener = Callable[[str, tuple[int, int]], Any]


class Player:
    """Runs one source at a time. opener: (source, size) -> source of frames. on_result: called with each result in the
    loop's thread. leave: releases the previous source and all that depends on it."""

    def __init__(
        self,
        settings: WindowSettings,
        opener: Opener,
        board: Board,
        on_result: Callable[[LiveResult], None],
        leave: Callable[[], None],
    ) -> None:
        self.settings, self.tracker = settings, Tracker()
        self.loop: LiveLoop | None = None
        self._opener, self._board, self._on_result, self._leave = opener, board, on_result, leave
        self._token = 0  # of the newest request; older ones are dropped
        self._swap = threading.Lock()
        self._start_s, self._paused = 0.0, False  # of the source that is being opened

    def open(self, source: str, start_s: float = 0.0, paused: bool = False) -> None:
        """Open a source in a thread of its own. start_s, paused: where a video starts, and whether it waits there."""
        self._token += 1
        self._start_s, self._paused = start_s, paused
        before = self._board.status
        length_s = before.length_s if source == before.source else None
        self._board.set(state="opening", source=source, message="", paused=paused, length_s=length_s)
        threading.Thread(target=self._open, args=(self._token, source), name="emojimation-opener", daemon=True).start()

    def pause(self, paused: bool) -> None:
        """Pause or resume, also what is still being opened."""
        with self._swap:
            self._paused = paused
            if self.loop is not None:
                self.loop.pause() if paused else self.loop.resume()
        self._board.set(paused=paused)

    def step(self) -> None:
        """Pause at the next frame."""
        with self._swap:
            if self.loop is not None:
                self.loop.step()
        self._board.set(paused=True)

    def seek(self, time_s: float) -> None:
        """Move to another time of a video; one that has ended is opened again."""
        with self._swap:
            self._start_s = time_s
            sought = self.loop is not None and self.loop.seek(time_s)
        status = self._board.status
        if not sought and status.state == "ended":
            self.open(status.source, time_s, status.paused)

    def cancel(self) -> None:
        """Drop a source that is still being opened."""
        self._token += 1

    def release(self) -> None:
        """Stop the loop and close its source."""
        with self._swap:
            loop, self.loop = self.loop, None
        if loop is not None:
            with suppress(Exception):  # its error has been shown, or no longer matters
                loop.stop()

    def exchange(self, model_before: str) -> Pipeline | None:
        """Another model or threshold while the source keeps running; None if the model cannot be used."""
        try:
            pipeline = pipeline_for(self.settings, False, self.tracker)
        except Exception as error:
            self._board.notices.put(Notice(reason(error), "error", None, self.settings.model, model_before))
            return None
        with self._swap:
            self._follow(pipeline)
            if self.loop is not None:
                self.loop.pipeline = pipeline
        return pipeline

    def tune(self) -> None:
        """Smoothing, and how long lost faces are held. A face must be covered from the first frame, so none waits for
        confirmation.
        """
        self.tracker.smooth_s = self.settings.smooth_s
        tune(self.tracker, self.settings.hides)

    def _open(self, token: int, source: str) -> None:
        self._leave()
        try:
            settings = self.settings
            still = sources.is_photo(source)
            pipeline = pipeline_for(settings, still)
            if token != self._token:
                return
            opened = self._opener(source, settings.size_wh)
            with self._swap:
                if token != self._token:
                    return opened.close()
                self._follow(pipeline)
                self.loop = self._started(LiveLoop(opened, pipeline, self._on_result))
                state = "still" if still else "live"
                self._board.set(state=state, calibrating=False, **_extent(opened))
            self._board.notes_of(opened)
        except Exception as error:
            if token == self._token:
                self._board.set(state="failed", message=reason(error))

    def _started(self, loop: LiveLoop) -> LiveLoop:
        """The loop, started where and how it was asked for meanwhile."""
        if self._start_s:
            loop.seek(self._start_s)
        if self._paused:
            loop.step()
        return loop.start()

    def _follow(self, pipeline: Pipeline) -> None:
        """Take a pipeline's tracker as the one in use."""
        assert isinstance(pipeline.tracker, Tracker)
        self.tracker = pipeline.tracker
        self.tune()


def _extent(opened: Any) -> dict[str, float | None]:
    """The fields of `Status` about moving within a source, which only some can do."""
    return {"length_s": opened.length_s, "frame_s": opened.frame_s} if hasattr(opened, "seek") else {"length_s": None}
