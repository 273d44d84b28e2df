"""The photo page: images from files, camera or samples; each face with emoji, probabilities and explanation."""

import base64
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import streamlit as st

from emojimation.apps.web import files as web_files
from emojimation.apps.web import widgets
from emojimation.apps.web.pictures import (
    MAX_CARDS,
    STYLES,
    Answer,
    answer_of,
    drawn,
    drawn_full,
    explained,
    model_in_use,
)
from emojimation.apps.web.settings import current
from emojimation.media import SUFFIXES, read_image

SOURCES = {"upload": "Upload", "camera": "Camera", "samples": "Samples"}
SAMPLES = {"astronaut": "Astronaut", "obama": "Portrait", "obama2": "Speech", "group": "Group"}
KINDS = sorted(suffix[1:] for suffix in SUFFIXES)
Images = dict[str, tuple[str, Callable[[], bytes]]]  # key -> name, and what reads the file
EXPLAINED = 6  # faces per image, the largest first
NO_FACE = [
    "Let the face fill at least a tenth of the image's height.",
    "More light from the front, less from behind.",
    "Keep both eyes visible: no mask, no hand, not in profile.",
    "Is the image on its side? Rotate it upright.",
]


def show() -> None:
    """The page."""
    widgets.hero(
        "Show a face, get an emoji.",
        "Drop a photo and see which of seven expressions it shows, how sure that is, and why. All on your own machine.",
    )
    answers = _answers(_kept(_chosen()))
    good = [answer for answer in answers if answer.error is None]
    if not answers:
        widgets.empty("Your faces will appear here", "Drop an image above, use the camera, or try a sample.", "happy")
        return
    _tell_bad(answers)
    if good:
        _results(answers, good)


def _kept(chosen: Images) -> Images:
    """The images to show: those chosen, or after a visit to another page, which empties the uploader, the last ones."""
    if chosen:
        st.session_state.update(photos=chosen, photos_kept=False)
    elif not st.session_state.get("photos_kept"):
        st.session_state["photos"] = {}
    kept: Images = st.session_state["photos"]
    if kept and not chosen:
        with st.container(horizontal=True, vertical_alignment="center"):
            names = ", ".join(_shown(name) for name, _ in list(kept.values())[:3])
            st.caption(f"Still here: {names}{' …' if len(kept) > 3 else ''}")
            st.button("Clear", key="photos-clear", type="tertiary", icon=":material/close:", on_click=_clear)
    return kept


def _clear() -> None:
    st.session_state.update(photos={}, photos_kept=False, sample=None)


def _chosen() -> Images:
    """Key -> name and reader of each requested image."""
    if "source" not in st.session_state:  # the first visit, or back from another page
        st.session_state.update(photos_kept=True, photos=st.session_state.get("photos", {}))
    source = st.segmented_control(
        "Where from",
        list(SOURCES),
        default="upload",
        format_func=SOURCES.__getitem__,
        key="source",
        required=True,
        label_visibility="collapsed",
    )
    return {"upload": _uploads, "camera": _snapshot, "samples": _samples}[source or "upload"]()


def _uploads() -> Images:
    limits = current()
    files = st.file_uploader(
        f"Images (JPEG, PNG, HEIC and others): up to {limits.files} at a time, {limits.picture_mb} MB and "
        f"{limits.megapixels} megapixels each",
        KINDS,
        accept_multiple_files=True,
        key="files",
        max_upload_size=limits.picture_mb,
    )
    if len(files) > limits.files:
        st.warning(f"{len(files)} files are too many: only the first {limits.files} are analysed.")
    return {file.file_id: (file.name, file.getvalue) for file in files[: limits.files]}


def _snapshot() -> Images:
    picture = st.camera_input("Take a snapshot; it stays on this machine", key="camera")
    if picture is None:
        st.caption("No video? Allow the camera in the address bar, or close other programs that use it.")
        return {}
    return {picture.file_id: ("snapshot.jpg", picture.getvalue)}


def _samples() -> Images:
    folder = Path(str(resources.files("emojimation") / "assets" / "samples"))
    with st.container(key="samples"):
        columns = st.columns(len(SAMPLES))
    for column, (name, title) in zip(columns, SAMPLES.items(), strict=True):
        path = folder / f"{name}.jpg"
        column.image(_thumb(path), width="stretch", alt=f"Sample: {title}")
        column.button(title, key=f"sample-{name}", width="stretch", on_click=partial(_take_sample, name))
    taken = st.session_state.get("sample")
    return {f"sample-{taken}": (f"{taken}.jpg", (folder / f"{taken}.jpg").read_bytes)} if taken in SAMPLES else {}


def _take_sample(name: str) -> None:
    st.session_state["sample"] = name


@st.cache_data(show_spinner=False)
def _thumb(path: Path) -> bytes:
    """A square from the upper centre, where faces usually are."""
    frame = read_image(path).frame
    side = min(frame.shape[:2])
    left = (frame.shape[1] - side) // 2
    return widgets.jpeg(cv2.resize(frame[:side, left : left + side], (280, 280), interpolation=cv2.INTER_AREA), 85)


def _answers(chosen: Images) -> list[Answer]:
    """The results for the current selection; known ones are kept, all others discarded."""
    if st.session_state.get("answers-by") != model_in_use():  # another model: analyse again
        st.session_state.update({"answers-by": model_in_use(), "answers": {}})
    known: dict[str, Answer] = st.session_state.get("answers", {})
    kept = {key: known[key] for key in chosen if key in known}
    new = [key for key in chosen if key not in kept]
    bar = st.progress(0.0, "Analysing the images …") if len(new) > 3 else None
    for done, key in enumerate(new, 1):
        kept[key] = answer_of(*chosen[key])
        if bar is not None:
            bar.progress(done / len(new), f"Analysed {done} of {len(new)} images")
    if bar is not None:
        bar.empty()
    st.session_state["answers"] = kept
    return [kept[key] for key in chosen]


