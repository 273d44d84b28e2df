"""Schemas of the service's responses for its OpenAPI document; the responses themselves are plain JSON."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
from fastapi import Query
from pydantic import BaseModel, Field

from emojimation.apps.api.limits import Limits
from emojimation.attributes import ATTRIBUTES
from emojimation.certainty import DEGREES
from emojimation.draw.characters import names as character_names
from emojimation.draw.sprites import ART
from emojimation.draw.styles import HIDING, STYLES
from emojimation.faces import Face
from emojimation.hiding.report import Report
from emojimation.hiding.search import STRENGTHS
from emojimation.labels import EMOTIONS
from emojimation.pipeline import MEASURES
from emojimation.priors import NAMES as PRIORS
from emojimation.priors import STREAM
from emojimation.videojobs import FILES, STATES

if TYPE_CHECKING:  # type checkers cannot evaluate the tables
    StyleName: TypeAlias = str
    HidingStyle: TypeAlias = str
    Art: TypeAlias = str
    PriorName: TypeAlias = str
    StreamPrior: TypeAlias = str
    Degree: TypeAlias = str
    Strength: TypeAlias = str
    State: TypeAlias = str
    CharacterName: TypeAlias = str
    MeasureName: TypeAlias = str
    Kind: TypeAlias = str
else:
    StyleName, HidingStyle, Art = Literal[tuple(STYLES)], Literal[HIDING], Literal[ART]
    PriorName, StreamPrior = Literal[PRIORS], Literal[(*PRIORS, STREAM)]
    Degree, Strength = Literal[DEGREES], Literal[tuple(STRENGTHS)]
    State, Kind = Literal[(*STATES, "deleted")], Literal[tuple(FILES)]
    CharacterName, MeasureName = Literal[character_names()], Literal[MEASURES]

EXAMPLE_FACE: dict[str, Any] = Face(
    np.array([172.9, 63.1, 280.4, 170.6]),
    0.8744,
    np.array([[206.1, 105.2], [249.2, 103.9], [228.9, 130.1], [211.9, 148.8], [246.4, 147.7]]),
    np.array([0.9871 if name == "happy" else 0.00215 for name in EMOTIONS]),
).to_dict()
EXAMPLE: dict[str, Any] = {
    "pictures": [{"source": "picture", "width": 640, "height": 480, "faces": [EXAMPLE_FACE], "prior": "everyday"}],
    "model": "default",
}
EXAMPLE_JOB: dict[str, Any] = {
    "id": "6f1c...",
    "state": "running",
    "share": 0.42,
    "frames": 126,
    "error": None,
    "files": {},
    "notes": [],
    "hiding": None,
    "prior": None,
    "base_rates": None,
}
ATTRIBUTE_WORDS = "; ".join(
    ["further attributes by name", *(f"{one.name} ({one.unit}): {one.description}" for one in ATTRIBUTES.values())]
)
Measures: TypeAlias = Annotated[
    list[MeasureName] | None,
    Query(description="Further answers about each face, as `attributes`; may be repeated. Default: none."),
]
BINARY = {"type": "string", "format": "binary"}


class FaceAnswer(BaseModel):
    """A face: `Face.to_dict()`."""

    xyxy: list[float] = Field(min_length=4, max_length=4, description="left, top, right, bottom in pixels")
    score: float = Field(ge=0, le=1, description="the detector's")
    landmarks: list[list[float]] | None = Field(description="right eye, left eye, nose, mouth's right and left corner")
    emotion: str | None
    confidence: float | None
    certain: bool | None = Field(description="whether the answer is sure: the confidence reaches the threshold")
    certainty: Degree | None
    words: str | None = Field(description='the answer for people: "happy", "neutral or sad", "not sure"')
    emoji: str | None
    probabilities: dict[str, float] | None
    track_id: int | None = Field(description="number of the person, in streams and videos only")
    attributes: dict[str, dict[str, float | None]] | None = Field(None, description=ATTRIBUTE_WORDS)


class PictureAnswer(BaseModel):
    """An image: either width, height and faces, or error."""

    source: str
    width: int | None = None
    height: int | None = None
    faces: list[FaceAnswer] | None = None
    prior: str | None = Field(None, description="base rates that the answers are corrected for")
    notes: list[str] | None = None
    error: str | None = None


class Analysis(BaseModel):
    """The response of /v1/analyze: one row per image, in the order they were sent."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}
    pictures: list[PictureAnswer]
    model: str


class ProblemDetail(BaseModel):
    """RFC 9457."""

    type: str = Field(description="about:blank: the status says it all")
    title: str = Field(description="of the status")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="one line: what was expected, what was received, what to do")


