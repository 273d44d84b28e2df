"""Sprites that have been drawn, kept for the next frame: the most recently used ones, up to a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec

import numpy as np

P = ParamSpec("P")


def kept(most_bytes: int) -> Callable[[Callable[P, np.ndarray]], Callable[P, np.ndarray]]:
    """Keep the results of a drawing function, at most `most_bytes` together; threads may share them, read-only.

    `functools.lru_cache` counts entries, and one sprite may be a thousand times as large as another.
    """

    def decorate(draw: Callable[P, np.ndarray]) -> Callable[P, np.ndarray]:
        sprites = Sprites(most_bytes)

        @wraps(draw)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> np.ndarray:
            key = (*args, *sorted(kwargs.items()))
            found = sprites.get(key)
            if found is None:
                found = draw(*args, **kwargs)
                sprites.put(key, found)
            return found

        drawn.sprites = sprites  # type: ignore[attr-defined]
        return drawn

    return decorate


class Sprites:
    """Arrays by key, the least recently used dropped first. size_bytes: of all that are kept."""

    def __init__(self, most_bytes: int):
        self.most_bytes, self.size_bytes = most_bytes, 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> np.ndarray | None:
        """The array, now the most recently used one; None if it is not kept."""
        with self._lock:
            found = self._arrays.get(key)
            if found is not None:
                self._arrays.move_to_end(key)
            return found

    def put(self, key: Hashable, array: np.ndarray) -> None:
        """Keep an array in place of those that were not used for the longest time."""
        array.flags.writeable = False
        with self._lock:
            if key in self._arrays:
                return
            self._arrays[key] = array
            self.size_bytes += array.nbytes
            while self.size_bytes > self.most_bytes:
                _, dropped = self._arrays.popitem(last=False)
                self.size_bytes -= dropped.nbytes
