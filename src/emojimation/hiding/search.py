"""Detection for hiding, in three strengths, and how a doubtful find is confirmed.

Two networks search the upright frame: BlazeFace, whose landmarks are good, and CenterFace for profiles, small faces and
heads cut off by an edge; one of them also searches the frame rotated by 90, 180 and 270 degrees. CenterFace's finds
stand with their score, which is hardly ever given to anything else, and so do BlazeFace's good ones. A weak one of
BlazeFace, or a rotated one, gets a second pass in upright crops of three sizes, and its score becomes their mean: a
face is detected at every size, a texture that resembles one at a single size only.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.detect import DetectorOptions, FaceDetector
from emojimation.detect.blazeface import BlazeFace
from emojimation.detect.centerface import CenterFace
from emojimation.detect.search import SAME_IOU, is_among, once_each, paired
from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.pipeline import Pipeline

# Share of the crop's side that a find fills in the upright crops of the second detection pass, and the crops' side.
SECOND_SHARES, SECOND_PX = (0.25, 0.4, 0.55), 192
CELLS_BEFORE = 32  # more than needed of the frame are shrunk for a crop, so that one of them begins with a whole pixel
SECOND_SCORE = 0.3  # of the second pass; much lower scores count as zero
SURE = 0.6  # an upright find of BlazeFace is accepted from here on
# CenterFace is shown this share of a video frame's pixels, but no fewer than this: neighbouring frames help each other.
VIDEO_SHARE, LEAST_PX = 0.25, 320 * 240
# A box may be this much longer than the frame's shorter side: a close-up's chin and forehead lie outside the frame.
LARGEST = 1.25
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


@dataclass(frozen=True, slots=True)
class Strength:
    """How thoroughly a frame is searched.

    near, far: lowest scores of BlazeFace and of CenterFace. kept: score after the second detection pass from which a
    doubtful find is kept. area_px: pixels that CenterFace is shown of a video's frame, at most. still_px: of a photo.
    turned: also search the rotated frame. gap_s: how long a missed person stays covered.
    """

    near: float
    far: float
    kept: float
    area_px: int
    still_px: int
    turned: bool
    gap_s: float


STRENGTHS = {
    "fast": Strength(0.5, 0.4, 0.4, area_px=320 * 240, still_px=320 * 240, turned=False, gap_s=1.0),
    "careful": Strength(0.5, 0.35, 0.35, area_px=640 * 480, still_px=1024 * 768, turned=True, gap_s=1.0),
    "paranoid": Strength(0.35, 0.2, 0.2, area_px=1024 * 768, still_px=1600 * 1200, turned=True, gap_s=2.0),
}


def strength_of(name: str) -> Strength:
    """The strength of that name. Raises InputError for another."""
    if name not in STRENGTHS:
        raise InputError(f"Expected a strength among {', '.join(STRENGTHS)}, got {name!r}.")
    return STRENGTHS[name]


class Searcher:
    """A detector that misses as little as possible: call it with a (H,W,3) BGR uint8 frame.

    strength: see `Strength`. still: for a single image, which nothing before or after it helps. min_score: another
    threshold of the detectors. threads: processor threads of each network.
    """

    def __init__(self, strength: Strength, still: bool, min_score: float | None = None, threads: int = 1):
        self._strength, self._still = strength, still
        near = strength.near if min_score is None else min(min_score, strength.near)
        self._near = FaceDetector(min_score=near, search="fast", threads=threads)
        self._turned = FaceDetector(min_score=near, search="fast", refine=False, threads=threads)
        self._far = CenterFace(threads=threads)
        self._second = BlazeFace(DetectorOptions(min_score=SECOND_SCORE, threads=threads))

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """The faces of the frame, each once, best first; the score is that after the second detection pass."""
        near = [face for face in self._near(frame) if fits(face, frame)]
        pairs, alone, new = paired(near, self._seen_far(frame))
        found = [mine.with_(score=max(mine.score, theirs.score)) for mine, theirs in pairs] + new
        confirmed = once_each(found + [face for face in alone if face.score >= SURE])
        doubtful = [face for face in alone if face.score < SURE] + self._found_turned(frame)
        # The best of several finds of one face may fail in the second pass while another one passes.
        for face in sorted(doubtful, key=lambda face: -face.score):
            if is_among(face, confirmed):
                continue
            score = second_score(frame, face, self._second)
            if score >= self._strength.kept:
                confirmed.append(face.with_(score=score))
        return once_each(confirmed)

    def _area_px(self, pixels: int) -> float:
        """How many pixels CenterFace is shown of a frame of so many."""
        if self._still:
            return self._strength.still_px
        return float(np.clip(VIDEO_SHARE * pixels, LEAST_PX, self._strength.area_px))

    def _seen_far(self, frame: np.ndarray) -> list[Face]:
        pixels = frame.shape[0] * frame.shape[1]
        scale = min(1.0, float(np.sqrt(self._area_px(pixels) / pixels)))
        return [face for face in self._far(frame, scale, self._strength.far) if fits(face, frame)]

    def _found_turned(self, frame: np.ndarray) -> list[Face]:
        """What the turned frame shows: to CenterFace in a photo, to BlazeFace in a video, which is quicker."""
        if not self._strength.turned:
            return []
        detect = self._seen_far if self._still else self._turned
        found = [turned_back(face, turn, frame.shape) for turn in _TURNS for face in detect(cv2.rotate(frame, turn))]
        return [face for face in found if fits(face, frame)]


def searcher(
    strength: str = "careful", still: bool = False, min_score: float | None = None, threads: int = 1
) -> Searcher:
    """The search of that strength, a key of `STRENGTHS`; see `Searcher`. Raises InputError for an unknown one."""
    return Searcher(strength_of(strength), still, min_score, threads)


def searching(
    pipeline: Pipeline, strength: str = "careful", still: bool = False, min_score: float | None = None
) -> Pipeline:
    """The same pipeline with the search of that strength in place of its detector; see `searcher`."""
    return pipeline.detecting(searcher(strength, still, min_score))


def fits(face: Face, frame: np.ndarray) -> bool:
    """Whether a box could be a face of the frame: not much larger than it, its centre inside."""
    height, width = frame.shape[:2]
    x, y = (face.xyxy[:2] + face.xyxy[2:]) / 2
    return bool(0 <= x < width and 0 <= y < height and face.size_px <= LARGEST * min(height, width))


def second_score(frame: np.ndarray, face: Face, second: BlazeFace) -> float:
    """Mean of the scores that `second` gives to the face in upright crops of `SECOND_SHARES`; 0 if it finds none."""
    crops = np.stack([upright_crop(frame, face, share) for share in SECOND_SHARES])
    seen = zip(SECOND_SHARES, second.detect_in_crops(crops), strict=True)
    return float(np.mean([_score_in(share, faces) for share, faces in seen]))


def upright_crop(frame: np.ndarray, face: Face, share: float) -> np.ndarray:
    """The face turned upright in the middle of a (192,192,3) BGR uint8 crop, filling `share` of its side."""
    scale = SECOND_PX * share / max(face.size_px, 1.0)
    angle = np.radians(-face.roll_deg)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (face.xyxy[:2] + face.xyxy[2:]) / 2
    matrix = np.hstack([turn, (SECOND_PX / 2 - turn @ centre)[:, None]])
    if scale < 0.5:  # no pixel is skipped
        frame, matrix = _shrunk(frame, matrix, 2 * scale)
    return cv2.warpAffine(frame, matrix, (SECOND_PX, SECOND_PX), flags=cv2.INTER_LINEAR)


def _shrunk(frame: np.ndarray, matrix: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """What a crop shows of the frame, `factor` (below 1) times as large, and the matrix from its pixels to the crop's.

    matrix: (2,3), from the frame to a crop of `SECOND_PX`. The pixels are those of the whole frame if it were shrunk.
    """
    crop = np.array([[0, 0], [SECOND_PX, 0], [0, SECOND_PX], [SECOND_PX, SECOND_PX]], np.float32)
    shown = cv2.transform(crop[None], cv2.invertAffineTransform(matrix))[0]
    x0, y0 = (_cell_start(low - 2 / factor, factor) for low in shown.min(axis=0))
    x1, y1 = np.ceil(shown.max(axis=0) + 2 / factor).astype(int)
    small = cv2.resize(frame[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return small, np.hstack([matrix[:, :2] / factor, matrix @ np.array([[x0], [y0], [1]])])


def _cell_start(low: float, factor: float) -> int:
    """A pixel at or before `low`, from which the cells that become one pixel begin as they do from the frame's edge."""
    last = max(int(low * factor), 0)
    starts = np.arange(max(last - CELLS_BEFORE, 0), last + 1) / factor
    return round(starts[np.abs(starts - np.rint(starts)).argmin()])


def _score_in(share: float, faces: list[Face]) -> float:
    """The best score among the faces of a crop that are where the face should be."""
    low, high = SECOND_PX * (1 - share) / 2, SECOND_PX * (1 + share) / 2
    there = np.array([[low, low, high, high]], np.float32)
    return max((face.score for face in faces if iou(there, face.xyxy[None])[0, 0] >= SAME_IOU), default=0.0)


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
