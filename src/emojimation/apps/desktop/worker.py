"""All work behind the window, as the window calls it. Sources are run by `player`, images are painted by `screen`, and
files are saved by `recording`, in a thread for such jobs.

Does not use Tk; only `close` waits in the caller's thread.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from emojimation.apps.desktop import sources
from emojimation.apps.desktop.opening import open_choice
from emojimation.apps.desktop.painter import Painter, Room, Shown
from emojimation.apps.desktop.player import Opener, Player
from emojimation.apps.desktop.recording import Outputs, reason
from emojimation.apps.desktop.screen import Screen
from emojimation.apps.desktop.seeking import Seeking
from emojimation.apps.desktop.settings import WindowSettings
from emojimation.apps.desktop.status import Board, Notice, Status
from emojimation.live import LiveResult


class WindowWorker:
    """The window's interface to the engine. opener: (source, size) -> source of frames; for tests. seeking: moves
    within a video."""

    def __init__(self, settings: WindowSettings, opener: Opener = open_choice) -> None:
        self.settings, self.painter, self._board = settings, Painter(settings), Board()
        self.painter.kind = ""
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._outputs = Outputs(self.painter, self._board.notify, self._board.set)
        self._player = Player(settings, opener, self._board, self._on_result, self._leave)
        self.seeking = Seeking(self._player, self._board, self.painter)
        stop_outputs = partial(self._jobs.put, self._outputs.stop)
        stop_source = partial(self._jobs.put, self._stop_source)
        self._screen = Screen(self.painter, self._player, self._board, stop_outputs, stop_source)
        self._screen.start()
        threading.Thread(target=self._do_jobs, name="emojimation-jobs", daemon=True).start()

    @property
    def status(self) -> Status:
        """The newest state."""
        return self._board.status

    @property
    def notices(self) -> "queue.SimpleQueue[Notice]":
        """Messages that the window has not shown yet."""
        return self._board.notices

    def latest(self) -> Shown | None:
        """The newest images."""
        return self._screen.shown

    def show(self, room: Room) -> None:
        """Paint for these sizes from now on."""
        self.painter.room = room

    def open(self, source: str) -> None:
        """Close the current source and open another one."""
        self.painter.mirror = self.settings.mirror and sources.is_camera(source)
        self.painter.kind = sources.kind_of(source)
        self._player.open(source)

    def close_source(self) -> None:
        """Release the source and return to the start page."""
        self._player.cancel()
        self.painter.kind = ""
        self._board.set(state="idle", source="", message="", paused=False, length_s=None)
        self._jobs.put(self._leave)

    def apply(self, settings: WindowSettings) -> None:
        """Apply new settings, immediately if possible. A model that cannot be used is reported as `Notice.refused`."""
        before, self.settings = self.settings, settings
        self.painter.settings = self._player.settings = settings
        self._player.tune()
        state = self.status.state
        if state == "opening" or (state in ("live", "still") and before.size != settings.size):
            self.open(self.status.source)
        parts = [
            (s.model, s.min_score, s.hides, s.measures, s.prior, s.detector, s.detector_model)
            for s in (before, settings)
        ]
        if parts[0] != parts[1]:
            self._jobs.put(partial(self._exchange, before.model))

    def set_mirror(self, mirror: bool) -> None:
        """Show the image as in a mirror, or not."""
        self.painter.mirror = mirror

    def pause(self) -> None:
        """Pause or resume; restart a video that has ended."""
        if self.status.state == "ended":
            self.open(self.status.source)
        elif self.status.state == "live":
            self._player.pause(not self.status.paused)

    def snapshot(self) -> None:
        """Save what is on screen as PNG."""
        drawn = self.painter.drawn
        if drawn is None:
            self._board.notify("There is no image yet", "error")
        else:
            self._jobs.put(lambda: self._outputs.snapshot(self.settings.out, drawn))

    def record(self) -> None:
        """Start or stop recording what is on screen."""
        if self.status.recording_s is not None or self.status.state == "live":
            self._jobs.put(lambda: self._outputs.record(self.settings.out))
        else:
            self._board.notify("Recording needs live or video input: open a camera or a video", "error")

    def log(self) -> None:
        """Start or stop a table of the predictions."""
        still = self._screen.result if self.status.state == "still" else None
        if self.status.logging or self.status.state == "live" or still is not None:
            self._jobs.put(lambda: self._outputs.log(self.settings.out, still))
        else:
            self._board.notify("A table needs an image: open a camera, a video or a photo", "error")

    def calibrate(self) -> None:
        """Learn the main person's neutral face."""
        loop, main = self._player.loop, self.painter.main(self._screen.result)
        if loop is None or self.status.state != "live" or self.status.paused:
            self._board.notify("Calibration needs live video", "error")
        elif main is None:
            self._board.notify("Calibration needs a face: look into the camera", "error")
        else:
            loop.neutral.start(main.track_id)
            self._board.set(calibrating=True)

    def stop_calibrating(self) -> None:
        """Cancel the calibration in progress, if any; finished ones stay."""
        if self._player.loop is not None and self.status.calibrating:
            self._board.set(calibrating=False)
            self._player.loop.neutral.stop()

    def forget(self) -> None:
        """Forget all calibrations, including one in progress."""
        if self._player.loop is not None:
            self._player.loop.neutral.remove()
            self._board.set(calibrating=False)
            self._board.notify("Calibrations cleared")

    def click(self, x: float, y: float) -> None:
        """Make the face under a point of the view the main one."""
        if (result := self._screen.result) is not None:
            self._name_person(self.painter.click(result, x, y))

    def next_person(self) -> None:
        """Make the next face to the right the main one."""
        if (result := self._screen.result) is not None:
            self._name_person(self.painter.chooser.following(result.faces))

    def close(self) -> None:
        """Release everything, within a second; a recording in progress is kept."""
        self._player.cancel()
        self._screen.stop()
        self._outputs.close(self._player.release)
        self._screen.join(0.3)
        self._jobs.put(None)

    def _name_person(self, number: int | None) -> None:
        if number is not None:
            self._board.notify(f"Person {number} is the main one")

    def _do_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:
                self._board.notify(reason(error), "error")

    def _stop_source(self) -> None:
        self._player.release()
        self._outputs.stop()

    def _leave(self) -> None:
        """Release the source, finish its files, and forget its images."""
        self._stop_source()
        self._screen.forget()

    def _exchange(self, model_before: str) -> None:
        """Another model or threshold; a still or stopped image is analysed again."""
        pipeline = self._player.exchange(model_before)
        if pipeline is None:
            return
        self.painter.timeline.forget()
        if self.status.state == "still":
            return self.open(self.status.source)
        loop, result = self._player.loop, self._screen.result
        if loop is not None and result is not None and (self.status.paused or self.status.state == "ended"):
            faces = loop.neutral(pipeline(result.frame, result.time_s), result.time_s)
            self._screen.result = replace(result, faces=faces)

    def _on_result(self, result: LiveResult) -> None:
        self._screen.arrived()
        self._outputs.write(result)
