"""A synthetic video: the sample portraits move over a painted background, with ground truth for every face.

For tests, benchmarks and trying out the program without a camera.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from emojimation.faces import similarity
from emojimation.media import read_image
from emojimation.video.reader import Frame, Info
from emojimation.weights import ASSETS

SAMPLES = ASSETS / "samples"
# Landmarks, in pixels of the sample, as `detect.FaceDetector` finds them: right eye, left eye, nose, mouth corners.
_LANDMARKS = {
    "astronaut.jpg": ((205, 102), (247, 105), (225, 130), (207, 147), (240, 150)),
    "obama3.jpg": ((325, 168), (374, 176), (355, 199), (329, 223), (369, 229)),
    "biden.jpg": ((245, 152), (300, 161), (273, 187), (244, 213), (288, 220)),
    "obama.jpg": ((393, 195), (494, 200), (448, 250), (406, 299), (487, 303)),
    "obama2.jpg": ((214, 321), (322, 328), (242, 384), (202, 440), (288, 447)),
}
PORTRAITS = tuple(_LANDMARKS)
# In distances between eyes and mouth: half axes of the cut-out head, and of the face proper.
HEAD_AXES, FACE_AXES = (1.55, 1.95), (0.95, 1.2)
BOX_SIDE = 2.3  # side of a detector's box in the same unit
CUT_PX = 320
BAR = (70, 70, 70)  # its colour, BGR


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a face is: centre between eyes and mouth, side of its box in pixels, tilt in degrees clockwise."""

    x: float
    y: float
    side_px: float
    roll_deg: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A face as it was drawn. person: its number. xyxy: (4,), landmarks: (5,2), both float32 pixels. axes: half axes of
    the ellipse that the face (brows to chin) fills. roll_deg: its tilt. shown: visible share of that ellipse."""

    person: int
    xyxy: np.ndarray
    landmarks: np.ndarray
    axes: tuple[float, float]
    roll_deg: float
    shown: float

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """The face's ellipse as a mask (H,W) bool."""
        mask = np.zeros(shape[:2], np.uint8)
        cv2.ellipse(mask, _fixed(_centre(self.xyxy)), _fixed(self.axes), self.roll_deg, 0, 360, (1,), -1, cv2.LINE_8, 4)
        return mask > 0


@dataclass(frozen=True, slots=True)
class Person:
    """A portrait and its path: `path(time_s)` is the pose, or None while the person is away."""

    portrait: str
    path: Callable[[float], Pose | None]


