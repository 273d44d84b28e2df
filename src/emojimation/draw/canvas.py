"""A square image addressed in head radii: filled shapes, strokes, ribbons, and windows to draw through.

The head's centre is (0, 0), x to the right, y down.
"""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from emojimation.draw.sprites import DISC, Colour
from emojimation.draw.turn import Turn


class Curves(NamedTuple):
    """Points of the shapes that all features consist of, as many as the image size needs."""

    across: np.ndarray  # -1 to 1 from corner to corner of a lid or lip, closer together towards the corners
    arc: np.ndarray  # height of the half circle above `across`
    circle: np.ndarray
    drop: np.ndarray
    brow: np.ndarray  # 0 at the inner end, 1 at the outer


@lru_cache(maxsize=4)
def _curves(count: int) -> Curves:
    turn = np.linspace(0, np.pi, count)
    circle = np.stack([np.cos(2 * turn[:-1]), np.sin(2 * turn[:-1])], 1)
    drop = np.stack([np.sin(2 * turn) * np.sin(turn) ** 1.4, -1.45 * np.cos(2 * turn)], 1)
    return Curves(-np.cos(turn), np.sin(turn), circle, drop, np.linspace(0, 1, count // 2 + 1))


class Canvas:
    """A square BGR image with the head filling `DISC` of its width, addressed in head radii as seen from the front."""

    def __init__(self, image: np.ndarray, bold: float, turn: Turn) -> None:
        self.image, self.bold, self.turn = image, bold, turn
        self.size = image.shape[0]
        self.radius = self.size * DISC / 2
        self.curves = _curves(17 if self.size <= 480 else 33)

    def pixels(self, points: np.ndarray, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Points (n,2) in radii -> int32 sixteenths of a pixel, as OpenCV's `shift=4` expects them."""
        points = self.turn.points(points)
        return np.rint((points * self.radius + self.size / 2 - 0.5 - origin) * 16).astype(np.int32)

    def pixel(self, x: float, y: float, origin: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """One point, as `pixels` gives it."""
        if not self.turn.none:
            x, y = self.turn.points(np.array([[x, y]], float))[0]
        middle = self.size / 2 - 0.5
        return (
            round((float(x) * self.radius + middle - origin[0]) * 16),
            round((float(y) * self.radius + middle - origin[1]) * 16),
        )

    def width(self, length: float) -> int:
        """A stroke's width in pixels, bolder if the final image is small."""
        return max(1, round(length * self.radius * self.bold))

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.image, [self.pixels(points)], colour, cv2.LINE_AA, 4)

    def stroke(self, points: np.ndarray, width: float, colour: Colour, closed: bool = False) -> None:
        cv2.polylines(self.image, [self.pixels(points)], closed, colour, self.width(width), cv2.LINE_AA, 4)

    def ribbon(self, points: np.ndarray, widths: np.ndarray, colour: Colour) -> None:
        """A stroke along points (n,2) whose width (n,) swells and tapers, with round ends."""
        along = np.empty_like(points)
        along[1:-1], along[0], along[-1] = points[2:] - points[:-2], points[1] - points[0], points[-1] - points[-2]
        along /= np.sqrt((along**2).sum(axis=1, keepdims=True)) + 1e-9
        half = widths[:, None] * (self.bold / 2)
        aside = along[:, ::-1] * half * (-1, 1)
        edges = self.pixels(np.concatenate([points + aside, (points - aside)[::-1]]))
        cv2.fillPoly(self.image, [edges], colour, cv2.LINE_AA, 4)
        count = len(points)
        for end, (a, b) in ((0, (0, -1)), (-1, (count - 1, count))):
            radius = max(1, round(float(half[end, 0]) * self.radius * 16))
            cv2.circle(self.image, (edges[a] + edges[b]) // 2, radius, colour, -1, cv2.LINE_AA, 4)

    def shade(self, outline: np.ndarray, white: Colour) -> None:
        """Darken what lies within an outline as if white became the colour `white`."""
        window = Window(self, outline)
        cv2.multiply(window.part, np.array([*white, 255]) / 255, window.patch)
        window.close()

    def window(self, outline: np.ndarray) -> "Window":
        return Window(self, outline)


class Window:
    """A part of a canvas seen through an outline: draw into `patch`, then `close` to see it through the outline."""

    def __init__(self, canvas: Canvas, outline: np.ndarray) -> None:
        self.canvas = canvas
        points = canvas.pixels(outline)
        # At least a pixel, for outlines that a turn of the head moved out of the image.
        x0, y0 = (min(max(0, int(v) // 16 - 1), canvas.size - 1) for v in points.min(axis=0))
        x1, y1 = (
            max(start + 1, min(canvas.size, int(v) // 16 + 3)) for start, v in zip((x0, y0), points.max(0), strict=True)
        )
        self.origin = (x0, y0)
        self.part = canvas.image[y0:y1, x0:x1]
        self.patch = np.empty_like(self.part)
        self.mask = np.zeros(self.part.shape[:2], np.uint8)
        cv2.fillPoly(self.mask, [points - np.array(self.origin, np.int32) * 16], (255,), cv2.LINE_AA, 4)

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.patch, [self.canvas.pixels(points, self.origin)], colour, cv2.LINE_AA, 4)

    def oval(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled ellipse with half axes `width` and `height`."""
        if not self.canvas.turn.none:
            self.fill(self.canvas.curves.circle * (width, height) + (x, y), colour)
            return
        axes = [max(1, round(v * self.canvas.radius * 16)) for v in (width, height)]
        cv2.ellipse(self.patch, self.canvas.pixel(x, y, self.origin), axes, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)

    def close(self) -> None:
        alpha = cv2.cvtColor(self.mask, cv2.COLOR_GRAY2BGR)
        kept = cv2.multiply(self.part, 255 - alpha, scale=1 / 255)
        self.part[:] = cv2.add(kept, cv2.multiply(self.patch, alpha, scale=1 / 255))
