"""Large batches: images listed, processed by all cores or a cluster, resumed after a crash, collected in one table."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import emojimation
from emojimation.batch.journal import Journal
from emojimation.batch.listing import Item, Listing, bytes_of, listing_of
from emojimation.batch.output import Output, earlier_of, finish
from emojimation.batch.workers import Workers, within
from emojimation.detect import Search
from emojimation.errors import InputError
from emojimation.files import checked_threads, clean, usable_processors
from emojimation.weights import resolve, sha256

Row = dict[str, Any]
SAMPLE = 24
PIECE = 16  # images handed to a process at a time
PIECE_BYTES = 4 << 20  # of images that come with their bytes
MOST_S = 120.0  # for one image, by default
_loaded: list["Answerer"] = []  # of a worker process


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What the results depend on. model: name or path. min_score: the detector's threshold, None for its own.

    detector, detector_model, search, tiles: as `make_pipeline` takes them. prior: base rates as text, as
    `priors.prior_of` takes it. measures: further answers, names of `pipeline.MEASURES`.
    """

    source: str
    model: str = "default"
    cropped: bool = False
    tiles: bool = False
    min_score: float | None = None
    prior: str = "everyday"
    detector: str = "blazeface"
    detector_model: str | None = None
    search: Search | None = None
    measures: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Summary:
    """What came of a batch.

    pictures: answered, also before a resume. before: of these, answered earlier. failed: could not be read. emotions:
    faces of each class, of the sure answers. skipped: names of files in folders that are not images. copies: names of
    annotated images in them. seconds, per_s: of this run. interrupted: by Ctrl-C. sample: some rows with faces, taken
    evenly by chance.
    """

    pictures: int = 0
    before: int = 0
    without_face: int = 0
    failed: int = 0
    faces: int = 0
    uncertain: int = 0
    emotions: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    per_s: float = 0.0
    interrupted: bool = False
    skipped: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    sample: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Count an image's row."""
        self.pictures += 1
        if "faces" not in row:
            self.failed += 1
            return
        self.without_face += not row["faces"]
        self._keep(row)
        self.faces += len(row["faces"])
        for face in row["faces"]:
            self.uncertain += not face["certain"]
            if face["certain"]:
                self.emotions[face["emotion"]] += 1

    def _keep(self, row: Row) -> None:
        """Algorithm R (Vitter, "Random sampling with a reservoir", 1985), the same for the same rows."""
        if row["faces"]:
            place = random.Random(row["source"]).randrange(self.pictures)
            if len(self.sample) < SAMPLE:
                self.sample.append(row)
            elif place < SAMPLE:
                self.sample[place] = row

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without the sample."""
        values = {name: value for name, value in asdict(self).items() if name != "sample"}
        return {**values, "seconds": round(self.seconds, 2), "per_s": round(self.per_s, 2)}


class Answerer:
    """The loaded models: an item -> its row, ready to be written."""

    def __init__(self, settings: BatchOptions):
        import cv2

        from emojimation.photos import check_prior
        from emojimation.pipeline import make_pipeline

        cv2.setNumThreads(1)  # the processes are the parallelism
        self.settings = settings
        self._pipeline = make_pipeline(
            settings.model,
            settings.detector,
            min_score=settings.min_score,
            tiles=settings.tiles,
            prior=settings.prior,
            detector_model=settings.detector_model,
            search=settings.search,
            measures=settings.measures,
        )
        check_prior(self._pipeline)

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the emotion model."""
        return self._pipeline.classifier.label_set.names

    def __call__(self, item: Item) -> Row:
        """`ImageResult.to_dict` of the image."""
        from emojimation.media import decode_image, read_image
        from emojimation.photos import picture_result

        if item.error is not None:
            return {"source": item.source, "error": item.error}
        try:
            if item.path is not None and "://" not in item.path:
                picture = read_image(item.path)
            else:
                picture = decode_image(self._bytes(item), item.source)
        except InputError as error:
            return {"source": item.source, "error": clean(" ".join(str(error).split()))}
        except MemoryError:
            return {"source": item.source, "error": "Expected an image that fits into memory."}
        return picture_result(item.source, picture, self._pipeline, self.settings.cropped).to_dict()

    def _bytes(self, item: Item) -> bytes:
        return bytes_of(item.path, self.settings.source) if item.path is not None else item.data or b""


