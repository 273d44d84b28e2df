"""The labelling page: one image at a time with the model's guess, a key for each class, a CSV that is always whole."""

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import cv2
import uvicorn
from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from emojimation import media
from emojimation.errors import InputError
from emojimation.faces import Face
from emojimation.labels import LabelSet
from emojimation.listening import listening
from emojimation.templates import fill
from emojimation.training.data.labelled import read_labels, write_labels

SHOWN_PX = 1024  # longest side of an image as it is sent
KEPT_GUESSES = 4096
Guess = Callable[[Path], Face | None]


class Sheet:
    """The images of a folder and their labels, written to a CSV after each change; threads may share it."""

    def __init__(self, folder: Path, table: Path) -> None:
        """Take up the labels that `table` has already. Raises InputError where there are no images."""
        self.paths = media.find_images([folder])
        self.names = [path.relative_to(folder).as_posix() for path in self.paths]
        self.table = table
        self.labels = read_labels(table)
        self._lock = threading.Lock()

    def set(self, index: int, label: str | None) -> None:
        """Label an image, or take its label back."""
        with self._lock:
            labels = {name: word for name, word in self.labels.items() if name != self.names[index]}
            self.labels = labels if label is None else labels | {self.names[index]: label}
            write_labels(self.table, self.labels)


def labelling(sheet: Sheet, labels: LabelSet, guess: Guess) -> FastAPI:
    """The page and what it asks for. guess: the largest face of an image with its probabilities, None without one."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"])
    guessed = lru_cache(KEPT_GUESSES)(guess)

    def path_of(index: int) -> Path:
        if not 0 <= index < len(sheet.paths):
            raise HTTPException(404, f"Expected an image from 0 to {len(sheet.paths) - 1}, got {index}.")
        return sheet.paths[index]

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        classes = [
            {"name": name, "emoji": emoji, "colour": colour}
            for name, emoji, colour in zip(labels.names, labels.emoji, labels.colours, strict=True)
        ]
        return fill("emojimation.apps.label", "label.html", classes=classes, names=sheet.names, labels=sheet.labels)

    @app.get("/images/{index}")
    def image(index: int) -> Response:
        return Response(_jpeg(path_of(index)), media_type="image/jpeg", headers={"Cache-Control": "max-age=600"})

    @app.get("/guesses/{index}")
    def guess_of(index: int) -> dict[str, float]:
        try:
            face = guessed(path_of(index))
        except InputError:
            face = None
        return {} if face is None else face.to_dict()["probabilities"]

    @app.put("/labels/{index}", status_code=204)
    def label(index: int, label: Annotated[str | None, Body(embed=True)]) -> None:
        path_of(index)
        if label is not None and label not in labels.names:
            raise HTTPException(422, f"Expected one of {', '.join(labels.names)}, got {label[:40]!r}.")
        sheet.set(index, label)

    return app


def _jpeg(path: Path) -> bytes:
    try:
        frame = media.read_image(path).frame
    except InputError as error:
        raise HTTPException(422, str(error)) from None
    scale = SHOWN_PX / max(frame.shape[:2])
    if scale < 1:
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def serve(app: FastAPI, port: int, announce: Callable[[str], Any]) -> None:
    """Serve on this machine only until Ctrl-C. port: 0 for a free one. announce: called with the address."""
    bound = listening("127.0.0.1", port, "Give another --port.")
    announce(f"http://127.0.0.1:{bound.getsockname()[1]}")
    with bound:
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[bound])


def own_classes(names: Sequence[str]) -> tuple[str, ...]:
    """The class names of an option, without blanks; InputError for fewer than two or one that is there twice."""
    chosen = tuple(name.strip() for name in names if name.strip())
    if len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise InputError(f"Expected two or more different classes, got {', '.join(chosen) or 'none'}.")
    return chosen
