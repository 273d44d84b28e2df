"""What the command `web` passes to the pages through the environment: Streamlit reruns them in every session."""

import json
import os
from dataclasses import asdict, dataclass, field

KEY = "EMOJIMATION_WEB"


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The settings of the pages.

    model: name or path. live: where camera frames are analysed, in the visitor's "browser" or on the "server". turn: an
    `iceServers` list. paths: visitors may open videos on this machine by path. upload_mb, megapixels, files: limits of
    an upload. film_s: maximum length of a video in seconds, 0 for no limit. live_wait_s: how long the live page waits
    for the server's first frame. prior: base rates, as `priors.prior_of` takes them.
    language: of the emotions' words, a key of `languages.LANGUAGES` or "browser".
    detector, detector_model: a name of `detect.DETECTORS`, and the file it needs, "" for none.
    """

    model: str = "default"
    live: str = "browser"
    turn: list[dict[str, str]] = field(default_factory=list)
    paths: bool = False
    upload_mb: int = 200
    picture_mb: int = 40
    megapixels: int = 60
    files: int = 60
    film_s: int = 600
    live_wait_s: float = 8.0
    prior: str = "everyday"
    language: str = "browser"
    detector: str = "blazeface"
    detector_model: str = ""


def hand_over(settings: PageSettings) -> None:
    """Set the environment for the pages of this process."""
    os.environ[KEY] = json.dumps(asdict(settings))


def current() -> PageSettings:
    """The command's settings; the defaults if a page is run by itself."""
    return PageSettings(**json.loads(os.environ.get(KEY, "{}")))
