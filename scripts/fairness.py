"""Whether some people are answered worse than others, as far as that can be measured with what is at hand.

Run: python scripts/fairness.py --data fer2013.csv [--ferplus FILE] [--photos FOLDER --groups groups.csv]
     [--model default] [--out FILE.json]
FER2013 names no groups. Of its validation rows the script therefore compares what the image shows: how bright cheeks
and forehead are (light and skin together, which nobody can tell apart in a grey image), and what faces are called
that the voters of FER+ agree to be calm. PHOTOS with a table of faces (columns file, x0, y0, x1, y1, calm, group: the
apparent group, as whoever made the table saw it) are searched with the default settings, and the calm faces of each
group are counted. Intervals are Wilson's at 95 %.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.classify.classifier import EmotionClassifier
from emojimation.faces import Face, iou
from emojimation.labels import EMOTIONS
from emojimation.media import read_image
from emojimation.pipeline import make_pipeline
from emojimation.priors import corrected, prior_of
from emojimation.training.data.ferplus import clear_majority
from emojimation.training.data.load import load
from emojimation.training.judge.metrics import wilson_ci95
from emojimation.weights import resolve

NEUTRAL = EMOTIONS.index("neutral")
QUARTERS = ("darkest", "second", "third", "brightest")
SKIN = (slice(8, 40), slice(12, 36))  # rows and columns of a 48 px crop that hold forehead and cheeks
SAME_IOU = 0.4


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ferplus", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--groups", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found = {"model": args.model, "fer2013": of_rows(load(args.data, ferplus=args.ferplus).split("val"), args.model)}
    if args.photos and args.groups:
        found["photos"] = of_photos(args.photos, args.groups, args.model)
    text = json.dumps(found, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n", "utf-8")


def of_rows(rows: Any, model: str) -> dict[str, Any]:
    """Accuracy by brightness of the skin, and what calm faces are called under each prior."""
    classifier = EmotionClassifier(resolve(model))  # the float model, wherever this runs
    answers = classifier.predict(rows.images)
    ids = clear_majority(rows.votes)
    light = rows.images[:, SKIN[0], SKIN[1]].mean(axis=(1, 2))
    quarter = np.searchsorted(np.quantile(light, (0.25, 0.5, 0.75)), light, side="right")
    calm = ids == NEUTRAL
    prior = prior_of("everyday", classifier.label_set)
    under = {"fer2013": answers, "everyday": corrected(answers, prior, classifier.trained_prior)}
    return {
        "n": len(rows),
        "accuracy_by_brightness": {
            name: rate(answers[quarter == i].argmax(1) == rows.labels[quarter == i]) for i, name in enumerate(QUARTERS)
        },
        "calm_faces": {name: calm_figures(p[calm], classifier.threshold) for name, p in under.items()},
        "calm_faces_by_brightness": {
            name: calm_figures(under["everyday"][calm & (quarter == i)], classifier.threshold)
            for i, name in enumerate(QUARTERS)
        },
    }


def calm_figures(answers: np.ndarray, threshold: float) -> dict[str, Any]:
    """What faces without expression are called: neutral among the first two, surely something else, by emotion."""
    first, second = np.argsort(-answers, axis=1)[:, :2].T
    sure = (answers.max(1) >= threshold) & (first != NEUTRAL)
    return {
        "neutral_among_two": rate((first == NEUTRAL) | (second == NEUTRAL)),
        "surely_something_else": rate(sure),
        "surely": {name: int((sure & (first == i)).sum()) for i, name in enumerate(EMOTIONS) if i != NEUTRAL},
    }


def of_photos(folder: Path, table: Path, model: str) -> dict[str, Any]:
    """Of each apparent group of `table`: faces found, and what the calm ones are called."""
    pipeline = make_pipeline(model)
    with table.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    seen: dict[str, list[Face | None]] = {}
    frames = {name: pipeline(read_image(folder / name).frame) for name in {row["file"] for row in listed}}
    for row in listed:
        box = np.array([float(row[key]) for key in ("x0", "y0", "x1", "y1")])
        near = [face for face in frames[row["file"]] if iou(box[None], face.xyxy[None])[0, 0] >= SAME_IOU]
        if row["calm"] not in ("", "0"):
            seen.setdefault(row["group"], []).append(near[0] if near else None)
    return {group: of_group(faces, pipeline.threshold) for group, faces in sorted(seen.items())}


def of_group(faces: list[Face | None], threshold: float) -> dict[str, Any]:
    """Share that was found, and `calm_figures` of these."""
    known = np.array([face.probabilities for face in faces if face is not None]).reshape(-1, len(EMOTIONS))
    return {"found": rate(np.array([face is not None for face in faces])), **calm_figures(known, threshold)}


def rate(hits: np.ndarray) -> dict[str, float]:
    """Share, number of cases and interval; the number alone where there is none."""
    if not len(hits):
        return {"n": 0}
    low, high = wilson_ci95(float(hits.mean()), len(hits))
    return {"share": round(float(hits.mean()), 4), "n": len(hits), "low": round(low, 4), "high": round(high, 4)}


if __name__ == "__main__":
    main()
