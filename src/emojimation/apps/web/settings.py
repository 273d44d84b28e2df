"""What the command `web` hands to the pages, by the environment: Streamlit runs them anew in every session."""

import json
import os
from dataclasses import asdict, dataclass, field

KEY = "EMOJIMATION_WEB"


@dataclass(frozen=True, slots=True)
class PageSettings:
    """How the pages are set.

    model: name or path. turn: an `iceServers` list. paths: visitors may name videos on this machine by path. upload_mb,
    megapixels, files: limits of an upload. film_s: longest video in seconds, 0 for none. live_wait_s: how long the live
    page waits for its first frame. prior: base rates, one of `priors.NAMES`.
    """

    model: str = "default"
    turn: list[dict[str, str]] = field(default_factory=list)
    paths: bool = False
    upload_mb: int = 200
    picture_mb: int = 40
    megapixels: int = 60
    files: int = 60
    film_s: int = 600
    live_wait_s: float = 8.0
    prior: str = "everyday"


def hand_over(settings: PageSettings) -> None:
    """Set the environment for the pages of this process."""
    os.environ[KEY] = json.dumps(asdict(settings))


def current() -> PageSettings:
    """The settings that the command set; the defaults where a page is run by itself."""
    return PageSettings(**json.loads(os.environ.get(KEY, "{}")))
