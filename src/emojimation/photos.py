"""Complete jobs: one image for a program, many images for a person. Reading, the pipeline, drawing, writing."""

import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypedDict, Unpack

import cv2
import numpy as np
from PIL import Image

from emojimation import media
from emojimation.detect import Detector, FaceDetector, Search
from emojimation.draw.styles import HIDING, STYLES, annotate
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.files import clean
from emojimation.hiding.picture import hidden_picture
from emojimation.hiding.search import searching
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.priors import NAMES, STREAM, Prior

CROP_SIDES_PX = (16, 256)  # an image with such sides may be a face crop from a data set
CROP_ASPECT = 1.5
# Of 600 FER2013 crops, taken evenly, the detector misses 20 at its own threshold; in 11 of these it faintly sees a face
# that fills the image, and in none of 70 small images without a face. Without the size and the place: 13 and 20.
FAINT_SCORE = 0.25
FILLS, OFF_CENTRE = 0.4, 0.17  # of the image's longer side at least; of its width and height at most
JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")

Readable = str | Path | bytes | bytearray | memoryview | IO[bytes] | np.ndarray | Image.Image


class Options(TypedDict, total=False):
    """The options of `make_pipeline`; see there for their meaning."""

    model: str | Path
    detector: str | Detector | None
    threads: int
    min_score: float | None
    tiles: bool
    threshold: float | None
    detector_model: str | Path | None
    prior: str | Sequence[float] | Prior
    search: Search | None
    measures: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class ImageResult:
    """The outcome for one image.

    source: the path as found. size_wh: width and height in pixels, None if it could not be read. notes: remarks for
    people ("no face found", ...). error: why there is no answer, or no annotated image. written: the path of the
    annotated image. prior: name of the base rates that the answers are corrected for.
    """

    source: str
    size_wh: tuple[int, int] | None = None
    faces: tuple[Face, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    written: Path | None = None
    prior: str = "everyday"

    def _repr_html_(self) -> str:
        """The source and its faces, for notebooks."""
        about = "; ".join([*self.notes, *([self.error] if self.error else [])])
        faces = "".join(
            f'<div style="display:inline-block;padding:6px">{face._repr_html_()}</div>' for face in self.faces
        )
        return f"<p><b>{escape(self.source)}</b> {escape(about)}</p>{faces}"

    def to_dict(self) -> dict[str, Any]:
        """The row of `image --json`: source, width, height, faces, and notes if there are any; or source, error.

        Bytes of file names that are not UTF-8 are backslash escapes.
        """
        error = self.error and clean(self.error)
        if self.size_wh is None:
            return {"source": clean(self.source), "error": error}
        width, height = self.size_wh
        row = {
            "source": clean(self.source),
            "width": width,
            "height": height,
            "faces": [face.to_dict() for face in self.faces],
            "prior": self.prior,
        }
        extra = {"notes": list(self.notes), "written": self.written and clean(str(self.written)), "error": error}
        return row | {key: value for key, value in extra.items() if value}


@dataclass(frozen=True, slots=True)
class Given:
    """An image that does not come from a file of its own. name: what results call it. read: returns it."""

    name: str
    read: Callable[[], media.Picture]


Drawn = tuple[np.ndarray, tuple[str, ...]]  # the image, and notes on what was hidden in it
Source = Path | Given | ImageResult  # a result if it is already known that nothing can be read


def analyze(image: Readable, cropped: bool = False, **options: Unpack[Options]) -> list[Face]:
    """The faces in one image with their emotion probabilities; an empty list if there is no face.

    image: a path, the bytes of an image file, a binary file object, a Pillow image, or a uint8 array: (H,W,3) BGR,
    (H,W,4) BGRA, which is composited on white, (H,W) or (H,W,1) grey. cropped: the whole image is one face, as in FER
    data sets. options: those of `make_pipeline`, such as model, min_score, threads; the models stay loaded between
    calls with the same options. May be called from several threads. Raises InputError for anything that cannot be read,
    and for an unknown option.
    """
    (pipeline, lock), frame = _loaded(options), _frame(image)
    with lock:
        faces = pipeline.cropped(frame) if cropped else pipeline(frame)
    if not faces and looks_cropped(frame):
        warnings.warn(
            "No face found, but the image looks like a face crop: use analyze(..., cropped=True).", stacklevel=2
        )
    return faces


def run_images(
    paths: Iterable[str | Path | Source],
    pipeline: Pipeline,
    out_dir: str | Path | None = None,
    style: str = "boxes",
    cropped: bool = False,
    art: str = "noto",
    strength: str = "careful",
    min_score: float | None = None,
    character: str | Path = "emoji",
) -> Iterator[ImageResult]:
    """Analyse files, folders, globs and `Given` images, one result at a time; a broken file is a result with `error`.

    With `out_dir`, each image read is written there annotated in `style` ("none" writes nothing). If two would get the
    same name, or a file that is not an annotated image has it, the suffix and folder of the source distinguish them.
    For a style that hides, faces are detected as in `hiding` (strength, min_score: see `hiding.search.Searcher`), not
    by the pipeline's own detector. Raises InputError immediately if `out_dir` cannot be a folder.
    """
    check_prior(pipeline)
    folder = None if out_dir is None or style == "none" else _folder(Path(out_dir))
    if folder is not None and style in HIDING:
        pipeline = searching(pipeline, strength, still=True, min_score=min_score)
    if folder is not None and style in STYLES:
        pipeline = pipeline.measuring(STYLES[style].measures)
    sources = listed(paths)[0]
    targets = {} if folder is None else _targets(sources, folder, style)
    draw = partial(_drawn, style=style, art=art, character=character)

    def results() -> Iterator[ImageResult]:
        for source in sources:
            if isinstance(source, ImageResult):
                yield source
            else:
                yield _result(source, pipeline, targets.get(source), draw, cropped)

    return results()


def listed(paths: Iterable[str | Path | Source]) -> tuple[list[Source], list[Path], list[Path]]:
    """Each image once, in order, the files in folders that are not images, and the annotated copies in them.

    A path that does not exist and a folder that cannot be read become failed results in their place.
    """
    sources: dict[Source, None] = {}
    skipped: dict[Path, None] = {}
    copies: dict[Path, None] = {}
    for path in paths:
        if isinstance(path, Given | ImageResult):
            sources[path] = None
            continue
        try:
            found = media.search_images([path])
        except InputError as error:
            sources[ImageResult(str(path), error=str(error))] = None
            continue
        sources.update(dict.fromkeys(found.pictures))
        sources.update((ImageResult(str(path), error=reason), None) for path, reason in found.failed.items())
        skipped.update(dict.fromkeys(found.skipped))
        copies.update(dict.fromkeys(found.copies))
    given = sources.keys()
    return (
        list(sources),
        [path for path in skipped if path not in given],
        [path for path in copies if path not in given],
    )


def check_prior(pipeline: Pipeline) -> None:
    """Raise InputError for base rates that only a stream has."""
    if pipeline.prior.learns:
        raise InputError(
            f"Expected the prior {', '.join(NAMES)} or a number for each class for images, got {STREAM!r}: "
            "only a video or a live stream has its own base rates."
        )


def picture_result(source: str, picture: media.Picture, pipeline: Pipeline, cropped: bool = False) -> ImageResult:
    """The answer for an image that was read, under the name `source`, with notes for people."""
    frame, notes = picture.frame, picture.notes
    faces = pipeline.cropped(frame) if cropped else pipeline(frame)
    if not faces:
        hint = "; it looks like a face crop: use --cropped" if looks_cropped(frame) else ""
        notes = (*notes, f"no face found{hint}")
    return ImageResult(source, (frame.shape[1], frame.shape[0]), tuple(faces), notes, prior=pipeline.prior.name)


def _result(
    source: Path | Given, pipeline: Pipeline, target: Path | None, draw: Callable[..., Drawn], cropped: bool
) -> ImageResult:
    name = source.name if isinstance(source, Given) else str(source)
    try:
        picture = source.read() if isinstance(source, Given) else media.read_image(source)
    except InputError as error:
        return ImageResult(name, error=str(error))
    result = picture_result(name, picture, pipeline, cropped)
    if target is None:
        return result
    drawn, said = draw(picture.frame, list(result.faces))
    try:
        written = media.write_image(target, drawn, drawn=True)
        return replace(result, notes=(*result.notes, *said), written=written)
    except InputError as error:
        return replace(result, error=str(error))


def _drawn(frame: np.ndarray, faces: list[Face], style: str, art: str, character: str | Path) -> Drawn:
    if style not in HIDING:
        return annotate(frame, faces, style, art), ()
    hidden, report = hidden_picture(frame, faces, style, art, character)
    return hidden, (str(report),)


def looks_cropped(frame: np.ndarray) -> bool:
    """Whether an image without a face has the shape of a face crop and the detector faintly sees one that fills it."""
    short, long = sorted(frame.shape[:2])
    if not (CROP_SIDES_PX[0] <= short and long <= CROP_SIDES_PX[1] and long <= CROP_ASPECT * short):
        return False
    return any(_fills(face, frame) for face in _faint_detector()(frame))


def _fills(face: Face, frame: np.ndarray) -> bool:
    """Whether a find is as large and central as the face of a crop."""
    size = np.array(frame.shape[1::-1])
    off_centre = np.abs((face.xyxy[:2] + face.xyxy[2:]) / 2 / size - 0.5).max()
    return bool(face.size_px >= FILLS * size.max() and off_centre <= OFF_CENTRE)


@lru_cache(maxsize=1)
def _faint_detector() -> Detector:
    return FaceDetector(min_score=FAINT_SCORE)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Expected a folder to write to, got {path} ({error.strerror}).") from error
    return path


def largest_face(path: Path, pipeline: Pipeline) -> Face | None:
    """The largest face of a photo, or the whole of an image that is a crop; None without a face."""
    frame = media.read_image(path).frame
    faces = pipeline.cropped(frame) if looks_cropped(frame) else pipeline(frame)
    return max(faces, key=lambda face: face.size_px, default=None)


def _targets(sources: list[Source], folder: Path, style: str) -> dict[Source, Path]:
    """Where the annotated image of each source goes: the shortest name that is neither another's nor a source's, nor
    that of a file which is no annotated image."""
    readable = [source for source in sources if not isinstance(source, ImageResult)]
    taken = {source.resolve() for source in readable if isinstance(source, Path)}
    candidates = {source: [folder / name for name in _names(source, style)] for source in readable}
    count = Counter(path for paths in candidates.values() for path in dict.fromkeys(paths))
    targets: dict[Source, Path] = {}
    for source, paths in candidates.items():
        free = (path for path in paths if count[path] == 1 and not _in_use(path, taken))
        targets[source] = next(free, None) or _numbered(paths[-1], taken)
        taken.add(targets[source].resolve())
    return targets


def _names(source: Path | Given, style: str) -> list[str]:
    """Names for a source's annotated image, each with more of its origin than the one before."""
    path = Path(source.name) if isinstance(source, Given) else source.absolute()
    kind = ".jpg" if path.suffix.lower() in JPEG_SUFFIXES else ".png"
    suffix, above = path.suffix[1:], path.parent.name
    stems = (path.stem, f"{path.stem}-{suffix}", f"{above}-{path.stem}", f"{above}-{path.stem}-{suffix}")
    return [f"{stem}-{style}{kind}" for stem in stems]


def _numbered(path: Path, taken: set[Path]) -> Path:
    number = 2
    while _in_use(numbered := path.with_stem(f"{path.stem}-{number}"), taken):
        number += 1
    return numbered


def _in_use(path: Path, taken: set[Path]) -> bool:
    """Whether a file must not be written: only an annotated image, of an earlier run, may be overwritten."""
    return path.resolve() in taken or (path.exists() and not media.is_drawn(path))


def _frame(image: Any) -> np.ndarray:
    """(H,W,3) BGR uint8 of anything that `analyze` takes; the pipeline rejects arrays of any other type."""
    if isinstance(image, np.ndarray):
        return _three_channels(image)
    if isinstance(image, Image.Image):
        return media.picture_of(image).frame
    if isinstance(image, str | Path):
        return media.read_image(image).frame
    data = image.read() if hasattr(image, "read") else image
    if isinstance(data, bytes | bytearray | memoryview):
        return media.decode_image(bytes(data)).frame
    raise InputError(
        "Expected a path, an image file's bytes, a binary file, a uint8 array or a Pillow image, got "
        f"{type(image).__name__}: open or convert it first."
    )


def _three_channels(array: np.ndarray) -> np.ndarray:
    """Grey and BGRA uint8 arrays as BGR, transparency composited on white; any other array unchanged."""
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or not array.size or channels not in (1, 4):
        return array
    if channels == 1:
        return cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_GRAY2BGR)
    alpha = array[..., 3:].astype(np.uint16)
    return ((array[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _loaded(options: Options) -> tuple[Pipeline, AbstractContextManager]:
    given: dict[str, Any] = dict(options)
    known = [name for name in inspect.signature(make_pipeline).parameters if name != "tracker"]
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, 1, 0)
            raise InputError(f"Expected an option among {', '.join(known)}, got {name!r}: did you mean {near[0]!r}?")
        if name in ("prior", "measures") and isinstance(value, list | np.ndarray):
            given[name] = tuple(value)
        elif not isinstance(value, Hashable):
            raise InputError(f"Expected one value for {name}, got {type(value).__name__}: give a name or a number.")
    return _shared(**given)


@lru_cache(maxsize=4)
def _shared(**options: Any) -> tuple[Pipeline, AbstractContextManager]:
    """A pipeline that stays loaded, with a lock if its detector is not known to be thread-safe."""
    pipeline = make_pipeline(**options)
    check_prior(pipeline)
    return pipeline, Lock() if "detector" in options else nullcontext()
