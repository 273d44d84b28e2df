"""How fast a network trains: a step in bfloat16 against plain float32, and augmentation's share of the step.

Run: python benchmarks/train_step.py [--recipe default] [--steps 12] [--rounds 3] [--out FOLDER]
Targets: bfloat16 at least 2.5 times as fast as plain float32 on two cores; augmentation under 10 % of a step.
"Plain" is float32 with Keras' own batch norm; "keras_gradient" is bfloat16 with Keras' own weight gradient on small
maps too. Rounds alternate between them, so that a drifting machine favours none; the figures are ratios of the medians.
"""

import argparse
import os
import statistics
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `emojimation train` does

import numpy as np
from machine import ROOT, keep

from emojimation.training.fit import models
from emojimation.training.fit import recipe as recipes
from emojimation.training.fit.augment import augment
from emojimation.training.fit.batches import Batches, LiveTeacher, targets
from emojimation.training.fit.network import compiled


def main() -> None:
    """Measure, print, keep."""
    args = options(__doc__, rounds=3).parse_args()
    feed = noise(args.recipe, args.steps)
    recipe, images, small_row = feed.recipe, feed.images, models.SMALL_ROW
    with closing(feed.stream()) as stream:
        batches = list(islice(stream, feed.steps))
    precisions = {"bfloat16": "bfloat16", "keras_gradient": "bfloat16", "float32": "float32"}
    nets = {name: compiled(recipe.changed(precision=p), 7, 48, False) for name, p in precisions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in nets}
    for warm in (True, *[False] * args.rounds):
        for name, model in nets.items():
            models.SMALL_ROW = 0 if name == "keras_gradient" else small_row  # read when the first step is traced
            for x, goals, _ in batches[:3] if warm else batches:
                start = time.perf_counter()
                model.train_on_batch(x, goals)
                seconds[name] += [] if warm else [time.perf_counter() - start]
    step = {name: statistics.median(values) for name, values in seconds.items()}
    augmenting = statistics.median(_timed_augment(images[: recipe.batch], recipe) for _ in range(20))
    keep(
        "train_step",
        {
            "recipe": args.recipe,
            "batch": recipe.batch,
            "pictures_per_s": {name: round(recipe.batch / s, 1) for name, s in step.items()},
            "bfloat16_over_float32": round(step["float32"] / step["bfloat16"], 2),
            "own_over_keras_gradient": round(step["keras_gradient"] / step["bfloat16"], 2),
            "augmentation_share_of_step": round(augmenting / step["bfloat16"], 4),
        },
        args.out,
    )


def options(text: str | None, rounds: int) -> argparse.ArgumentParser:
    """What each benchmark of a training step can be asked."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    return parser


def noise(name: str, steps: int, teacher: LiveTeacher | None = None) -> Batches:
    """Random images and labels for an epoch of `steps`, by the recipe `name` without FER+ votes."""
    recipe = recipes.load(name).changed(ferplus_head=0.0, ferplus_mix=0.0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (recipe.batch * steps, 48, 48), dtype=np.uint8)
    labels = rng.integers(0, 7, len(images))
    return Batches(images, labels, targets(labels, None, 7, recipe), recipe, teacher=teacher)


def _timed_augment(images: np.ndarray, recipe: recipes.Recipe) -> float:
    start = time.perf_counter()
    augment(images, recipe.augmentation, np.random.default_rng(0))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
