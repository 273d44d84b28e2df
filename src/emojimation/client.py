"""A client of the service: typed answers, errors in one line, and patience with a service that is busy."""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NotRequired, TypedDict

from emojimation.extras import need

if TYPE_CHECKING:
    import httpx

BUSY = (429, 503)  # the service has done nothing yet: the request may be repeated
LONGEST_WAIT_S, USUAL_WAIT_S = 60.0, 1.0
OVER = ("done", "failed", "cancelled")


class FaceRow(TypedDict):
    """A face, as `Face.to_dict` gives it."""

    xyxy: list[float]
    score: float
    landmarks: list[list[float]] | None
    emotion: str | None
    confidence: float | None
    certain: bool | None
    certainty: str | None
    words: str | None
    emoji: str | None
    probabilities: dict[str, float] | None
    track_id: int | None
    attributes: NotRequired[dict[str, dict[str, float | None]]]


class ImageRow(TypedDict):
    """An image: width, height and faces, or error."""

    source: str
    width: NotRequired[int]
    height: NotRequired[int]
    faces: NotRequired[list[FaceRow]]
    error: NotRequired[str]


class Job(TypedDict):
    """A video job. files: kind -> path of its download, when done."""

    id: str
    state: str
    share: float | None
    frames: int
    error: str | None
    files: dict[str, str]
    notes: list[str]
    hiding: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Hidden:
    """An image with covered faces. data: of its file. report: what was covered."""

    data: bytes
    media_type: str
    faces: int
    report: dict[str, Any]


class ServiceError(Exception):
    """An answer other than 2xx. status: of HTTP. detail: one line. request_id: identifies it in the service's log."""

    def __init__(self, status: int, detail: str, request_id: str):
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.request_id = status, detail, request_id


class Client:
    """Calls the service at `url`; use with `with`.

    token: if the service asks for one. tries: of a request while the service is busy, with the waits it asks for.
    Raises ServiceError for a refusal and httpx.TransportError if nobody answers.
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", token: str | None = None, tries: int = 5, **options: Any):
        """options: for httpx.Client."""
        need("client")
        import httpx

        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, **{"timeout": 120.0, **options})
        self._tries = tries

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def analyze(self, *images: str | Path | bytes, **query: Any) -> list[ImageRow]:
        """The faces in each image, a path or the bytes of its file. query: threshold, prior, cropped, measure."""
        files = [("pictures", _file(image, number)) for number, image in enumerate(images)]
        return self._sent("POST", "/v1/analyze", params=query, files=files).json()["pictures"]

    def anonymise(self, image: str | Path | bytes, **query: Any) -> Hidden:
        """The image with covered faces. query: style, art, character, format, strength."""
        answer = self._sent("POST", "/v1/anonymise", params=query, files={"picture": _file(image, 0)})
        report = json.loads(answer.headers["x-hiding"])
        return Hidden(answer.content, answer.headers["content-type"], int(answer.headers["x-faces"]), report)

    def submit(self, video: str | Path, files: Iterable[str] = ("film", "jsonl"), **query: Any) -> Job:
        """Queue a video; files: what to make of it.

        query: style, character, anonymise, strength, prior, every, measure, reidentify.
        """
        headers = {"content-type": "application/octet-stream"}
        with ExitStack() as stack:

            def body() -> BinaryIO:
                return stack.enter_context(Path(video).open("rb"))

            params = {"files": list(files), **query}
            return self._sent("POST", "/v1/video", params=params, headers=headers, body=body).json()

    def job(self, number: str) -> Job:
        """The state of a job."""
        return self._sent("GET", f"/v1/video/{number}").json()

    def jobs(self) -> list[Job]:
        """The jobs submitted with this client's token."""
        return self._sent("GET", "/v1/video").json()["jobs"]

    def wait(self, number: str, every_s: float = 0.5) -> Job:
        """The job once it is done, failed or cancelled."""
        while (job := self.job(number))["state"] not in OVER:
            time.sleep(every_s)
        return job

    def download(self, job: Job, kind: str, path: str | Path) -> Path:
        """A file of a finished job."""
        path = Path(path)
        path.write_bytes(self._sent("GET", f"/v1/video/{job['id']}/{kind}").content)
        return path

    def delete(self, number: str) -> Job:
        """Cancel a job, or delete a finished one."""
        return self._sent("DELETE", f"/v1/video/{number}").json()

    def _sent(
        self, method: str, path: str, body: Callable[[], BinaryIO] | None = None, **request: Any
    ) -> "httpx.Response":
        for left in reversed(range(self._tries)):
            answer = self._http.request(method, path, content=None if body is None else body(), **request)
            if answer.status_code not in BUSY or not left:
                break
            time.sleep(_wait_s(answer))
        if answer.is_error:
            raise _error(answer)
        return answer


def _file(image: str | Path | bytes, number: int) -> tuple[str, bytes]:
    return (f"image {number}", image) if isinstance(image, bytes) else (Path(image).name, Path(image).read_bytes())


def _wait_s(answer: "httpx.Response") -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else USUAL_WAIT_S


def _error(answer: "httpx.Response") -> ServiceError:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):  # of a proxy in between
        detail = answer.reason_phrase
    return ServiceError(answer.status_code, str(detail), answer.headers.get("x-request-id", ""))
