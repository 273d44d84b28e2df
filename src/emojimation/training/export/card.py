"""MODEL_CARD.md of a run, from its figures: what it was trained on, what it can do, what it must not be used for.

The layout follows Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from typing import Any

from emojimation.labels import EMOTIONS
from emojimation.templates import fill, percent
from emojimation.training.data.corrupt import words_of
from emojimation.training.fit.runs import Run

SPLIT_NAMES = {"train": "Training", "val": "PublicTest (validation)", "test": "PrivateTest (test)"}
OTHER_NAMES = {"train": "training", "val": "validation", "test": "test"}
# Images of each class, in the order of `EMOTIONS`, by which the official splits of FER2013 are known.
FER2013_COUNTS = {
    (3995, 436, 4097, 7215, 4830, 3171, 4965),
    (467, 56, 496, 895, 653, 415, 607),
    (491, 55, 528, 879, 594, 416, 626),
}
FIGURES = {
    "accuracy": "accuracy",
    "accuracy_without_duplicates": "accuracy without byte-identical duplicates of training images",
    "accuracy_without_same_photo": "accuracy without any photo that is also in training",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy (mean recall)",
    "ece": "expected calibration error (ECE)",
    "ferplus_accuracy": "agreement with a clear FER+ majority for one of the seven emotions",
    "ferplus8_accuracy": "FER+ 8-class majority (the published rule)",
}
SETTINGS = (
    "epochs",
    "batch",
    "optimizer",
    "learning_rate",
    "schedule",
    "weight_decay",
    "label_smoothing",
    "ferplus_mix",
    "ferplus_head",
    "ema",
    "seed",
)


def model_card(run: Run, extra: list[dict[str, Any]]) -> str:
    """The card as Markdown. extra: further results of `emojimation evaluate`, such as those on the test split."""
    metrics, results = run.metrics, [run.metrics, *extra]
    recipe, classes = run.recipe or {}, metrics["per_class"]
    keys = [key for key in FIGURES if any(result.get(key) is not None for result in results)]
    text = fill(
        "emojimation.training",
        "model_card.md",
        run=run,
        metrics=metrics,
        results=results,
        is_fer2013=is_fer2013(metrics),
        split_name=split_name,
        training_rows=[(name, f"{n:,}") for name, n in metrics.get("train", {}).get("counts", {}).items()],
        settings=", ".join(f"{key} {recipe[key]}" for key in SETTINGS if key in recipe),
        start=recipe.get("start"),
        best_words="lowest validation loss" if recipe.get("best_by") == "loss" else "highest validation accuracy",
        any_test=any(result["split"] == "test" for result in results),
        result_head=("", *(split_name(result) + _tta(result) for result in results)),
        result_rows=[("pictures", *(f"{result['n']:,}" for result in results))]
        + [(FIGURES[key], *(figure_of(result, key) for result in results)) for key in keys],
        class_rows=[
            (name, f"{row['n']:,}", *(percent(row[key]) for key in ("precision", "recall", "f1")))
            for name, row in classes.items()
        ],
        confusions=_confusions(metrics),
        point=_point(metrics),
        corruption_rows=_corruption_rows(run.corruptions),
        class_counts={name: row["n"] for name, row in classes.items()},
        rarest=min(classes, key=lambda name: classes[name]["n"]),
        seven=tuple(metrics["labels"]) == EMOTIONS,
    )
    return text.rstrip() + "\n"


def is_fer2013(metrics: dict[str, Any]) -> bool:
    """Whether the figures are of a whole official split of FER2013, judging by its class counts."""
    return tuple(row["n"] for row in metrics.get("per_class", {}).values()) in FER2013_COUNTS


def split_name(metrics: dict[str, Any]) -> str:
    """The split that the figures are of, by FER2013's own name where it is FER2013."""
    return (SPLIT_NAMES if is_fer2013(metrics) else OTHER_NAMES)[metrics["split"]]


def label_source(metrics: dict[str, Any]) -> str:
    """Whose labels the answers are compared with, to follow a split's name."""
    return ", FER2013's official labels" if is_fer2013(metrics) else ""


def figure_of(result: dict[str, Any], key: str) -> str:
    """One of `FIGURES` as text, "71.4 % (69.9 to 72.9)", with its interval where the result has one."""
    value, interval = result.get(key), result.get(f"{key}_ci95")
    if value is None or not interval:
        return percent(value)
    return f"{percent(value)} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _tta(result: dict[str, Any]) -> str:
    return ", with mirror image" if result.get("tta") == "flip" else ""


def _confusions(metrics: dict[str, Any], number: int = 4) -> str:
    names, pairs = metrics["labels"], []
    for i, row in enumerate(metrics["confusion_matrix"]):
        pairs += [(n / max(sum(row), 1), names[i], names[j]) for j, n in enumerate(row) if i != j]
    worst = sorted(pairs, reverse=True)[:number]
    return ", ".join(f"{label} as {answer} ({percent(share)})" for share, label, answer in worst)


def _point(metrics: dict[str, Any]) -> dict[str, float] | None:
    """The point of the coverage curve that is nearest to the threshold of "not sure"."""
    threshold = metrics.get("threshold")
    if threshold is None:
        return None
    return min(metrics["coverage"], key=lambda row: abs(row["threshold"] - threshold))


def _corruption_rows(table: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    rows = []
    for name, mean in (table or {"means": {}})["means"].items():
        some = [row for row in table["rows"] if row["corruption"] == name] if table else []
        values = ", ".join(f"{percent(row['accuracy'])} ({row['parameter']})" for row in some)
        rows.append((words_of(name), values, percent(mean)))
    return rows
