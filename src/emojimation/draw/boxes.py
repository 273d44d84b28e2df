"""A box and a panel for each face: emoji, words and bars, placed where they cover neither faces nor heads if possible.

Everything scales with the image and with the face.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from emojimation.draw import sprites
from emojimation.draw.panel import INK, Panel, colour_of, panels_of
from emojimation.faces import Face

# Track number -> which panel and which spot around the face a person's label had in the frame before.
Places = dict[int, tuple[int, int, int]]
# A pixel of a face that a label covers counts as so many of a head around it (hair, ears).
FACE_COST = 50
# Room that a label leaves free around a face's box, in box widths and heights: ears at the sides, hair above.
EARS, HAIR = 0.15, 0.4


def draw_boxes(frame: np.ndarray, faces: list[Face], art: str, places: Places | None = None) -> None:
    """Boxes first and panels last, so that no line crosses a panel; large faces choose their place first.

    places: remembers where each person's panel was, for the frames of a video; it stays there while there is room.
    """
    for face in faces:
        _box(frame, face)
    taken = np.array([face.xyxy for face in faces], np.float64).reshape(-1, 4)
    heads = np.array([_head(face) for face in faces], np.float64).reshape(-1, 4)
    for face in sorted(faces, key=lambda face: -face.size_px):
        if face.probabilities is None or min(frame.shape[:2]) < 24 or not _visible(face, frame):
            continue
        panel, x, y = _place(face, frame, taken, heads, art, {} if places is None else places)
        for piece in panel.pieces:
            sprites.stamp(frame, piece.sprite, x + piece.x, y + piece.y)
        taken = np.vstack([taken, [x - 2, y - 2, x + panel.width + 2, y + panel.height + 2]])


def _head(face: Face) -> tuple[float, float, float, float]:
    """The face's box with hair and ears, xyxy."""
    x0, y0, x1, y1 = (float(v) for v in face.xyxy)
    return x0 - EARS * (x1 - x0), y0 - HAIR * (y1 - y0), x1 + EARS * (x1 - x0), y1


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


def _place(
    face: Face, frame: np.ndarray, taken: np.ndarray, heads: np.ndarray, art: str, places: Places
) -> tuple[Panel, int, int]:
    """The fullest panel that has a free place beside the face, and the place: that of the frame before if it is free.

    Where nothing is free, the place that covers least; where nothing fits beside the face, one inside it.
    """
    panels = list(panels_of(face, frame, art))
    options = list(_options(face, frame, panels, taken, heads))
    if not options:
        return _inside(face, frame, panels)
    before = None if face.track_id is None else places.get(face.track_id)
    free = [option for option in options if option[1] == 0]
    stays = [option for option in free if option[0] == before]
    key, _, panel, x, y = stays[0] if stays else free[0] if free else min(options, key=lambda option: option[1])
    if face.track_id is not None:
        places[face.track_id] = key
    return panel, x, y


Option = tuple[tuple[int, int, int], float, Panel, int, int]


def _options(
    face: Face, frame: np.ndarray, panels: list[Panel], taken: np.ndarray, heads: np.ndarray
) -> Iterator[Option]:
    """Key, cost, panel and top left corner of every place that is wholly in the frame, the best kinds first."""
    for near, gap in enumerate((_line_px(frame, face) + 3, 0)):
        for number, panel in enumerate(panels):
            spots = _spots(face, panel, frame, gap)
            corners = np.array([corner for _, corner in spots], np.float64).reshape(-1, 2)
            costs = FACE_COST * _covered(corners, panel, taken) + _covered(corners, panel, heads)
            for (spot, (x, y)), cost in zip(spots, costs, strict=True):
                yield (near, number, spot), float(cost), panel, x, y


def _spots(face: Face, panel: Panel, frame: np.ndarray, gap: int) -> list[tuple[int, tuple[int, int]]]:
    """Numbered places in the frame and off the face: above the head, below, right, left, then over hair and ears."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = (round(float(v)) for v in face.xyxy)
    left, top, right, _ = (round(v) for v in _head(face))
    columns = [x0, (x0 + x1 - panel.width) // 2, x1 - panel.width]
    rows = [y0, (y0 + y1 - panel.height) // 2, y1 - panel.height]
    columns = [int(np.clip(x, 2, max(2, width - panel.width - 2))) for x in columns]
    rows = [int(np.clip(y, 2, max(2, height - panel.height - 2))) for y in rows]
    spots = [(x, y) for y in (top - gap - panel.height, y1 + gap) for x in columns]
    spots += [(x, y) for x in (right + gap, left - gap - panel.width) for y in rows]
    spots += [(x, y0 - gap - panel.height) for x in columns]
    spots += [(x, y) for x in (x1 + gap, x0 - gap - panel.width) for y in rows]
    inside = (0 <= x <= width - panel.width and 0 <= y <= height - panel.height for x, y in spots)
    return [numbered for numbered, fits in zip(enumerate(spots), inside, strict=True) if fits]


def _covered(corners: np.ndarray, panel: Panel, taken: np.ndarray) -> np.ndarray:
    """Area in pixels of `taken` (n,4) that a panel at each of the corners (m,2) would cover -> (m,)."""
    top_left = corners[:, None]
    size = np.array([panel.width, panel.height])
    sides = np.minimum(top_left + size, taken[:, 2:]) - np.maximum(top_left, taken[:, :2])
    return np.asarray(np.clip(sides, 0, None).prod(axis=2).sum(axis=1))


def _inside(face: Face, frame: np.ndarray, panels: list[Panel]) -> tuple[Panel, int, int]:
    """If the face fills the image: a line at the chin if small compared with the face, else the emoji in a corner."""
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
