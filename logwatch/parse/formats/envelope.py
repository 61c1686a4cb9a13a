"""What containers and transports put before a line: the CRI prefix, the octet count of RFC 6587."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from logwatch.parse.words import byte_set

_CRI = re.compile(
    rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) std(?:out|err) [PF](?::\S{1,32})?(?: |$)"
)
_COUNT = re.compile(rb"[1-9]\d{0,5} (?=<\d{1,3}>)")


_DIGIT = byte_set(b"0123456789")
"""What every prefix begins with."""


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
    if not lines or not _DIGIT[np.array(lines, dtype="S1").view(np.uint8)].any():
        return Peeled(lines, rows, times)
    joined = b"\n".join(lines)
    if _holds(joined, b" std"):
        out = []
        for i, line in enumerate(lines):
            found = _CRI.match(line)
            if found is None:
                out.append(line)
                continue
            rows.append(i)
            times.append(found[1].decode())
            out.append(line[found.end() :])
    if _holds(joined, b" <"):
        out = [line[found.end() :] if line[:1].isdigit() and (found := _COUNT.match(line)) else line for line in out]
    return Peeled(out, rows, times)


def _holds(joined: bytes, few: bytes) -> bool:
    """Whether a few bytes occur: several times faster than `in`, which is slow where the first is a blank."""
    data = np.frombuffer(joined, np.uint8)
    size = max(len(data) - len(few) + 1, 0)
    found = data[:size] == few[0]
    for k in range(1, len(few)):
        found &= data[k : k + size] == few[k]
    return bool(found.any())
