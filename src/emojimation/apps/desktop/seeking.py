"""Moving within a video: to a time, by seconds, by single frames, by a drag. Does not use Tk."""

from emojimation.apps.desktop.painter import Painter
from emojimation.apps.desktop.player import Player
from emojimation.apps.desktop.status import Board
from emojimation.apps.desktop.timeline import time_at


class Seeking:
    """Moves the player within its video; the painter's timeline shows the position before the frame is there."""

    def __init__(self, player: Player, board: Board, painter: Painter) -> None:
        self._player, self._board, self._painter, self._timeline = player, board, painter, painter.timeline
        self._dragging = self._resumes = False

    def to(self, time_s: float) -> None:
        """Show the frame at that time, and go on from there unless paused."""
        if self._length_s is not None:
            self._timeline.now_s = min(max(time_s, 0.0), self._length_s)
            self._player.seek(self._timeline.now_s)

    def by(self, seconds: float) -> None:
        """Jump forward or back."""
        self.to(self._timeline.now_s + seconds)

    def next_frame(self) -> None:
        """Pause at the next frame."""
        if self._length_s is not None and self._board.status.state == "live":
            self._player.step()

    def previous_frame(self) -> None:
        """Pause at the previous frame."""
        if self._length_s is not None:
            self._player.pause(True)
            frame_s = self._board.status.frame_s
            before_s = max(self._timeline.now_s - frame_s, 0.0)
            self.to(before_s - frame_s / 2)  # half a frame earlier, as times are rounded: the next one is shown
            self._timeline.now_s = before_s

    def drag(self, x: float) -> None:
        """Follow the pointer along the seek bar, x pixels from its left; the video waits until `drop`."""
        length_s, room = self._length_s, self._painter.room
        if length_s is None:
            return
        if not self._dragging:
            self._dragging, self._resumes = True, not self._board.status.paused
            self._player.pause(True)
        self.to(time_at(x, room.seek_wh[0], room.scale, length_s))

    def drop(self) -> None:
        """End a drag: a video that was playing goes on."""
        if self._dragging and self._resumes:
            self._player.pause(False)
        self._dragging = False

    @property
    def _length_s(self) -> float | None:
        """Of the video, None if there is none to move in; then says so."""
        status = self._board.status
        if status.length_s is None and status.state in ("live", "ended"):
            self._board.notify("Only a video from a file can be moved to another time", "error")
        return status.length_s if status.state in ("live", "ended", "opening") else None
