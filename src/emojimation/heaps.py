"""Memory of long-running servers if the C library is glibc; elsewhere these functions do nothing."""

import ctypes
import gc
from contextlib import suppress

M_ARENA_MAX = -8  # malloc.h
HEAPS = 2


def few_heaps() -> None:
    """Let all threads share two heaps.

    By default every thread gets its own, up to eight per core, and what a thread has freed stays in its heap, so each
    visitor's threads seem to add some megabytes permanently.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """Collect garbage and return free memory to the system, even below the top of the heaps."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
