"""A run's report as one self-contained HTML page: figures, plots as SVG, thumbnails; light and dark, no script."""

import base64
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from emojimation.training.audit.style import CSS
from emojimation.training.data.corrupt import words_of
from emojimation.training.data.dataset import Dataset
from emojimation.training.data.pictures import encode_png
from emojimation.training.export.card import label_source, percent, split_name
from emojimation.training.fit.runs import Run
from emojimation.training.judge.evaluate import ferplus_labels
from emojimation.training.report import plots as report_plots
from emojimation.training.report import report
from emojimation.training.report.style import REPORT_CSS

MISTAKES = 48


def page(
    run: Run,
    extra: list[dict[str, Any]],
    dataset: Dataset | None = None,
    rows: Dataset | None = None,
    probabilities: np.ndarray | None = None,
) -> str:
    """The page as HTML text.

    extra: further results of `emojimation evaluate`. dataset, rows, probabilities: the whole data set, the judged rows
    and the model's answers (n,7) to them; without them the page has no class bars and no thumbnails.
    """
    sections = [
        _tiles(run.metrics),
        _results([run.metrics, *extra]) if extra else "",
        _curves(run),
        _classes(run.metrics),
        _confusion(run.metrics),
        _trust(run.metrics),
        _corruptions(run.corruptions),
        _mistakes(rows, probabilities),
        _bars(dataset),
        _int8(run.int8),
    ]
    title = f"Report: {escape(run.name)}"
    words = f"{run.metrics['n']:,} pictures of {split_name(run.metrics)}{label_source(run.metrics)}"
    commit = escape(str(run.metrics.get("commit", "unknown")))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{CSS}{REPORT_CSS}</style><main><h1>{title}</h1>"
        f"<p class=lede>{words} · commit <code>{commit}</code></p>{''.join(sections)}"
        "<footer>An expression is not a feeling. Limits and forbidden use: MODEL_CARD.md.</footer></main></html>"
    )


def _section(title: str, text: str, body: str) -> str:
    return f"<section><h2>{title}</h2><p>{text}</p>{body}</section>"


def _tiles(metrics: dict[str, Any]) -> str:
    low, high = metrics["accuracy_ci95"]
    tiles = [
        (percent(metrics["accuracy"]), f"accuracy; 95 % interval {100 * low:.1f} to {100 * high:.1f} %"),
        (percent(metrics.get("accuracy_without_duplicates")), "accuracy without twins of training pictures"),
        (percent(metrics.get("ferplus_accuracy")), "agreement with a clear FER+ majority"),
        (percent(metrics.get("macro_f1")), "macro F1: every class counts alike"),
        (percent(metrics.get("ece")), "expected calibration error (ECE)"),
        (f"{metrics['threshold']:.2f}" if "threshold" in metrics else "–", "confidence under which it is “not sure”"),
    ]
    told = "".join(f"<div class=tile><b>{n}</b><span>{w}</span></div>" for n, w in tiles if n != "–")
    return f"<div class=tiles>{told}</div>"


def _results(results: list[dict[str, Any]]) -> str:
    keys = {
        "accuracy": "accuracy",
        "accuracy_without_duplicates": "without twins",
        "macro_f1": "macro F1",
        "ece": "ECE",
        "ferplus_accuracy": "FER+ agreement",
    }
    head = "".join(f"<th class=num>{words}" for words in keys.values())
    lines = "".join(
        f"<tr><th>{split_name(r)}, {r['n']:,} pictures" + "".join(f"<td class=num>{percent(r.get(k))}" for k in keys)
        for r in results
    )
    table = f"<div class=wide><table><tr><th>{head}</tr>{lines}</table></div>"
    return _section(
        "All results", "The validation split chose the epoch and the calibration; a test split did not.", table
    )


def _curves(run: Run) -> str:
    if not run.history:
        return ""
    text = "The training loss is on augmented pictures and may hold a second head, so the two losses have other levels."
    return _section("Training", text, _plot(report.curves_figure(run.history), "Training curves"))


def _plot(figure: Any, words: str, kind: str = "") -> str:
    return f"<div class='plot {kind}'>{report_plots.themed_svg(figure, words)}</div>"


def _classes(metrics: dict[str, Any]) -> str:
    text = "In brackets the pictures of each class. A long bar: one of the two is much worse than the other."
    figure = report_plots.class_scores_figure(metrics["per_class"])
    return _section("Classes", text, _plot(figure, "Recall and precision of each class"))


def _confusion(metrics: dict[str, Any]) -> str:
    names, matrix = metrics["labels"], np.array(metrics["confusion_matrix"])
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    head = "".join(f"<th>{escape(name)}" for name in names)
    lines = "".join(
        f"<tr><th>{escape(name)}" + "".join(_cell(s, n, i == j) for j, (s, n) in enumerate(zip(*pair, strict=True)))
        for i, (name, *pair) in enumerate(zip(names, shares, matrix, strict=True))
    )
    table = f"<div class=wide><table class=heat><tr><th>label ↓ answer →{head}</tr>{lines}</table></div>"
    text = "Each row: how the pictures of one label were answered, in per cent of the row and in pictures."
    return _section("Confusion matrix", text, table)


