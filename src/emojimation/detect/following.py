"""The faces of successive frames of a stream: known ones are found again where they were, at a fraction of the cost.

The whole frame is searched from time to time, and whenever a face is lost or doubtful or nobody is known. In between,
each face is looked for only in the surroundings of its last box, in a small input of its own (`views.close_up`). A new
face is found by the next search of the whole frame. Hiding must not use this: it has to see every whole frame.
"""

from collections.abc import Callable, Sequence
from typing import TypeGuard

import numpy as np

from emojimation.detect.base import Detector
from emojimation.detect.search import FaceDetector, is_among, once_each
from emojimation.faces import Face

# The whole frame is searched after so many frames or seconds, whichever is earlier.
FULL_EVERY, FULL_EVERY_S = 8, 0.3
RUN_S = 1 / 3  # duration of the frames that are searched together
FOLLOWED = ("stream", "fast")  # the searches that need not see every whole frame


class FollowingDetector:
    """A detector for one stream: call it with its frames in order, (H,W,3) BGR uint8, and their times in seconds."""

    def __init__(self, detector: FaceDetector) -> None:
        self.detector = detector
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as after a cut: the next frame is searched as a whole."""
        self._known: list[Face] = []
        self._followed, self._full_s = 0, -np.inf
        self._shape: tuple[int, ...] = ()

    def __call__(self, frame: np.ndarray, time_s: float | None = None) -> list[Face]:
        """The faces of the next frame, largest first; time_s: of the frame, None if only frames count."""
        again = None if self._is_due(frame, time_s) else self.detector.find_again(frame, self._known)
        if again is None:
            self._known, self._followed = _in_whole(self.detector, frame), 0
            self._full_s = self._full_s if time_s is None else time_s
        else:
            self._known, self._followed = again, self._followed + 1
        return self._known

    def _is_due(self, frame: np.ndarray, time_s: float | None) -> bool:
        """Whether the whole frame is to be searched: nobody is known, or for too long, time jumped back, or the frame
        has another size than the one before."""
        before, self._shape = self._shape, frame.shape
        late = time_s is not None and not 0 <= time_s - self._full_s < FULL_EVERY_S
        return not self._known or self._followed + 1 >= FULL_EVERY or late or before != frame.shape


def may_follow(detector: Detector) -> TypeGuard[FaceDetector]:
    """Whether it can follow faces, and its search need not see every whole frame."""
    return isinstance(detector, FaceDetector) and detector.options.search in FOLLOWED


def for_stream(detector: Detector) -> Detector:
    """The detector for the frames of a new stream: one that follows faces if it may; the networks are shared."""
    if isinstance(detector, FollowingDetector):
        return FollowingDetector(detector.detector)
    if not isinstance(detector, FaceDetector):
        return detector
    streaming = detector.streaming()
    return FollowingDetector(streaming) if may_follow(streaming) else streaming


def in_succession(detector: Detector, frames: Sequence[np.ndarray]) -> list[list[Face]]:
    """The faces of each of a few successive frames of one shot that last `RUN_S` at most; followed if they may be."""
    if isinstance(detector, FollowingDetector):
        detector = detector.detector
    if may_follow(detector):
        return follow(detector, frames)
    return [detector(frame) for frame in frames]


def of_run(find_faces: Callable[[np.ndarray], list[Face]], frames: Sequence[np.ndarray]) -> list[list[Face]]:
    """The faces of each of a few successive frames: by the `of_run` of `find_faces`, as `Pipeline` has it, if any."""
    together = getattr(find_faces, "of_run", None)
    return [find_faces(frame) for frame in frames] if together is None else together(frames)


def follow(detector: FaceDetector, frames: Sequence[np.ndarray]) -> list[list[Face]]:
    """As `in_succession`, with a detector that allows it.

    The first and the last frame are searched as a whole, and faces are followed from either end, so that people who
    enter or leave in between are seen from their first frame to their last.
    """
    found = [_in_whole(detector, frames[0])]
    for frame in frames[1:-1]:
        again = detector.find_again(frame, found[-1]) if found[-1] else None
        found.append(_in_whole(detector, frame) if again is None else again)
    if len(frames) > 1:
        found.append(_in_whole(detector, frames[-1]))
    for number in range(len(frames) - 2, 0, -1):
        found[number] = _joined(detector, frames[number], found[number], found[number + 1])
    return found


def _in_whole(detector: FaceDetector, frame: np.ndarray) -> list[Face]:
    """The faces of the whole frame, each as its surroundings show it, so that no box jumps from one view to another."""
    found = detector(frame)
    return (detector.find_again(frame, found) or found) if found else found


def _joined(detector: FaceDetector, frame: np.ndarray, found: list[Face], after: list[Face]) -> list[Face]:
    """The frame's faces, and those of the next frame that are not among them but can be found again."""
    entered = [face for face in after if not is_among(face, found)]
    seen = [face for one in entered for face in detector.find_again(frame, [one]) or ()]
    return sorted(once_each(found + seen), key=lambda face: -face.size_px) if seen else found
