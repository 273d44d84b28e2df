"""Every emotion model of the package: size of the file, milliseconds for one face on one thread, accuracy where it is
noted.

Run: python benchmarks/models.py [--rounds 300] [--out FOLDER]
Targets: `default` at most 12 MB and 4 ms, `lite` at most 150 KB and 0.4 ms, `max` at most 40 MB. The models take turns
of 20 faces, so that a drifting machine is fair to all; the accuracy is what `evaluate` wrote beside the model when it
was shipped.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import ROOT, keep, summary_ms

from emojimation.classify.classifier import EmotionClassifier
from emojimation.weights import MODELS, emotion_models, resolve

TURN = 20
KEPT = (
    "n",
    "accuracy",
    "accuracy_ci95",
    "accuracy_without_duplicates",
    "macro_f1",
    "ece",
    "ferplus_accuracy",
    "ferplus8_accuracy",
)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    args = parser.parse_args()
    models = {name: EmotionClassifier(name) for name in emotion_models()}
    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    cpu_s = dict.fromkeys(models, 0.0)
    for _ in range(-(-args.rounds // TURN)):
        for name, model in models.items():
            model.predict(face)  # what the one before left in the caches is not this one's cost
            for _ in range(TURN):
                start, cpu = time.perf_counter(), time.process_time()
                model.predict(face)
                seconds[name].append(time.perf_counter() - start)
                cpu_s[name] += time.process_time() - cpu
    keep("models", {name: facts(name) | summary_ms(seconds[name], cpu_s[name]) for name in models}, args.out)


def facts(name: str) -> dict[str, Any]:
    """Bytes of the model's file and the figures noted beside it."""
    noted = MODELS / f"{name}.json"
    scores = json.loads(noted.read_text("utf-8")) if noted.exists() else {}
    table = scores.get("corruptions", {})
    return {
        "bytes": resolve(name).stat().st_size,
        **{key: scores[key] for key in KEPT if key in scores},
        **({"corruptions_mean": table["mean_accuracy"], "corruptions_ratio": table["ratio"]} if table else {}),
    }


if __name__ == "__main__":
    main()
