"""Where to cover a video so that nobody's face is visible, in two passes.

First pass: each frame's finds (see `search.Searcher`) go into `Covers.add`, where they are linked to chains over time.
Between the passes each chain is judged by its score: a person, a face that is covered but has no number, or too
doubtful. Second pass: `Covers.at` tells what to cover in a frame: finds, places between two finds, and places where a
chain was just before it ended or will be just after it begins. A cut ends every chain, and nothing is held across it.
"""

import math
from array import array
from bisect import bisect_left

import cv2
import numpy as np

from emojimation.draw.cover import head_of
from emojimation.faces import Face
from emojimation.hiding.chains import (
    COVERED,
    HELD_SCORE,
    PERSON,
    Chain,
    centre_of,
    distance_to,
    hold_sizes,
    reaches,
    score_of,
    side_of,
    smooth,
    velocity_at,
)
from emojimation.hiding.report import Report, Span
from emojimation.hiding.search import STRENGTHS
from emojimation.tracking.adapt import StreamRates
from emojimation.tracking.people import People

ENLARGED = 1.1
DOUBT_GROWTH = 0.3  # further enlargement per second away from the next find
WEAK_HOLD_S = 0.2  # for a chain with a low score
FARTHEST = 1.0  # how far a cover moves beyond a chain's end, in face sizes
MASK_PX = 160  # longer side of the image on which the covered share is measured


