"""The model page: what the loaded model is, how well it does, also compared with others, and prohibited uses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from emojimation import __version__, weights
from emojimation.apps.web import figures as web_figures
from emojimation.apps.web import widgets
from emojimation.apps.web.pictures import CHOSEN, model_in_use, models, pipeline
from emojimation.errors import InputError
from emojimation.labels import EMOTIONS

# PrivateTest accuracy of others, in percent: run by us on the same images with their weights and preprocessing, or as
# published.
MEASURED = (
    ("oarriaga big-Xception", 67.0, 66.8, 9.6),
    ("human 3.3.6", 66.7, 66.3, 10.1),
    ("fer 25.10.3", 65.9, 64.0, 5.6),
    ("face-api 1.7.15", 59.0, 53.5, 32.0),
    ("YOLO11n emotion", 47.1, 43.4, 31.6),
    ("facex 1.1.0", 43.1, 38.5, 44.3),
)
PUBLISHED = (
    ("Pramerdorfer & Kampel 2016, eight networks", 75.2),
    ("Khaireddin & Chen 2021, one network", 73.28),
    ("Tang 2013, winner of the challenge", 71.2),
    ("People, Goodfellow et al. 2013", 65.0),
    ("deepface", 57.4),
)
SPLITS = {"val": "PublicTest (validation)", "test": "PrivateTest", "train": "Training"}
LIMITS = [
    "It was trained on small greyscale web images, labelled by what people thought they saw; people agree with "
    "those labels about two times in three.",
    "Fear, sadness, anger and neutral are often confused; disgust is rare in the data.",
    "Blur, darkness, small or turned faces and covered mouths cost accuracy: the pages point them out.",
    "The data do not contain age, sex or origin, so fairness between groups has not been measured.",
]
FORBIDDEN = [
    "Judging, hiring, grading, monitoring or diagnosing people.",
    "Inferring emotions at work or in education: prohibited in the EU (AI Act, Article 5), except for medical and "
    "safety reasons.",
    "Images of people who did not consent.",
    "Lie detection, and any claim about what somebody feels or intends.",
]


def show() -> None:
    """The page."""
    widgets.hero(
        "What the model knows.",
        "How accurate it is, when it fails, how far its percentages can be trusted, and what it must never "
        "be used for.",
        ("neutral", "happy", "fear"),
    )
    _picker()
    try:
        card = pipeline(model_in_use()).classifier.card
    except InputError as error:
        st.error(str(error), icon=":material/broken_image:")
        return
    figures = figures_of(card, model_in_use())
    _headline(card, figures)
    st.header("Compared with others", anchor=False)
    _field(_ours(figures))
    _charts(figures)
    left, right = st.columns(2)
    with left:
        widgets.note("Limits", LIMITS)
    with right:
        widgets.note("Never use it for", FORBIDDEN)
    _versions(card, figures)


def _picker() -> None:
    """Which model all pages of this session use; nothing if there is only one."""
    names = models()
    if len(names) < 2:
        return
    st.segmented_control(
        "Model for all pages, in your session only",
        names,
        default=model_in_use(),
        format_func=lambda name: Path(name).stem,
        key="model-picked",
        required=True,
        on_change=_pick,
    )


def _pick() -> None:
    st.session_state[CHOSEN] = st.session_state["model-picked"]


def _ours(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> figures of every selectable model that has any; the chosen one's are `figures`."""
    others = {name: report_of(_place(name)) for name in models() if name != model_in_use()}
    return {model_in_use(): figures, **{name: report for name, report in others.items() if "accuracy" in report}}


def _place(name: str) -> Path:
    """A model's path; the file is not read, because checking its SHA-256 takes time."""
    row = weights.manifest().get(name)
    return weights.MODELS / row["file"] if row else Path(name)


def report_of(model: Path) -> dict[str, Any]:
    """What `evaluate --json` wrote next to the model file, with "history" from NAME.history.json; empty if absent."""
    report = _read(model.with_suffix(".json"))
    history = _read(model.with_suffix(".history.json"))
    return {**(report if isinstance(report, dict) else {}), **({"history": history} if history else {})}


