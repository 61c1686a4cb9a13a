"""What structured rows say, collected column by column while they are read, and put in order at the end."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Any

import numpy as np

from logwatch.parse.formats.moments import stamps_of
from logwatch.parse.formats.safe import safe_texts
from logwatch.parse.stamps import Stamps
from logwatch.types import FieldColumn, Float64, Int8, Int32, Int64

WORD_MOST = 64
"""Characters of a value that is a word."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_SPAN = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,12}(?:\.\d{1,12})?)(ns|us|µs|μs|ms|s))?", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, None: 0.0}
_FIRST = frozenset("+-.0123456789")


@dataclass(slots=True)
class Rows:
    """m rows of a batch in some format, as columns."""

    rows: Int64  # [m] ascending
    stamps: Stamps  # [m] no spans
    level: Int8  # [m] 0-7
    scope: list[str]  # [m]
    message: list[str]  # [m]
    text: list[str]  # [m] as people may see it; not redacted
    fields: list[FieldColumn]  # rows are those of the batch


@dataclass(slots=True)
class Told:
    """Columns in the order in which groups of rows were read."""

    rows: list[int] = field(default_factory=list)
    time: list[Any] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    scope: list[str] = field(default_factory=list)
    message: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    fields: dict[str, list[tuple[list[int], Sequence[Any]]]] = field(default_factory=dict)

    def done(self) -> Rows:
        """All rows in ascending order."""
        stamps = stamps_of(self.time)
        level = np.array(self.level, dtype=np.int8)
        text, message, scope = safe_texts(self.text), safe_texts(self.message), safe_texts(self.scope)
        rows = np.array(self.rows, dtype=np.int64)
        if (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows)
            back = order.tolist()
            rows, stamps, level = rows[order], stamps.take(order), level[order]
            text, message, scope = ([column[i] for i in back] for column in (text, message, scope))
        columns = [column for name, parts in self.fields.items() for column in _columns(name, parts)]
        return Rows(rows, stamps, level, scope, message, text, columns)


def _columns(name: str, parts: list[tuple[list[int], Sequence[Any]]]) -> list[FieldColumn]:
    """One field, of all groups of rows: a column of its numbers, and one of its words."""
    rows = np.fromiter(chain.from_iterable(part[0] for part in parts), dtype=np.int32)
    values: Sequence[Any] = parts[0][1] if len(parts) == 1 else list(chain.from_iterable(part[1] for part in parts))
    if (rows[1:] < rows[:-1]).any():
        order = np.argsort(rows)
        rows, values = rows[order], [values[i] for i in order.tolist()]
    return columns_of(safe_texts([name])[0], rows, values)


def columns_of(name: str, rows: Int32, values: Sequence[Any]) -> list[FieldColumn]:
    """Columns of values [k]: int, float, str; anything else is left out. A word that is a number is one, and a
    duration (`1.5ms`, `2m3s`) is its seconds."""
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    code = np.fromiter(map(known.__getitem__, values), np.int32, len(values))
    numbers = list(map(number_of, known))
    plain = [number is not None for number in numbers]
    found = []
    if any(plain):
        some = np.array([0.0 if number is None else number for number in numbers])
        found.append(_numbers(name, *_only(rows, code, plain), some))
    if not all(plain):
        words = [value[:WORD_MOST] if type(value) is str else "" for value in known]
        wordy = [number is None and type(value) is str for number, value in zip(numbers, known, strict=True)]
        if any(wordy):
            found.append(_words(name, *_only(rows, code, wordy), words))
    return found


def _only(rows: Int32, code: Int32, chosen: list[bool]) -> tuple[Int32, Int32]:
    if all(chosen):
        return rows, code
    kept = np.array(chosen)[code]
    return rows[kept], code[kept]


def _numbers(name: str, rows: Int32, code: Int32, numbers: Float64) -> FieldColumn:
    distinct, back = np.unique(numbers, return_inverse=True)
    return FieldColumn(name, rows, back.astype(np.int32)[code], distinct, None)


def _words(name: str, rows: Int32, code: Int32, words: list[str]) -> FieldColumn:
    clean = safe_texts(words)
    distinct = {word: i for i, word in enumerate(dict.fromkeys(clean))}
    back = np.fromiter(map(distinct.__getitem__, clean), np.int32, len(clean))
    return FieldColumn(name, rows, back[code], None, list(distinct))


def number_of(value: Any) -> float | None:
    """The number that a value is, finite; None where it is none."""
    kind = type(value)
    if kind is str:
        return _read(value) if value[:1] in _FIRST and len(value) <= 40 else None
    if kind is int or kind is float:
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def _read(word: str) -> float | None:
    if _NUMBER.fullmatch(word):
        return float(word)
    span = _SPAN.fullmatch(word)
    if span is None:
        return None
    hours, minutes, seconds, unit = span.groups()
    return int(hours or 0) * 3600.0 + int(minutes or 0) * 60.0 + float(seconds or 0) * _SECONDS[unit]


def pick(values: Sequence[Any], chosen: Sequence[bool]) -> list[Any]:
    """The values that are chosen."""
    return list(compress(values, chosen))