class SpanAnswer(BaseModel):
    """A stretch of a video with detections too doubtful to be covered; score: of the best."""

    start_s: float
    end_s: float
    score: float


class HidingAnswer(BaseModel):
    """How faces were covered: `hiding.report.Report`."""

    model_config = {"json_schema_extra": {"examples": [Report(still=True, frames=1, covered=1, faces=2).to_dict()]}}
    frames: int
    covered: int = Field(description="of the frames, those with a cover")
    faces: int = Field(description="distinct faces that are covered")
    people: int = Field(description="of these, sure enough to have a number and rows")
    found: int = Field(description="covers of faces found in their frame")
    held: int = Field(description="covers kept before the first or after the last find of a face")
    interpolated: int = Field(description="covers placed between two finds")
    longest_gap_s: float = Field(description="the longest bridged gap")
    share: float = Field(ge=0, le=1, description="mean covered share of the image")
    doubtful: list[SpanAnswer] = Field(description="not covered: look at these")
    words: str = Field(description="the same for people")


HIDING_HEADERS = {
    "x-faces": {"description": "How many faces are covered.", "schema": {"type": "integer"}},
    "x-hiding": {
        "description": "What was covered, as JSON: the same as `hiding` of a video job.",
        "schema": {"type": "string", "contentMediaType": "application/json"},
    },
}


class JobAnswer(BaseModel):
    """A video job."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE_JOB]}}
    id: str
    state: State = Field(description="`deleted`: in the response to DELETE only")
    share: float | None = Field(description="0 to 1")
    frames: int
    error: str | None
    files: dict[str, str] = Field(description="kind of file -> where to download it, when done")
    notes: list[str] = Field(description="remarks for people, when done")
    prior: str | None = Field(description="base rates that the answers are corrected for, when done")
    base_rates: dict[str, float] | None = Field(description="their share of each emotion; with `stream` as learned")
    hiding: HidingAnswer | None = Field(description="when done, if faces were to be hidden")


class JobList(BaseModel):
    """The jobs of a service, oldest first."""

    jobs: list[JobAnswer]


class ModelCard(BaseModel):
    """The emotion model's metadata."""

    name: str
    labels: list[str] = Field(description="the classes, in the order of the model's outputs")
    size: int = Field(description="side of a crop in pixels")
    channels: int
    temperature: float = Field(description="of the calibration")
    threshold: float = Field(ge=0, le=1, description="confidence from which an answer is sure")
    metrics: dict[str, Any] = Field(description="measured on held-out images")
    drawn: dict[str, Any] = Field(description="class -> colour and emoji, if the model brings its own")
    train_counts: list[int] | dict[str, int] | None = Field(description="images of each class in training")
    data_sha256: str
    commit: str
    created: str


class ModelAnswer(BaseModel):
    """The model, the service's limits, and the version of the package."""

    model: ModelCard
    limits: Limits
    version: str


class HealthAnswer(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class ReadyAnswer(BaseModel):
    """The models are loaded and there is capacity."""

    status: Literal["ready"]


RETRY_AFTER = {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"www-authenticate": {"description": "The scheme: Bearer.", "schema": {"type": "string"}}},
    429: {"retry-after": RETRY_AFTER},
    503: {"retry-after": RETRY_AFTER},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these statuses, and for 500, which any request may get."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}}
    return {
        status: {"description": WHY[status], "content": content, "headers": HEADERS.get(status, {})}
        for status in (*statuses, 500)
    }


WHY = {
    400: "Not HTTP, or an incomplete request.",
    401: "The bearer token is missing or wrong.",
    403: "Not on a service without tokens.",
    404: "Not found.",
    405: "Method not allowed.",
    408: "The body arrived too slowly.",
    409: "Not possible in this state.",
    413: "Too many bytes.",
    415: "Unsupported type of body.",
    422: "Not an image, damaged, too many pixels or faces, or an invalid parameter.",
    429: "Too many requests; try again after Retry-After seconds.",
    500: "A fault of the service; its log has the details under X-Request-Id.",
    503: "Timed out, not ready, or shutting down; try again after Retry-After seconds.",
}


def body(kinds: tuple[str, ...], many: bool = False, field: str = "picture") -> dict[str, Any]:
    """OpenAPI's `requestBody`: raw bytes of these kinds, or a form with files."""
    files: dict[str, Any] = {"type": "array", "items": BINARY, "minItems": 1} if many else BINARY
    form = {"schema": {"type": "object", "properties": {field: files}, "required": [field]}}
    raw = {kind: {"schema": BINARY} for kind in kinds}
    return {"requestBody": {"required": True, "content": {**raw, "multipart/form-data": form}}}
