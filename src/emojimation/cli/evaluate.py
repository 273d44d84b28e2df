"""The command `evaluate`: model files scored on one split."""

import io
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, track
from rich.table import Table

from emojimation.cli.options import Data, Ferplus, GroupBy, Prior, SkipBad
from emojimation.cli.printing import console
from emojimation.cli.scores import corruption_table, holding_out, loaded, print_scores, sampled
from emojimation.errors import InputError
from emojimation.files import usable_processors, write_whole

Rows = Callable[[Any], tuple[Any, Any, dict[str, Any]]]  # of a classifier: rows, images seen in training, figures
SHOWN_END_TO_END = ("n", "missed", "accuracy_of_found", "accuracy_direct_of_found", "accuracy_all")


def evaluate(
    data: Data,
    split: Annotated[str, typer.Option(help="train, val (PublicTest) or test (PrivateTest).")] = "val",
    model: Annotated[
        list[str] | None,
        typer.Option(help="Name of a bundled model, or path of an ONNX file; several are compared."),
    ] = None,
    train_data: Annotated[
        Path | None,
        typer.Option(help="What the model was trained on, if not in DATA: duplicates are scored separately."),
    ] = None,
    ferplus: Ferplus = None,
    tta: Annotated[bool, typer.Option(help="Average over each image and its mirror image.")] = False,
    corruptions: Annotated[bool, typer.Option(help="Also score under blur, darkness, noise and more; slow.")] = False,
    sample: Annotated[int, typer.Option(min=0, help="Images for --corruptions and --end-to-end; 0: all.")] = 0,
    skip_bad: SkipBad = False,
    group_by: GroupBy = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="DATA is affectnet, ckplus, expw, jaffe or rafdb as its owners ship it: whole photos, searched for "
            "faces; all rows but the training ones are scored.",
            show_default=False,
        ),
    ] = None,
    prior: Prior = "fer2013",
    end_to_end: Annotated[bool, typer.Option(help="Also run the face detector first.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, show_default="all processors", help="Processor threads.")
    ] = None,
    probabilities_out: Annotated[
        Path | None,
        typer.Option(
            "--probabilities",
            help="Write the probabilities (n,classes) here as .npy, averaged over the models: a teacher.",
        ),
    ] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - is standard output.")
    ] = None,
) -> None:
    """Score model files on one split: accuracy with interval, calibration, accuracy without duplicates, FER+ labels."""
    from emojimation.training.judge import compare

    names = list(dict.fromkeys(model or ["default"]))
    split = _split(split)
    if layout is None:
        rows_for = _rows_of(cache(partial(_datasets, data, ferplus, train_data, split, skip_bad, group_by)), split)
    else:
        rows_for = _photo_rows_of(data, layout)
    judged = [_judged(name, rows_for, prior, tta, threads or usable_processors()) for name in names]
    scores = judged[0][0]
    if len(names) > 1:
        answers = {name: p.argmax(1) for name, (_, p, _, _) in zip(names, judged, strict=True)}
        scores |= {
            "models": [dict(one) for one, *_ in judged],
            "comparisons": compare.compare(answers, judged[0][2].labels),
        }
    if probabilities_out is not None:
        _save_probabilities(probabilities_out, [p for _, p, _, _ in judged])
    _, _, rows, classifier = judged[0]
    some = sampled(rows, sample)
    if end_to_end:
        scores["end_to_end"] = _end_to_end(classifier, some)
    if corruptions:
        scores["corruptions"] = corruption_table(classifier, some)
    _tell(scores, [one for one, *_ in judged], json_out)


def _datasets(
    data: Path,
    ferplus: Path | None,
    train_data: Path | None,
    split: str,
    skip_bad: bool,
    group_by: str | None,
    size: int,
) -> tuple[Any, Any]:
    """The data set to score on and, if named, the one trained on, as images of `size`."""
    dataset = loaded(data, ferplus, size, skip_bad)
    seen = loaded(train_data, None, size, skip_bad) if train_data else None
    return holding_out(dataset, group_by) if split == "val" else dataset, seen


def _rows_of(datasets: Callable[[int], tuple[Any, Any]], split: str) -> Rows:
    def rows_for(classifier: Any) -> tuple[Any, Any, dict[str, Any]]:
        from emojimation.training.judge import evaluate as scoring

        dataset, seen = datasets(classifier.size)
        rows = scoring.rows_of(dataset, split, classifier.labels)
        return rows, scoring.train_images(dataset, split, seen), {}

    return rows_for


