"""A run's report as one self-contained HTML page: figures, plots as SVG, thumbnails; light and dark, no script."""

import base64
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.templates import fill, percent
from emojimation.training.data import ferplus
from emojimation.training.data.corrupt import words_of
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.pictures import encode_png
from emojimation.training.export.card import figure_of, label_source, split_name
from emojimation.training.fit.runs import Run
from emojimation.training.report import plots

MISTAKES = 48
COLUMNS = {
    "accuracy": "accuracy",
    "accuracy_without_duplicates": "no identical duplicates",
    "accuracy_without_same_photo": "no photo of training",
    "macro_f1": "macro F1",
    "ece": "ECE",
    "ferplus_accuracy": "clear FER+ majority",
    "ferplus8_accuracy": "FER+ 8-class majority",
}


def page(
    run: Run,
    extra: list[dict[str, Any]],
    dataset: Dataset | None = None,
    rows: Dataset | None = None,
    probabilities: np.ndarray | None = None,
) -> str:
    """The page as HTML text.

    extra: further results of `emojimation evaluate`. dataset, rows, probabilities: the whole data set, the evaluated
    rows and the model's predictions (n,c) to them; without them the page has no class bars and no thumbnails.
    """
    mistakes, sides = [], None
    if rows is not None and probabilities is not None:
        worst = worst_mistakes(probabilities, rows.labels)
        mistakes = [_mistake(rows, row, probabilities[row]) for row in worst.tolist()]
        sides = _sides(rows, probabilities, worst)
    clean = run.corruptions["clean_accuracy"] if run.corruptions else 1.0
    return fill(
        "emojimation.training",
        "report.html",
        title=f"Report: {run.name}",
        metrics=run.metrics,
        results=[run.metrics, *extra],
        columns=COLUMNS,
        figure_of=figure_of,
        tiles=_tiles(run.metrics),
        split_name=split_name,
        label_source=label_source,
        plots=_plots(run, dataset),
        corruptions=run.corruptions,
        words_of=words_of,
        lost=lambda row: max(0.0, 1 - row["accuracy"] / max(clean, 1e-9)),
        mistakes=mistakes,
        sides=sides,
        source=Path(dataset.source).name if dataset is not None else "",
        int8=run.int8,
    )


def _tiles(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    low, high = metrics["accuracy_ci95"]
    tiles = [
        (percent(metrics["accuracy"]), f"accuracy; 95 % interval {100 * low:.1f} to {100 * high:.1f} %"),
        (percent(metrics.get("accuracy_without_duplicates")), "accuracy without byte-identical duplicates of training"),
        (percent(metrics.get("accuracy_without_same_photo")), "accuracy without any photo that is also in training"),
        (percent(metrics.get("ferplus_accuracy")), "agreement with a clear FER+ majority for one of seven emotions"),
        (percent(metrics.get("ferplus8_accuracy")), "FER+ 8-class majority, the published rule"),
        (percent(metrics.get("macro_f1")), "macro F1: every class counts equally"),
        (percent(metrics.get("ece")), "expected calibration error (ECE)"),
        (f"{metrics['threshold']:.2f}" if "threshold" in metrics else "–", "confidence below which it is “not sure”"),
    ]
    return [tile for tile in tiles if tile[0] != "–"]


def _plots(run: Run, dataset: Dataset | None) -> dict[str, str]:
    """Inline SVG by name, for the parts of the run that are there."""
    metrics, threshold = run.metrics, run.metrics.get("threshold")
    figures = {
        "classes": (plots.class_scores_figure(metrics["per_class"]), "Recall and precision of each class"),
        "reliability": (plots.reliability_figure(metrics["reliability"], metrics["ece"]), "Reliability diagram"),
        "coverage": (plots.coverage_figure(metrics["coverage"], threshold), "Coverage and accuracy"),
    }
    if run.history:
        figures["curves"] = (plots.curves_figure(run.history), "Training curves")
    if run.corruptions:
        figures["corruptions"] = (plots.corruption_figure(run.corruptions), "Accuracy under corruptions")
    if dataset is not None:
        figures["data"] = (plots.class_figure(dataset), "Images by class")
    drawn = {name: plots.themed_svg(figure, words) for name, (figure, words) in figures.items()}
    return {"curves": "", "data": "", **drawn}


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, number: int = MISTAKES) -> np.ndarray:
    """Rows of the wrong answers, the most confident first, (k,) int64 with k at most `number`."""
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:number]


def _mistake(rows: Dataset, row: int, p: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(encode_png(rows.images[row])).decode()
    return {
        "name": rows.names[row],
        "picture": f"data:image/png;base64,{data}",
        "label": rows.class_names[rows.labels[row]],
        "p_label": float(p[rows.labels[row]]),
        "answer": rows.class_names[int(p.argmax())],
        "p_answer": float(p.max()),
    }


def _sides(rows: Dataset, probabilities: np.ndarray, worst: np.ndarray) -> dict[str, int] | None:
    """With how many of the rows' answers and labels FER+'s clear majority agrees, None without votes."""
    votes = ferplus.votes_of(rows)
    if votes is None:
        return None
    ids = ferplus.clear_majority(votes[worst])
    answers = probabilities[worst].argmax(1)
    return {"answer": int((ids == answers).sum()), "label": int((ids == rows.labels[worst]).sum())}