class Covers:
    """Collect the finds of all frames with `add`, in order; `finish`; then call `at` for each frame, in order.

    threshold: minimum confidence of a sure answer of a covered face. strength: a key of `search.STRENGTHS`. rates:
    learns the base rates of the video, None if others were requested. people: recognises those who return, None if
    each chain is a person of its own.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        strength: str = "careful",
        rates: StreamRates | None = None,
        people: People | None = None,
    ):
        self._threshold, self._gap_s = threshold, STRENGTHS[strength].gap_s
        self.rates, self._people = rates, people
        self._cover_all = strength == "paranoid"
        self._times = array("d")
        self._chains: list[Chain] = []
        self._open: list[Chain] = []
        self._waiting: list[Chain] = []
        self._now: list[Chain] = []
        self.report = Report()

    def add(self, time_s: float, faces: list[Face], cut: bool = False) -> None:
        """Link the finds of a frame to recent chains, nearest first; the others start new ones.

        cut: a new shot starts with the frame.
        """
        self._times.append(time_s)
        if self.rates is not None:
            faces = self.rates(faces, time_s)
        if cut:
            self._end_shot(time_s)
        self._open = [chain for chain in self._open if time_s - chain.times[-1] <= self._gap_s + 1e-6]
        distance = np.array([[distance_to(chain, time_s, face) for face in faces] for chain in self._open])
        free = set(range(len(faces)))
        while distance.size and distance.min() < 1:
            i, j = (int(v) for v in np.unravel_index(int(distance.argmin()), distance.shape))
            self._open[i].add(time_s, faces[j])
            distance[i], distance[:, j] = np.inf, np.inf
            free.discard(j)
        for j in sorted(free):
            self._begin(time_s, faces[j])

    def _begin(self, time_s: float, face: Face) -> None:
        chain = Chain(from_s=self._shot_s)
        chain.add(time_s, face)
        self._open.append(chain)
        self._chains.append(chain)

    _shot_s = -math.inf

    def _end_shot(self, time_s: float) -> None:
        for chain in self._chains:
            if chain.times[-1] + self._gap_s >= self._shot_s:
                chain.until_s = min(chain.until_s, time_s)
        self._shot_s, self._open = time_s, []

    def finish(self) -> None:
        """End the first pass: judge, smooth and number the chains."""
        self._open = []
        self._chains = [chain for chain in self._chains if self._judged(chain)]
        self._number()
        for chain in self._chains:
            chain.count_blinks()
            chain.fade()
            smooth(chain)
        hold_sizes(self._chains)
        self._waiting = sorted(self._chains, key=lambda chain: -self._begins_s(chain))

    def _judged(self, chain: Chain) -> bool:
        """Whether a chain is covered; rejected ones are noted in the report."""
        times = np.frombuffer(self._times, np.float64)
        if not self._cover_all and not reaches(chain, times, COVERED):
            self.report.doubtful.append(Span(chain.times[0], chain.times[-1], float(chain.values()[:, 14].max())))
            return False
        chain.held = score_of(chain, times) >= HELD_SCORE
        return True

    def _number(self) -> None:
        """Number the people among the chains, and count them and the faces."""
        times = np.frombuffer(self._times, np.float64)
        numbered: list[Chain] = []
        for chain in self._chains:
            if not reaches(chain, times, PERSON):
                continue
            chain.number = self._recognised(chain, numbered)
            if chain.number is None:
                self.report.people += 1
                chain.number = self.report.people
            if self._people is not None and chain.appearance is not None:
                self._people.saw(chain.number, chain.appearance)
            numbered.append(chain)
        self.report.faces = len(self._chains) - len(numbered) + self.report.people

    def _recognised(self, chain: Chain, numbered: list[Chain]) -> int | None:
        present = {other.number for other in numbered if other.number is not None and other.overlaps(chain)}
        return None if self._people is None else self._people.recognised(chain.appearance, present)

    def _hold_s(self, chain: Chain) -> float:
        """How long a chain is held: no longer than it was visible, and a weak one hardly."""
        if not chain.held:
            return WEAK_HOLD_S
        return min(self._gap_s, max(WEAK_HOLD_S, chain.times[-1] - chain.times[0]))

    def _begins_s(self, chain: Chain) -> float:
        return max(chain.times[0] - self._hold_s(chain), chain.from_s)

    def _ends_s(self, chain: Chain) -> float:
        return min(chain.times[-1] + self._hold_s(chain), chain.until_s - 1e-4)

    def at(self, time_s: float, shape: tuple[int, ...] = (0, 0)) -> tuple[list[Face], list[Face]]:
        """What to cover at that time, enlarged; and the people detected in that frame, unchanged.

        shape: (H,W) of the frame, for the report's share of the image.
        """
        self._advance(time_s)
        covers: list[Face] = []
        people: list[Face] = []
        found = held = interpolated = 0
        for chain in self._now:
            i = bisect_left(chain.times, time_s - 1e-5)
            if i < len(chain.times) and chain.times[i] <= time_s + 1e-5:
                found += 1
                face = chain.face(chain.values()[i], self._threshold)
                covers.append(enlarged(face, ENLARGED * float(chain.growth[i])))
                people += [face] if chain.number is not None else []
            elif 0 < i < len(chain.times):
                interpolated += 1
                covers += self._inside(chain, i, time_s)
            else:
                held += 1
                covers.append(self._beyond(chain, time_s))
        self.report.count(covered_share(covers, shape), found, held, interpolated)
        return covers, people

    def _advance(self, time_s: float) -> None:
        while self._waiting and self._begins_s(self._waiting[-1]) <= time_s + 1e-6:
            self._now.append(self._waiting.pop())
        self._now = [chain for chain in self._now if time_s <= self._ends_s(chain) + 1e-6]

    def _inside(self, chain: Chain, i: int, time_s: float) -> list[Face]:
        """Between two finds: interpolated; over a long distance also at each of them."""
        before, after = chain.values()[i - 1], chain.values()[i]
        gap_s = chain.times[i] - chain.times[i - 1]
        self.report.longest_gap_s = max(self.report.longest_gap_s, gap_s)
        share = (time_s - chain.times[i - 1]) / gap_s
        doubt_s = min(share, 1 - share) * gap_s
        grown = ENLARGED * float(chain.growth[i - 1 : i + 1].max()) + DOUBT_GROWTH * doubt_s
        rows = [(1 - share) * before + share * after]
        if np.linalg.norm(centre_of(after[:4]) - centre_of(before[:4])) > FARTHEST * side_of(before):
            rows += [before, after]
        return [enlarged(chain.face(row, self._threshold), grown) for row in rows]

    def _beyond(self, chain: Chain, time_s: float) -> Face:
        """Before the first or after the last find: the whole area from there to where the face would be by now."""
        values, times = chain.values(), chain.times
        end = 0 if time_s < times[0] else -1
        away_s = time_s - times[end]
        moved = velocity_at(times, values, end) * away_s
        limit = FARTHEST * side_of(values[end])
        moved *= min(1.0, limit / max(float(np.linalg.norm(moved)), 1e-9))
        row = values[end].copy()
        row[:4] += np.tile(moved, 2) / 2
        row[4:14] += np.tile(moved, 5) / 2
        reach = 1 + float(np.linalg.norm(moved)) / max(side_of(values[end]), 1e-6)
        grown = ENLARGED * reach * float(chain.growth[end]) + DOUBT_GROWTH * abs(away_s)
        return enlarged(chain.face(row, self._threshold), grown)


def enlarged(face: Face, factor: float) -> Face:
    """The face with a box `factor` times as large around the same centre."""
    centre, half = centre_of(face.xyxy), (face.xyxy[2:] - face.xyxy[:2]) / 2 * factor
    return face.with_(xyxy=np.concatenate([centre - half, centre + half]).astype(np.float32))


def covers_of(faces: list[Face]) -> list[Face]:
    """The covers of faces that were found in this very frame."""
    return [enlarged(face, ENLARGED) for face in faces]


def covered_share(covers: list[Face], shape: tuple[int, ...]) -> float:
    """Share of a frame of that (H,W) shape, 0 to 1, that the heads of `covers` occupy; 0 without a shape."""
    height, width = shape[:2]
    if not covers or not min(height, width):
        return 0.0
    scale = MASK_PX / max(height, width)
    mask = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.uint8)
    for face in covers:
        head = head_of(face)
        centre, radius = (round(head.x * scale * 16), round(head.y * scale * 16)), round(head.side * scale * 8)
        cv2.circle(mask, centre, max(radius, 1), (1,), -1, cv2.LINE_8, 4)
    return float(mask.mean())
