"""Shared by the pages of one process: the loaded models, and images read, analysed and annotated."""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from emojimation import media, weights
from emojimation.apps.web import widgets
from emojimation.apps.web.settings import current
from emojimation.classify import quality
from emojimation.classify.explain import Explanation, heat, occlusion
from emojimation.draw import styles
from emojimation.draw.boxes import Places
from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces
from emojimation.hiding.covers import covers_of
from emojimation.hiding.live import tune
from emojimation.hiding.search import searching
from emojimation.pipeline import Pipeline, make_pipeline
from emojimation.priors import of_photos
from emojimation.tracking.adapt import tracker_for

CHOSEN = "model"  # where a session keeps the visitor's choice of model
PREVIEW_PX = 1280
CARD_PX = 192
THUMB_PX = 144
MAX_CARDS = 24  # faces of one image that get a card
STYLES = {name: style.words for name, style in styles.STYLES.items() if name != "none"}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """An image as a session keeps it: previews and numbers, never the full image.

    size_wh: of the original. faces: in its pixels. preview: JPEG of at most `PREVIEW_PX`. crops: data URIs, hints:
    quality hints, both in the order of `faces`, the largest `MAX_CARDS`. read: returns the original's bytes again.
    error: why there is no result. hidden: the faces to cover, once requested.
    """

    name: str
    size_wh: tuple[int, int] = (0, 0)
    faces: tuple[Face, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    preview: bytes = b""
    thumb: bytes = b""
    crops: tuple[str, ...] = ()
    hints: tuple[tuple[str, ...], ...] = ()
    read: Callable[[], bytes] | None = None
    hidden: list[tuple[Face, ...]] = field(default_factory=list)


def models() -> list[str]:
    """The selectable models: the command's own, then the bundled ones."""
    return list(dict.fromkeys([current().model, *weights.emotion_models()]))


def model_in_use() -> str:
    """The model of this session: the command's, until the visitor chooses another one on the Model page."""
    return str(st.session_state.get(CHOSEN) or current().model)


@st.cache_resource(show_spinner=False)
def pipeline(model: str) -> Pipeline:
    """A model's only pipeline for photos, shared by all sessions; it keeps no state between images."""
    settings = current()
    return make_pipeline(
        model,
        settings.detector,
        prior=of_photos(settings.prior),
        detector_model=settings.detector_model or None,
    )


@st.cache_resource(show_spinner=False)
def hiding(model: str, strength: str, still: bool) -> Pipeline:
    """A model's only pipeline that searches thoroughly enough to leave nobody uncovered."""
    return searching(pipeline(model), strength, still)


def tracking(model: str, hides: bool = False, measures: tuple[str, ...] = ()) -> Pipeline:
    """A pipeline for one visitor's stream: the models are shared, the tracker is the visitor's."""
    shared = (hiding(model, "fast", False) if hides else pipeline(model)).under(current().prior)
    tracker = tracker_for(shared.prior)
    tune(tracker, hides)
    return shared.measuring(measures).streaming(tracker)


def answer_of(name: str, read: Callable[[], bytes]) -> Answer:
    """Read and analyse one image; a broken one is an answer with `error` set."""
    try:
        picture = read_bytes(name, read())
    except InputError as error:
        return Answer(name, error=str(error))
    frame = picture.frame
    faces = tuple(sorted(pipeline(model_in_use())(frame), key=lambda face: -face.size_px))
    shown = faces[:MAX_CARDS]
    crops = crop_faces(frame, list(shown), CARD_PX, channels=3)
    small = fitted(frame, PREVIEW_PX)
    return Answer(
        name,
        (frame.shape[1], frame.shape[0]),
        faces,
        picture.notes,
        None,
        widgets.jpeg(small),
        widgets.jpeg(fitted(small, THUMB_PX), 80),
        tuple(widgets.data_uri(crop) for crop in crops),
        tuple(quality.hints(frame, face) for face in shown),
        read,
    )


def read_bytes(name: str, content: bytes) -> media.Picture:
    """An image from an upload's bytes. InputError names the file as the user knows it."""
    with tempfile.TemporaryDirectory(prefix="emojimation-") as folder:
        path = Path(folder) / (Path(name).name or "picture")
        path.write_bytes(content)
        try:
            _check_size(path)
            return media.read_image(path)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error


def drawn(answer: Answer, style: str, character: str = "emoji") -> np.ndarray:
    """The preview with its faces drawn in `style`, (h,w,3) BGR uint8."""
    frame = decoded(answer.preview)
    faces = scaled(numbered(answer, style), frame.shape[1] / answer.size_wh[0])
    return draw(frame, faces, style, character=character)


def shown(answer: Answer, style: str) -> tuple[Face, ...]:
    """The faces to draw: for a hiding style those of the thorough search, which runs once on the original."""
    if not styles.STYLES[style].hides or answer.read is None:
        return answer.faces
    measures = styles.STYLES[style].measures
    if not answer.hidden or not all(face.attributes.keys() >= set(measures) for face in answer.hidden[0]):
        frame = read_bytes(answer.name, answer.read()).frame
        answer.hidden[:] = [tuple(hiding(model_in_use(), "careful", True).measuring(measures)(frame))]
    return answer.hidden[0]


def numbered(answer: Answer, style: str) -> tuple[Face, ...]:
    """The faces to draw, in boxes with the numbers of their cards if there are several."""
    faces = shown(answer, style)
    if styles.STYLES[style].hides or len(faces) < 2:
        return faces
    return tuple(face.with_(track_id=number) for number, face in enumerate(faces, 1))


def drawn_full(answer: Answer, style: str, character: str = "emoji") -> bytes:
    """The original in full size with its faces drawn, as JPEG."""
    if answer.read is None:
        raise InputError(f"Expected an image that could be read, got {answer.name}.")
    frame = read_bytes(answer.name, answer.read()).frame
    return widgets.jpeg(draw(frame, list(numbered(answer, style)), style, character=character), 92)


def draw(
    frame: np.ndarray,
    faces: list[Face],
    style: str,
    time_s: float = 0.0,
    places: Places | None = None,
    character: str = "emoji",
) -> np.ndarray:
    """`annotate` in the page's emoji art, avatars included."""
    covers = covers_of(faces) if styles.STYLES[style].hides else faces
    return styles.annotate(frame, covers, style, widgets.ART, time_s=time_s, places=places, character=character)


def explained(answer: Answer, index: int) -> tuple[str, Explanation]:
    """Heat map (data URI) and explanation of one face, from the preview."""
    frame = decoded(answer.preview)
    face = scaled(answer.faces[index : index + 1], frame.shape[1] / answer.size_wh[0])
    model = pipeline(model_in_use()).classifier
    crop = crop_faces(frame, face, model.size, model.template, model.channels)[0]
    found = occlusion(
        model.predict, crop, face[0].emotion, model.label_set.names
    )  # the preview's crop may differ a little
    large = crop_faces(frame, face, CARD_PX, model.template, 3)[0]
    return widgets.data_uri(heat(large, found.drop)), found


def scaled(faces: Any, factor: float) -> list[Face]:
    """Faces in the pixels of an image `factor` times as large."""
    return [
        face.with_(xyxy=face.xyxy * factor, landmarks=None if face.landmarks is None else face.landmarks * factor)
        for face in faces
    ]


def fitted(frame: np.ndarray, side_px: int) -> np.ndarray:
    """The frame downscaled to sides of at most `side_px`; smaller ones unchanged."""
    factor = side_px / max(frame.shape[:2])
    if factor >= 1:
        return frame
    size = (max(round(frame.shape[1] * factor), 1), max(round(frame.shape[0] * factor), 1))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def decoded(content: bytes) -> np.ndarray:
    """(h,w,3) BGR uint8 of a JPEG made by this module."""
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


def _check_size(path: Path) -> None:
    """Reject, by the header, what the engine accepts but is too large for a page with several visitors."""
    limit = current().megapixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = 2 * int(Image.MAX_IMAGE_PIXELS or 0)  # a lower bound; Pillow does not say
    except (OSError, ValueError, SyntaxError):
        return  # `read_image` has the better message
    if pixels > limit * 1_000_000:
        raise InputError(
            f"Expected at most {limit} megapixels, got over {pixels // 1_000_000} in {path}. Downscale it first."
        )