class Scene:
    """A video of `seconds` (None: endless) of `people` over a background; `bars` (x0,y0,x1,y1) are in front of them.

    start_s, end_s: attributes, the part that iterating yields.
    """

    def __init__(
        self,
        people: list[Person],
        size_wh: tuple[int, int] = (640, 480),
        fps: float = 30.0,
        seconds: float | None = 10.0,
        bars: tuple[tuple[int, int, int, int], ...] = (),
    ):
        self.people, self.size_wh, self.fps, self.bars = people, size_wh, fps, bars
        self.notes: list[str] = []
        self.start_s, self.end_s = 0.0, None if seconds is None else float(seconds)
        self.info = Info(name="synthetic", fps=fps, duration_s=seconds)
        self._ground = ground(size_wh)

    def close(self) -> None:
        """Nothing to release."""

    def __iter__(self) -> Iterator[Frame]:
        end_s = self.info.duration_s if self.end_s is None else self.end_s
        first = index = math.ceil(self.start_s * self.fps - 1e-6)
        while end_s is None or index < round(end_s * self.fps):
            yield replace(self.frame(index), index=index - first)
            index += 1

    def frame(self, index: int) -> Frame:
        """The frame of that number."""
        time_s = index / self.fps
        image = self._ground.copy()
        for person in self.people:
            pose = person.path(time_s)
            if pose is not None:
                _paste(image, cutout(person.portrait)[0], pose)
        for x0, y0, x1, y1 in self.bars:
            image[y0:y1, x0:x1] = BAR
        return Frame(image, time_s, index)

    def truth(self, time_s: float) -> list[Truth]:
        """The faces at that time, including those hidden behind a bar or outside the frame (`shown` 0)."""
        poses = [(number, person.path(time_s)) for number, person in enumerate(self.people)]
        return [self._truth(number, pose) for number, pose in poses if pose is not None]

    def _truth(self, number: int, pose: Pose) -> Truth:
        unit = pose.side_px / BOX_SIDE
        half = np.array([pose.side_px, pose.side_px]) / 2
        centre = np.array([pose.x, pose.y])
        axes = (FACE_AXES[0] * unit, FACE_AXES[1] * unit)
        matrix = _matrix(pose)
        points = cutout(self.people[number].portrait)[1] @ matrix[:, :2].T + matrix[:, 2]
        xyxy = np.concatenate([centre - half, centre + half]).astype(np.float32)
        truth = Truth(number, xyxy, points.astype(np.float32), axes, pose.roll_deg, 0.0)
        shown = min(1.0, float(self.visible(truth).sum() / (np.pi * axes[0] * axes[1])))
        return replace(truth, shown=shown)

    def visible(self, truth: Truth) -> np.ndarray:
        """The pixels (H,W) bool of the face's ellipse that no bar hides."""
        mask = truth.mask(self._ground.shape)
        for x0, y0, x1, y1 in self.bars:
            mask[y0:y1, x0:x1] = False
        return mask


