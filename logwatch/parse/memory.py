"""Memory that is kept: the columns of each batch take the place of those before."""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of <malloc.h>
KEPT = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""Bytes: what is smaller is not given back at once, and so much may lie free at the end of the heap."""


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
