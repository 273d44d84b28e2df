"""The interface of every face detector."""

from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Literal, Protocol, TypedDict

import numpy as np

from emojimation.errors import InputError
from emojimation.faces import Face

Search = Literal["auto", "stream", "fast", "wide"]
SEARCHES: tuple[Search, ...] = ("auto", "stream", "fast", "wide")


class Detector(Protocol):
    """Finds faces: (H,W,3) BGR uint8 -> list of `Face`, largest first, without probabilities."""

    def __call__(self, frame: np.ndarray) -> list[Face]: ...


class OptionFields(TypedDict, total=False):
    """The fields of `DetectorOptions` as keywords."""

    model: str | Path | None
    min_score: float
    min_size_px: int
    search: Search
    refine: bool
    threads: int


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """How a detector searches.

    model: an ONNX file in place of the bundled network; `yunet` needs one.
    min_score: 0 to 1 (both excluded); lower scores are not faces.
    min_size_px: faces whose longer side is shorter are dropped.
    search: "auto", for photos, searches as widely as the image requires; "stream" searches longer only if nothing is
        found in a frame at first; "fast" never does; "wide" misses as little as possible, at several times the cost.
    refine: a close-up pass on small faces: more accurate landmarks, fewer false positives.
    threads: processor threads of each network.
    """

    model: str | Path | None = None
    min_score: float = 0.6
    min_size_px: int = 20
    search: Search = "auto"
    refine: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.min_score, Real) or not 0 < self.min_score < 1:
            raise InputError(f"Expected min_score between 0 and 1 (both excluded), got {self.min_score!r}.")
        if self.search not in SEARCHES:
            raise InputError(f"Expected a search among {', '.join(SEARCHES)}, got {self.search!r}.")


def largest_first(faces: list[Face], min_size_px: float) -> list[Face]:
    """The faces of at least that size, largest first."""
    return sorted((face for face in faces if face.size_px >= min_size_px), key=lambda face: -face.size_px)
