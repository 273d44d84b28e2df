"""The default detector: BlazeFace first, then CenterFace if the image requires it.

BlazeFace takes a few milliseconds and sees every frame at 192 pixels, so it misses small faces in large images, as well
as profiles and heads cut off by an edge. CenterFace finds those, but its cost grows with every input pixel. So its
input is as small as possible, and it does not run if one person fills a small frame: a webcam costs what BlazeFace
costs. All numbers are measured: docs/decisions.md.
"""

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Unpack

import numpy as np

from emojimation.detect.base import DetectorOptions, OptionFields, largest_first
from emojimation.detect.blazeface import BlazeFace
from emojimation.detect.centerface import WIDE_MODEL, CenterFace
from emojimation.faces import Face, checked_frame, iou
from emojimation.precision import suited

# One face of this share of the longer side makes a portrait. A portrait in a frame of so few pixels needs no more.
PORTRAIT_SHARE, SMALL_FRAME_PX = 0.15, 700_000
# Pixels of CenterFace's input: minimum, for an image without detections so far, and maximum.
LEAST_AREA_PX, USUAL_AREA_PX, MOST_AREA_PX = 320 * 240, 640 * 480, 1280 * 960
# Faces beside the known ones are looked for down to this share of the smallest; so many input pixels long at first, and
# at most.
SMALLER_SHARE, SEEN_PX = 0.35, (14, 24)
# A face smaller than this in CenterFace's input, however faint, has others beside it that were too small. Where nothing
# was seen at less than this share of the frame's size, all may have been.
TINY_PX, COARSE = 18, 0.25
# Share of min_score from which CenterFace's detections get a close-up pass by BlazeFace; so many at most.
FAINT, MOST_CLOSER = 0.2, 128
# Share of min_score that a face needs which CenterFace did not see at all, and that makes BlazeFace's landmarks good.
UNSEEN, ALIGNED = 1.15, 0.8
# A face of one network and one of the other are the same when they overlap by this much.
PAIR_IOU = 0.25
# Two of a frame's faces are the same when they overlap by this much, or their centres are so near and their sizes so
# alike, in units of the better one.
SAME_IOU, SAME_CENTRE, SAME_SIZE = 0.3, 0.4, 1.6


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
        """CenterFace, in eight bits where that is faster, unless as little as possible must be missed."""
        model = WIDE_MODEL if self.options.search == "wide" else suited(WIDE_MODEL)
        return CenterFace(model, self.options.threads)

    def __call__(self, frame: np.ndarray) -> list[Face]:
        """frame: (H,W,3) BGR uint8. Boxes and landmarks: float32 pixels of the frame, may extend beyond its border."""
        wide = self.options.search == "wide"
        found = self._first.find(checked_frame(frame), tiles=wide)
        if self.options.search != "fast":
            found = self._joined(frame, found, self._wide_pass(frame, found))
        return largest_first(found, self.options.min_size_px)

    def find_again(self, frame: np.ndarray, known: list[Face]) -> list[Face] | None:
        """The faces known from the frame before, each in its own surroundings; None if one is lost or doubtful."""
        seen = self._first.detect_at(checked_frame(frame), np.array([face.xyxy for face in known]))
        sure = [face for face in seen if face is not None and face.score >= self.options.min_score]
        faces = largest_first(once_each(sure), self.options.min_size_px)
        return faces if len(faces) == len(known) else None

    def streaming(self) -> "FaceDetector":
        """The same networks for the frames of a stream: "auto" becomes "stream"."""
        if self.options.search != "auto":
            return self
        other = copy(self)
        other.options = replace(self.options, search="stream")
        return other

    def _wide_pass(self, frame: np.ndarray, found: list[Face]) -> list[Face] | None:
        """CenterFace's faces at the scale that the image requires, and at a larger one too if they are tiny.

        None if it should not run at all.
        """
        area_px, most_px = self._areas_px(frame, found)
        if not area_px:
            return None
        seen = self._at_area(frame, area_px)
        more_px = min(larger_px(seen, area_px, frame), most_px)
        if more_px > area_px:
            seen = once_each(seen + self._at_area(frame, more_px))
        return seen

    def _areas_px(self, frame: np.ndarray, found: list[Face]) -> tuple[float, float]:
        """How many pixels CenterFace is shown at first, 0 for none, and at most."""
        pixels = frame.shape[0] * frame.shape[1]
        most_px = float(min(pixels, MOST_AREA_PX))
        if self.options.search == "wide":
            return most_px, most_px
        if self.options.search == "stream":
            return (0, 0) if found else (min(LEAST_AREA_PX, most_px),) * 2
        if not found:
            return min(USUAL_AREA_PX, most_px), most_px
        if len(found) == 1 and pixels <= SMALL_FRAME_PX and is_portrait(found[0], frame):
            return 0, 0
        sought_px = SMALLER_SHARE * min(face.size_px for face in found)
        first, last = (np.clip(pixels * (seen_px / sought_px) ** 2, LEAST_AREA_PX, most_px) for seen_px in SEEN_PX)
        return float(min(first, USUAL_AREA_PX)), float(last)

    def _at_area(self, frame: np.ndarray, area_px: float) -> list[Face]:
        scale = float(np.sqrt(area_px / (frame.shape[0] * frame.shape[1])))
        return self._wide(frame, scale, self.options.min_score * FAINT)

    def _joined(self, frame: np.ndarray, found: list[Face], seen: list[Face] | None) -> list[Face]:
        """Both networks' faces, each once: BlazeFace's box and landmarks if it is sure, the better score of both."""
        if seen is None:
            return found
        pairs, left, new = paired(found, seen)
        both = [mine.with_(score=max(mine.score, theirs.score)) for mine, theirs in pairs]
        alone = [face for face in left if self._counts_alone(face)]
        return once_each(both + alone + self._confirmed(frame, new))

    def _counts_alone(self, face: Face) -> bool:
        return self.options.search == "wide" or face.score >= self.options.min_score * UNSEEN

    def _confirmed(self, frame: np.ndarray, new: list[Face]) -> list[Face]:
        """Those of CenterFace's faces of which either network is sure, BlazeFace by an enlarged view of each."""
        if not new:
            return []
        closer = self._first.detect_at(frame, np.array([face.xyxy for face in new[:MOST_CLOSER]]))
        closer += [None] * (len(new) - len(closer))
        faces = [self._aligned(face, again) for face, again in zip(new, closer, strict=True)]
        return [face for face in faces if face.score >= self.options.min_score]

    def _aligned(self, face: Face, again: Face | None) -> Face:
        """With the better score of both, and BlazeFace's box and landmarks if it sees the face well.

        The emotion models were fitted to BlazeFace's landmarks.
        """
        if again is None:
            return face
        better = again if again.score >= self.options.min_score * ALIGNED else face
        return better.with_(score=max(face.score, again.score))