def figures_of(card: dict[str, Any], name: str) -> dict[str, Any]:
    """The figures of a model by name: of the file that runs, and what only its float file has, such as charts."""
    return {**report_of(_place(name)), **card["metrics"], **report_of(Path(card["path"]))}


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _headline(card: dict[str, Any], figures: dict[str, Any]) -> None:
    if "accuracy" not in figures:
        widgets.empty("No figures", "This model file does not say how it was evaluated.", "not_sure")
        return
    low, high = figures.get("accuracy_ci95", (None, None))
    shown = {
        "accuracy": f"{figures['accuracy']:.1%}",
        "macro F1": _percent(figures, "macro_f1"),
        "calibration error": _percent(figures, "ece"),
        "“not sure” below": f"{card['threshold']:.0%}",
    }
    if figures.get("ferplus_accuracy") is not None:
        shown["agreement with FER+"] = _percent(figures, "ferplus_accuracy")
    widgets.stats(shown)
    if not figures.get("n"):
        st.caption("This model file does not say which images its accuracy was measured on.")
        return
    split = SPLITS.get(figures.get("split", ""), figures.get("split", "an unknown split"))
    words = f"Measured on {figures['n']:,} images of FER2013's {split}"
    words += f", 95 % interval {low:.1%} to {high:.1%}" if low is not None else ""
    if figures.get("accuracy_without_duplicates") is not None:
        words += f"; without duplicates of training images {figures['accuracy_without_duplicates']:.1%}"
    st.caption(words + ".")


def _field(models: dict[str, dict[str, Any]]) -> None:
    """Our models among others, by accuracy; the chosen one is highlighted."""
    ours = [
        [
            f"Emojimation “{Path(name).stem}”",
            f"{100 * figures.get('accuracy', 0):.1f}",
            _points(figures, "macro_f1"),
            _points(figures, "ece"),
            SPLITS.get(figures.get("split", ""), "?"),
        ]
        for name, figures in models.items()
    ]
    rows = [*ours, *([who, f"{a:.1f}", f"{f:.1f}", f"{e:.1f}", "PrivateTest, run by us"] for who, a, f, e in MEASURED)]
    rows += [[who, f"{a:.1f}", "", "", "PrivateTest, as published"] for who, a in PUBLISHED]
    rows.sort(key=lambda row: -float(row[1]))
    widgets.table(
        "Compared with others",
        ["System", "Accuracy %", "Macro F1 %", "Calibration error %", "On"],
        rows,
        rows.index(ours[0]),
        (1, 2, 3),
    )
    if any(figures.get("split") != "test" for figures in models.values()):
        st.caption(
            "Our rows are on different images from the rest, so the comparison is rough until PrivateTest has been run."
        )


def _charts(figures: dict[str, Any]) -> None:
    """Charts from the report next to the model; if there is none, how to create it."""
    made: list[tuple[Callable[[Any], None], str, str, str]] = [
        (
            lambda matrix: web_figures.confusion((figures.get("labels", list(EMOTIONS)), matrix)),
            "confusion_matrix",
            "Which emotions are confused",
            "Rows: the label. Columns: the prediction. Percent of the row.",
        ),
        (
            web_figures.reliability,
            "reliability",
            "Can the percentages be trusted?",
            "On the line, 70 % means correct seven times in ten.",
        ),
        (
            web_figures.classes,
            "per_class",
            "Images and recall per class",
            "Recall is the share of a class that is recognised.",
        ),
        (web_figures.curves, "history", "Training", "Validation accuracy by epoch."),
        (
            web_figures.corruptions,
            "corruptions",
            "Corruption robustness",
            "Accuracy on images that were blurred, darkened, rotated or covered.",
        ),
    ]
    there = [entry for entry in made if figures.get(entry[1])]
    for first in range(0, len(there), 2):
        pair = there[first : first + 2]
        for column, (draw, key, title, words) in zip(st.columns(len(pair)), pair, strict=True):
            with column:
                st.header(title, anchor=False)
                st.caption(words)
                draw(figures[key])
    missing = [title for _, key, title, _ in made if not figures.get(key)]
    if missing:
        widgets.note(
            "Not measured for this model file",
            missing,
            "These appear once `emojimation evaluate --json` has written its figures next to the model, under the "
            "model's name.",
        )


def _versions(card: dict[str, Any], figures: dict[str, Any]) -> None:
    from onnxruntime import __version__ as onnxruntime

    st.header("Versions", anchor=False)
    rows = [
        ["Emojimation", __version__],
        ["Model", f"{card['name']}, created {card['created']}, {Path(card['path']).stat().st_size / 1e6:.1f} MB"],
        ["Training commit", str(card["commit"])],
        ["Training data (sha256)", str(card["data_sha256"])],
        ["Input", f"{card['size']} × {card['size']}, {'grey' if card['channels'] == 1 else 'colour'}"],
        ["Temperature", f"{card['temperature']:.3f}"],
        ["ONNX Runtime", onnxruntime],
        ["Streamlit", st.__version__],
    ]
    widgets.table("Versions", ["What", "Which"], rows)


def _percent(figures: dict[str, Any], key: str) -> str:
    return f"{figures[key]:.1%}" if figures.get(key) is not None else "–"


def _points(figures: dict[str, Any], key: str) -> str:
    return f"{100 * figures[key]:.1f}" if figures.get(key) is not None else ""
