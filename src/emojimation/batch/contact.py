"""A contact sheet: some annotated images of a batch, to see at a glance whether the predictions make sense."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emojimation.batch.listing import Item, bytes_of
from emojimation.draw.styles import annotate
from emojimation.errors import InputError
from emojimation.media import decode_image, read_image, write_image
from emojimation.story.rows import face_of

CELL_WH = (320, 240)
CAPTION_PX = 24
GAP_PX = 8
PAPER, INK = (250, 250, 250), (60, 60, 60)
LONGEST_CAPTION = 44


def write_sheet(path: Path, sample: list[dict[str, Any]], items: Iterable[Item], base: str, columns: int = 4) -> Path:
    """Write the images of `sample` (rows of `ImageResult.to_dict`), with boxes and captions, as one image.

    items: the listing in which to find the images again. base: the batch's source. Raises InputError if none can be
    read.
    """
    rows = {row["source"]: row for row in sample}
    cells = {}
    for item in items:
        if item.source in rows and item.error is None:
            cells[item.source] = _cell(_frame(item, base), rows[item.source])
        if len(cells) == len(rows):
            break
    if not cells:
        raise InputError("Expected images for the contact sheet, got none that could be read.")
    return write_image(path, _sheet([cells[source] for source in rows if source in cells], columns))


def _frame(item: Item, base: str) -> np.ndarray:
    if item.path is not None and "://" not in item.path:
        return read_image(item.path).frame
    data = bytes_of(item.path, base) if item.path is not None else item.data or b""
    return decode_image(data, item.source).frame


def _cell(frame: np.ndarray, row: dict[str, Any]) -> np.ndarray:
    """(H,W,3): the annotated image, scaled to fit, above its name."""
    width, height = CELL_WH
    scale = min(width / frame.shape[1], height / frame.shape[0])
    size = tuple(max(1, round(side * scale)) for side in frame.shape[1::-1])
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    faces = []
    for answer in row["faces"]:
        face = face_of(answer, 0.0 if answer["certain"] else 1.1)  # the row knows whether it was certain
        landmarks = None if face.landmarks is None else face.landmarks * scale
        faces.append(face.with_(xyxy=face.xyxy * scale, landmarks=landmarks))
    cell = np.full((height + CAPTION_PX, width, 3), PAPER, np.uint8)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    cell[y : y + size[1], x : x + size[0]] = annotate(small, faces)
    cv2.putText(cell, _caption(row["source"]), (2, height + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1, cv2.LINE_AA)
    return cell


def _caption(source: str) -> str:
    """The end of a name; the font has ASCII only."""
    name = source.replace("\\", "/").rsplit("/", 1)[-1].encode("ascii", "replace").decode()
    return name if len(name) <= LONGEST_CAPTION else f"...{name[3 - LONGEST_CAPTION :]}"


def _sheet(cells: list[np.ndarray], columns: int) -> np.ndarray:
    columns = min(columns, len(cells))
    height, width = cells[0].shape[:2]
    lines = -(-len(cells) // columns)
    step_x, step_y = width + GAP_PX, height + GAP_PX
    sheet = np.full((lines * step_y + GAP_PX, columns * step_x + GAP_PX, 3), PAPER, np.uint8)
    for number, cell in enumerate(cells):
        x, y = GAP_PX + number % columns * step_x, GAP_PX + number // columns * step_y
        sheet[y : y + height, x : x + width] = cell
    return sheet