Engine = Callable[[BatchOptions, Listing, set[str]], Iterator[list[Row]]]


def local(count: int | None = None, most_s: float = MOST_S) -> Engine:
    """The engine of this machine: `count` processes, by default one per core. most_s: for one image."""
    number = usable_processors() if count is None else checked_threads(count, "workers")

    def answers(settings: BatchOptions, listing: Listing, answered: set[str]) -> Iterator[list[Row]]:
        workers = _workers(number, settings, most_s)
        return workers.answers(pieces(item for item in listing if item.source not in answered))

    return answers


def apart(settings: BatchOptions, items: list[Item], most_s: float = MOST_S) -> list[Row]:
    """The rows of some items from a separate process, which one of them may kill."""
    return [row for piece in _workers(1, settings, most_s).answers([items]) for row in piece]


def _workers(count: int, settings: BatchOptions, most_s: float) -> Workers[Item, Row]:
    return Workers(count, _load, (settings,), partial(_answer, most_s), partial(_lost, most_s))


def pieces(items: Iterable[Item], most: int = PIECE) -> Iterator[list[Item]]:
    """Items in lists of `most`, or fewer if they bring many bytes."""
    piece: list[Item] = []
    size = 0
    for item in items:
        piece.append(item)
        size += len(item.data or b"")
        if len(piece) >= most or size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _load(settings: BatchOptions) -> None:
    _loaded.append(Answerer(settings))


def _answer(most_s: float, items: list[Item]) -> list[Row]:
    return [timely(_loaded[0], item, most_s) for item in items]


def timely(answerer: Answerer, item: Item, most_s: float) -> Row:
    """The row of an item; this process ends if it takes longer than `most_s` seconds."""
    with within(most_s):
        return answerer(item)


def _lost(most_s: float, item: Item) -> Row:
    error = f"Expected an image, got a file that crashes the process reading it, or takes it more than {most_s:g} s."
    return {"source": item.source, "error": error}


def run_batch(
    settings: BatchOptions,
    output: Output,
    engine: Engine,
    on_rows: Callable[[int, int], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Summary:
    """Process every image of `settings.source` once and write the results.

    on_rows: called with the numbers of processed and of all images. stopped: checked after each piece; True leaves the
    rest for a resumed run. Raises InputError for bad input, and if the disk is full.
    """
    output.check()
    classes = Answerer(settings).classes  # loads everything, so that a mistake is found before a file is touched
    listing = listing_of(settings.source)
    began = time.perf_counter()
    summary = Summary(emotions=dict.fromkeys(classes, 0), skipped=listing.skipped, copies=listing.copies)
    asked = asdict(settings) | {"version": emojimation.__version__, "model_sha256": sha256(resolve(settings.model))}
    with Journal(output.journal, asked, output.overwrite) as journal:
        output = replace(output, overwrite=journal.overwrite, classes=classes, measures=tuple(settings.measures))
        earlier = earlier_of(output, asked)
        journal.answered |= earlier
        before = len(journal.answered)
        with closing(engine(settings, listing, set(journal.answered))) as answers:  # type: ignore[type-var]
            for rows in answers:
                journal.write(rows)
                if on_rows is not None:
                    on_rows(len(journal.answered), listing.total)
                if stopped():
                    summary.interrupted = True
                    return _timed(summary, began, len(journal.answered), before)
        summary.written = [str(path) for path in finish(output, journal, earlier)]
        for row in journal.rows():
            if row["source"] not in earlier:
                summary.add(row)
        journal.path.unlink(missing_ok=True)
        summary.before = before
        return _timed(summary, began, len(journal.answered), before)


def _timed(summary: Summary, began: float, answered: int, before: int) -> Summary:
    summary.seconds = time.perf_counter() - began
    summary.per_s = (answered - before) / max(summary.seconds, 1e-9)
    summary.pictures = max(summary.pictures, answered)
    return summary
