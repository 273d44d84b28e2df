"""How fast a network learns from a live teacher, with all processors making batches and with one left to the network.

Run: python benchmarks/live_teacher.py [--recipe default] [--teacher max] [--steps 12] [--rounds 4] [--out FOLDER]
Target: all processors at least as fast as one fewer. The two take turns; each round begins with as many batches made
ahead as the stream keeps, which are not timed.
"""

import argparse
import os
import statistics
import time
from contextlib import closing
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `emojimation train` does

import numpy as np
from machine import ROOT, keep

from emojimation.classify.classifier import EmotionClassifier
from emojimation.files import usable_processors
from emojimation.precision import suited
from emojimation.training.fit import recipe as recipes
from emojimation.training.fit.batches import Batches, LiveTeacher, targets
from emojimation.training.fit.network import compiled
from emojimation.training.fit.steps import KerasSteps


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--teacher", default="max")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    recipe = recipes.load(args.recipe).changed(ferplus_head=0.0, ferplus_mix=0.0)
    rng, processors = np.random.default_rng(0), usable_processors()
    ahead = 2 * processors + 3
    images = rng.integers(0, 256, (recipe.batch * (args.steps + ahead), 48, 48), dtype=np.uint8)
    labels = rng.integers(0, 7, len(images))
    teacher = LiveTeacher(EmotionClassifier(suited(args.teacher)).predict, sha256="0" * 64)
    feed = Batches(images, labels, targets(labels, None, 7, recipe), recipe, teacher=teacher)
    do = KerasSteps(compiled(recipe, 7, 48, False), recipe)
    seconds: dict[int, list[float]] = {max(1, processors - 1): [], processors: []}
    for warm in (True, *[False] * args.rounds):
        for workers, times in seconds.items():
            with closing(feed.stream(workers=workers)) as stream:
                for _ in range(ahead):
                    do(next(stream), 0.01)
                start = time.perf_counter()
                for _ in range(args.steps):
                    do(next(stream), 0.01)
                times += [] if warm else [time.perf_counter() - start]
    rates = {n: recipe.batch * args.steps / statistics.median(times) for n, times in seconds.items()}
    keep(
        "live_teacher",
        {
            "recipe": args.recipe,
            "teacher": args.teacher,
            "batch": recipe.batch,
            "pictures_per_s": {f"{n} of {processors}": round(rate, 1) for n, rate in rates.items()},
            "all_over_one_fewer": round(rates[processors] / rates[max(1, processors - 1)], 2),
        },
        args.out,
    )


if __name__ == "__main__":
    main()
