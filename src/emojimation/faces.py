"""A face in a frame, the geometry of boxes, and the one warp that crops a face from a frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from html import escape
from typing import Any

import cv2
import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.certainty import Certainty, certainty_of, words_for
from emojimation.errors import InputError
from emojimation.labels import EMOTION_LABELS, EMOTIONS, NOT_SURE_EMOJI, LabelSet, emotion_of

# Median positions of right eye, left eye, nose tip, right and left mouth corner (the person's right, on the viewer's
# left) in the unit square of a FER2013 image. Measured by scripts/measure_template.py; see docs/decisions.md.
TEMPLATE = np.array([[0.313, 0.388], [0.687, 0.388], [0.5, 0.598], [0.349, 0.763], [0.651, 0.763]], np.float32)

WARP_SIDE_PX = 32_766  # the longest side that OpenCV's warp accepts
MOST_ZOOM = 8  # a large face is warped to at most this multiple of its crop, then averaged


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Face:
    """One face of one frame.

    xyxy: (4,) float32, left, top, right, bottom in pixels of the frame; may extend beyond its border.
    score: the detector's, 0 to 1.
    landmarks: (5,2) float32 pixels in the order of `TEMPLATE`, or None if the detector has none. Coordinates start at
        the upper left corner of the first pixel, whose centre is at 0.5, as for the box.
    probabilities: (k,) float32 in the order of `labels`, sum 1, calibrated; None before classification.
    track_id: number of the person in a video, or None for a single image.
    threshold: minimum confidence of a sure answer.
    labels: the classes of `probabilities`; the seven emotions unless the model has others.
    attributes: further answers by name, (columns,) float32 each, as `attributes.ATTRIBUTES` declares them.
    appearance: (128,) float32 of length 1 that tells people apart, see `appearance`; None unless asked for. Biometric
        data: never part of `to_dict`.

    Before classification the answer is empty: emotion, emoji and words are "", confidence is 0.
    """

    xyxy: np.ndarray
    score: float
    landmarks: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    track_id: int | None = None
    threshold: float = 0.5
    labels: LabelSet = EMOTION_LABELS
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    appearance: np.ndarray | None = None

    @property
    def emotion(self) -> str:
        """Name of the most probable class."""
        return self.ranked()[0] if self.probabilities is not None else ""

    @property
    def confidence(self) -> float:
        """Probability of `emotion`, 0 to 1."""
        return 0.0 if self.probabilities is None else float(np.max(self.probabilities))

    @property
    def certainty(self) -> Certainty:
        """How sure the answer is: "sure", "leaning" (between the two most probable classes) or "not sure"."""
        return "not sure" if self.probabilities is None else certainty_of(self.probabilities, self.threshold)

    @property
    def certain(self) -> bool:
        """Whether the answer is sure."""
        return self.certainty == "sure"

    @property
    def emoji(self) -> str:
        """The emoji of `emotion`, a thinking face if the answer is not sure."""
        if self.probabilities is None:
            return ""
        return NOT_SURE_EMOJI if self.certainty == "not sure" else self.labels.emoji_of(self.emotion)

    @property
    def words(self) -> str:
        """The answer for people: "happy", "neutral or sad", "not sure"."""
        return words_for(self.ranked(), self.certainty) if self.probabilities is not None else ""

    def ranked(self) -> list[str]:
        """Names of the classes, most probable first; empty before classification."""
        if self.probabilities is None:
            return []
        return [self.labels.names[i] for i in np.argsort(-self.probabilities, kind="stable")]

    def seven(self) -> np.ndarray | None:
        """`seven_of` the answer; also None before classification."""
        return None if self.probabilities is None else seven_of(self.labels, self.probabilities)

    @property
    def size_px(self) -> float:
        """Longer side of the box in pixels."""
        return float(max(self.xyxy[2] - self.xyxy[0], self.xyxy[3] - self.xyxy[1]))

    @property
    def roll_deg(self) -> float:
        """Tilt of the head in degrees, positive clockwise as the viewer sees it; 0 without landmarks."""
        if self.landmarks is None:
            return 0.0
        dx, dy = self.landmarks[1] - self.landmarks[0]
        return float(np.degrees(np.arctan2(dy, dx)))

    def with_(self, **changes: Any) -> "Face":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, arrays by their values."""
        if not isinstance(other, Face):
            return NotImplemented
        return all(_equal(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))

    __hash__ = None  # type: ignore[assignment]  # its arrays are mutable

    def __repr__(self) -> str:
        """A short line, as lists of faces are read in consoles and notebooks."""
        box = ", ".join(f"{v:.0f}" for v in self.xyxy)
        answer = f"{self.emoji} {self.words} {self.confidence:.0%}, " if self.probabilities is not None else ""
        number = "" if self.track_id is None else f", track_id={self.track_id}"
        return f"Face({answer}xyxy=[{box}], score={self.score:.2f}{number})"

    def _repr_html_(self) -> str:
        """The answer with a bar for each class, for notebooks."""
        head = f"<b>{escape(self.emoji)} {escape(self.words or 'a face, not classified')}</b>"
        shares = zip(self.labels.names, () if self.probabilities is None else self.probabilities, strict=False)
        rows = "".join(
            f'<tr><td>{escape(name)}</td><td><meter value="{p:.3f}"></meter></td><td>{p:.0%}</td></tr>'
            for name, p in shares
        )
        return f"{head}<table>{rows}</table>"

    def to_dict(self) -> dict[str, Any]:
        """The one schema of a face for JSON, CSV, Parquet and REST: plain Python numbers, strings and lists.

        The answer is null before classification. "attributes" is present only if a stage measured some.
        """
        row = {
            "xyxy": [round(float(v), 2) for v in self.xyxy],
            "score": round(float(self.score), 4),
            "landmarks": None if self.landmarks is None else [[round(float(v), 2) for v in p] for p in self.landmarks],
            **self._answer(),
            "track_id": self.track_id,
        }
        return row | ({"attributes": _named(self.attributes)} if self.attributes else {})

    def _answer(self) -> dict[str, Any]:
        if self.probabilities is None:
            return dict.fromkeys(ANSWER)
        values = dict(zip(self.labels.names, (round(float(p), 4) for p in self.probabilities), strict=True))
        confidence = round(self.confidence, 4)
        answer = (self.emotion, confidence, self.certain, self.certainty, self.words, self.emoji, values)
        return dict(zip(ANSWER, answer, strict=True))


