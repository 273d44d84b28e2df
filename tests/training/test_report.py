"""The report's page, its plots and the model card, from the figures of toy answers; nothing is trained."""

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from stripes import stripes

pytest.importorskip("matplotlib", reason='training packages are absent: pip install "emojimation[train]"')

from emojimation.errors import InputError
from emojimation.files import write_whole
from emojimation.templates import percent
from emojimation.training.data import corrupt
from emojimation.training.export import card
from emojimation.training.fit import runs
from emojimation.training.judge import evaluate as scoring
from emojimation.training.judge.metrics import softmax
from emojimation.training.report import page as report_page
from emojimation.training.report import plots as report_plots
from emojimation.weights import sha256

DATA = stripes()
VAL = DATA.split("val")
HISTORY = [
    {"epoch": e, "loss": 2.0 / e, "val_loss": 2.1 / e, "val_accuracy": 0.1 * e, "rate": 0.1, "minutes": 0.5 * e}
    for e in range(1, 6)
]


def answers(rows: int = len(VAL)) -> np.ndarray:
    rng = np.random.default_rng(1)
    return softmax(3 * np.eye(7)[VAL.labels[:rows]] + rng.normal(0, 1.5, (rows, 7)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scores = scoring.judge(answers(), VAL, None) | {
        "model": "toy <1>",
        "threshold": 0.5,
        "temperature": 1.1,
        "calibration": {"kind": "temperature", "temperature": 1.1, "scale": [1.0] * 7, "bias": [0.0] * 7},
        "train": {"n": 147, "sha256": "ab" * 32, "counts": {"angry": 21, "disgust": 21}},
    }
    rows = [
        {"corruption": name, "severity": s, "parameter": kind.unit.format(v), "accuracy": 0.5 - 0.1 * s}
        for name, kind in corrupt.CORRUPTIONS.items()
        for s, v in enumerate(kind.values, 1)
    ]
    for name, values in (
        ("metrics", scores),
        ("history", HISTORY),
        ("recipe", {"model": "vgg_se", "epochs": 5}),
        ("corruptions", corrupt.table(rows, 0.6, 32)),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(values))
    return tmp_path


class Tags(HTMLParser):
    """Collects start tags, addresses and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


@pytest.mark.slow
def test_the_page_has_every_part_and_needs_no_other_file(folder: Path) -> None:
    page = report_page.page(runs.open_run(folder), [], DATA, VAL, answers())
    told = read(page)
    for title in ("Training", "Classes", "Confusion matrix", "Calibration", "Corruption robustness", "Worst"):
        assert title in told.text
    wrong = int((answers().argmax(1) != VAL.labels).sum())
    assert 0 < told.tags.count("img") == min(wrong, report_page.MISTAKES)
    assert told.tags.count("svg") == 6 and "script" not in told.tags
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in told.addresses)
    assert not re.search(r"url\((?!#)", page) and "@import" not in page
    assert "toy <1>" not in page and "toy &lt;1&gt;" in page
    assert f"{100 * runs.open_run(folder).metrics['accuracy']:.1f} %" in told.text


@pytest.mark.slow
def test_class_names_cannot_carry_markup_into_page_or_card(folder: Path) -> None:
    script = "<script>alert('1')</script>|x"
    scores = json.loads((folder / "metrics.json").read_text().replace('"angry"', json.dumps(script)))
    (folder / "metrics.json").write_text(json.dumps(scores | {"model": script}))
    run = runs.open_run(folder)
    assert run.metrics["labels"][0] == script
    named = replace(DATA, class_names=(script, *DATA.class_names[1:]), votes=None)
    page = report_page.page(run, [run.metrics], named, named.split("val"), answers())
    assert "<script" not in page and "&lt;script&gt;alert" in page
    text = card.model_card(run, [])
    assert "<script" not in text and r"&lt;/script&gt;\|x" in text, "a bar would end the cell of a table"


def test_tables_show_intervals_and_both_duplicate_figures(folder: Path) -> None:
    run = runs.open_run(folder)
    seen = scoring.judge(answers(), VAL, VAL.images[:5])
    text = card.model_card(run, [seen])
    assert card.figure_of(seen, "accuracy_without_same_photo") in text
    assert re.search(r"accuracy \| [\d.]+ % \([\d.]+ to [\d.]+\)", text)
    page = read(report_page.page(run, [seen])).text
    assert "no photo of training" in page and card.figure_of(seen, "accuracy_without_duplicates") in page


def test_the_card_of_other_classes_does_not_speak_of_seven_words(folder: Path) -> None:
    text = (folder / "metrics.json").read_text().replace('"angry"', '"bored"')
    (folder / "metrics.json").write_text(text)
    own = card.model_card(runs.open_run(folder), [])
    assert "PublicTest" not in own and "Seven words" not in own and "knows 7 classes" in own


def test_without_data_and_history_the_page_is_shorter(folder: Path) -> None:
    (folder / "history.json").unlink()
    (folder / "corruptions.json").unlink()
    told = read(report_page.page(runs.open_run(folder), []))
    assert told.tags.count("svg") == 3 and told.tags.count("img") == 0


def test_worst_mistakes_are_wrong_and_sorted() -> None:
    worst = report_page.worst_mistakes(answers(), VAL.labels, 5)
    p = answers()[worst]
    assert (p.argmax(1) != VAL.labels[worst]).all()
    assert (np.diff(p.max(1)) <= 0).all()


def test_plots_follow_the_theme_and_keep_their_text() -> None:
    svg = report_plots.themed_svg(report_plots.curves_figure(HISTORY), "curves")
    assert "cross-entropy (nats)" in svg and ">accuracy (%)" in svg and "best 50.0 % in epoch 5" in svg
    assert "not augmented" not in svg, "the history of an older run has no accuracy of training rows"
    both = report_plots.curves_figure([{**row, "train_accuracy": 0.9} for row in HISTORY])
    assert "not augmented" in report_plots.themed_svg(both, "curves")
    assert "var(--ink)" in svg and report_plots.INK not in svg and report_plots.BLUE not in svg.lower()
    assert not re.search(r'\s(fill|stroke)="var', svg)


def test_plots_hold_the_figures() -> None:
    scores = scoring.judge(answers(), VAL, None)
    top, bottom = report_plots.reliability_figure(scores["reliability"], scores["ece"]).axes
    assert sum(bar.get_height() for bar in bottom.patches) == len(VAL)
    np.testing.assert_allclose(top.lines[1].get_ydata(), [100 * row["accuracy"] for row in scores["reliability"]])
    axes = report_plots.class_scores_figure(scores["per_class"]).axes[0]
    names = [label.get_text().split(" ")[0] for label in axes.get_yticklabels()]
    recalls = [100 * scores["per_class"][name]["recall"] for name in names]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), recalls)
    assert recalls == sorted(recalls)


def test_the_card_says_figures_limits_and_law(folder: Path) -> None:
    run = runs.open_run(folder)
    test_scores = {
        **run.metrics,
        "split": "test",
        "accuracy": 0.4321,
        "end_to_end": {
            "n": 30,
            "missed": 4,
            "accuracy_of_found": 0.5,
            "accuracy_direct_of_found": 0.6,
            "accuracy_all": 0.4,
            "rule": "enlarged",
        },
    }
    text = card.model_card(run, [test_scores])
    for words in (
        "An expression is not a feeling",
        "Article 5(1)(f)",
        "at the workplace and in education",
        "43.2 %",
        percent(run.metrics["accuracy"]),
        "no face found in 4",
        "confidence of **0.50**",
        "ab" * 32,
        "147 training",
        "has not been measured",
    ):
        assert words in text, words
    assert "{" not in text and "None" not in text
    assert "FER2013 (Goodfellow" not in text, "these images are not FER2013"
    assert "No result on a test split" in card.model_card(run, [])


def test_fer2013_is_known_by_its_counts() -> None:
    counts = (467, 56, 496, 895, 653, 415, 607)
    metrics = {"split": "val", "per_class": {str(i): {"n": n} for i, n in enumerate(counts)}}
    assert card.split_name(metrics) == "PublicTest (validation)"
    metrics["per_class"]["0"]["n"] += 1
    assert card.split_name(metrics) == "validation"


def test_a_run_that_is_none_is_reported_in_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is not one"):
        runs.open_run(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"Expected metrics\.json in the run folder"):
        runs.open_run(tmp_path / "empty")
    (folder / "history.json").write_text("{")
    with pytest.raises(InputError, match=r"Expected JSON in .*history\.json"):
        runs.open_run(folder)


def test_a_run_of_another_version_says_how_to_renew(folder: Path) -> None:
    scores = json.loads((folder / "metrics.json").read_text())
    del scores["reliability"], scores["calibration"]
    (folder / "metrics.json").write_text(json.dumps(scores))
    with pytest.raises(InputError, match=r"without reliability: run `emojimation export"):
        runs.open_run(folder)
    with pytest.raises(InputError, match="another version"):
        runs.saved_calibration(folder)


def test_parts_of_another_version_and_stale_eight_bits(folder: Path) -> None:
    (folder / "corruptions.json").write_text('{"n": 3, "rows": []}')
    with pytest.raises(InputError, match=r"without clean_accuracy, .*delete it"):
        runs.open_run(folder)
    (folder / "corruptions.json").unlink()
    (folder / "model.onnx").write_bytes(b"one")
    figures = dict.fromkeys(runs.PARTS["int8"], 1) | {"source_sha256": sha256(folder / "model.onnx")}
    (folder / "int8.json").write_text(json.dumps(figures))
    assert runs.open_run(folder).int8 == figures
    (folder / "model.onnx").write_bytes(b"another")
    assert runs.open_run(folder).int8 is None


def test_scores_have_to_be_scores(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a file"):
        runs.read_scores(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"n": 3}')
    with pytest.raises(InputError, match="without split, accuracy, accuracy_ci95"):
        runs.read_scores(tmp_path / "other.json")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.onnx").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_whole(tmp_path / "m.onnx", b"new")
    assert (tmp_path / "m.onnx").read_bytes() == b"old"
