"""The usual detector: BlazeFace looks first, CenterFace where the picture asks for it.

BlazeFace takes a few milliseconds and sees every frame at 192 pixels, so small faces of large pictures escape it, as do
profiles and heads that an edge cuts. CenterFace finds those and costs more with every pixel that it is shown. So it is
shown as few as will do, and none where one person fills a small frame: a webcam costs what BlazeFace costs.
All numbers are measured: docs/decisions.md.
"""

from functools import cached_property
from typing import Unpack

import numpy as np

from emojimation.detect.base import DetectorOptions, OptionFields, largest_first
from emojimation.detect.blazeface import BlazeFace
from emojimation.detect.centerface import CenterFace
from emojimation.faces import Face, checked_frame, iou

# One face of this share of the longer side makes a portrait. A portrait in a frame of so few pixels is done.
PORTRAIT_SHARE, SMALL_FRAME_PX = 0.15, 700_000
# Pixels of CenterFace's input: least, for a picture where nothing was found so far, and most.
LEAST_AREA_PX, USUAL_AREA_PX, MOST_AREA_PX = 320 * 240, 640 * 480, 1024 * 768
# Faces next to the known ones are looked for down to this share of the smallest, so many input pixels long.
SMALLER_SHARE, SEEN_PX = 0.35, 14
# A face this small in CenterFace's input hints at others that were too small for it.
TINY_PX = 16
# Share of min_score from which BlazeFace is asked about what CenterFace saw.
DOUBTFUL = 0.5
# Share of min_score that a face needs which CenterFace did not see at all, and that makes BlazeFace's landmarks good.
UNSEEN, ALIGNED = 1.15, 0.8
SAME_FACE_IOU = 0.25


class FaceDetector:
    """`FaceDetector()(frame)` -> list of `Face`, largest first, with score and landmarks.

    options, or its fields as keywords: see `DetectorOptions`; `model` is a file of BlazeFace's layout. tiles: the same
    as search="wide". One detector may serve several threads.
    """

    USES = ("model", "min_score", "min_size_px", "search", "refine", "threads")

    def __init__(
        self, options: DetectorOptions | None = None, tiles: bool = False, **fields: Unpack[OptionFields]
    ) -> None:
        if tiles:
            fields["search"] = "wide"
        self.options = options or DetectorOptions(**fields)
        self._first = BlazeFace(self.options)

    @cached_property
    def _wide(self) -> CenterFace:
        return CenterFace(threads=self.options.threads)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8. Boxes and landmarks: float32 pixels of the frame, may reach over its border."""
        wide = self.options.search == "wide"
        found = self._first.find(checked_frame(frame), tiles=wide)
        if self.options.search != "fast":
            found = self._joined(frame, found, self._look_wide(frame, found))
        return largest_first(found, self.options.min_size_px)

    def _look_wide(self, frame: np.ndarray, found: list[Face]) -> list[Face] | None:
        """CenterFace's faces at the scale that the picture asks for, and at a larger one where they are tiny; None for
        no look."""
        area_px = self._area_px(frame, found)
        if not area_px:
            return None
        seen, scale = self._at_area(frame, area_px)
        smallest_px = min((face.size_px for face in seen), default=0.0)
        if scale < 1 and area_px < MOST_AREA_PX and smallest_px * scale < TINY_PX and (seen or scale < 0.25):
            seen = once_each(seen + self._at_area(frame, MOST_AREA_PX)[0])
        return seen

    def _area_px(self, frame: np.ndarray, found: list[Face]) -> float:
        """How many pixels CenterFace is shown; 0 for none."""
        pixels = frame.shape[0] * frame.shape[1]
        if self.options.search == "wide":
            return MOST_AREA_PX
        if not found:
            return USUAL_AREA_PX
        if len(found) == 1 and pixels <= SMALL_FRAME_PX and is_portrait(found[0], frame):
            return 0
        scale = SEEN_PX / (SMALLER_SHARE * min(face.size_px for face in found))
        return float(np.clip(pixels * scale**2, LEAST_AREA_PX, USUAL_AREA_PX))

    def _at_area(self, frame: np.ndarray, area_px: float) -> tuple[list[Face], float]:
        scale = min(1.0, float(np.sqrt(area_px / (frame.shape[0] * frame.shape[1]))))
        return self._wide(frame, scale, self.options.min_score * DOUBTFUL), scale

    def _joined(self, frame: np.ndarray, found: list[Face], seen: list[Face] | None) -> list[Face]:
        """Both networks' faces, each once: BlazeFace's box and landmarks where it is sure, the better score of both."""
        if seen is None:
            return found
        pairs, left, new = paired(found, seen)
        both = [mine.with_(score=max(mine.score, theirs.score)) for mine, theirs in pairs]
        return both + [face for face in left if self._counts_alone(face)] + self._confirmed(frame, new)

    def _counts_alone(self, face: Face) -> bool:
        return self.options.search == "wide" or face.score >= self.options.min_score * UNSEEN

    def _confirmed(self, frame: np.ndarray, new: list[Face]) -> list[Face]:
        """Those of CenterFace's faces of which either network is sure, BlazeFace by an enlarged view of each."""
        if not new:
            return []
        closer = self._first.look_at(frame, np.array([face.xyxy for face in new]))
        faces = [self._aligned(face, again) for face, again in zip(new, closer, strict=True)]
        return [face for face in faces if face.score >= self.options.min_score]

    def _aligned(self, face: Face, again: Face | None) -> Face:
        """With the better score of both, and BlazeFace's box and landmarks where it sees the face well.

        The emotion models were fitted to BlazeFace's landmarks.
        """
        if again is None:
            return face
        better = again if again.score >= self.options.min_score * ALIGNED else face
        return better.with_(score=max(face.score, again.score))


def is_portrait(face: Face, frame: np.ndarray) -> bool:
    """Whether a face is so large in its frame that a single one is probably the only one."""
    return face.size_px >= PORTRAIT_SHARE * max(frame.shape[:2])


def once_each(faces: list[Face]) -> list[Face]:
    """Without the faces that overlap a better one."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not kept or iou(face.xyxy[None], np.array([other.xyxy for other in kept])).max() < SAME_FACE_IOU:
            kept.append(face)
    return kept


def paired(mine: list[Face], theirs: list[Face]) -> tuple[list[tuple[Face, Face]], list[Face], list[Face]]:
    """Faces of two detectors -> pairs that are one face, the others of `mine`, the others of `theirs`."""
    left, pairs, new = list(mine), [], []
    for face in theirs:
        overlaps = [float(iou(face.xyxy[None], other.xyxy[None])[0, 0]) for other in left]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= SAME_FACE_IOU:
            pairs.append((left.pop(best), face))
        else:
            new.append(face)
    return pairs, left, new
