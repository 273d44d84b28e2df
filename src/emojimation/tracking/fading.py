"""What a mesh said of a face, kept for a moment after the mesh was lost, so that a puppet fades instead of jumping."""

from collections.abc import Mapping

import numpy as np

from emojimation.attributes import ATTRIBUTES, OF_MESH

FADE_S = 0.4
_PRESENCE = ATTRIBUTES["mesh"].columns.index("presence")


class Fading:
    """One person's: call it with each frame's attributes and the seconds since the frame before.

    Where the mesh is unknown, returns the last known values with a presence that falls to 0 within `FADE_S`, then the
    unknown ones; where it comes back, its presence rises again as slowly. Attributes without "mesh" stay as they are.
    """

    def __init__(self) -> None:
        self._level: float | None = None
        self._kept: Mapping[str, np.ndarray] = {}

    def __call__(self, attributes: Mapping[str, np.ndarray], step_s: float) -> Mapping[str, np.ndarray]:
        """attributes: as the stages measured them; step_s: at least 0."""
        if "mesh" not in attributes:
            return attributes
        seen = bool(np.isfinite(attributes["mesh"]).all())
        goal, most = float(seen), step_s / FADE_S
        level = goal if self._level is None else self._level
        self._level = level + min(max(goal - level, -most), most)
        if seen:
            self._kept = {name: values for name, values in attributes.items() if name in OF_MESH}
        if self._level <= 0:
            return attributes
        mesh = self._kept["mesh"].copy()
        mesh[_PRESENCE] = min(mesh[_PRESENCE], self._level)
        return {**attributes, **self._kept, "mesh": mesh}
