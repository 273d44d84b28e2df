"""Where faces may be in a frame that is to show none, in three strengths, and how a doubtful find is confirmed.

Two networks search the upright frame: BlazeFace, whose landmarks are good, and CenterFace for profiles, small faces and
heads that an edge cuts; one of them also searches the frame turned by 90, 180 and 270 degrees. A find with a good score
stands. A weak or turned one is looked at again in upright crops of three sizes, and its score becomes the mean of what
these show: a face is seen at every size, a texture that resembles one at a single size only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.detect import FaceDetector
from emojimation.detect.centerface import CenterFace
from emojimation.detect.search import paired
from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.pipeline import Pipeline

Detector = Callable[[np.ndarray], list[Face]]

# Two finds in one frame are one face when they overlap or their centres are so near, in sizes of the better one.
SAME_IOU, SAME_CENTRE = 0.3, 0.4
# Share of the crop's side that a find fills in the upright crops of the second detection pass, and the crops' side.
SECOND_SHARES, SECOND_PX = (0.25, 0.4, 0.55), 192
SECOND_SCORE = 0.1  # lowest score that counts in a crop
SURE = 0.6  # an upright find from here on stands without a second detection pass
# CenterFace is shown this share of a video frame's pixels, but no fewer than this: neighbouring frames help each other.
VIDEO_SHARE, LEAST_PX = 0.25, 320 * 240
# A box may be this much longer than the frame's shorter side: a close-up's chin and forehead lie outside the frame.
LARGEST = 1.25
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


@dataclass(frozen=True, slots=True)
class Strength:
    """How thoroughly a frame is searched.

    min_score: of the detectors. kept: score after the second detection pass from which a doubtful find is kept.
    area_px: pixels that CenterFace is shown of a video's frame, at most; 0 for none. still_px: of a photo. turned: the
    turned frame as well. gap_s: how long a person may be missed and stays covered.
    """

    min_score: float
    kept: float
    area_px: int
    still_px: int
    turned: bool
    gap_s: float


STRENGTHS = {
    "fast": Strength(0.4, 0.4, area_px=0, still_px=320 * 240, turned=False, gap_s=0.5),
    "careful": Strength(0.35, 0.35, area_px=640 * 480, still_px=1024 * 768, turned=True, gap_s=1.0),
    "paranoid": Strength(0.25, 0.2, area_px=1024 * 768, still_px=1600 * 1200, turned=True, gap_s=2.0),
}


def strength_of(name: str) -> Strength:
    """The strength of that name. Raises InputError for another."""
    if name not in STRENGTHS:
        raise InputError(f"Expected a strength of {', '.join(STRENGTHS)}, got {name!r}.")
    return STRENGTHS[name]


class Searcher:
    """A detector that misses as little as it can: call it with a (H,W,3) BGR uint8 frame.

    strength: see `Strength`. still: for a single picture, which nothing before or after it helps. min_score: another
    threshold of the detectors. threads: processor threads of each network.
    """

    def __init__(self, strength: Strength, still: bool, min_score: float | None = None, threads: int = 1):
        self._strength, self._still = strength, still
        self._score = strength.min_score if min_score is None else min(min_score, strength.min_score)
        self._near = FaceDetector(min_score=self._score, search="fast", threads=threads)
        self._second = FaceDetector(min_score=SECOND_SCORE, min_size_px=1, search="fast", refine=False, threads=threads)
        self._far = CenterFace(threads=threads) if self._area_px((1, 1)) else None

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """The faces of the frame, each once, best first; the score is that after the second detection pass."""
        upright = self._found(frame)
        confirmed = once_each([face for face in upright if face.score >= SURE])
        doubtful = [face for face in upright if face.score < SURE] + self._found_turned(frame)
        # The best of several finds of one face may fail in the second pass where another one does not.
        for face in sorted(doubtful, key=lambda face: -face.score):
            if any(same_face(face, other) for other in confirmed):
                continue
            score = self._confirmed_score(frame, face)
            if score >= self._strength.kept:
                confirmed.append(face.with_(score=score))
        return once_each(confirmed)

    def _area_px(self, shape: tuple[int, ...]) -> float:
        """How many pixels CenterFace is shown of a frame of that (H,W) shape."""
        if self._still or not self._strength.area_px:
            return self._strength.still_px if self._still else 0
        return float(np.clip(VIDEO_SHARE * shape[0] * shape[1], LEAST_PX, self._strength.area_px))

    def _found(self, frame: np.ndarray) -> list[Face]:
        """The upright frame's faces: BlazeFace's box where both networks found one, and the better score."""
        near = [face for face in self._near(frame) if fits(face, frame)]
        if self._far is None:
            return near
        pairs, alone, new = paired(near, self._far_in(frame, self._far))
        return [mine.with_(score=max(mine.score, theirs.score)) for mine, theirs in pairs] + alone + new

    def _far_in(self, frame: np.ndarray, far: CenterFace) -> list[Face]:
        scale = float(np.sqrt(self._area_px(frame.shape) / (frame.shape[0] * frame.shape[1])))
        return [face for face in far(frame, min(scale, 1.0), self._score) if fits(face, frame)]

    def _found_turned(self, frame: np.ndarray) -> list[Face]:
        """What the turned frame shows: to CenterFace in a photo, to BlazeFace in a video, which is quicker."""
        if not self._strength.turned:
            return []
        found = []
        for turn in _TURNS:
            turned = cv2.rotate(frame, turn)
            faces = self._far_in(turned, self._far) if self._still and self._far else self._near(turned)
            found += [turned_back(face, turn, frame.shape) for face in faces]
        return [face for face in found if fits(face, frame)]

    def _confirmed_score(self, frame: np.ndarray, face: Face) -> float:
        return second_score(frame, face, self._second)


def searcher(
    strength: str = "careful", still: bool = False, min_score: float | None = None, threads: int = 1
) -> Searcher:
    """The search of that strength, a key of `STRENGTHS`; see `Searcher`. Raises InputError for an unknown one."""
    return Searcher(strength_of(strength), still, min_score, threads)


def searching(
    pipeline: Pipeline, strength: str = "careful", still: bool = False, min_score: float | None = None
) -> Pipeline:
    """The same pipeline with the search of that strength in place of its detector; see `searcher`."""
    found = searcher(strength, still, min_score)
    return Pipeline(found, pipeline.classifier, pipeline.tracker, pipeline.prior, pipeline.threshold)


def fits(face: Face, frame: np.ndarray) -> bool:
    """Whether a box could be a face of the frame: not much larger than it, its centre inside."""
    height, width = frame.shape[:2]
    x, y = (face.xyxy[:2] + face.xyxy[2:]) / 2
    return bool(0 <= x < width and 0 <= y < height and face.size_px <= LARGEST * min(height, width))


def second_score(frame: np.ndarray, face: Face, second: Detector) -> float:
    """Mean of the scores that `second` gives to the face in upright crops of `SECOND_SHARES`; 0 where it sees none."""
    return float(np.mean([_score_in(upright_crop(frame, face, share), share, second) for share in SECOND_SHARES]))


def upright_crop(frame: np.ndarray, face: Face, share: float) -> np.ndarray:
    """The face turned upright in the middle of a (192,192,3) BGR uint8 crop, filling `share` of its side."""
    scale = SECOND_PX * share / max(face.size_px, 1.0)
    angle = np.radians(-face.roll_deg)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (face.xyxy[:2] + face.xyxy[2:]) / 2
    matrix = np.hstack([turn, (SECOND_PX / 2 - turn @ centre)[:, None]])
    if scale < 0.5:  # no pixel is skipped
        small = cv2.resize(frame, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        matrix[:, :2] /= 2 * scale
        frame = small
    return cv2.warpAffine(frame, matrix, (SECOND_PX, SECOND_PX), flags=cv2.INTER_LINEAR)


def _score_in(crop: np.ndarray, share: float, second: Detector) -> float:
    low, high = SECOND_PX * (1 - share) / 2, SECOND_PX * (1 + share) / 2
    there = np.array([[low, low, high, high]], np.float32)
    scores = [face.score for face in second(crop) if iou(there, face.xyxy[None])[0, 0] >= SAME_IOU]
    return max(scores, default=0.0)


def turned_back(face: Face, turn: int, shape: tuple[int, ...]) -> Face:
    """A face found in the frame after `cv2.rotate(frame, turn)`, in the pixels of the frame of that (H,W) shape."""
    height, width = shape[:2]
    back = {
        cv2.ROTATE_90_CLOCKWISE: lambda p: np.stack([p[:, 1], height - p[:, 0]], axis=1),
        cv2.ROTATE_180: lambda p: np.array([width, height]) - p,
        cv2.ROTATE_90_COUNTERCLOCKWISE: lambda p: np.stack([width - p[:, 1], p[:, 0]], axis=1),
    }[turn]
    corners = back(face.xyxy.reshape(2, 2))
    xyxy = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
    landmarks = None if face.landmarks is None else back(face.landmarks).astype(np.float32)
    return face.with_(xyxy=xyxy, landmarks=landmarks)


def once_each(faces: list[Face]) -> list[Face]:
    """The faces without those that are another, better one seen twice."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(same_face(face, other) for other in kept):
            kept.append(face)
    return kept


def same_face(face: Face, better: Face) -> bool:
    """Whether two finds of one frame are one face."""
    apart = float(np.linalg.norm((face.xyxy[:2] + face.xyxy[2:] - better.xyxy[:2] - better.xyxy[2:]) / 2))
    near = apart < SAME_CENTRE * better.size_px and face.size_px < 1.6 * better.size_px
    return near or bool(iou(face.xyxy[None], better.xyxy[None])[0, 0] >= SAME_IOU)
