"""Memory of the commands that serve many visitors for days."""

import ctypes
from contextlib import suppress

M_ARENA_MAX = -8  # malloc.h of the GNU C library
HEAPS = 2


def few_heaps() -> None:
    """Let all threads share two heaps, where the C library is GNU's.

    By default every thread gets one of its own, up to eight a core, and what a thread has freed stays in its heap: each visitor's
    threads then seem to add some megabytes for good. Other C libraries do not have the setting and are left alone.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
