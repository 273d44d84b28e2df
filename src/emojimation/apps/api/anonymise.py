"""An image whose faces nobody can see: detected with a bias towards hiding, covered, and encoded afresh."""

import io
from typing import Any

import cv2
from PIL import Image

from emojimation.apps.api.pool import RequestPool
from emojimation.errors import InputError
from emojimation.hiding.picture import hidden_picture
from emojimation.hiding.search import searcher
from emojimation.pipeline import Pipeline

KINDS = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
QUALITY = 92


class Hider:
    """Covers the faces in images. pipeline: for images; of_videos: for the frames of a video."""

    def __init__(self, engine: RequestPool):
        self.engine = engine
        self.pipeline, self.of_videos = (
            Pipeline(engine.bounded(searcher(still=still)), engine.pipeline.classifier) for still in (True, False)
        )

    def hidden(self, data: bytes, name: str, style: str, art: str, kind: str | None) -> tuple[bytes, str, int]:
        """The image with covered faces, its media type, and how many there are. kind: of `KINDS`, None for the image's
        own. Raises InputError.

        Nothing but the pixels is written: EXIF data, with location and time, are removed.
        """
        frame = self.engine.decoded(data, name).frame
        faces = self.pipeline(frame)
        covered, _ = hidden_picture(frame, faces, style, art)
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
        return file.getvalue(), KINDS[kind], len(faces)


def kind_of(data: bytes) -> str:
    """The format of the response: the image's own, or PNG."""
    if data.startswith(b"\xff\xd8"):
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else "png"
