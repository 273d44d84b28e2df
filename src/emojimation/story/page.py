"""A self-contained HTML page about the people in a video: data, images, style and script are inside."""

import base64
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from emojimation.errors import InputError
from emojimation.faces import Face, crop_faces
from emojimation.labels import LabelSet
from emojimation.templates import fill
from emojimation.weights import ASSETS

POINTS = 1200  # of one person's series, about as many as a screen has columns
EMOJI_PX = 56
ROOM = 1.4  # of a thumbnail around the box
NOT_SURE_COLOUR = "#8a94a3"


def html_of(data: dict[str, Any], classes: LabelSet) -> str:
    """The page for a timeline's summary with each person's "series", a "title" and a "video" link or None.

    All texts are embedded as JSON and displayed as text, so that no title can inject markup.
    """
    drawn = [*zip(classes.names, classes.colours, strict=True), ("not sure", NOT_SURE_COLOUR)]
    labels = [{"name": name, "colour": colour, "emoji": _emoji(name, colour)} for name, colour in drawn]
    return fill("emojimation.story", "timeline.html", data={**data, "labels": labels})


def data_of(html: str) -> dict[str, Any]:
    """What `html_of` put into a page: the summary with series, thumbnails, title, labels and the link to the video."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    if found is None:
        raise InputError("Expected a timeline's page, got HTML without its data: write it with `video --report`.")
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def thumbnail(frame: np.ndarray, xyxy: Any, side_px: int = 120) -> str:
    """The face in the box `xyxy` (pixels) of a (H,W,3) BGR uint8 frame, with a margin, as a JPEG data URI."""
    box = np.asarray(xyxy, np.float32)
    centre, half = (box[:2] + box[2:]) / 2, ROOM * (box[2:] - box[:2]) / 2
    whole = Face(np.concatenate([centre - half, centre + half]), score=1.0)
    picture = crop_faces(frame, [whole], side_px, channels=3)[0]
    return _data_uri("image/jpeg", cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])[1])


def thinned(times_s: np.ndarray, probabilities: np.ndarray, max_gap_s: float) -> list[dict[str, list]]:
    """A series as pieces without gaps, each {"t": seconds, "p": rows of per mille}, at most `POINTS` in all.

    times_s: (n,) increasing. probabilities: (n,k). If there are too many, neighbours are averaged.
    """
    span_s = max(float(times_s[-1] - times_s[0]), 1e-3)
    piece = np.append(0, np.cumsum(np.diff(times_s) > max_gap_s))
    cell = np.floor((times_s - times_s[0]) / span_s * (POINTS - 1)).astype(int)
    group = np.append(0, np.cumsum((np.diff(piece) > 0) | (np.diff(cell) > 0)))
    count = np.bincount(group)
    t = np.bincount(group, weights=times_s) / count
    p = np.stack([np.bincount(group, weights=column) / count for column in probabilities.T], axis=1)
    first = np.append(0, np.flatnonzero(np.diff(group)) + 1)
    piece = piece[first]
    return [
        {"t": np.round(t[piece == k], 3).tolist(), "p": np.rint(p[piece == k] * 1000).astype(int).tolist()}
        for k in range(int(piece[-1]) + 1)
    ]


def link_of(path: str | Path | None) -> str | None:
    """A relative path as a link."""
    return None if path is None else quote(str(path).replace("\\", "/"))


@lru_cache(maxsize=32)
def _emoji(name: str, colour: str) -> str:
    """The emoji of a class as a data URI: a PNG, or a disc in its colour."""
    path = ASSETS / "emoji" / "noto" / f"{name.replace(' ', '_')}.png"
    if not path.is_file():
        disc = f'<circle cx="4" cy="4" r="3.5" fill="{colour}"/>'
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{disc}</svg>'
        return f"data:image/svg+xml,{quote(svg)}"
    small = cv2.resize(
        np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)), (EMOJI_PX, EMOJI_PX), interpolation=cv2.INTER_AREA
    )
    return _data_uri("image/png", cv2.imencode(".png", small)[1])


def _data_uri(kind: str, content: np.ndarray) -> str:
    return f"data:{kind};base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
