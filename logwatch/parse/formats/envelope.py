"""What containers and transports put before a line: the CRI prefix, the octet count of RFC 6587."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from logwatch.types import UInt8

_CRI = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) std(?:out|err) [PF](?::\S{1,32})?(?: |$)"
)
_CRI_TIME_LEAST, _CRI_TIME = 20, 35  # bytes of its time
_COUNT = re.compile(rb"[1-9]\d{0,5} (?=<\d{1,3}>)")


class Peeled(NamedTuple):
    """Lines without what was put before them."""

    lines: list[bytes]  # [n]
    rows: list[int]  # [m] that had a CRI prefix
    times: list[str]  # [m] its time


def peel(lines: list[bytes]) -> Peeled:
    """Take prefixes off lines [n]; a line without one is the same object."""
    out = lines
    rows: list[int] = []
    times: list[str] = []
    cri, counted = _begin_like(lines)
    if cri:
        out = []
        for i, line in enumerate(lines):
            found = _CRI.match(line)
            if found is None:
                out.append(line)
                continue
            rows.append(i)
            times.append(found[1].decode())
            out.append(line[found.end() :])
    if counted:
        out = [line[found.end() :] if line[:1].isdigit() and (found := _COUNT.match(line)) else line for line in out]
    return Peeled(out, rows, times)


def _begin_like(lines: list[bytes]) -> tuple[bool, bool]:
    """Whether any line begins like a CRI prefix, and any like a count."""
    if not lines:
        return False, False
    first = _first(lines, 11)
    counted = (first[:, 1:7] == ord(" ")) & (first[:, 2:8] == ord("<"))
    timed = (first[:, 10] == ord("T")) & (first[:, 4] == ord("-"))
    if not timed.any():
        return False, bool(counted.any())
    first = _first(lines, _CRI_TIME + 4)[:, _CRI_TIME_LEAST:]
    cri = (first[:, :-3] == ord(" ")) & (first[:, 1:-2] == ord("s")) & (first[:, 2:-1] == ord("t"))
    return bool(cri.any()), bool(counted.any())


def _first(lines: list[bytes], width: int) -> UInt8:
    """The first bytes of lines [n, width], zeros behind short ones."""
    return np.array(lines, dtype=f"S{width}").view(np.uint8).reshape(len(lines), width)
