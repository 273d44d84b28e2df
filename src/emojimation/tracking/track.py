"""Faces of successive frames -> the same faces with stable numbers, boxes and probabilities.

Each person is a track. A track predicts where its face will be, detections are matched to tracks by the assignment
of least total cost, and smoothing works in seconds, not frames, so that videos of 5 and of 30 frames per second give
the same answers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from emojimation.attributes import ATTRIBUTES
from emojimation.errors import InputError
from emojimation.faces import Face, iou
from emojimation.tracking.assign import assign
from emojimation.tracking.blinks import Blinks
from emojimation.tracking.fading import Fading
from emojimation.tracking.people import People, sum_of
from emojimation.tracking.smooth import LowPass

NOMINAL_STEP_S = 1 / 30  # between two frames of unknown time
# Memory of the filter for boxes and landmarks: short, to remove jitter without lagging behind the head.
BOX_MEMORY_S = 0.08
# Standard deviation of the prediction error, in face sizes: at first, then its growth without a detection, per second
# for the uncertainty of the velocity and per second squared for its changes. A track that was seen once has no
# velocity yet, and a head can move by several sizes per second.
SPREAD, SPREAD_PER_S, SPREAD_PER_S2, SPREAD_PER_S_NEW = 0.15, 0.15, 0.5, 2.0
SIZE_SPREAD = 0.25  # standard deviation of the logarithm of the face's size
EMOTION_WEIGHT = 1.0  # of the difference between the emotions, 0 to 1
# A pair that costs more is not matched: about three standard deviations, less if a lost track could be anywhere.
MAX_COST = 8.0
# If another track overlaps this one, the detector's box is pulled towards the other: velocity is not updated then.
CROWDED_IOU = 0.1
# A tentative track is dropped after this share of `max_gap_s`: false positives do not recur in the same place.
TENTATIVE_SHARE = 0.25
# Successive frames at most this far apart are neighbours: who is in both was not away, however slow the stream is.
NEIGHBOURS_S = 10.0
FORESEEN_S = 1.0  # positions are predicted no further, and become no more uncertain


@dataclass(slots=True, eq=False)
class Track:
    """What is known of one person.

    track_id: from 1, given on confirmation, 0 before. state: "tentative", "confirmed" (seen in the last frame with
    detection) or "lost". hits: number of detections. age: seconds since the first of them. time_since_update: seconds
    since the last of them. centre, wh, velocity: (2,) float64 pixels and pixels per second. marks: (5,2) landmarks
    relative to the centre in units of `wh`, or None. probabilities: smooths those of the classes, None as long
    as there are none. attributes: smooths the values of each attribute. fading: keeps those of a mesh that is lost.
    blinks: counts them, None as long as no mesh was measured. appearance: sum of the vectors of `Face.appearance` that
    `People` does not know yet, None without any. seen: in the last frame with detection. face: as last detected.
    """

    face: Face
    centre: np.ndarray
    wh: np.ndarray
    velocity: np.ndarray
    marks: np.ndarray | None
    probabilities: LowPass | None
    track_id: int = 0
    state: str = "tentative"
    hits: int = 1
    age: float = 0.0
    time_since_update: float = 0.0
    attributes: dict[str, LowPass] = field(default_factory=dict)
    fading: Fading = field(default_factory=Fading)
    blinks: Blinks | None = None
    appearance: np.ndarray | None = None
    seen: bool = True


class Tracker:
    """Numbers the people in one stream across frames and smooths what is known of them.

    smooth_s: time constant of the probabilities in seconds, 0 for none. max_gap_s: a person who is away for longer gets
    a new number; presence in two successive frames, up to `NEIGHBOURS_S` apart, is no absence. confirm_hits: detections
    before a face is emitted, against false positives; the faces of the stream's first frame are emitted immediately.
    hold_s: undetected faces are still emitted, at their predicted position, until they have been missed for this long;
    0 emits only what was detected. people: recognises those who return, if the faces have an appearance; None: whoever
    was away for longer than `max_gap_s`, or comes after a cut, is new.

    Times are in seconds and should increase. A frame without a time, or whose time does not increase, counts as 1/30 s
    after the previous one; a jump back by more than `max_gap_s` is taken as another video, and every track ends.
    """

    def __init__(
        self,
        smooth_s: float = 0.4,
        max_gap_s: float = 1.0,
        confirm_hits: int = 2,
        hold_s: float = 0.0,
        people: People | None = None,
    ) -> None:
        for name, value in (("smooth_s", smooth_s), ("max_gap_s", max_gap_s), ("hold_s", hold_s)):
            if not 0 <= value < math.inf:
                raise InputError(f"Expected {name} as seconds from 0 up, got {value}.")
        if confirm_hits < 1:
            raise InputError(f"Expected confirm_hits of at least 1, got {confirm_hits}.")
        self.smooth_s, self.max_gap_s, self.confirm_hits, self.hold_s = smooth_s, max_gap_s, confirm_hits, hold_s
        self.people = people
        self.tracks: list[Track] = []
        self._next_id, self._updates = 1, 0
        self._time_s: float | None = None

    def update(self, faces: list[Face], time_s: float | None = None) -> list[Face]:
        """The detected faces of the next frame, in order, with track number, smoothed box, landmarks and probabilities.

        Faces that are not confirmed yet are left out. Held faces, if any, come last.
        """
        self._advance(time_s)
        pairs = dict(self._matches(faces))
        crowded = _crowded(self.tracks)
        track_of = {}
        for number, track in enumerate(self.tracks):
            track.seen = number in pairs
            if track.seen:
                track_of[pairs[number]] = track
                _absorb(track, faces[pairs[number]], self.smooth_s, crowded[number])
            elif track.state == "confirmed":
                track.state = "lost"
        for index, face in enumerate(faces):
            if index not in track_of:
                track_of[index] = _born(face)
                self.tracks.append(track_of[index])
        for index in sorted(track_of):
            self._confirm(track_of[index])
            self._remember(track_of[index])
        self._updates += 1
        seen = [track_of[index] for index in sorted(track_of) if track_of[index].track_id]
        return [_emitted(track) for track in seen + self._held()]

    def predict(self, time_s: float | None = None) -> list[Face]:
        """The faces of the next frame if no detector ran on it: those of the last update, moved on."""
        self._advance(time_s)
        seen = [track for track in self.tracks if track.state == "confirmed"]
        recent = [track for track in seen if track.time_since_update <= self._patience(track)]
        return [_emitted(track) for track in recent + self._held()]

    def reset(self) -> None:
        """Forget everybody, as after a cut; numbering continues, so that no number is used again."""
        self.tracks, self._time_s, self._updates = [], None, 0

    def _advance(self, time_s: float | None) -> None:
        """Age all tracks by the time since the previous frame, and end those that were away too long."""
        step = self._step(time_s)
        for track in self.tracks:
            track.age += step
            track.time_since_update += step
        self.tracks = [track for track in self.tracks if self._stays(track)]

    def _step(self, time_s: float | None) -> float:
        if time_s is None or not math.isfinite(time_s):
            self._time_s = None if self._time_s is None else self._time_s + NOMINAL_STEP_S
            return NOMINAL_STEP_S
        before, self._time_s = self._time_s, time_s
        if before is not None and time_s < before - self.max_gap_s:
            self.reset()
            self._time_s = time_s
        return time_s - before if before is not None and time_s > before else NOMINAL_STEP_S

    def _stays(self, track: Track) -> bool:
        return track.time_since_update <= (NEIGHBOURS_S if track.seen else self._patience(track))

    def _patience(self, track: Track) -> float:
        # One part in a million more, because frame times are rounded and a gap of exactly one second should be bridged.
        return self.max_gap_s * (1 if track.track_id else TENTATIVE_SHARE) + 1e-6 * max(self.max_gap_s, 1)

    def _matches(self, faces: list[Face]) -> list[tuple[int, int]]:
        """Pairs of indices into `self.tracks` and `faces`."""
        if not self.tracks or not faces:
            return []
        cost = np.minimum(_costs(self.tracks, faces), MAX_COST)
        return [(i, j) for i, j in assign(cost) if cost[i, j] < MAX_COST]

    def _confirm(self, track: Track) -> None:
        if not track.track_id and track.hits < self.confirm_hits and self._updates:
            return
        track.state = "confirmed"
        if not track.track_id:
            track.track_id = self._recognised(track) or self._new_id()

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _recognised(self, track: Track) -> int | None:
        """The number of somebody who was here before; a lost track of theirs ends."""
        if self.people is None:
            return None
        present = {other.track_id for other in self.tracks if other.state == "confirmed" and other.track_id}
        number = self.people.recognised(track.appearance, present)
        if number is not None:
            self.tracks = [other for other in self.tracks if other.track_id != number]
        return number

    def _remember(self, track: Track) -> None:
        """Hand what a numbered person looks like over to `people`."""
        if self.people is not None and track.track_id and track.appearance is not None:
            self.people.saw(track.track_id, track.appearance)
            track.appearance = None

    def _held(self) -> list[Track]:
        return [track for track in self.tracks if track.state == "lost" and track.time_since_update <= self.hold_s]


def _costs(tracks: list[Track], faces: list[Face]) -> np.ndarray:
    """(n,m) cost of each pair: its negative log-likelihood up to a constant, plus 1 - IoU.

    Distance from the prediction and logarithmic size are modelled as normally distributed. The logarithm of the spread
    makes a track that could be anywhere yield to one that was seen just now.
    """
    track_boxes = np.array([_xyxy(_now_at(track), track.wh) for track in tracks])
    face_boxes = np.array([face.xyxy for face in faces], np.float64)
    spread = np.array([_spread(track) for track in tracks])[:, None]
    track_size, face_size = _sizes(track_boxes)[:, None], _sizes(face_boxes)[None]
    shift = np.linalg.norm(_centres(track_boxes)[:, None] - _centres(face_boxes)[None], axis=2)
    away = shift / np.sqrt(track_size * face_size) / spread
    growth = np.log(track_size / face_size) / SIZE_SPREAD
    cost = (away**2 + growth**2) / 2 + 2 * np.log(spread / SPREAD) + 1 - iou(track_boxes, face_boxes)
    return cost + EMOTION_WEIGHT * _emotion_differences(tracks, faces)


def _spread(track: Track) -> float:
    away_s = min(track.time_since_update, FORESEEN_S)
    if track.hits == 1:
        return SPREAD + SPREAD_PER_S_NEW * away_s
    return SPREAD + SPREAD_PER_S * away_s + SPREAD_PER_S2 * away_s**2


def _emotion_differences(tracks: list[Track], faces: list[Face]) -> np.ndarray:
    """(n,m) total variation between the emotions of track and face, 0 to 1; 0.5 if one of them is unknown."""
    seen = [_known(face.probabilities) for face in faces]
    known = [None if track.probabilities is None else track.probabilities.value for track in tracks]
    return np.array([[0.5 if a is None or b is None else float(np.abs(a - b).sum()) / 2 for b in seen] for a in known])


def _crowded(tracks: list[Track]) -> np.ndarray:
    """(n,) whether another track overlaps this one."""
    if len(tracks) < 2:
        return np.zeros(len(tracks), bool)
    boxes = np.array([_xyxy(_now_at(track), track.wh) for track in tracks])
    overlap = iou(boxes, boxes)
    np.fill_diagonal(overlap, 0)
    return np.asarray((overlap > CROWDED_IOU).any(axis=1))


def _born(face: Face) -> Track:
    box = face.xyxy.astype(np.float64)
    centre, wh = _centres(box[None])[0], np.maximum(box[2:] - box[:2], 1e-3)
    probabilities = _known(face.probabilities)
    fading = Fading()
    measured = _smoothing(fading(face.attributes, 0.0))
    smoothed = None if probabilities is None else LowPass(probabilities)
    marks = _marks(face, centre, wh)
    return Track(
        face,
        centre,
        wh,
        np.zeros(2),
        marks,
        smoothed,
        attributes=measured,
        fading=fading,
        blinks=_blinks(face, None, 0.0),
        appearance=face.appearance,
    )


def _smoothing(attributes: Mapping[str, np.ndarray]) -> dict[str, LowPass]:
    return {name: LowPass(values.astype(np.float64), signed=True) for name, values in attributes.items()}


def _blinks(face: Face, before: Blinks | None, step_s: float) -> Blinks | None:
    """The person's blinks up to this face, `step_s` after the one before; None without a mesh."""
    if "mesh" not in face.attributes:
        return None
    blinks = before or Blinks()
    blinks(face.attributes["mesh"], step_s)
    return blinks