def seven_of(labels: LabelSet, probabilities: np.ndarray) -> np.ndarray | None:
    """Probabilities (7,) float32 of `EMOTIONS` from those (k,) of `labels`; other classes count as neutral.

    None if no class is an emotion.
    """
    known = [emotion_of(name) for name in labels.names]
    if not any(known):
        return None
    sums = np.zeros(len(EMOTIONS), np.float32)
    for name, probability in zip(known, probabilities, strict=True):
        sums[EMOTIONS.index(name or "neutral")] += probability
    return sums


# Keys of `Face.to_dict` that a classifier fills.
ANSWER = ("emotion", "confidence", "certain", "certainty", "words", "emoji", "probabilities")


def _named(attributes: Mapping[str, np.ndarray]) -> dict[str, dict[str, float | None]]:
    """Attribute -> column -> number, None for NaN."""
    return {
        name: {
            column: None if np.isnan(value) else round(float(value), 4)
            for column, value in zip(ATTRIBUTES[name].columns, values, strict=True)
        }
        for name, values in attributes.items()
    }


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True) if a is not None and b is not None else a is b
    return bool(a == b)


def checked_frame(frame: np.ndarray) -> np.ndarray:
    """The frame itself if it is (H,W,3) BGR uint8 with at least one pixel; the package's only check of frames.

    Raises InputError for another type or shape.
    """
    wanted = "Expected a frame of shape (height,width,3), BGR uint8"
    if not isinstance(frame, np.ndarray):
        raise InputError(f"{wanted}, got {type(frame).__name__}. Read files with analyze() or cv2.imread().")
    if frame.dtype != np.uint8:
        broken = np.issubdtype(frame.dtype, np.floating) and not np.isfinite(frame).all()
        got = f"{frame.dtype} with NaN or infinite values" if broken else str(frame.dtype)
        raise InputError(f"{wanted}, got {got}. Scale the values to 0..255 and convert with .astype('uint8').")
    if frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
        raise InputError(f"{wanted}, got shape {frame.shape}. Convert with cv2.cvtColor.")
    return frame


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box in `a` (n,4) with every box in `b` (m,4), both xyxy -> (n,m) in [0,1]."""
    shared = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inter = _areas(shared)
    union = _areas(a[:, 2:] - a[:, :2])[:, None] + _areas(b[:, 2:] - b[:, :2])[None] - inter
    return inter / np.maximum(union, 1e-9)  # without area nothing is shared: 0


def _areas(sides: np.ndarray) -> np.ndarray:
    """Areas (...) of rectangles from their width and height (...,2); 0 where one is negative."""
    positive = np.maximum(sides, 0)
    return positive[..., 0] * positive[..., 1]


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (2,3) similarity (rotation, one scale, shift) that maps `source` (n,2) closest to `target` (n,2).

    Least squares after Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE TPAMI 1991, written with complex numbers (which rules out mirroring).
    """
    s, t = (np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0] for points in (source, target))
    s0, t0 = s - s.mean(), t - t.mean()
    factor = np.vdot(s0, t0) / max(np.vdot(s0, s0).real, 1e-12)
    shift = t.mean() - factor * s.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def crop_faces(
    frame: np.ndarray, faces: list[Face], size: int = 48, template: np.ndarray = TEMPLATE, channels: int = 1
) -> np.ndarray:
    """Crop every face from the full frame by a single similarity warp onto the template.

    frame: (H,W,3) BGR uint8. template: (5,2) in the unit square. Returns (n,size,size,channels) uint8, grey for one
    channel, BGR for three. Faces that extend beyond the border are padded by replicating the edge.
    """
    crops = [_crop(frame, face, size, template, channels) for face in faces]
    return np.stack(crops) if crops else np.zeros((0, size, size, channels), np.uint8)


