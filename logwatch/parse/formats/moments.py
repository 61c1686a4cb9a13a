"""Times as fields give them: text of any layout that plain lines may have, and epochs in s, ms, µs or ns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from logwatch.parse.civil import DAY
from logwatch.parse.head import head_of
from logwatch.parse.stamps import Bears, Stamps
from logwatch.parse.timestamp import find
from logwatch.types import Float64, Int64

WIDTH = 40
"""Bytes of a time at most."""
_EARLIEST = 10**8
"""An epoch before 1973 is none: an uptime, a counter."""
_LATEST = 2**63 - DAY


def stamps_of(values: Sequence[Any]) -> Stamps:
    """What times [n] say: text, numbers, anything else says nothing. Spans (`start`, `end`) are zero."""
    out = Stamps.none(len(values))
    kinds = set(map(type, values))
    if kinds == {str}:
        _text(out, np.arange(len(values)), values)
    elif kinds in ({int}, {float}):
        _epochs(out, np.arange(len(values)), values)
    elif kinds:
        texts = [i for i, value in enumerate(values) if type(value) is str]
        _text(out, np.array(texts, dtype=np.int64), [values[i] for i in texts])
        numbers = [i for i, value in enumerate(values) if type(value) in (int, float)]
        _epochs(out, np.array(numbers, dtype=np.int64), [values[i] for i in numbers])
    return out


def _text(out: Stamps, rows: Int64, values: Sequence[str]) -> None:
    digits = [i for i, value in enumerate(values) if ":" not in value and _is_number(value)]
    if digits:  # epochs written as text: OpenTelemetry, journald
        _epochs(out, rows[digits], [_number(values[i]) for i in digits])
        if len(digits) == len(values):
            return
        other = np.ones(len(values), dtype=np.bool_)
        other[digits] = False
        rows, values = rows[other], [values[i] for i in np.flatnonzero(other).tolist()]
    if not len(rows):
        return
    raw = "\n".join(values).encode("utf-8", "replace").split(b"\n")
    if len(raw) != len(values) or max(map(len, raw)) > WIDTH or b"\0" in b"".join(raw):
        raw = [value[:WIDTH].encode("utf-8", "replace").replace(b"\0", b" ") for value in values]
    found = find(raw, head_of(raw, WIDTH))
    found.start[:] = found.end[:] = found.form[:] = 0
    out.put(rows, found, slice(None))


def _is_number(value: str) -> bool:
    return len(value) < 32 and value.isascii() and value[:1].isdigit() and value.replace(".", "", 1).isdigit()


def _number(value: str) -> int | float:
    return float(value) if "." in value else int(value)


def _epochs(out: Stamps, rows: Int64, values: Sequence[int | float]) -> None:
    """Epochs: their size tells the unit."""
    if not len(rows):
        return
    try:
        numbers = np.array(values)
    except OverflowError:
        numbers = np.array([], dtype=object)
    if numbers.dtype.kind == "i":
        ns = _whole(numbers.astype(np.int64))
    elif numbers.dtype.kind == "f" and set(map(type, values)) == {float}:
        ns = _broken(numbers)
    else:
        ns = np.array([_nanoseconds(value) for value in values], dtype=np.int64)
    good = ns > 0
    if not good.all():
        rows, ns = rows[good], ns[good]
    out.bears[rows] = Bears.DATE
    out.day[rows], out.ns[rows] = ns // DAY, ns % DAY
    out.zoned[rows] = True


def _whole(value: Int64) -> Int64:
    """Nanoseconds [n] of whole numbers, 0 where they are no time."""
    unit = np.where(value < 10**11, 10**9, np.where(value < 10**14, 10**6, np.where(value < 10**17, 10**3, 1)))
    possible = (value >= _EARLIEST) & (value < _LATEST // unit)
    return np.where(possible, value, 0) * unit


def _broken(value: Float64) -> Int64:
    """The same of floats; one of seconds holds microseconds."""
    scale = np.where(value < 1e11, 1e6, np.where(value < 1e14, 1e6, np.where(value < 1e17, 1e3, 1.0)))
    unit = np.where(value < 1e11, 10**3, 1)
    possible = (value >= _EARLIEST) & (value * scale * unit < 9.2e18)  # not a number compares false
    return np.where(possible, np.rint(np.where(possible, value, 0.0) * scale), 0.0).astype(np.int64) * unit


def _nanoseconds(value: int | float) -> int:
    """One number; huge ones are none."""
    if not _EARLIEST <= value < _LATEST:
        return 0
    one = _whole(np.array([value])) if isinstance(value, int) else _broken(np.array([value]))
    return int(one[0])
