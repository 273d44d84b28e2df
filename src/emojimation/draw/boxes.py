"""A box and a panel for each face: emoji, word and bars, placed where they cover no face if that can be avoided.

Everything scales with the picture and with the face.
"""

import cv2
import numpy as np

from emojimation.draw import sprites
from emojimation.draw.panel import INK, Panel, colour_of, panels_of
from emojimation.faces import Face


def draw_boxes(frame: np.ndarray, faces: list[Face], art: str) -> None:
    """Boxes first and panels last, so that no line crosses a panel; large faces choose their place first."""
    for face in faces:
        _box(frame, face)
    taken = np.array([face.xyxy for face in faces], np.float64).reshape(-1, 4)
    for face in sorted(faces, key=lambda face: -face.size_px):
        if face.probabilities is None or min(frame.shape[:2]) < 24 or not _visible(face, frame):
            continue
        panel, x, y = _place(face, frame, taken, art)
        for piece in panel.pieces:
            sprites.stamp(frame, piece.sprite, x + piece.x, y + piece.y)
        taken = np.vstack([taken, [x - 2, y - 2, x + panel.width + 2, y + panel.height + 2]])


def _visible(face: Face, frame: np.ndarray) -> bool:
    x0, y0, x1, y1 = face.xyxy
    return bool(x1 > 1 and y1 > 1 and x0 < frame.shape[1] - 1 and y0 < frame.shape[0] - 1)


def _box(frame: np.ndarray, face: Face) -> None:
    """A thin rounded line in the emotion's colour on a darker, wider and translucent one, for light backgrounds."""
    line = _line_px(frame, face)
    height, width = frame.shape[:2]
    edge = line / 2 + 0.5
    x0, y0 = np.clip(face.xyxy[:2], edge, None)
    x1, y1 = np.minimum(face.xyxy[2:], (width - edge - 1, height - edge - 1))
    if x1 <= x0 or y1 <= y0:
        return
    outline = _outline(float(x0), float(y0), float(x1), float(y1))
    left, top = int(max(x0 - line - 2, 0)), int(max(y0 - line - 2, 0))
    part = frame[top : int(y1) + line + 3, left : int(x1) + line + 3]
    points = np.rint((outline - (left, top)) * 16).astype(np.int32)
    shade = part.copy()
    cv2.polylines(shade, [points], True, INK, line + 2, cv2.LINE_AA, 4)
    cv2.addWeighted(shade, 0.45, part, 0.55, 0, dst=part)
    cv2.polylines(part, [points], True, colour_of(face), line, cv2.LINE_AA, 4)


def _line_px(frame: np.ndarray, face: Face) -> int:
    short = min(frame.shape[:2])
    thinnest = 2 if short >= 300 and face.size_px >= 60 else 1
    return max(thinnest, round(min(short * 0.003, face.size_px * 0.025)))


def _outline(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Points (36,2) of a rectangle with round corners."""
    radius = 0.12 * min(x1 - x0, y1 - y0)
    angle = np.radians(np.linspace(0, 90, 9))
    arcs = [np.stack([np.cos(angle + turn), np.sin(angle + turn)], 1) for turn in np.radians([0, 90, 180, 270])]
    centres = [
        (x1 - radius, y1 - radius),
        (x0 + radius, y1 - radius),
        (x0 + radius, y0 + radius),
        (x1 - radius, y0 + radius),
    ]
    return np.concatenate([arc * radius + centre for arc, centre in zip(arcs, centres, strict=True)])


def _place(face: Face, frame: np.ndarray, taken: np.ndarray, art: str) -> tuple[Panel, int, int]:
    """The fullest panel that has a free place beside the face, and the place; close to the face where there is no
    other.
    """
    fits: list[tuple[float, Panel, int, int]] = []
    panels = list(panels_of(face, frame, art))
    for panel, gap in [(panel, gap) for gap in (_line_px(frame, face) + 3, 0) for panel in panels]:
        spots = _spots(face, panel, frame, gap)
        for (x, y), covered in zip(spots, _covered(spots, panel, taken), strict=True):
            if covered == 0:
                return panel, x, y
            fits.append((covered, panel, x, y))
    if fits:
        return min(fits, key=lambda fit: fit[0])[1:]
    return _inside(face, frame, panels)


def _spots(face: Face, panel: Panel, frame: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """Places that are wholly in the frame and off the face: above, below, right, left, each with three alignments."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = (round(float(v)) for v in face.xyxy)
    columns = [x0, (x0 + x1 - panel.width) // 2, x1 - panel.width]
    rows = [y0, (y0 + y1 - panel.height) // 2, y1 - panel.height]
    columns = [int(np.clip(x, 2, max(2, width - panel.width - 2))) for x in columns]
    rows = [int(np.clip(y, 2, max(2, height - panel.height - 2))) for y in rows]
    spots = [(x, y) for y in (y0 - gap - panel.height, y1 + gap) for x in columns]
    spots += [(x, y) for x in (x1 + gap, x0 - gap - panel.width) for y in rows]
    return [(x, y) for x, y in spots if 0 <= x <= width - panel.width and 0 <= y <= height - panel.height]


def _covered(spots: list[tuple[int, int]], panel: Panel, taken: np.ndarray) -> np.ndarray:
    """Area in pixels of `taken` (n,4) that a panel at each of the spots would cover -> (len(spots),)."""
    top_left = np.array(spots, np.float64).reshape(-1, 1, 2)
    sides = np.minimum(top_left + np.array([panel.width, panel.height]), taken[:, 2:]) - np.maximum(
        top_left, taken[:, :2]
    )
    return np.clip(sides, 0, None).prod(axis=2).sum(axis=1)


def _inside(face: Face, frame: np.ndarray, panels: list[Panel]) -> tuple[Panel, int, int]:
    """The face fills the picture: a line at the chin where it is small beside the face, else the emoji in a corner."""
    height, width = frame.shape[:2]
    x1, y1 = min(float(face.xyxy[2]), width), min(float(face.xyxy[3]), height)
    x0 = max(float(face.xyxy[0]), 0)
    margin = 2 * _line_px(frame, face) + 1
    lines = [p for p in panels if p.height < 0.16 * face.size_px and p.width < 0.8 * (x1 - x0)]
    if lines:
        panel, x, y = lines[0], (x0 + x1 - lines[0].width) / 2, y1 - margin - lines[0].height
    else:
        panel, x, y = panels[-1], x1 - margin - panels[-1].width, max(float(face.xyxy[1]), 0) + margin
    x, y = np.clip((x, y), 0, (max(0, width - panel.width), max(0, height - panel.height)))
    return panel, round(float(x)), round(float(y))
