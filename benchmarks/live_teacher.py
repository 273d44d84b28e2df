"""How fast a network learns from a live teacher, with all processors making batches and with one left to the network.

Run: python benchmarks/live_teacher.py [--recipe default] [--teacher max] [--steps 12] [--rounds 4] [--out FOLDER]
Target: all processors at least as fast as one fewer. The two take turns; each round begins with as many batches made
ahead as the stream keeps, which are not timed.
"""

import statistics
import time
from contextlib import closing

from machine import keep
from train_step import noise, options  # sets Keras' backend: before anything that imports it

from emojimation.classify.classifier import EmotionClassifier
from emojimation.files import usable_processors
from emojimation.precision import suited
from emojimation.training.fit.batches import LiveTeacher
from emojimation.training.fit.network import compiled
from emojimation.training.fit.steps import KerasSteps


def main() -> None:
    """Measure, print, keep."""
    parser = options(__doc__, rounds=4)
    parser.add_argument("--teacher", default="max")
    args = parser.parse_args()
    processors = usable_processors()
    fewer, ahead = max(1, processors - 1), 2 * processors + 3
    teacher = LiveTeacher(EmotionClassifier(suited(args.teacher)).predict, sha256="0" * 64)
    feed = noise(args.recipe, args.steps + ahead, teacher)
    recipe = feed.recipe
    do = KerasSteps(compiled(recipe, 7, 48, False), recipe)
    seconds: dict[int, list[float]] = {fewer: [], processors: []}
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
            "all_over_one_fewer": round(rates[processors] / rates[fewer], 2),
        },
        args.out,
    )


if __name__ == "__main__":
    main()