def _tell_bad(answers: list[Answer]) -> None:
    bad = [answer for answer in answers if answer.error is not None]
    if not bad:
        return
    lines = "\n".join(f"- **{_shown(answer.name)}**: {_shown(str(answer.error))}" for answer in bad)
    head = (
        "This file could not be read."
        if len(answers) == 1
        else f"{len(bad)} of {len(answers)} files could not be read."
    )
    st.error(f"{head}\n\n{lines}", icon=":material/broken_image:")


def _shown(text: str) -> str:
    """Text escaped for Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#$|~:" else c for c in text)


def _results(answers: list[Answer], good: list[Answer]) -> None:
    answer = good[0] if len(good) == 1 else _picked(good)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    style = left.segmented_control(
        "Style", list(STYLES), default="boxes", format_func=STYLES.__getitem__, key="style", required=True
    )
    character = widgets.character("photo", left) if style in widgets.WITH_CHARACTER else "emoji"
    why = right.toggle(
        "Why this prediction?",
        key="why",
        help="Covers the face piece by piece and shows what the prediction rests on. About a second per face.",
    )
    alone = len(answer.faces) == 1
    st.html(f"<style>:root {{ --em-ratio: {answer.size_wh[0] / answer.size_wh[1]:.4f} }}</style>")
    with st.container(key="pair"):
        places = st.columns([1, 1, 1] if alone else [1, 1])
    _pictures(answer, style or "boxes", character, places)
    with places[2] if alone else st.container():
        if answer.faces:
            _cards(answer, why)
        else:
            widgets.note("No face found in this image", NO_FACE, "The file itself is fine. What often helps:")
    for line in answer.notes:
        st.info(line.capitalize(), icon=":material/info:")
    _downloads(answers, good, answer, style or "boxes", character)


def _picked(good: list[Answer]) -> Answer:
    """Statistics over all images, and the one to show."""
    faces = [face for answer in good for face in answer.faces]
    words = [widgets.word_of(face) for face in faces]
    most = f", most often {max(sorted(set(words)), key=words.count).lower()}" if words else ""
    labels = [f"![{_shown(answer.name)}: {_summary(answer)}]({_thumb_uri(answer)})" for answer in good]
    at = st.pills(
        f"{len(good)} images, {len(faces)} {'face' if len(faces) == 1 else 'faces'}{most}",
        range(len(good)),
        default=0,
        format_func=lambda i: labels[i],
        key="picked",
        required=True,
    )
    return good[min(at or 0, len(good) - 1)]


def _thumb_uri(answer: Answer) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(answer.thumb).decode()


def _summary(answer: Answer) -> str:
    words = ", ".join(widgets.word_of(face).lower() for face in answer.faces[:3])
    return f"{words} …" if len(answer.faces) > 3 else words or "no face"


def _pictures(answer: Answer, style: str, character: str, places: list[Any]) -> None:
    left, right = places[:2]
    found = ", ".join(widgets.word_of(face).lower() for face in answer.faces[:8]) or "no face found"
    left.image(answer.preview, caption="Original", width="stretch", alt=f"{answer.name}, the original image")
    right.image(
        widgets.jpeg(drawn(answer, style, character)),
        caption=f"{STYLES[style]}: {found}",
        width="stretch",
        alt=f"{answer.name} annotated in the style {STYLES[style]}: {found}",
    )


def _cards(answer: Answer, why: bool) -> None:
    with st.spinner("Covering the face piece by piece …", show_time=False) if why else st.container():
        cards = [
            widgets.card(
                face,
                i + 1,
                answer.crops[i],
                answer.hints[i],
                _why(answer, i) if why and i < EXPLAINED else None,
                alone=len(answer.faces) == 1,
            )
            for i, face in enumerate(answer.faces[:MAX_CARDS])
        ]
    widgets.grid(cards)
    if why and len(answer.faces) > EXPLAINED:
        st.caption(f"Explanations are shown for the {EXPLAINED} largest faces.")
    if len(answer.faces) > MAX_CARDS:
        st.caption(
            f"{len(answer.faces)} faces were found; the cards show the {MAX_CARDS} largest, the files contain all."
        )


def _why(answer: Answer, index: int) -> tuple[str, str]:
    """Cached for the session's last few faces, because every click reruns the page."""
    store: dict[Any, tuple[str, str]] = st.session_state.setdefault("reasons", {})
    key = (id(answer), index)
    if key not in store:
        if len(store) >= 2 * EXPLAINED:
            store.clear()
        uri, found = explained(answer, index)
        store[key] = (uri, found.words)
    return store[key]


def _downloads(answers: list[Answer], good: list[Answer], answer: Answer, style: str, character: str) -> None:
    st.header("Download", anchor=False)
    with st.container(horizontal=True):
        name = f"{Path(answer.name).stem}-{style}.jpg"
        _button("Image", partial(drawn_full, answer, style, character), name, "image/jpeg", ":material/image:")
        _button("CSV", partial(web_files.as_csv, good), "faces.csv", "text/csv", ":material/table:")
        _button("JSON", partial(web_files.as_json, answers), "faces.json", "application/json", ":material/data_object:")
        if len(good) > 1:
            _button(
                "Everything (zip)",
                partial(web_files.as_zip, answers, style, character),
                "emojimation.zip",
                "application/zip",
                ":material/folder_zip:",
            )


def _button(label: str, data: Callable[[], Any], name: str, mime: str, icon: str) -> None:
    """A file created when the button is pressed, not at each run of the page."""
    st.download_button(label, data, name, mime, icon=icon, on_click="ignore", key=f"get-{label}")
