"""Modules of version 0.1 under their old names: imports return the new module and warn, until 1.2."""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

RENAMED = {
    "assign": "tracking.assign",
    "avatar": "draw.avatar",
    "canvas": "draw.canvas",
    "cover": "draw.cover",
    "explain": "classify.explain",
    "neutral": "tracking.neutral",
    "page": "story.page",
    "panel": "draw.panel",
    "people": "story.people",
    "portrait": "draw.portrait",
    "quality": "classify.quality",
    "render": "draw.styles",
    "rows": "story.rows",
    "run": "photos",
    "smooth": "tracking.smooth",
    "sprites": "draw.sprites",
    "timeline": "story.timeline",
    "track": "tracking.track",
    "video.anonymise": "hiding.covers",
    "video.chains": "hiding.chains",
    "views": "detect.views",
    "apps.ray_batch": "batch.ray",
}
_PACKAGE = __name__.rpartition(".")[0]


class _Renamed(MetaPathFinder, Loader):
    """Finds `emojimation.OLD` and returns the module under its new name."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        new = RENAMED.get(name.removeprefix(f"{_PACKAGE}."))
        return ModuleSpec(name, self, origin=f"{_PACKAGE}.{new}") if new and name.startswith(_PACKAGE) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        warnings.warn(
            f"{spec.name} is {spec.origin} now; the old name will be removed in 1.2.", DeprecationWarning, stacklevel=2
        )
        return _Alias(spec.name, str(spec.origin))

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: the renamed module has run at its own import."""


class _Alias(ModuleType):
    """A module whose names are those of another one."""

    def __init__(self, name: str, target: str) -> None:
        super().__init__(name, f"Old name of {target}.")
        self.__dict__["_target"] = import_module(target)

    def __getattr__(self, name: str) -> object:
        return getattr(self.__dict__["_target"], name)


def install() -> None:
    """Let Python find the old names, after everything that really exists."""
    if not any(isinstance(finder, _Renamed) for finder in sys.meta_path):
        sys.meta_path.append(_Renamed())