def _photo_rows_of(data: Path, layout: str) -> Rows:
    """The faces found in the photos of another data set that are not for training; searched once for all models."""
    import numpy as np

    from emojimation.detect import FaceDetector
    from emojimation.training.data.layouts import photos_of, read_photos

    photos = [photo for photo in photos_of(data, layout) if photo.split != "train"]

    @cache
    def crops(size: int, template: bytes, labels: tuple[str, ...]) -> tuple[Any, int]:
        shown = track(photos, layout, console=console, transient=True)
        corners = np.frombuffer(template, np.float32).reshape(5, 2)
        return read_photos(shown, FaceDetector(), size, corners, labels, str(data))

    def rows_for(classifier: Any) -> tuple[Any, Any, dict[str, Any]]:
        rows, missed = crops(classifier.size, classifier.template.astype(np.float32).tobytes(), classifier.labels)
        return rows, None, {"layout": layout, "missed": missed}

    return rows_for


def _judged(name: str, rows_for: Rows, prior: str, tta: bool, threads: int) -> tuple[dict[str, Any], Any, Any, Any]:
    """Figures, probabilities, rows and classifier of one model file."""
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.priors import corrected, prior_of
    from emojimation.training.judge import evaluate as scoring
    from emojimation.weights import resolve

    classifier = EmotionClassifier(resolve(name), threads=threads, labels=None)
    rows, seen, more = rows_for(classifier)
    chosen = prior_of(prior, classifier.label_set)
    answers = scoring.predict_views(classifier.predict, rows.images, tta)
    probabilities = corrected(answers, chosen, classifier.trained_prior)
    figures = scoring.judge(probabilities, rows, seen) | more | {"prior": chosen.name}
    if "missed" in figures:
        figures["accuracy_all"] = figures["accuracy"] * len(rows) / (len(rows) + figures["missed"])
    return {"model": name, **figures, "tta": "flip" if tta else "none"}, probabilities, rows, classifier


def _save_probabilities(path: Path, answers: list[Any]) -> None:
    """Write the mean of the models' probabilities, each (n,7), as float32."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, np.mean(answers, axis=0, dtype=np.float32))
    write_whole(path if path.suffix == ".npy" else path.with_name(f"{path.name}.npy"), buffer.getvalue())


def _split(word: str) -> str:
    from emojimation.labels import SPLITS, split_of

    if split_of(word) is None:
        raise InputError(f"Expected --split {', '.join(SPLITS)}, got {word!r}: use one of these.")
    return str(split_of(word))


def _end_to_end(classifier: Any, rows: Any) -> dict[str, Any]:
    from emojimation.detect import FaceDetector
    from emojimation.training.judge.endtoend import end_to_end

    detect = FaceDetector()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("end to end", total=len(rows))

        def counted(frame: Any) -> Any:
            bar.advance(task)
            return detect(frame)

        return end_to_end(classifier, counted, rows.images, rows.labels)


def _tell(scores: dict[str, Any], each: list[dict[str, Any]], json_out: Path | None) -> None:
    text = json.dumps(scores, indent=1)
    if str(json_out) == "-":
        typer.echo(text)
        return
    if json_out:
        write_whole(json_out, text + "\n")
    for one in each:
        print_scores(one)
    for pair in scores.get("comparisons", ()):
        console.print(
            f"{pair['a']} {pair['accuracy_a']:.2%}, {pair['b']} {pair['accuracy_b']:.2%}: only the first is correct on "
            f"{pair['only_a_right']}, only the second on {pair['only_b_right']}; McNemar p = {pair['p']:.3g}"
        )
    print_scores(scores.get("end_to_end", {}), SHOWN_END_TO_END)
    if "corruptions" in scores:
        _print_corruptions(scores["corruptions"])


def _print_corruptions(table: dict[str, Any]) -> None:
    from emojimation.training.data.corrupt import words_of

    grid = Table("corruption", "mild", "medium", "strong", "mean", title=f"Accuracy on {table['n']} corrupted images")
    for name, mean in table["means"].items():
        rows = [row for row in table["rows"] if row["corruption"] == name]
        cells = [""] * (3 - len(rows)) + [f"{row['accuracy']:.1%}  [dim]{row['parameter']}[/dim]" for row in rows]
        grid.add_row(words_of(name), *cells, f"{mean:.1%}")
    console.print(grid)
    console.print(f"mean {table['mean_accuracy']:.1%}, clean {table['clean_accuracy']:.1%}, ratio {table['ratio']:.3f}")