def _crop(frame: np.ndarray, face: Face, size: int, template: np.ndarray, channels: int) -> np.ndarray:
    if face.landmarks is not None:
        source, target = face.landmarks, template * size
    else:
        x0, y0, x1, y1 = face.xyxy
        side = max(x1 - x0, y1 - y0)
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5]], np.float32)
        source, target = centre + corners * side, (corners + 0.5) * size
    matrix = similarity(source, target)
    if channels == 3:
        return warp(frame, matrix, size)
    part, matrix = _around(frame, matrix, size)  # grey before the warp, which then has a third of the work
    return _warp(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), matrix, size, 1.0)[..., None]


def warp(frame: np.ndarray, matrix: np.ndarray, size: int, step_px: float = 1.0) -> np.ndarray:
    """The crop (size,size,3) of a (H,W,3) frame by a (2,3) similarity, frame to crop; the edge is replicated beyond it.

    Coordinates start at the upper left corner of the first pixel. Frames of any size. step_px: largest distance in the
    frame between two samples; up to 1 no pixel is skipped, 2 costs a quarter.
    """
    if max(frame.shape[:2]) > WARP_SIDE_PX:
        frame, matrix = _around(frame, matrix, size)
    return _warp(frame, matrix, size, step_px)


def _around(frame: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a frame that the crop shows, subsampled if it is still too large for OpenCV, and its matrix."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ cv2.invertAffineTransform(matrix).T
    width_height = np.array(frame.shape[1::-1])
    low = np.minimum(np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0), width_height - 1)
    high = np.minimum(np.maximum(np.ceil(corners.max(axis=0)).astype(int) + 2, low + 1), width_height)
    step = int(np.ceil((high - low).max() / WARP_SIDE_PX))
    part = frame[low[1] : high[1] : step, low[0] : high[0] : step]
    return part, np.hstack([matrix[:, :2] * step, (matrix[:, 2] + matrix[:, :2] @ low)[:, None]])


def _warp(frame: np.ndarray, matrix: np.ndarray, size: int, step_px: float) -> np.ndarray:
    """Warp by a (2,3) matrix, frame to crop, in coordinates that start at the corner of the first pixel.

    A face larger than the crop is warped to a multiple of the crop size and averaged, so that no pixel is skipped.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    factor = int(np.clip(np.ceil(1 / max(scale * step_px, 1e-6)), 1, MOST_ZOOM))
    centred = matrix * factor
    # OpenCV's origin is the centre of the first pixel, half a pixel further, in the frame and in the crop.
    centred[:, 2] += centred[:, :2] @ (0.5, 0.5) - 0.5
    big = cv2.warpAffine(
        frame, centred, (size * factor, size * factor), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return big if factor == 1 else cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA)
