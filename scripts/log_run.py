"""Keep what a training run was and reached: benchmarks/results/runs/NAME.json, and its row for docs/experiments.md.

Run: python scripts/log_run.py runs/x --data fer2013.csv [--ferplus FILE] --hardware "two cores, shared" [--name x]
[--notes TEXT] Scores the run's exported file on the validation split, with and without the mirror image; the recipe and
the history of epochs are copied, so that a run can be compared long after its folder is gone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
from machine import facts  # noqa: E402

from emojimation.classify.classifier import EmotionClassifier  # noqa: E402
from emojimation.training.data.load import load  # noqa: E402
from emojimation.training.fit.recipe import without_folders  # noqa: E402
from emojimation.training.judge.metrics import accuracy, ece, nll  # noqa: E402


def main() -> None:
    """Score, keep, print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--name")
    parser.add_argument("--notes", default="")
    args = parser.parse_args()
    name = args.name or args.run.name
    recipe, history = (json.loads((args.run / f"{part}.json").read_text("utf-8")) for part in ("recipe", "history"))
    if "start" in recipe:
        recipe["start"] = without_folders(recipe["start"])
    kept = {
        "run": name,
        "hardware": args.hardware,
        "notes": args.notes,
        "epochs": len(history),
        "minutes": round(history[-1]["minutes"], 1),
        "scores": scores(args.run / "model.onnx", args.data, args.ferplus),
        "recipe": recipe,
        "history": history,
        "scored_on": facts(),
    }
    target = ROOT / "benchmarks" / "results" / "runs" / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(row(kept))


def scores(model: Path, data: Path, ferplus: Path | None) -> dict[str, Any]:
    """Accuracy, loss and calibration error on the validation split, one view and the mean with its mirror image."""
    rows, classifier = load(data, ferplus=ferplus).split("val"), EmotionClassifier(model)
    one = classifier.predict(rows.images)
    both = (one + classifier.predict(np.ascontiguousarray(rows.images[:, :, ::-1]))) / 2
    return {
        "n": len(rows),
        "accuracy": accuracy(one, rows.labels),
        "accuracy_with_mirror": accuracy(both, rows.labels),
        "nll": nll(one, rows.labels),
        "ece": ece(one, rows.labels),
    }


def row(kept: dict[str, Any]) -> str:
    """The run as a row of the table in docs/experiments.md."""
    s, recipe = kept["scores"], kept["recipe"]
    cells = (
        kept["run"],
        recipe["model"],
        recipe["seed"],
        kept["epochs"],
        f"{kept['hardware']}, {kept['minutes']:.0f}",
        f"{s['accuracy']:.2%}",
        f"{s['accuracy_with_mirror']:.2%}",
        f"{s['nll']:.3f}",
        f"{s['ece']:.1%}",
        kept["notes"],
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    main()
