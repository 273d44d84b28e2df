"""MODEL_CARD.md of a run, from its figures: what it was trained on, what it can do, what it must not be used for.

The layout follows Mitchell et al., "Model Cards for Model Reporting", FAT* 2019. The texts are in `card_text`.
"""

from typing import Any

from emojimation.training.data.corrupt import words_of
from emojimation.training.export import card_text
from emojimation.training.fit.runs import Run

SPLIT_NAMES = {"train": "Training", "val": "PublicTest (validation)", "test": "PrivateTest (test)"}
OTHER_NAMES = {"train": "training", "val": "validation", "test": "test"}
# Pictures of each class, in the order of `EMOTIONS`, by which the official splits of FER2013 are known.
FER2013_COUNTS = {
    (3995, 436, 4097, 7215, 4830, 3171, 4965),
    (467, 56, 496, 895, 653, 415, 607),
    (491, 55, 528, 879, 594, 416, 626),
}


def model_card(run: Run, extra: list[dict[str, Any]]) -> str:
    """The card as Markdown. extra: further results of `emojimation evaluate`, such as those on the test split."""
    results = [run.metrics, *extra]
    parts = (
        f"# Model card: {run.name}",
        _facts(run),
        card_text.USE,
        card_text.LAW,
        _training(run),
        "## Results\n\n" + _protocol(results) + "\n\n" + _results(results),
        _classes(run.metrics),
        _calibration(run.metrics),
        _corruptions(run.corruptions),
        _end_to_end(results),
        _int8(run.int8),
        _limits(run.metrics),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def is_fer2013(metrics: dict[str, Any]) -> bool:
    """Whether the figures are of a whole official split of FER2013, told from its class counts."""
    return tuple(row["n"] for row in metrics.get("per_class", {}).values()) in FER2013_COUNTS


def split_name(metrics: dict[str, Any]) -> str:
    """The split that the figures are of, by FER2013's own name where it is FER2013."""
    return (SPLIT_NAMES if is_fer2013(metrics) else OTHER_NAMES)[metrics["split"]]


def label_source(metrics: dict[str, Any]) -> str:
    """Whose labels the answers are compared with, to follow a split's name."""
    return ", FER2013's official labels" if is_fer2013(metrics) else ""


def _row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    ruler = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([_row(*head), ruler, *(_row(*row) for row in rows)])


def percent(value: float | None) -> str:
    """0.6512 -> "65.1 %"; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f} %"


def _facts(run: Run) -> str:
    labels = ", ".join(run.metrics["labels"])
    network = f"Network `{run.recipe['model']}`, exported" if run.recipe else "Exported"
    commit = run.metrics.get("commit", "unknown")
    return (
        f"Answers how a face in a picture looks: {labels}, each with a probability. {network} as ONNX with scaling, "
        f"softmax and calibration inside; made by Emojimation, commit `{commit}`. This card is generated from the "
        "files "
        "of the run."
    )


def _training(run: Run) -> str:
    trained = run.metrics.get("train")
    lines = ["## Training data"] + ([card_text.DATA] if is_fer2013(run.metrics) else [])
    if trained:
        lines.append(f"This run: {trained['n']:,} training rows, sha256 of pixels and labels `{trained['sha256']}`.")
        lines.append(_table(("class", "training rows"), [(k, f"{v:,}") for k, v in trained["counts"].items()]))
    if run.recipe:
        shown = (
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
        settings = ", ".join(f"{key} {run.recipe[key]}" for key in shown if key in run.recipe)
        lines.append(f"Recipe: {settings}; the whole of it is in `recipe.json` beside this card.")
    if run.history:
        last = run.history[-1]
        spent = f" in {last['minutes']:.0f} minutes" if "minutes" in last else ""
        lines.append(f"{len(run.history)} epochs{spent}; the epoch with the best validation accuracy is shipped.")
    return "\n\n".join(lines)


def _protocol(results: list[dict[str, Any]]) -> str:
    if any(result["split"] == "test" for result in results):
        return card_text.PROTOCOL
    return card_text.PROTOCOL + " " + card_text.NO_TEST


def _results(results: list[dict[str, Any]]) -> str:
    head = ("", *(split_name(result) + _tta(result) for result in results))
    figures = {
        "pictures": lambda r: f"{r['n']:,}",
        "accuracy": lambda r: percent(r["accuracy"]),
        "95 % interval": lambda r: " to ".join(percent(v) for v in r["accuracy_ci95"]),
        "accuracy without twins of training pictures": lambda r: percent(r.get("accuracy_without_duplicates")),
        "macro F1": lambda r: percent(r.get("macro_f1")),
        "balanced accuracy (mean recall)": lambda r: percent(r.get("balanced_accuracy")),
        "expected calibration error (ECE)": lambda r: percent(r.get("ece")),
        "agreement with a clear FER+ majority": lambda r: percent(r.get("ferplus_accuracy")),
    }
    return _table(head, [(name, *(figure(result) for result in results)) for name, figure in figures.items()])


def _tta(result: dict[str, Any]) -> str:
    return ", with mirror image" if result.get("tta") == "flip" else ""


def _classes(metrics: dict[str, Any]) -> str:
    rows = [
        (name, f"{row['n']:,}", percent(row["precision"]), percent(row["recall"]), percent(row["f1"]))
        for name, row in metrics["per_class"].items()
    ]
    table = _table(("class", "pictures", "precision", "recall", "F1"), rows)
    return f"Per class, {split_name(metrics)}:\n\n{table}\n\n{_confusions(metrics)}"


def _confusions(metrics: dict[str, Any], number: int = 4) -> str:
    names, pairs = metrics["labels"], []
    for i, row in enumerate(metrics["confusion_matrix"]):
        pairs += [(n / max(sum(row), 1), names[i], names[j]) for j, n in enumerate(row) if i != j]
    worst = sorted(pairs, reverse=True)[:number]
    words = ", ".join(f"{label} as {answer} ({percent(share)})" for share, label, answer in worst)
    return f"Most frequent confusions, label as answer, in per cent of the label's pictures: {words}."


def _calibration(metrics: dict[str, Any]) -> str:
    known, lines = metrics.get("calibration"), ["## Calibration and “not sure”"]
    if known:
        checked = known.get("cross_validation", {})
        lines.append(card_text.CALIBRATIONS[known["kind"]].format(temperature=known["temperature"]))
        if checked:
            lines.append(
                "Five-fold cross-validation on the validation split: negative log likelihood "
                f"{checked['temperature']['nll']:.4f} by temperature, {checked['vector']['nll']:.4f} by vector "
                f"(gain {checked['nll_gain']:.4f} ± {checked['nll_gain_standard_error']:.4f}); accuracy "
                f"{percent(checked['temperature']['accuracy'])} and {percent(checked['vector']['accuracy'])}."
            )
    if metrics.get("threshold") is not None:
        lines.append(_not_sure(metrics))
    return "\n\n".join(lines) if len(lines) > 1 else ""


def _not_sure(metrics: dict[str, Any]) -> str:
    threshold = metrics["threshold"]
    point = min(metrics["coverage"], key=lambda row: abs(row["threshold"] - threshold))
    return card_text.NOT_SURE.format(
        threshold=threshold, coverage=percent(point["coverage"]), accuracy=percent(point["accuracy"])
    )


def _corruptions(table: dict[str, Any] | None) -> str:
    if not table:
        return ""
    rows = []
    for name, mean in table["means"].items():
        some = [row for row in table["rows"] if row["corruption"] == name]
        values = ", ".join(f"{percent(row['accuracy'])} ({row['parameter']})" for row in some)
        rows.append((words_of(name), values, percent(mean)))
    text = (
        f"## Spoilt pictures\n\nAccuracy on {table['n']:,} validation pictures under each corruption: mean "
        f"{percent(table['mean_accuracy'])} against {percent(table['clean_accuracy'])} on the same pictures untouched "
        f"(ratio {table['ratio']:.2f})."
    )
    return text + "\n\n" + _table(("corruption", "by severity", "mean"), rows)


def _limits(metrics: dict[str, Any]) -> str:
    counts = {name: row["n"] for name, row in metrics["per_class"].items()}
    known = card_text.FER2013_LIMITS if is_fer2013(metrics) else ""
    rarest = min(counts, key=lambda name: counts[name])
    return card_text.LIMITS.format(known=known, rarest=rarest, n=counts[rarest])


def _end_to_end(results: list[dict[str, Any]]) -> str:
    lines = [
        f"{split_name(result)}, {found['n']:,} pictures: no face found in {found['missed']:,}; accuracy "
        f"{percent(found['accuracy_of_found'])} on the found ones ({percent(found['accuracy_direct_of_found'])} on the "
        f"same pictures as they are), {percent(found['accuracy_all'])} on all with a miss as a wrong answer "
        f"({found['rule']})."
        for result in results
        if (found := result.get("end_to_end"))
    ]
    return "\n\n".join(["## With the face detector in front", *lines]) if lines else ""


def _int8(figures: dict[str, Any] | None) -> str:
    if not figures:
        return ""
    return (
        f"## Eight bits\n\n`model.int8.onnx`: accuracy {percent(figures['accuracy'])} against "
        f"{percent(figures['accuracy_float'])} in float on {figures['n']:,} validation pictures, the same answer on "
        f"{percent(figures['agreement'])}; {figures['ms']:.2f} against {figures['ms_float']:.2f} ms a picture on one "
        f"thread; {figures['bytes'] / 1e6:.1f} against {figures['bytes_float'] / 1e6:.1f} MB."
    )