def _cell(share: float, number: int, right: bool) -> str:
    strength = f"--v:{100 * share:.0f}%"
    return f"<td class='{'right' if right else ''}' style='{strength}'><b>{100 * share:.0f}</b><span>{number:,}</span>"


def _trust(metrics: dict[str, Any]) -> str:
    left = report_plots.reliability_figure(metrics["reliability"], metrics["ece"])
    right = report_plots.coverage_figure(metrics["coverage"], metrics.get("threshold"))
    text = (
        "Left: of the answers given with 70 % confidence, 70 % should be right. Right: what “not sure” buys; answering "
        "fewer pictures, the surest, makes fewer mistakes. Both count against the data set's own labels, "
        "mistakes of these included."
    )
    plots = _plot(left, "Reliability diagram") + _plot(right, "Coverage and accuracy")
    return _section("How far the confidence can be trusted", text, f"<div class=pair>{plots}</div>")


def _corruptions(table: dict[str, Any] | None) -> str:
    if not table:
        return ""
    lines = ""
    for name, mean in table["means"].items():
        rows = [row for row in table["rows"] if row["corruption"] == name]
        cells = "<td>" * (3 - len(rows)) + "".join(_spoilt(row, table["clean_accuracy"]) for row in rows)
        lines += f"<tr><th>{words_of(name)}{cells}<td class=num><b>{percent(mean)}</b>"
    head = "<tr><th><th>mild<th>middle<th>strong<th class=num>mean</tr>"
    text = (
        f"Accuracy on {table['n']:,} pictures, spoilt in nine ways with fixed seeds: mean "
        f"{percent(table['mean_accuracy'])} against {percent(table['clean_accuracy'])} untouched, a ratio of "
        f"{table['ratio']:.2f}."
    )
    body = _plot(report_plots.corruption_figure(table), "Accuracy on spoilt pictures")
    return _section("Spoilt pictures", text, f"{body}<div class=wide><table class=heat>{head}{lines}</table></div>")


def _spoilt(row: dict[str, Any], clean: float) -> str:
    lost = max(0.0, 1 - row["accuracy"] / max(clean, 1e-9))
    return (
        f"<td class=warm style='--v:{100 * lost:.0f}%'>"
        f"<b>{percent(row['accuracy'])}</b><span>{escape(row['parameter'])}</span>"
    )


def _mistakes(rows: Dataset | None, probabilities: np.ndarray | None) -> str:
    if rows is None or probabilities is None:
        return ""
    worst = worst_mistakes(probabilities, rows.labels)
    thumbs = "".join(_thumb(rows, row, probabilities[row]) for row in worst)
    text = "The wrong answers that were given with most confidence. Struck out: the label; bold: the answer."
    return _section("Worst mistakes", text + _sides(rows, probabilities, worst), f"<div class=grid>{thumbs}</div>")


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, number: int = MISTAKES) -> np.ndarray:
    """Rows of the wrong answers, the most confident first, (k,) int64 with k at most `number`."""
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:number]


def _sides(rows: Dataset, probabilities: np.ndarray, worst: np.ndarray) -> str:
    if rows.votes is None or not rows.votes.any() or not len(worst):
        return ""
    ids, clear = ferplus_labels(rows.votes[worst])
    answers = probabilities[worst].argmax(1)
    agree, backed = int((clear & (ids == answers)).sum()), int((clear & (ids == rows.labels[worst])).sum())
    return (
        f" FER+'s ten voters side with the answer on {agree} of these {len(worst)} and with the label on {backed}; on "
        "the others they have no clear majority, or one for something else."
    )


def _thumb(rows: Dataset, row: int, p: np.ndarray) -> str:
    label, answer = rows.class_names[rows.labels[row]], rows.class_names[int(p.argmax())]
    data = base64.b64encode(encode_png(rows.images[row])).decode()
    words = escape(f"{rows.names[row]}: labelled {label}, answered {answer}", quote=True)
    return (
        f"<figure><img src='data:image/png;base64,{data}' alt='{words}' title='{words}' width=72 height=72 "
        "loading=lazy>"
        f"<figcaption><s>{label}</s> {p[rows.labels[row]]:.0%}<br><b>{answer}</b> {p.max():.0%}</figcaption></figure>"
    )


def _bars(dataset: Dataset | None) -> str:
    if dataset is None:
        return ""
    figure = report.class_figure(dataset)
    return _section(
        "Training and validation data", escape(Path(dataset.source).name), _plot(figure, "Pictures by class")
    )


def _int8(figures: dict[str, Any] | None) -> str:
    if not figures:
        return ""
    lines = (
        ("accuracy", percent(figures["accuracy_float"]), percent(figures["accuracy"])),
        ("one picture, one thread", f"{figures['ms_float']:.2f} ms", f"{figures['ms']:.2f} ms"),
        ("file", f"{figures['bytes_float'] / 1e6:.1f} MB", f"{figures['bytes'] / 1e6:.1f} MB"),
    )
    body = "".join(f"<tr><th>{name}<td class=num>{a}<td class=num>{b}" for name, a, b in lines)
    table = f"<div class=wide><table class=one><tr><th><th class=num>float32<th class=num>int8</tr>{body}</table></div>"
    return _section("Eight bits", f"Both files give the same answer on {percent(figures['agreement'])}.", table)
