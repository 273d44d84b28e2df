"""The main face: which of several it is, the click that chooses it, the mirror, and the arrow that marks it.

Does not use Tk.
"""

import cv2
import numpy as np

from emojimation import attributes
from emojimation.faces import Face

MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]


class Chooser:
    """Which of several faces is the main one: the clicked one, else the largest, kept while it is visible."""

    def __init__(self) -> None:
        self.chosen: int | None = None
        self._held: int | None = None

    def choose(self, track_id: int | None) -> None:
        """Make the person of that number the main one; None for the largest."""
        self.chosen = self._held = track_id

    def main(self, faces: list[Face]) -> Face | None:
        """The main face of a frame; None if there is no face."""
        by_number = {face.track_id: face for face in faces if face.track_id is not None}
        for number in (self.chosen, self._held):
            if number in by_number:
                return by_number[number]
        largest = max(faces, key=lambda face: face.size_px, default=None)
        if largest is not None:
            self._held = largest.track_id
        return largest

    def following(self, faces: list[Face]) -> int | None:
        """Choose the next person from left to right; returns the number."""
        order = [face.track_id for face in sorted(faces, key=lambda face: float(face.xyxy[0]))]
        main = self.main(faces)
        if main is None:
            return None
        self.choose(order[(order.index(main.track_id) + 1) % len(order)])
        return self.chosen


def face_at(faces: list[Face], x: float, y: float) -> Face | None:
    """The face whose box contains the point (pixels of the frame), the smallest if there are several."""
    under = [f for f in faces if f.xyxy[0] <= x <= f.xyxy[2] and f.xyxy[1] <= y <= f.xyxy[3]]
    return min(under, key=lambda face: face.size_px, default=None)


def mirrored(face: Face, width: int) -> Face:
    """The face mirrored in a frame of `width` pixels."""
    x0, y0, x1, y1 = face.xyxy
    landmarks = face.landmarks
    if landmarks is not None:
        landmarks = (landmarks[MIRRORED_LANDMARKS] * (-1, 1) + (width, 0)).astype(np.float32)
    return face.with_(
        xyxy=np.array([width - x1, y0, width - x0, y1], np.float32),
        landmarks=landmarks,
        attributes={name: attributes.mirrored(name, values) for name, values in face.attributes.items()},
    )


def fitted(size_wh: tuple[int, int], room_wh: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape that fits into `room_wh`; at least 1 x 1."""
    scale = min(room_wh[0] / size_wh[0], room_wh[1] / size_wh[1])
    return max(1, int(size_wh[0] * scale)), max(1, int(size_wh[1] * scale))


def frame_point(
    x: float, y: float, room_wh: tuple[int, int], size_wh: tuple[int, int], mirror: bool
) -> tuple[float, float] | None:
    """A point of the image area -> the point of the unmirrored frame centred there, or None outside it."""
    width, height = fitted(size_wh, room_wh)
    across = (x - (room_wh[0] - width) // 2) / width
    down = (y - (room_wh[1] - height) // 2) / height
    if not (0 <= across < 1 and 0 <= down < 1):
        return None
    return (1 - across if mirror else across) * size_wh[0], down * size_wh[1]


def mark_main(view: np.ndarray, xyxy: np.ndarray, scale: float, covered: bool) -> None:
    """Mark the main one of several faces: a small light arrow below it, in place.

    xyxy: the face's box in pixels of the view. covered: something larger than the box is drawn over it.
    """
    size = round(9 * scale)
    x0, _, x1, y1 = (float(v) for v in xyxy)
    tip = y1 + round(6 * scale) + (0.32 * (x1 - x0) if covered else 0)
    x, y = round((x0 + x1) / 2), min(round(tip), view.shape[0] - round(1.6 * size))
    arrow = np.array([[x, y], [x - size, y + round(1.3 * size)], [x + size, y + round(1.3 * size)]], np.int32)
    cv2.fillPoly(view, [arrow], (255, 255, 255), cv2.LINE_AA)
    cv2.polylines(view, [arrow], True, (40, 40, 40), max(1, round(1.5 * scale)), cv2.LINE_AA)
