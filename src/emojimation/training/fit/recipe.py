"""The definition of a training run: one dataclass, and one file per published result in `emojimation/recipes`."""

import difflib
import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.training.fit.augment import Augmentation

CHOICES = {
    "optimizer": ("sgd", "adam", "adamw"),
    "schedule": ("cosine", "onecycle", "plateau", "constant"),
    "balance": ("none", "weights", "sampling"),
    "precision": ("auto", "bfloat16", "float32"),
    "best_by": ("accuracy", "loss", "last"),
    "labels": ("dataset", "ferplus"),
}
LOWEST: dict[str, float] = {"epochs": 1, "batch": 2, "minutes": 0.01}
SHARES = ("ferplus_mix", "label_smoothing", "distil", "vote_weight", "doubt_weight")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines the weights of a run, apart from the data.

    learning_rate is the peak. weight_decay is decoupled (times the learning rate, not on norms and biases).
    ferplus_mix: weight of the FER+ vote distribution in the targets. ferplus_head: weight of the loss of a second head
    that learns all ten FER+ columns and is dropped at export. ema: decay per step of the averaged weights that are
    evaluated and shipped (0: none). best_by: which validation score selects the shipped epoch, the highest accuracy or
    the lowest loss after temperature scaling, as the model ships, which depends less on chance; or the "last" epoch,
    whatever its score, for a schedule that is known to end well. patience: epochs
    without a better one before stopping (0: never).
    mixup, cutmix: strength of blending pairs of images, or of pasting a part of one into the other (0: none; with
    both, one by chance for each batch). balance: "none", "weights" or "sampling" against rare classes.
    distil: weight of the teacher's probabilities in the targets, where a teacher is given.
    minutes: time budget; the schedule then ends when the time does. precision: "auto" is bfloat16 where the processor
    has it.
    labels: those of the "dataset", or "ferplus": eight classes with contempt by the FER+ votes, see
    `ferplus.eight_classes`. vote_weight, doubt_weight: how far a row's weight in the loss falls from 1 where FER+'s
    voters, or a quick model that has not seen the row (`audit.doubt.out_of_fold`), speak against its label.
    start: "name" and "sha256" of the weights that the run began with, empty for random ones.
    Raises InputError for a value of another type, out of range, or not among `CHOICES`.
    """

    model: str = "vgg_se"
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 60
    batch: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    schedule: str = "cosine"
    warmup_epochs: float = 1.0
    weight_decay: float = 0.005
    label_smoothing: float = 0.05
    ferplus_mix: float = 0.0
    ferplus_head: float = 0.0
    ema: float = 0.998
    mixup: float = 0.0
    balance: str = "none"
    distil: float = 0.7
    patience: int = 0
    minutes: float | None = None
    precision: str = "auto"
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    cutmix: float = 0.0
    best_by: str = "accuracy"
    labels: str = "dataset"
    vote_weight: float = 0.0
    doubt_weight: float = 0.0
    start: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reject values that make no sense."""
        _check_numbers(self)
        for key in SHARES:
            if getattr(self, key) > 1:
                raise InputError(f"Expected {key} from 0 to 1, got {getattr(self, key)}: give a share.")
        for key, choices in CHOICES.items():
            if getattr(self, key) not in choices:
                raise InputError(
                    f"Expected {key} among {', '.join(choices)}, got {getattr(self, key)!r}: use one of these."
                )

    def changed(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed; None values are left out; InputError names the nearest field for an unknown
        one.
        """
        _check_keys(changes, Recipe, "a recipe")
        return replace(self, **{key: value for key, value in changes.items() if value is not None})

    def to_json(self) -> str:
        """The recipe as JSON text; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2)


def _check_numbers(values: Any) -> None:
    for one in fields(values):
        value: Any = getattr(values, one.name)
        kind = type(one.default)
        if (kind not in (int, float, bool) and one.name != "minutes") or value is None:
            continue
        wanted: Any = {bool: bool, int: int}.get(kind, (int, float))
        low: float = LOWEST.get(one.name, 0)
        mixed_up = isinstance(value, bool) is not (kind is bool)
        if mixed_up or not isinstance(value, wanted) or not value >= low:
            word = {bool: "true or false", int: "a whole number"}.get(kind, "a number")
            raise InputError(
                f"Expected {one.name} as {word}{'' if kind is bool else f' of at least {low}'}, got {value!r}."
            )


def _check_keys(values: Mapping[str, Any], kind: Any, words: str) -> None:
    known = [one.name for one in fields(kind)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}."
            raise InputError(f"Expected a field of {words}, got {key!r}: {hint}")


def from_json(text: str) -> Recipe:
    """A recipe from JSON text: fields of `Recipe`, those left out as in the recipe that "base" names, or its defaults.

    Raises InputError for text that is no JSON object, unknown fields (naming the nearest) and impossible values.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"Expected a recipe in JSON, got something else ({error}).") from error
    if not isinstance(values, dict):
        raise InputError(f"Expected a recipe as a JSON object, got {type(values).__name__}.")
    base = _packaged(values.pop("base")) if "base" in values else Recipe()
    for key in ("augmentation", "options", "start"):
        if not isinstance(values.get(key, {}), dict):
            raise InputError(f"Expected {key} as a JSON object, got {type(values[key]).__name__}.")
    if "augmentation" in values:
        values["augmentation"] = _augmentation(values["augmentation"], base.augmentation)
    if "options" in values:
        values["options"] = {k: tuple(v) if isinstance(v, list) else v for k, v in values["options"].items()}
    return base.changed(**values)


def _augmentation(values: dict[str, Any], base: Augmentation) -> Augmentation:
    _check_keys(values, Augmentation, "augmentation")
    augmentation = replace(base, **values)
    _check_numbers(augmentation)
    return augmentation


def without_folders(start: dict[str, str]) -> dict[str, str]:
    """A recipe's `start` to pass on: the file's name, not where it lay on this machine; {} stays {}."""
    return {**start, "name": Path(start["name"]).name} if start else {}


def names() -> list[str]:
    """Names of the recipes in the package."""
    folder = Path(__file__).parents[2] / "recipes"
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


def load(name: str | Path) -> Recipe:
    """The recipe `name` of the package, or that of a JSON file; InputError lists the names, or says what is wrong in
    the file.
    """
    path = Path(name)
    if name not in names() and (path.suffix == ".json" or path.is_file()):
        return read(path)
    return _packaged(name)


def _packaged(name: Any) -> Recipe:
    if name not in names():
        raise InputError(
            f"Expected a recipe among {', '.join(names())}, or the path of a JSON file, got {str(name)!r}: pick "
            "one of these."
        )
    return importlib.import_module(f"emojimation.recipes.{name}").RECIPE


def read(path: Path) -> Recipe:
    """The recipe in a JSON file, such as the recipe.json of a run; InputError names the file."""
    try:
        return from_json(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"Expected a recipe in {path}, got no readable file ({error.strerror}).") from error
    except ValueError as error:  # InputError among them
        raise InputError(f"{path}: {error}") from error
