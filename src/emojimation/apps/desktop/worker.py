"""All work behind the window: opens sources, runs the live loop, paints, saves files.

Does not use Tk; only `close` waits in the caller's thread.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from emojimation.apps.desktop import sources
from emojimation.apps.desktop.opening import open_choice, pipeline_for
from emojimation.apps.desktop.painter import Painter, Room, Shown
from emojimation.apps.desktop.recording import Outputs, reason
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.status import Notice, Status
from emojimation.hiding.live import tune
from emojimation.live import LiveLoop, LiveResult
from emojimation.pipeline import Pipeline
from emojimation.tracking.track import Tracker

TICK_S = 1 / 30  # the avatar moves even if no frame arrives
LEAST_S = 1 / 45  # between two paintings
Opener = Callable[[str, tuple[int, int]], Any]


class WindowWorker:
    """The window's interface to the engine. opener: (source, size) -> source of frames; for tests."""

    def __init__(self, settings: WindowSettings, opener: Opener = open_choice) -> None:
        self.settings, self.painter = settings, Painter(settings)
        self.painter.kind = ""
        self.status = Status()
        self.notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._opener = opener
        self._shown: Shown | None = None
        self._loop: LiveLoop | None = None
        self._tracker = Tracker()
        self._result: LiveResult | None = None  # what is shown
        self._seen: LiveResult | None = None  # the loop's newest
        self._stale = False  # another source: the painter's thread must forget the previous one
        self._outputs = Outputs(self.painter, self._tell, self._set)
        self._ready_s = 0.0
        self._token = 0
        self._swap, self._setting = threading.Lock(), threading.Lock()  # guard replacing the loop, changing the status
        self._closing = threading.Event()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name=f"emojimation-{name}", daemon=True)
            for name, work in (("painter", self._paint), ("jobs", self._do_jobs))
        ]
        for thread in self._threads:
            thread.start()

    # --- called by the window ---

    def latest(self) -> Shown | None:
        """The newest images."""
        return self._shown

    def show(self, room: Room) -> None:
        """Paint for these sizes from now on."""
        self.painter.room = room

    def open(self, source: str) -> None:
        """Close the current source and open another one."""
        self._token += 1
        self.painter.mirror = self.settings.mirror and sources.is_camera(source)
        self.painter.kind = sources.kind_of(source)
        self._set(state="opening", source=source, message="", paused=False)
        threading.Thread(target=self._open, args=(self._token, source), name="emojimation-opener", daemon=True).start()

    def close_source(self) -> None:
        """Release the source and return to the start page."""
        self._token += 1
        self.painter.kind = ""
        self._set(state="idle", source="", message="", paused=False)
        self._jobs.put(partial(self._leave, forget=True))

    def apply(self, settings: WindowSettings) -> None:
        """Apply new settings, immediately if possible. A model that cannot be used is reported as `Notice.refused`."""
        before, self.settings = self.settings, settings
        self.painter.settings = settings
        self._tune()
        state = self.status.state
        if state == "opening" or (state in ("live", "still") and before.size != settings.size):
            self.open(self.status.source)
        relevant = [(s.model, s.min_score, s.hides) for s in (before, settings)]
        if relevant[0] != relevant[1]:
            self._jobs.put(partial(self._exchange, before.model))

    def set_mirror(self, mirror: bool) -> None:
        """Show the image as in a mirror, or not."""
        self.painter.mirror = mirror

    def pause(self) -> None:
        """Pause or resume; restart a video that has ended."""
        loop = self._loop
        if self.status.state == "ended":
            self.open(self.status.source)
        elif loop is not None and self.status.state == "live":
            loop.resume() if self.status.paused else loop.pause()
            self._set(paused=not self.status.paused)

    def snapshot(self) -> None:
        """Save what is on screen as PNG."""
        drawn = self.painter.drawn
        if drawn is None:
            self._tell("There is no image yet", "error")
        else:
            self._jobs.put(lambda: self._outputs.snapshot(self.settings.out, drawn))

    def record(self) -> None:
        """Start or stop recording what is on screen."""
        if self.status.recording_s is not None or self.status.state == "live":
            self._jobs.put(lambda: self._outputs.record(self.settings.out))
        else:
            self._tell("Recording needs live or video input: open a camera or a video", "error")

    def log(self) -> None:
        """Start or stop a table of the predictions."""
        still = self._result if self.status.state == "still" else None
        if self.status.logging or self.status.state == "live" or still is not None:
            self._jobs.put(lambda: self._outputs.log(self.settings.out, still))
        else:
            self._tell("A table needs an image: open a camera, a video or a photo", "error")

    def calibrate(self) -> None:
        """Learn the main person's neutral face."""
        loop, main = self._loop, self.painter.main(self._result)
        if loop is None or self.status.state != "live" or self.status.paused:
            self._tell("Calibration needs live video", "error")
        elif main is None:
            self._tell("Calibration needs a face: look into the camera", "error")
        else:
            loop.neutral.start(main.track_id)
            self._set(calibrating=True)

    def stop_calibrating(self) -> None:
        """Cancel the calibration in progress, if any; finished ones stay."""
        if self._loop is not None and self.status.calibrating:
            self._set(calibrating=False)
            self._loop.neutral.stop()

    def forget(self) -> None:
        """Forget all calibrations, including one in progress."""
        if self._loop is not None:
            self._loop.neutral.remove()
            self._set(calibrating=False)
            self._tell("Calibrations cleared")

    def click(self, x: float, y: float) -> None:
        """Make the face under a point of the view the main one."""
        if (result := self._result) is not None:
            self._tell_person(self.painter.click(result, x, y))

    def next_person(self) -> None:
        """Make the next face to the right the main one."""
        if (result := self._result) is not None:
            self._tell_person(self.painter.chooser.following(result.faces))

    def close(self) -> None:
        """Release everything, within a second; a recording in progress is kept."""
        self._token += 1
        self._closing.set()
        self._outputs.close(self._free)
        self._threads[0].join(0.3)
        self._jobs.put(None)

    # --- in its own threads ---

    def _set(self, **changes: Any) -> None:
        with self._setting:
            self.status = replace(self.status, **changes)

    def _tell(self, text: str, kind: str = "info", path: Path | None = None) -> None:
        self.notices.put(Notice(text, kind, path))

    def _tell_person(self, number: int | None) -> None:
        if number is not None:
            self._tell(f"Person {number} is the main one")

    def _do_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:
                self._tell(reason(error), "error")

    def _free(self) -> None:
        with self._swap:
            loop, self._loop = self._loop, None
        if loop is not None:
            with suppress(Exception):  # its error has been shown, or no longer matters
                loop.stop()

    def _leave(self, forget: bool = False) -> None:
        self._free()
        self._outputs.stop()
        self._stale = self._stale or forget

    def _open(self, token: int, source: str) -> None:
        self._leave(forget=True)
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
                self._loop = LiveLoop(opened, pipeline, self._on_result).start()
                self._set(state="still" if still else "live", calibrating=False)
            self._tell_notes(opened)
        except Exception as error:
            if token == self._token:
                self._set(state="failed", message=reason(error))

    def _tell_notes(self, source: Any) -> None:
        """A source's remarks about how it was read."""
        if source.notes:
            self._tell(" · ".join(source.notes))

    def _exchange(self, model_before: str) -> None:
        """Another model or threshold while the source keeps running; a still image is analysed again."""
        try:
            pipeline = pipeline_for(self.settings, False, self._tracker)
        except Exception as error:
            return self.notices.put(Notice(reason(error), "error", None, self.settings.model, model_before))
        if self.status.state == "still":
            return self.open(self.status.source)
        with self._swap:
            self._follow(pipeline)
            if self._loop is not None:
                self._loop.pipeline = pipeline
            loop, result = self._loop, self._result
        if loop is not None and result is not None and (self.status.paused or self.status.state == "ended"):
            self._result = replace(result, faces=loop.neutral(pipeline(result.frame, result.time_s), result.time_s))
        return None

    def _follow(self, pipeline: Pipeline) -> None:
        """Take a pipeline's tracker as the one in use."""
        assert isinstance(pipeline.tracker, Tracker)
        self._tracker = pipeline.tracker
        self._tune()

    def _tune(self) -> None:
        """Smoothing, and how long lost faces are held. A face must be covered from the first frame, so none waits for
        confirmation.
        """
        tracker, hide = self._tracker, self.settings.hides
        tracker.smooth_s = self.settings.smooth_s
        tune(tracker, hide)

    def _on_result(self, result: LiveResult) -> None:
        self._ready_s = time.monotonic()
        self._outputs.write(result)

    def _paint(self) -> None:
        while not self._closing.is_set():
            began_s = time.monotonic()
            try:
                self._paint_once()
            except Exception as error:
                if self.status.state != "opening":  # otherwise it is the previous source failing while it is closed
                    self._set(state="failed", message=reason(error))
                    self._jobs.put(self._leave)
            self._closing.wait(max(0.001, LEAST_S - (time.monotonic() - began_s)))

    def _paint_once(self) -> None:
        if self._stale:
            self._stale, self._result, self._seen = False, None, None
            self.painter.reset()
        loop, progress = self._loop, None
        if loop is not None and self.status.state in ("live", "still"):
            self._take_newest(loop)
            progress = self._watch_calibration(loop)
        if loop is None or not loop.running:
            self._closing.wait(TICK_S)
        now_s = time.monotonic()
        result = self._result if self.status.state in ("live", "still", "ended", "failed") else None
        latency_ms = result.latency_ms + (now_s - self._ready_s) * 1000 if result else 0.0
        live = self.status.state == "live" and not self.status.paused
        self._shown = self.painter.paint(result, now_s, live, min(latency_ms, 9999.0), progress)

    def _take_newest(self, loop: LiveLoop) -> None:
        newer = loop.wait(self._seen, TICK_S)
        if loop is not self._loop:
            return
        if newer is not None:
            self._result = self._seen = newer
        elif not loop.running and self.status.state == "live":
            self._set(state="ended")
            self._jobs.put(self._outputs.stop)
            self._tell_notes(loop.source)

    def _watch_calibration(self, loop: LiveLoop) -> float | None:
        progress, problem = loop.neutral.progress, loop.neutral.problem
        if self.status.calibrating and progress is None:
            self._set(calibrating=False)
            text = f"Not calibrated: {problem}" if problem else "Calibrated: this face reads as neutral from now on"
            self._tell(text, "error" if problem else "info")
        return progress
