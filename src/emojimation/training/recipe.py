"""What a training run is: one dataclass, and one file per published result under `emojimation/recipes`."""

import difflib
import importlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from emojimation.errors import InputError
from emojimation.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights of a run, apart from the data.

    learning_rate is the peak. weight_decay is decoupled (times the learning rate, not on norms and biases).
    ferplus_mix: weight of the FER+ vote distribution in the targets. ferplus_head: weight of the loss of a second head that
    learns all ten FER+ columns and is dropped at export. ema: decay per step of the averaged weights that are
    judged and shipped (0: none). patience: epochs without a better validation score before stopping (0: never).
    mixup: strength of blending pairs of pictures (0: none). balance: "none", "weights" or "sampling" against rare classes.
    distil: weight of the teacher's probabilities in the targets, where a teacher is given.
    minutes: time budget; the schedule then ends when the time does. precision: "auto" is bfloat16 where the processor has it.
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

    def changed(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed; None values are left out; InputError names the nearest field for an unknown one."""
        known = [f.name for f in fields(self)]
        for key in changes:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}."
                raise InputError(f"Expected a field of a recipe, got {key!r}: {hint}")
        return replace(self, **{key: value for key, value in changes.items() if value is not None})

    def to_json(self) -> str:
        """The recipe as JSON text; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2)


def from_json(text: str) -> Recipe:
    """A recipe from `to_json`'s text; InputError for unknown fields."""
    values = json.loads(text)
    augmentation = Augmentation(**values.pop("augmentation", {}))
    values["options"] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.get("options", {}).items()}
    return Recipe().changed(augmentation=augmentation, **values)


def names() -> list[str]:
    """Names of the recipes in the package."""
    folder = Path(__file__).parents[1] / "recipes"
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


def load(name: str) -> Recipe:
    """The recipe `name` of the package; InputError lists the names there are."""
    if name not in names():
        raise InputError(f"Expected a recipe among {', '.join(names())}, got {name!r}: pick one of these.")
    return importlib.import_module(f"emojimation.recipes.{name}").RECIPE