def crowd(
    faces: int = 1, size_wh: tuple[int, int] = (640, 480), fps: float = 30.0, seconds: float | None = 10.0
) -> Scene:
    """`faces` people who sway in place, each in a cell of a grid."""
    width, height = size_wh
    columns = int(np.ceil(np.sqrt(faces * width / height)))
    rows = int(np.ceil(faces / columns))
    cell = np.array([width / columns, height / rows])
    side = 0.42 * float(cell.min())
    people = []
    for number in range(faces):
        middle = (np.array([number % columns, number // columns]) + 0.5) * cell
        people.append(Person(PORTRAITS[number % len(PORTRAITS)], _sway(middle, side, number)))
    return Scene(people, size_wh, fps, seconds)


def _sway(middle: np.ndarray, side: float, number: int) -> Callable[[float], Pose]:
    def path(time_s: float) -> Pose:
        phase = 0.9 * time_s + 1.7 * number
        x, y = middle + 0.2 * side * np.array([np.sin(phase), np.sin(1.3 * phase)])
        return Pose(float(x), float(y), side * (1 + 0.08 * np.sin(0.7 * phase)), 12 * float(np.sin(0.8 * phase)))

    return path


def hide_and_seek(size_wh: tuple[int, int] = (640, 480), fps: float = 30.0) -> Scene:
    """Twelve seconds of two people: one walks behind a bar, back, and tumbles; one leaves the frame and returns."""
    width, height = size_wh
    side = 0.21 * height

    def walker(time_s: float) -> Pose:
        share = 0.5 - 0.5 * np.cos(np.pi * time_s / 6)  # there in six seconds, and back
        turn = 360 * np.clip((time_s - 8.5) / 3, 0, 1)
        return Pose((0.16 + 0.66 * share) * width, 0.3 * height, side, float(10 * np.sin(2 * time_s) + turn))

    def leaver(time_s: float) -> Pose | None:
        if 4.4 < time_s < 7.0:
            return None
        out = np.clip((time_s - 3) / 1.4, 0, 1) if time_s < 5.5 else np.clip((8.4 - time_s) / 1.4, 0, 1)
        return Pose((0.72 + 0.5 * out) * width, 0.74 * height, 1.15 * side, 8.0)

    people = [Person("astronaut.jpg", walker), Person("obama3.jpg", leaver)]
    bar = (round(0.46 * width), 0, round(0.58 * width), round(0.6 * height))
    return Scene(people, size_wh, fps, 12.0, (bar,))


def ground(size_wh: tuple[int, int], seed: int = 3) -> np.ndarray:
    """A soft image (H,W,3) BGR uint8 of grey-green tones without anything like a face."""
    coarse = np.random.default_rng(seed).integers(70, 150, (6, 8, 3), np.uint8)
    coarse[..., 1] = np.minimum(coarse[..., 1].astype(int) + 25, 255)
    return cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)


@lru_cache(maxsize=8)
def cutout(portrait: str) -> tuple[np.ndarray, np.ndarray]:
    """A sample's upright head: (CUT_PX,CUT_PX,4) BGRA uint8, and its landmarks (5,2) in pixels of it."""
    landmarks = np.array(_LANDMARKS[portrait], np.float64)
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    unit = CUT_PX / (2 * HEAD_AXES[1] * 1.05)
    target = np.array([[0.0, -0.5], [0.0, 0.5]]) * unit + CUT_PX / 2
    matrix = similarity(np.stack([eyes, mouth]), target)
    frame = read_image(SAMPLES / portrait).frame
    cut = cv2.warpAffine(frame, matrix, (CUT_PX, CUT_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    alpha = np.zeros((CUT_PX, CUT_PX), np.uint8)
    middle = (CUT_PX / 2, CUT_PX / 2 - 0.25 * unit)
    axes = (HEAD_AXES[0] * unit, (HEAD_AXES[1] - 0.25) * unit)
    cv2.ellipse(alpha, _fixed(middle), _fixed(axes), 0, 0, 360, (255,), -1, cv2.LINE_AA, 4)
    return np.dstack([cut, cv2.GaussianBlur(alpha, (15, 15), 0)]), landmarks @ matrix[:, :2].T + matrix[:, 2]


def _matrix(pose: Pose) -> np.ndarray:
    """The (2,3) matrix from a cut-out to the frame."""
    scale = pose.side_px / BOX_SIDE / (CUT_PX / (2 * HEAD_AXES[1] * 1.05))
    angle = np.radians(pose.roll_deg)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array([pose.x, pose.y]) - turn @ np.array([CUT_PX / 2, CUT_PX / 2])
    return np.hstack([turn, shift[:, None]])


def _paste(image: np.ndarray, sprite: np.ndarray, pose: Pose) -> None:
    """Blend the sprite into the image in place, only where it reaches."""
    height, width = image.shape[:2]
    reach = pose.side_px / BOX_SIDE * HEAD_AXES[1] * 1.5
    x0, x1 = (int(np.clip(v, 0, width)) for v in (pose.x - reach, pose.x + reach + 1))
    y0, y1 = (int(np.clip(v, 0, height)) for v in (pose.y - reach, pose.y + reach + 1))
    if x0 >= x1 or y0 >= y1:
        return
    matrix = _matrix(pose) - np.array([[0, 0, x0], [0, 0, y0]])
    drawn = cv2.warpAffine(sprite, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    alpha = cv2.cvtColor(drawn[..., 3], cv2.COLOR_GRAY2BGR)
    part = image[y0:y1, x0:x1]
    kept = cv2.multiply(part, 255 - alpha, scale=1 / 255)
    part[:] = cv2.add(kept, cv2.multiply(np.ascontiguousarray(drawn[..., :3]), alpha, scale=1 / 255))


def _centre(xyxy: np.ndarray) -> tuple[float, float]:
    return float(xyxy[0] + xyxy[2]) / 2, float(xyxy[1] + xyxy[3]) / 2


def _fixed(pair: tuple[float, float]) -> tuple[int, int]:
    """A pair as whole sixteenths of a pixel, as OpenCV's drawing takes it with shift 4."""
    return round(pair[0] * 16), round(pair[1] * 16)
