"""Whole jobs: one picture for a program, many pictures for a person. Reading, the pipeline, drawing, writing."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from emojimation import media
from emojimation.draw.styles import HIDING, annotate
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.hiding.picture import hidden_picture
from emojimation.hiding.search import searching
from emojimation.pipeline import Pipeline, make_pipeline

CROP_SIDES_PX = (16, 256)  # a picture of such sides may be a face crop from a data set
CROP_ASPECT = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class ImageResult:
    """What came of one picture.

    source: the path as found. size_wh: width and height in pixels, None where it could not be read. notes: what a
    person should know ("no face found", ...). error: why there is no answer, or no drawn picture. written: its path.
    prior: name of the base rates that the answers are corrected for.
    """

    source: str
    size_wh: tuple[int, int] | None = None
    faces: tuple[Face, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    written: Path | None = None
    prior: str = "everyday"

    def to_dict(self) -> dict[str, Any]:
        """The row of `image --json`: source, width, height, faces, and notes where there are any; or source, error."""
        if self.size_wh is None:
            return {"source": self.source, "error": self.error}
        width, height = self.size_wh
        row = {
            "source": self.source,
            "width": width,
            "height": height,
            "faces": [face.to_dict() for face in self.faces],
            "prior": self.prior,
        }
        extra = {"notes": list(self.notes), "written": self.written and str(self.written), "error": self.error}
        return row | {key: value for key, value in extra.items() if value}


def analyze(image: str | Path | np.ndarray | Image.Image, cropped: bool = False, **options: Any) -> list[Face]:
    """The faces of one picture with their emotion probabilities; an empty list where there is no face.

    image: a path, a (H,W,3) BGR uint8 array, or a Pillow image. cropped: the whole picture is one face, as in FER data
    sets. options: those of `Pipeline`, such as model, min_score, tiles, threads; the models stay loaded between calls
    with the same options. May be called from several threads. Raises InputError for what cannot be read.
    """
    (pipeline, lock), frame = _shared(**options), _frame(image)
    with lock:
        faces = pipeline.cropped(frame) if cropped else pipeline(frame)
    if not faces and _looks_cropped(frame):
        warnings.warn(
            "No face found, but the picture looks like a face crop: use analyze(..., cropped=True).", stacklevel=2
        )
    return faces


def run_images(
    paths: Iterable[str | Path],
    pipeline: Pipeline,
    out_dir: str | Path | None = None,
    style: str = "boxes",
    cropped: bool = False,
    strength: str = "careful",
) -> Iterator[ImageResult]:
    """Analyse files, folders and globs, one result after the other; a broken file is a result with `error` set.

    With `out_dir`, a picture drawn in `style` is written there for each one read ("none" writes nothing); pictures of
    one name from several folders get numbers. For a style that hides, faces are searched as `hiding` does, not by the
    pipeline's own detector. Raises InputError at once where `out_dir` cannot be a folder.
    """
    folder = None if out_dir is None or style == "none" else _folder(Path(out_dir))
    if folder is not None and style in HIDING:
        pipeline = searching(pipeline, strength, still=True)
    return _results(paths, pipeline, folder, style, cropped)


def _results(
    paths: Iterable[str | Path], pipeline: Pipeline, folder: Path | None, style: str, cropped: bool
) -> Iterator[ImageResult]:
    files = list(_files(paths))
    taken = {path.resolve() for path in files if isinstance(path, Path)}  # no picture of this run is written over
    for path in files:
        if isinstance(path, ImageResult):
            yield path
            continue
        target = None if folder is None else _target(folder, path, style, taken)
        yield _result(path, pipeline, target, style, cropped)


def _files(paths: Iterable[str | Path]) -> Iterator[Path | ImageResult]:
    """Each file once, in order; a path that leads nowhere becomes its own failed result in its place."""
    seen: set[Path] = set()
    for path in paths:
        try:
            found = [file for file in media.find_images([path]) if file not in seen]
        except InputError as error:
            yield ImageResult(str(path), error=str(error))
            continue
        seen.update(found)
        yield from found


def picture_result(source: str, picture: media.Picture, pipeline: Pipeline, cropped: bool = False) -> ImageResult:
    """The answer for a picture that was read, under the name `source`, with notes on what a person should know."""
    frame, notes = picture.frame, picture.notes
    faces = pipeline.cropped(frame) if cropped else pipeline(frame)
    if not faces:
        looks = "; it looks like a face crop: use --cropped" if _looks_cropped(frame) else ""
        notes = (*notes, f"no face found{looks}")
    return ImageResult(source, (frame.shape[1], frame.shape[0]), tuple(faces), notes, prior=pipeline.prior.name)


def _result(path: Path, pipeline: Pipeline, target: Path | None, style: str, cropped: bool) -> ImageResult:
    try:
        picture = media.read_image(path)
    except InputError as error:
        return ImageResult(str(path), error=str(error))
    result = picture_result(str(path), picture, pipeline, cropped)
    if target is None:
        return result
    drawn, said = _drawn(picture.frame, list(result.faces), style)
    try:
        return replace(result, notes=(*result.notes, *said), written=media.write_image(target, drawn))
    except InputError as error:
        return replace(result, error=str(error))


def _drawn(frame: np.ndarray, faces: list[Face], style: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The drawn picture, and what was hidden in it."""
    if style not in HIDING:
        return annotate(frame, faces, style), ()
    hidden, report = hidden_picture(frame, faces, style)
    return hidden, (str(report),)


def _looks_cropped(frame: np.ndarray) -> bool:
    short, long = sorted(frame.shape[:2])
    return CROP_SIDES_PX[0] <= short and long <= CROP_SIDES_PX[1] and long <= CROP_ASPECT * short


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Expected a folder to write to, got {path} ({error.strerror}).") from error
    return path


def _target(folder: Path, source: Path, style: str, taken: set[Path]) -> Path:
    """A free name in `folder` for the drawn picture; it is added to `taken`, which holds resolved paths."""
    suffix = ".jpg" if source.suffix.lower() in (".jpg", ".jpeg", ".jpe", ".jfif") else ".png"
    number = 1
    while True:
        target = folder / f"{source.stem}-{style}{'' if number == 1 else f'-{number}'}{suffix}"
        if target.resolve() not in taken:
            taken.add(target.resolve())
            return target
        number += 1


def _frame(image: str | Path | np.ndarray | Image.Image) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return image
    if isinstance(image, Image.Image):
        return media.picture_of(image).frame
    if isinstance(image, (str, Path)):
        return media.read_image(image).frame
    raise InputError(f"Expected a path, a BGR uint8 array or a Pillow image, got {type(image).__name__}.")


@lru_cache(maxsize=4)
def _shared(**options: Any) -> tuple[Pipeline, AbstractContextManager]:
    """A pipeline that stays loaded, with a lock where its detector is not known to serve several threads at once."""
    return make_pipeline(**options), Lock() if "detector" in options else nullcontext()
