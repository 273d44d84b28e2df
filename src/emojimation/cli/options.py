"""Options that several commands share, each defined once, and what is built from them.

The values of an option come from the table they belong to. The tables load heavy packages, so they are read only when a
command's help is shown or its option is given: `Command` writes the values into the help.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from emojimation.errors import InputError

if TYPE_CHECKING:
    from emojimation.pipeline import Pipeline

INTERRUPTED = 130  # shell convention: 128 + SIGINT


def _styles() -> Iterable[str]:
    from emojimation.draw.styles import STYLES

    return STYLES


def _arts() -> Iterable[str]:
    from emojimation.draw.sprites import ART

    return ART


def _characters() -> Iterable[str]:
    from emojimation.draw.characters import names

    return names()


def _detectors() -> Iterable[str]:
    from emojimation.detect import DETECTORS

    return DETECTORS


def _searches() -> Iterable[str]:
    from emojimation.detect.base import SEARCHES

    return SEARCHES


def _models() -> Iterable[str]:
    from emojimation.weights import emotion_models

    return emotion_models()


def _priors() -> Iterable[str]:
    from emojimation.priors import NAMES

    return NAMES


def _stream_priors() -> Iterable[str]:
    from emojimation.priors import NAMES, STREAM

    return (*NAMES, STREAM)


def _measures() -> Iterable[str]:
    from emojimation.pipeline import MEASURES

    return MEASURES


def _system_languages() -> Iterable[str]:
    from emojimation.languages import LANGUAGES

    return ("system", *LANGUAGES)


def _browser_languages() -> Iterable[str]:
    from emojimation.languages import LANGUAGES

    return ("browser", *LANGUAGES)


NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "styles": _styles,
    "arts": _arts,
    "characters": _characters,
    "detectors": _detectors,
    "searches": _searches,
    "models": _models,
    "priors": _priors,
    "stream priors": _stream_priors,
    "measures": _measures,
    "system languages": _system_languages,
    "browser languages": _browser_languages,
}


class _Filled(dict[str, str]):
    def __missing__(self, table: str) -> str:
        return ", ".join(NAMES[table]())


def with_names(words: str) -> str:
    """An option's help with the names from the tables."""
    return words.format_map(_Filled()) if "{" in words else words


class Command(TyperCommand):
    """A command whose help lists the values of its options: "{styles}" in an option's help becomes the names."""

    def format_help(self, *given: Any) -> None:
        """Write the help with the names from the tables."""
        for parameter in self.params:
            if words := getattr(parameter, "help", None):
                parameter.help = with_names(words)  # type: ignore[attr-defined]
        super().format_help(*given)


def one_of(table: str) -> Callable[[typer.CallbackParam, str | None], str | None]:
    """A check that a value is in one of the tables of `NAMES`."""

    def checked(option: typer.CallbackParam, value: str | None) -> str | None:
        if value is not None and value not in (names := list(NAMES[table]())):
            raise InputError(f"Expected {option.opts[0]} as one of {', '.join(names)}, got {value!r}.")
        return value

    return checked


def _present(path: Path) -> Path:
    """Refuse a data set that is not there before Keras is loaded, which takes seconds."""
    from emojimation.training.data.load import present

    return present(path)


def _known_character(name: str) -> str:
    """Refuse an unknown character before the models are loaded, even if the style draws none."""
    if name != "emoji":
        from emojimation.draw.characters import character

        character(name)
    return name


def choice(flag: str, table: str, what: str, unset: str | bool = False) -> Any:
    """An option that takes a key of one of the tables of `NAMES`. what: its help, before the keys. unset: what the help
    says of leaving it out."""
    return typer.Option(flag, help=f"{what}: {{{table}}}.", show_default=unset, callback=one_of(table))


