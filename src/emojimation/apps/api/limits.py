"""The limits of the service, and how long it waits."""

from dataclasses import dataclass, fields

from emojimation.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one service. All must be above zero.

    body_bytes: of a request or a stream's message. pictures: images in one request. megapixels: of an image, according
    to its header. faces: in an image. answer_s: from accepting a request to its response. queue: image requests in
    progress. header_s, body_s: a client's time to send them. send_s: a client's time to receive a response. streams: at
    a time. idle_s: silence on a stream. video_bytes, upload_s: size of a video, and time to upload it. job_s:
    processing time of a video. jobs: video jobs queued or running. kept_s: how long the result of a job is kept.
    grace_s: how long a shutdown waits for accepted work.
    """

    body_bytes: int = 20_000_000
    pictures: int = 32
    megapixels: float = 40.0
    faces: int = 500
    answer_s: float = 30.0
    queue: int = 64
    header_s: float = 10.0
    body_s: float = 30.0
    send_s: float = 30.0
    streams: int = 16
    idle_s: float = 60.0
    video_bytes: int = 1_000_000_000
    jobs: int = 8
    job_s: float = 3600.0
    upload_s: float = 600.0
    kept_s: float = 3600.0
    grace_s: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise InputError(f"Expected the limit {field.name} above 0, got {value}.")
