"""The command `report`: a run's page of figures and plots, and its model card. Heavy modules load when it runs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from emojimation.cli.options import Ferplus, GroupBy, Run, SkipBad
from emojimation.cli.scores import corruption_table, holding_out, loaded, sampled
from emojimation.errors import InputError
from emojimation.extras import need
from emojimation.files import write_whole


def report(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="What the run was trained on: adds class counts, mistakes and corruption robustness."
        ),
    ] = None,
    ferplus: Ferplus = None,
    scores: Annotated[
        list[Path] | None, typer.Option(help="JSON of `emojimation evaluate`, e.g. on the test split, for the card.")
    ] = None,
    group_by: GroupBy = None,
    skip_bad: SkipBad = False,
    sample: Annotated[int, typer.Option(min=0, help="Images for the corruption table; 0: all.")] = 1000,
) -> None:
    """Write RUN/report.html, one page with all figures and plots, and RUN/MODEL_CARD.md."""
    need("train", "matplotlib")
    from emojimation.training.export import card
    from emojimation.training.fit import runs
    from emojimation.training.report import page as report_page

    opened = runs.open_run(run)
    extra = [runs.read_scores(path) for path in scores or []]
    rows = _rows_of_run(opened, data, ferplus, skip_bad, group_by) if data else None
    if rows is not None:
        opened = _with_corruptions(opened, rows[1], sample)
    write_whole(run / "MODEL_CARD.md", card.model_card(opened, extra))
    write_whole(run / "report.html", report_page.page(opened, extra, *(rows or (None, None, None))))
    typer.echo(f"Written: {run / 'report.html'}, {run / 'MODEL_CARD.md'}", err=True)


def _rows_of_run(
    opened: Any, data: Path, ferplus: Path | None, skip_bad: bool, group_by: str | None
) -> tuple[Any, Any, Any]:
    """The whole data set, the run's validation rows, and the probabilities of the run's model for them."""
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.training.data.ferplus import in_classes
    from emojimation.training.fit import runs

    classifier = EmotionClassifier(runs.need(opened.folder, "model.onnx"), labels=opened.metrics["labels"])
    dataset = holding_out(loaded(data, ferplus, classifier.size, skip_bad), group_by)
    rows = in_classes(dataset.split(opened.metrics["split"]), tuple(opened.metrics["labels"]))
    if rows.sha256 != opened.metrics.get("data_sha256"):
        raise InputError(
            f"Expected the data that {opened.folder}/metrics.json was computed on, got other rows in {data}: "
            f"give that data, or run `emojimation export {opened.folder} --data {data}` first."
        )
    return dataset, rows, classifier.predict(rows.images)


def _with_corruptions(opened: Any, rows: Any, sample: int) -> Any:
    """The run with a corruption table: the one in its folder if it matches model and sample size, else a new one."""
    from dataclasses import replace

    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.weights import sha256

    model, some = opened.folder / "model.onnx", sampled(rows, sample)
    facts = {"n": len(some), "model_sha256": sha256(model)}
    if opened.corruptions and facts.items() <= opened.corruptions.items():
        return opened
    table = corruption_table(EmotionClassifier(model, labels=opened.metrics["labels"]), some) | facts
    write_whole(opened.folder / "corruptions.json", json.dumps(table, indent=1) + "\n")
    return replace(opened, corruptions=table)
