"""Write the README's table of figures from the measured results, so that no number is typed by hand.

Run after the benchmarks: python scripts/readme_figures.py
Reads benchmarks/results/{default_val,startup,photo}.json and the card of the bundled model.
"""

import json
import re
from pathlib import Path
from typing import Any

from emojimation.classify import EmotionClassifier
from emojimation.weights import resolve

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def results(name: str) -> dict[str, Any]:
    """One of the stored results."""
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def table() -> str:
    """The README's table in Markdown."""
    scores, startup, photo = results("default_val"), results("startup"), results("photo")
    low, high = (100 * v for v in scores["accuracy_ci95"])
    card = EmotionClassifier("default").card
    size_mb = resolve("default").stat().st_size / 1e6
    rows = {
        "model": f"`{card['name']}`, {size_mb:.1f} MB, one pass on a 48 x 48 grey crop",
        "accuracy on FER2013's PublicTest (3,589 pictures, never trained on, used to choose and calibrate)": (
            f"{scores['accuracy']:.1%} (95 % interval {low:.1f} to {high:.1f})"
        ),
        "the same without the pictures that have a byte-identical twin in Training": (
            f"{scores['accuracy_without_duplicates']:.1%} of {scores['n_without_duplicates']:,}"
        ),
        "macro F1; balanced accuracy": f"{scores['macro_f1']:.1%}; {scores['balanced_accuracy']:.1%}",
        "agreement with FER+, where more than half of ten people named one of the seven": (
            f"{scores['ferplus_accuracy']:.1%} of {scores['ferplus_n']:,}"
        ),
        "calibration error (ECE, 15 bins)": f"{scores['ece']:.1%}",
        "mean accuracy over nine kinds of spoilt pictures (blur, darkness, noise, JPEG, small, turned ...)": (
            f"{scores['corruptions']['mean_accuracy']:.1%}, {scores['corruptions']['ratio']:.0%} of the clean figure"
        ),
        "a 640 x 480 photo with one face, one thread": f"{photo['pipeline']['median_ms']:.1f} ms",
        "`emojimation image photo.jpg`, the whole process": (
            f"{startup['image_one_jpg']['median_ms'] / 1000:.2f} s, {startup['image_one_jpg_peak_mb']:.0f} MB of memory"
        ),
        "installed, without extras": f"{startup['installed_mb']:.0f} MB",
    }
    lines = [f"| {what} | {figure} |" for what, figure in rows.items()]
    return "\n".join(["| what | figure |", "|---|---|", *lines])


def main() -> None:
    """Put the table between the README's two comments."""
    readme = ROOT / "README.md"
    marks = re.compile(r"(<!-- figures: .*? -->\n).*?(<!-- end of figures -->)", re.DOTALL)
    readme.write_text(marks.sub(lambda m: f"{m[1]}\n{table()}\n\n{m[2]}", readme.read_text("utf-8")), "utf-8")
    print(table())


if __name__ == "__main__":
    main()