def _absorb(track: Track, face: Face, smooth_s: float, crowded: bool) -> None:
    """Take a detection into the track: a g-h filter for the centre, low-pass filters for the rest.

    g = 1 - theta^2, h = (1 - theta)^2 with theta = exp(-step / memory) is the fading-memory filter of degree 1: it
    forgets with time, not with the number of frames, and does not lag behind uniform motion. The first gains are those
    of a straight line through all points (Brookner, "Tracking and Kalman Filtering Made Easy", 1998, sections 1.2.8 and
    1.2.10).
    """
    seen, step, n = _born(face), track.time_since_update, track.hits
    track.blinks = _blinks(face, track.blinks, step)
    theta = math.exp(-step / BOX_MEMORY_S)
    g = max(1 - theta**2, 2 * (2 * n + 1) / ((n + 1) * (n + 2)))
    h = 0.0 if crowded and n > 2 else max((1 - theta) ** 2, 6 / ((n + 1) * (n + 2)))
    expected = _now_at(track)
    error = seen.centre - expected
    track.centre, track.velocity = expected + g * error, track.velocity + h * error / max(step, 1e-3)
    track.wh = track.wh + (1 - theta) * (seen.wh - track.wh)
    if track.marks is None or seen.marks is None:
        track.marks = seen.marks
    else:
        track.marks = track.marks + (1 - theta) * (seen.marks - track.marks)
    _absorb_probabilities(track, seen.probabilities, smooth_s)
    _absorb_attributes(track, _smoothing(track.fading(face.attributes, step)))
    track.appearance = sum_of(track.appearance, face.appearance)
    track.face, track.hits, track.time_since_update = face, n + 1, 0.0