Model = Annotated[str, typer.Option("--model", help="Emotion model: {models}, or the path of an ONNX file.")]
Detector = Annotated[str, choice("--detector", "detectors", "Face detector", True)]
DetectorModel = Annotated[
    Path | None, typer.Option("--detector-model", help="Model file of another face detector.", show_default=False)
]
MinScore = Annotated[
    float | None, typer.Option("--min-score", help="Detection threshold, 0 to 1.", show_default="the detector's")
]
How = Annotated[
    str | None,
    choice("--search", "searches", "How thoroughly to search for faces"),
]
Tiles = Annotated[bool, typer.Option("--tiles", help="The same as --search wide.")]
Prior = Annotated[
    str,
    typer.Option(
        "--prior",
        help="Base rates of the emotions: {priors}, or a number for each class, separated by commas; "
        "for videos and live streams also stream: learned from the stream.",
    ),
]
CAREFUL = "careful"
Measure = Annotated[
    list[str] | None,
    typer.Option("--measure", help="Add a further answer about each face: {measures}; may be repeated."),
]
Strength = Annotated[
    str | None,
    typer.Option(
        "--strength",
        help="How thoroughly faces are searched to hide them: fast, careful or paranoid.",
        show_default=CAREFUL,
    ),
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Processor threads.")]
Style = Annotated[
    str | None,
    choice("--style", "styles", "How faces are drawn", "boxes"),
]
Art = Annotated[str, choice("--art", "arts", "Emoji set", True)]
Character = Annotated[
    str,
    typer.Option(
        "--character",
        help="Who avatar and puppet are: {characters}, or a folder with a character.json.",
        callback=_known_character,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
Cropped = Annotated[bool, typer.Option("--cropped", help="Every image is one face, already cropped.")]
Data = Annotated[
    Path, typer.Option("--data", help="FER2013 in any of its formats, or a folder per class.", callback=_present)
]
Ferplus = Annotated[
    Path | None, typer.Option("--ferplus", help="fer2013new.csv with the FER+ votes, in the same row order.")
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        help="Keep images together when holding some out: person, folder, video, or a regular expression for the path.",
        show_default=False,
    ),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip damaged image files and list them.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `emojimation train`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How faces are detected and classified: the options of every command that runs a detector."""

    model: Model = "default"
    detector: Detector = "blazeface"
    detector_model: DetectorModel = None
    min_score: MinScore = None
    search: How = None
    tiles: Tiles = False
    prior: Prior = "everyday"
    measure: Measure = None

    def pipeline(self, threads: int = 1, stream: bool = False) -> "Pipeline":
        """The pipeline for these options; stream: for the frames of a video or camera. Raises InputError."""
        from emojimation.pipeline import make_pipeline

        settings = self.settings()
        if stream:
            settings["search"] = self.search or "stream"
        return make_pipeline(threads=threads, **settings)

    def strength(self, asked: str | None, hides: bool) -> str:
        """The strength of hiding. Raises InputError for options that would be ignored with or without it."""
        if hides:
            self._check_hiding()
        elif asked is not None:
            raise InputError(f"Expected a style that hides faces together with --strength {asked}, got none.")
        return asked or CAREFUL

    def _check_hiding(self) -> None:
        """Raise InputError for an option that hiding would ignore: it has a search of its own, in three strengths."""
        given = {
            "--detector": self.detector != "blazeface",
            "--detector-model": self.detector_model is not None,
            "--search": self.search is not None,
            "--tiles": self.tiles,
        }
        ignored = [name for name, is_given in given.items() if is_given]
        if ignored:
            raise InputError(
                f"Expected --strength or --min-score with a style that hides faces, got {', '.join(ignored)}: "
                "hiding has its own search."
            )

    def settings(self) -> dict[str, Any]:
        """The options by the names that `make_pipeline` gives them, as values that JSON can hold."""
        given = asdict(self) | {"detector_model": self.detector_model and str(self.detector_model)}
        return given | {"measures": given.pop("measure") or []}


def searching(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """A command that takes `search`, with the fields of `Search` as its own options instead."""
    own = inspect.signature(command)
    names = [field.name for field in fields(Search)]
    shared = [
        parameter.replace(annotation=get_type_hints(Search, include_extras=True)[parameter.name])
        for parameter in inspect.signature(Search).parameters.values()
    ]
    kept = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
        if parameter.name != "search"
    ]

    @wraps(command)
    def run(**given: Any) -> int | None:
        return command(search=Search(**{name: given.pop(name) for name in names}), **given)

    run.__signature__ = own.replace(parameters=[*kept, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*kept, *shared)}
    del run.__wrapped__
    return run