def larger_px(seen: list[Face], area_px: float, frame: np.ndarray) -> float:
    """How many pixels of input show well what was seen at `area_px`; the same number where that shows it well."""
    scale = float(np.sqrt(area_px / (frame.shape[0] * frame.shape[1])))
    if not seen:
        return np.inf if scale < COARSE else area_px
    return area_px * max(1.0, TINY_PX / (scale * min(face.size_px for face in seen))) ** 2


def is_portrait(face: Face, frame: np.ndarray) -> bool:
    """Whether a face is so large in its frame that it is probably the only one."""
    return face.size_px >= PORTRAIT_SHARE * max(frame.shape[:2])


def once_each(faces: list[Face]) -> list[Face]:
    """The faces without those that are another, better one seen twice."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not is_among(face, kept):
            kept.append(face)
    return kept


def is_among(face: Face, better: list[Face]) -> bool:
    """Whether a face is one of the `better` ones of its frame."""
    if not better:
        return False
    boxes, sizes = np.array([other.xyxy for other in better]), np.array([other.size_px for other in better])
    apart = np.linalg.norm((face.xyxy[:2] + face.xyxy[2:] - boxes[:, :2] - boxes[:, 2:]) / 2, axis=1)
    near = (apart < SAME_CENTRE * sizes) & (face.size_px < SAME_SIZE * sizes)
    return bool((near | (iou(face.xyxy[None], boxes)[0] >= SAME_IOU)).any())


def paired(mine: list[Face], theirs: list[Face]) -> tuple[list[tuple[Face, Face]], list[Face], list[Face]]:
    """Faces of two detectors -> pairs that are one face, the others of `mine`, the others of `theirs`."""
    left, pairs, new = list(mine), [], []
    for face in theirs:
        overlaps = [float(iou(face.xyxy[None], other.xyxy[None])[0, 0]) for other in left]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= PAIR_IOU:
            pairs.append((left.pop(best), face))
        else:
            new.append(face)
    return pairs, left, new
