"""Photos turned into training images: each face aligned as the classifier sees it, in the folder of its photo."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from emojimation import media
from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces

SIDE_PX = 96  # of a written crop: networks of 48 px read it as well as larger ones
SHEET_COLUMNS, SHEET_MOST, GAP_PX = 16, 320, 4
Detect = Callable[[np.ndarray], list[Face]]


@dataclass
class Cropped:
    """What became of the photos. written: the crops. faceless, unreadable: photos without a crop, with a reason."""

    written: list[Path] = field(default_factory=list)
    faceless: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)


def crop_photos(
    photos: Iterable[Path], root: Path, out: Path, detect: Detect, size: int = SIDE_PX, every_face: bool = False
) -> Cropped:
    """Write the aligned faces of `photos`, which lie below `root`, to the same folders below `out` as PNG files.

    detect: (H,W,3) BGR uint8 -> faces. size: side of a crop in pixels. every_face: all faces of a photo, not only the
    largest one. A broken photo is listed in the result, not raised.
    Raises InputError if `out` is not a new or empty folder: old crops would mix with the new.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"Expected a new or empty folder for the crops, got {out}: give another one.")
    done = Cropped()
    for photo in photos:
        try:
            frame = media.read_image(photo).frame
        except InputError as error:
            done.unreadable[photo] = str(error)
            continue
        faces = sorted(detect(frame), key=lambda face: -face.size_px)[: None if every_face else 1]
        if not faces:
            done.faceless.append(photo)
        place = out / photo.relative_to(root).parent
        for crop in crop_faces(frame, faces, size, channels=3):
            done.written.append(media.write_image(_free(place / f"{photo.stem}.png"), crop))
    return done


def _free(path: Path) -> Path:
    """`path`, numbered if there is such a file already: of another face, or of `a.jpg` beside `a.png`."""
    number, free = 2, path
    while free.exists():
        number, free = number + 1, path.with_stem(f"{path.stem}-{number}")
    return free


def contact_sheet(crops: Sequence[Path], target: Path, size: int = SIDE_PX) -> Path:
    """Write crops side by side, at most `SHEET_MOST` spread over all of them, for a look before training."""
    step = max(1, -(-len(crops) // SHEET_MOST))
    cells = [cv2.resize(media.read_image(crop).frame, (size, size)) for crop in crops[::step]]
    columns = min(SHEET_COLUMNS, len(cells))
    pitch = size + GAP_PX
    sheet = np.full((-(-len(cells) // columns) * pitch + GAP_PX, columns * pitch + GAP_PX, 3), 255, np.uint8)
    for i, cell in enumerate(cells):
        y, x = GAP_PX + i // columns * pitch, GAP_PX + i % columns * pitch
        sheet[y : y + size, x : x + size] = cell
    return media.write_image(target, sheet)
