"""An image whose faces nobody can see: detected with a bias towards hiding, covered, and encoded afresh."""

import io
from dataclasses import dataclass
from threading import Lock
from typing import Any

import cv2
from PIL import Image

from emojimation.apps.api.pool import RequestPool
from emojimation.draw.styles import STYLES
from emojimation.errors import InputError
from emojimation.hiding.picture import hidden_picture
from emojimation.hiding.report import Report
from emojimation.hiding.search import searcher
from emojimation.pipeline import Pipeline

KINDS = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
QUALITY = 92


@dataclass(frozen=True, slots=True)
class Hidden:
    """An image with covered faces. data: encoded, of type `media_type`. faces: how many. report: what was covered."""

    data: bytes
    media_type: str
    faces: int
    report: Report


@dataclass(frozen=True, slots=True)
class Look:
    """How faces are covered: as `draw.styles.annotate` takes them."""

    style: str = "emoji"
    art: str = "noto"
    character: str = "emoji"


class Hider:
    """Covers the faces in images, and makes the pipelines that search for them."""

    def __init__(self, engine: RequestPool):
        self.engine = engine
        self._made: dict[tuple[str, bool], Pipeline] = {}
        self._making = Lock()
        self.pipeline("careful", still=True)  # the default is loaded before the service is ready

    def pipeline(self, strength: str, still: bool) -> Pipeline:
        """The search of that strength for images (still) or for the frames of a video; made when first needed."""
        with self._making:
            if (strength, still) not in self._made:
                usual = self.engine.pipeline if still else self.engine.video
                self._made[strength, still] = usual.detecting(searcher(strength, still))
            return self._made[strength, still]

    def hidden(self, data: bytes, name: str, look: Look, kind: str | None, strength: str) -> Hidden:
        """The image with every face covered. kind: of `KINDS`, None for the image's own. Raises InputError.

        Nothing but the pixels is written: EXIF data, with location and time, are removed.
        """
        frame = self.engine.decoded(data, name).frame
        faces = self.pipeline(strength, still=True).measuring(STYLES[look.style].measures)(frame)
        covered, report = hidden_picture(frame, faces, look.style, look.art, look.character)
        kind = kind or kind_of(data)
        file = io.BytesIO()
        options: dict[str, Any] = {} if kind == "png" else {"quality": QUALITY}
        try:
            Image.fromarray(cv2.cvtColor(covered, cv2.COLOR_BGR2RGB)).save(file, kind, **options)
        except (OSError, ValueError) as error:
            height, width = covered.shape[:2]
            raise InputError(
                f"Expected an image that fits into {kind}, got {width} x {height} pixels. Ask for format=png."
            ) from error
        return Hidden(file.getvalue(), KINDS[kind], len(faces), report)


def kind_of(data: bytes) -> str:
    """The format of the response: the image's own, or PNG."""
    if data.startswith(b"\xff\xd8"):
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else "png"