def _absorb_probabilities(track: Track, seen: LowPass | None, smooth_s: float) -> None:
    if seen is not None and track.probabilities is not None:
        track.probabilities.add(seen.value, track.time_since_update, smooth_s)
    elif seen is not None:
        track.probabilities = seen


def _absorb_attributes(track: Track, seen: dict[str, LowPass]) -> None:
    """Smooth each attribute over its declared time; filters restart after unknown values."""
    known, track.attributes = track.attributes, seen
    for name, new in seen.items():
        if name in known and np.isfinite(known[name].value).all() and np.isfinite(new.value).all():
            known[name].add(new.value, track.time_since_update, ATTRIBUTES[name].memory_s)
            track.attributes = track.attributes | {name: known[name]}


def _emitted(track: Track) -> Face:
    centre = _now_at(track)
    return track.face.with_(
        xyxy=_xyxy(centre, track.wh).astype(np.float32),
        landmarks=None if track.marks is None else (centre + track.marks * track.wh).astype(np.float32),
        probabilities=None if track.probabilities is None else track.probabilities.value.astype(np.float32),
        track_id=track.track_id,
        attributes=_attributes(track),
    )


def _attributes(track: Track) -> dict[str, np.ndarray]:
    smoothed = {name: low.value.astype(np.float32) for name, low in track.attributes.items()}
    return smoothed if track.blinks is None else smoothed | {"blinks": track.blinks.values}


def _now_at(track: Track) -> np.ndarray:
    return track.centre + track.velocity * min(track.time_since_update, FORESEEN_S)


def _known(probabilities: np.ndarray | None) -> np.ndarray | None:
    return None if probabilities is None or not np.isfinite(probabilities).all() else probabilities.astype(np.float64)


def _marks(face: Face, centre: np.ndarray, wh: np.ndarray) -> np.ndarray | None:
    return None if face.landmarks is None else (face.landmarks - centre) / wh


def _xyxy(centre: np.ndarray, wh: np.ndarray) -> np.ndarray:
    return np.concatenate([centre - wh / 2, centre + wh / 2])


def _centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _sizes(boxes: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3).prod(axis=1))
