"""Memory that is kept: the columns of each batch take the place of those before."""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8  # of <malloc.h>
KEPT = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _ARENA_MAX: 2}
"""Bytes: what is smaller is not given back at once, and so much may lie free at the end of a heap. Two heaps: else each
thread keeps what it once needed in one of its own (an hour of rotating files and brokers that die: 5 % less)."""


def keep_memory() -> None:
    """Tell glibc, for this whole process; other libraries have no such setting, and need none.

    Given back and asked for anew at every step, the memory of a batch costs a fifth of the time of parsing it: the
    system has to fill each page with zeros.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        for setting, size in KEPT.items():
            tell(setting, size)


def give_back() -> None:
    """Give free memory back to the system: after something large has gone."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
