"""Faces in, honest emotion probabilities and emoji out.

    from emojimation import analyze
    for face in analyze("photo.jpg"):
        print(face.emoji, face.emotion, face.confidence)

Importing the package does no work: each public name is loaded when it is first used.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from emojimation import _renamed

if TYPE_CHECKING:
    from emojimation.classify.classifier import EmotionClassifier
    from emojimation.detect import FaceDetector
    from emojimation.draw.styles import annotate, replace_faces
    from emojimation.errors import InputError
    from emojimation.faces import Face
    from emojimation.labels import EMOTIONS, LabelSet, label_set
    from emojimation.photos import analyze
    from emojimation.pipeline import Pipeline, make_pipeline
    from emojimation.tracking.track import Tracker

    __version__: str

__all__ = [
    "EMOTIONS",
    "EmotionClassifier",
    "Face",
    "FaceDetector",
    "InputError",
    "LabelSet",
    "Pipeline",
    "Tracker",
    "__version__",
    "analyze",
    "annotate",
    "label_set",
    "make_pipeline",
    "replace_faces",
]

_HOMES = {
    "EMOTIONS": "labels",
    "EmotionClassifier": "classify.classifier",
    "Face": "faces",
    "FaceDetector": "detect",
    "InputError": "errors",
    "LabelSet": "labels",
    "Pipeline": "pipeline",
    "Tracker": "tracking.track",
    "analyze": "photos",
    "label_set": "labels",
    "make_pipeline": "pipeline",
    "annotate": "draw.styles",
    "replace_faces": "draw.styles",
}


_renamed.install()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    """Version of the installed package, "unknown" where the source folder is used without installing."""
    try:
        return version("emojimation")
    except PackageNotFoundError:
        return "unknown"
