"""A tracker that logs its detections, so that a resumed run can bring a new one to the same state."""

from pathlib import Path

from emojimation.faces import Face
from emojimation.story import rows
from emojimation.tracking.track import Tracker
from emojimation.video.analyse import SAME_TIME_S, Past


class Replayed:
    """Logs the faces of each analysed frame before `tracker` takes them, rounded as in the log.

    path: of the log. until_s: of the last finished frame; what was logged up to there is tracked again first, `past`
    describes the last such frame, and `last_s` is its time. None: a new run.
    """

    def __init__(self, path: Path, tracker: Tracker, threshold: float, until_s: float | None):
        self._tracker, self._threshold, self._shot = tracker, threshold, 1
        self.past = Past()
        self.last_s: float | None = None
        count = self._again(path, until_s) if until_s is not None else 0
        self._log = rows.Log(path, count, finds=True)

    def update(self, faces: list[Face], time_s: float | None) -> list[Face]:
        """Like `Tracker.update`."""
        time_s = round(time_s or 0.0, 6)
        self._log.write(self._log.frames, time_s, faces, self._shot)
        return self._tracker.update([rows.face_of(rows.find_row(face), self._threshold) for face in faces], time_s)

    def reset(self) -> None:
        """Like `Tracker.reset`, at the start of a new shot."""
        self._shot += 1
        self._tracker.reset()

    def close(self) -> None:
        """Close the log."""
        self._log.close()

    def _again(self, path: Path, until_s: float) -> int:
        """Track what was logged up to that time; how many lines that were."""
        count = 0
        for line in rows.read_log(path):
            if line.time_s > until_s + SAME_TIME_S:
                break
            if line.shot > self._shot:
                self._tracker.reset()
            faces = [rows.face_of(face, self._threshold) for face in line.faces]
            self.past = Past(self._tracker.update(faces, line.time_s), line.shot, line.time_s)
            self._shot, self.last_s, count = line.shot, line.time_s, count + 1
        return count
