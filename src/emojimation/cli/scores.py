"""Shared by the training commands: data with a validation split, figures, corruption tables."""

from pathlib import Path
from typing import Any

from rich.progress import track

from emojimation.cli.printing import console, counted

SHOWN = (
    "model",
    "n",
    "missed",
    "accuracy",
    "accuracy_all",
    "macro_f1",
    "ece",
    "accuracy_without_duplicates",
    "accuracy_without_same_photo",
    "ferplus_accuracy",
    "ferplus8_accuracy",
    "temperature",
    "threshold",
)


def loaded(data: Path, ferplus: Path | None = None, size: int = 48, skip_bad: bool = False) -> Any:
    """The data set in `data`; with `skip_bad` without its damaged images, which are listed on standard error."""
    from emojimation.training.data.load import load

    skipped: list[str] = []
    dataset = load(data, ferplus, size, skipped if skip_bad else None)
    if skipped:
        console.print(f"Left out {counted(len(skipped), 'damaged image')}: {', '.join(skipped)}", soft_wrap=True)
    return dataset


def holding_out(dataset: Any, group_by: str | None = None) -> Any:
    """The data set with a validation split: part of its training rows if it has none, announced on standard error."""
    from emojimation.training.data.holdout import with_validation

    whole, held = with_validation(dataset, group_by=group_by)
    if held:
        console.print(f"No validation split in {dataset.source}: {held} of its {len(dataset)} images are held out.")
    return whole


def print_scores(scores: dict[str, Any], keys: tuple[str, ...] = SHOWN) -> None:
    """The figures `keys` that `scores` has, one per line, with their 95 % intervals, on standard error."""
    for key in keys:
        if scores.get(key) is not None:
            value, interval = scores[key], scores.get(f"{key}_ci95")
            words = f"{value:.4f}" if isinstance(value, float) else value
            console.print(f"{key:>30}  {words}" + (f"  ({interval[0]:.4f} to {interval[1]:.4f})" if interval else ""))


def sampled(rows: Any, number: int, seed: int = 0) -> Any:
    """`number` random rows in their order, or all for 0."""
    import numpy as np

    if not number or number >= len(rows):
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:number]))


def corruption_table(classifier: Any, rows: Any) -> dict[str, Any]:
    """`corrupt.table` of a classifier on a Dataset, with a progress bar on standard error."""
    from emojimation.training.data import corrupt

    clean = float((classifier.predict(rows.images).argmax(1) == rows.labels).mean())
    measured = corrupt.measure(classifier.predict, rows.images, rows.labels)
    shown = track(measured, "corruptions", total=corrupt.steps(), console=console, transient=True)
    return corrupt.table(list(shown), clean, len(rows))
