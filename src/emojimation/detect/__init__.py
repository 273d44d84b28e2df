"""Face detectors. A new one is a file of its own and a line in `DETECTORS`."""

from dataclasses import fields

from emojimation.detect.base import Detector, DetectorOptions, Search
from emojimation.detect.haar import HaarDetector
from emojimation.detect.search import FaceDetector
from emojimation.detect.yunet import YuNetDetector
from emojimation.errors import InputError

__all__ = [
    "DETECTORS",
    "Detector",
    "DetectorOptions",
    "FaceDetector",
    "HaarDetector",
    "Search",
    "YuNetDetector",
    "make_detector",
]

DETECTORS: dict[str, type[FaceDetector] | type[HaarDetector] | type[YuNetDetector]] = {
    "blazeface": FaceDetector,
    "haar": HaarDetector,
    "yunet": YuNetDetector,
}

# Display names of fields whose own name is unclear.
_WORDS = {"search": "wide search (tiles)"}


def make_detector(name: str = "blazeface", options: DetectorOptions | None = None) -> Detector:
    """The detector of that name. Raises InputError for an unknown name, or an option that it would ignore."""
    options = options or DetectorOptions()
    if name not in DETECTORS:
        raise InputError(f"Expected a detector among {', '.join(DETECTORS)}, got {name!r}.")
    kind = DETECTORS[name]
    unheard = [_WORDS.get(field, field) for field in _changed(options) if field not in kind.USES]
    if unheard:
        raise InputError(f"The detector {name!r} does not support {', '.join(unheard)}. Omit it, or use 'blazeface'.")
    return kind(options)


def _changed(options: DetectorOptions) -> list[str]:
    """Names of the fields that differ from the default; the extent of the search depends on the job."""
    usual = DetectorOptions(search=options.search if options.search != "wide" else "auto")
    return [one.name for one in fields(options) if getattr(options, one.name) != getattr(usual, one.name)]
