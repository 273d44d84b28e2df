"""Memory of the programs that serve many visitors for days, where the C library is GNU's; elsewhere nothing is done."""

import ctypes
import gc
from contextlib import suppress

M_ARENA_MAX = -8  # malloc.h
HEAPS = 2


def few_heaps() -> None:
    """Let all threads share two heaps.

    By default every thread gets one of its own, up to eight a core, and what a thread has freed stays in its heap: each
    visitor's threads then seem to add some megabytes for good.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Collect garbage and return to the system what is free, also below the top of the heaps."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
