"""Where a film must be covered so that nobody's face is seen: every doubt is decided for hiding.

First pass: `Searcher` looks with tiles, a low threshold and at the turned frame; each frame's finds go into `Covers`.
There they are linked to chains over time. Second pass: `Covers.at` tells what to cover: finds, places between two finds
(no more than `GAP_S` apart), and places where a chain was just before it ended or will be just after it begins. All
boxes are enlarged.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from emojimation.faces import Face, iou
from emojimation.video.chains import GAP_S, Chain, centre_of, distance_to, hold_sizes, side_of, smooth, velocity_at

MIN_SCORE = 0.35  # of the detector
ENLARGED = 1.2
DOUBT_GROWTH = 0.3  # further enlargement per second away from the next find
# Two finds in one frame are one face when they overlap or their centres are so near, in sizes of the better one.
SAME_IOU, SAME_CENTRE = 0.3, 0.4
FARTHEST = 1.0  # how far a cover runs on beyond a chain's end, in face sizes

Detector = Callable[[np.ndarray], list[Face]]
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


class Searcher:
    """A detector that misses as little as it can: `wide` on the upright frame, `turned` on the frame turned by 90, 180,
    270.

    Both are detectors with a low threshold; `wide` should look at tiles. Call it with a (H,W,3) BGR uint8 frame.
    """

    def __init__(self, wide: Detector, turned: Detector):
        self._wide, self._turned = wide, turned

    def __call__(self, frame: np.ndarray) -> list[Face]:
        found = list(self._wide(frame))
        for turn in _TURNS:
            found += [turned_back(face, turn, frame.shape) for face in self._turned(cv2.rotate(frame, turn))]
        return once_each(found)


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
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(face: Face, better: Face) -> bool:
    apart = float(np.linalg.norm(centre_of(face.xyxy) - centre_of(better.xyxy)))
    near = apart < SAME_CENTRE * better.size_px and face.size_px < 1.6 * better.size_px
    return near or bool(iou(face.xyxy[None], better.xyxy[None])[0, 0] >= SAME_IOU)


@dataclass(slots=True)
class Report:
    """How a film was covered: frames, of them with covers, with held and with interpolated ones; people; longest gap."""

    frames: int = 0
    covered: int = 0
    held: int = 0
    interpolated: int = 0
    filled: int = 0
    people: int = 0
    longest_gap_s: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.people} people; faces covered in {self.covered} of {self.frames} frames, in {self.filled} of "
            "them also "
            f"without a find: held in {self.held}, interpolated in {self.interpolated} (longest gap "
            f"{self.longest_gap_s:.2f} s)"
        )


class Covers:
    """Collect the finds of all frames with `add`, in order of time; `finish`; then ask `at` for each frame, in order."""

    def __init__(self, threshold: float = 0.5):
        self._threshold = threshold
        self._chains: list[Chain] = []
        self._open: list[Chain] = []
        self._waiting: list[Chain] = []
        self._now: list[Chain] = []
        self.report = Report()

    def add(self, time_s: float, faces: list[Face]) -> None:
        """Link the finds of a frame to chains that were seen within `GAP_S`, nearest first; the others begin new ones."""
        self._open = [chain for chain in self._open if time_s - chain.times[-1] <= GAP_S + 1e-6]
        distance = np.array([[distance_to(chain, time_s, face) for face in faces] for chain in self._open])
        free = set(range(len(faces)))
        while distance.size and distance.min() < 1:
            i, j = (int(v) for v in np.unravel_index(int(distance.argmin()), distance.shape))
            self._open[i].add(time_s, faces[j])
            distance[i], distance[:, j] = np.inf, np.inf
            free.discard(j)
        for j in sorted(free):
            chain = Chain()
            chain.add(time_s, faces[j])
            self._open.append(chain)
            self._chains.append(chain)

    def finish(self) -> None:
        """End the first pass: smooth the chains, number the people."""
        self._open = []
        for chain in self._chains:
            if chain.sure:
                self.report.people += 1
                chain.number = self.report.people
            smooth(chain)
        hold_sizes(self._chains)
        self._waiting = sorted(self._chains, key=lambda chain: -(chain.times[0] - chain.hold_s))

    def at(self, time_s: float) -> tuple[list[Face], list[Face]]:
        """What to cover at that time, enlarged; and the people found in that very frame, as they are."""
        self._advance(time_s)
        covers: list[Face] = []
        found: list[Face] = []
        held = interpolated = False
        for chain in self._now:
            i = bisect_left(chain.times, time_s - 1e-5)
            if i < len(chain.times) and chain.times[i] <= time_s + 1e-5:
                face = self._face(chain, chain.values()[i])
                covers.append(enlarged(face, ENLARGED * float(chain.growth[i])))
                found += [face] if chain.sure else []
            elif 0 < i < len(chain.times):
                interpolated = True
                covers += self._inside(chain, i, time_s)
            else:
                held = True
                covers.append(self._beyond(chain, time_s))
        self._count(bool(covers), held, interpolated)
        return covers, found

    def _advance(self, time_s: float) -> None:
        while self._waiting and self._waiting[-1].times[0] - self._waiting[-1].hold_s <= time_s + 1e-6:
            self._now.append(self._waiting.pop())
        self._now = [chain for chain in self._now if time_s <= chain.times[-1] + chain.hold_s + 1e-6]

    def _count(self, covered: bool, held: bool, interpolated: bool) -> None:
        report = self.report
        report.frames += 1
        report.covered += covered
        report.held += held
        report.interpolated += interpolated
        report.filled += held or interpolated

    def _inside(self, chain: Chain, i: int, time_s: float) -> list[Face]:
        """Between two finds: on the way from one to the other; after a long way also where each of them is."""
        before, after = chain.values()[i - 1], chain.values()[i]
        gap_s = chain.times[i] - chain.times[i - 1]
        self.report.longest_gap_s = max(self.report.longest_gap_s, gap_s)
        share = (time_s - chain.times[i - 1]) / gap_s
        doubt_s = min(share, 1 - share) * gap_s
        grown = ENLARGED * float(chain.growth[i - 1 : i + 1].max()) + DOUBT_GROWTH * doubt_s
        faces = [self._face(chain, (1 - share) * before + share * after)]
        if np.linalg.norm(centre_of(after[:4]) - centre_of(before[:4])) > FARTHEST * side_of(before):
            faces += [self._face(chain, before), self._face(chain, after)]
        return [enlarged(face, grown) for face in faces]

    def _beyond(self, chain: Chain, time_s: float) -> Face:
        """Before the first or after the last find: from there to where the face would be by now, all of it."""
        values, times = chain.values(), chain.times
        end = 0 if time_s < times[0] else -1
        away_s = time_s - times[end]
        moved = velocity_at(times, values, end) * away_s
        limit = FARTHEST * side_of(values[end])
        moved *= min(1.0, limit / max(float(np.linalg.norm(moved)), 1e-9))
        row = values[end].copy()
        row[:4] += np.tile(moved, 2) / 2
        row[4:14] += np.tile(moved, 5) / 2
        face = self._face(chain, row)
        reach = 1 + float(np.linalg.norm(moved)) / max(side_of(values[end]), 1e-6)
        return enlarged(face, ENLARGED * reach * float(chain.growth[end]) + DOUBT_GROWTH * abs(away_s))

    def _face(self, chain: Chain, row: np.ndarray) -> Face:
        look = row[14:21]
        return Face(
            xyxy=row[:4].copy(),
            score=float(row[21]),
            landmarks=row[4:14].reshape(5, 2).copy() if chain.marks else None,
            probabilities=None if np.isnan(look).any() else look / look.sum(),
            track_id=chain.number,
            threshold=self._threshold,
        )


def enlarged(face: Face, factor: float) -> Face:
    """The face with a box `factor` times as large around the same centre."""
    centre, half = centre_of(face.xyxy), (face.xyxy[2:] - face.xyxy[:2]) / 2 * factor
    return face.with_(xyxy=np.concatenate([centre - half, centre + half]).astype(np.float32))
