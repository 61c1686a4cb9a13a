"""Values of a field, for the detectors: numbers, and short words by dictionary."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from logwatch.parse.formats.safe import safe_texts
from logwatch.types import FieldColumn, Float64, Int32

WORD_MOST = 64
"""Characters of a value that is a word."""

Kinds = frozenset[type]
TEXT: Kinds = frozenset((str,))

# Possessive: linear, over a whole column at once.
_DECIMAL = r"[+-]?+(?:\d{1,18}+(?:\.\d{0,18}+)?+|\.\d{1,18}+)(?:[eE][+-]?+\d{1,2}+)?+"
_NUMBER = re.compile(_DECIMAL, re.ASCII)
_NUMBERS = re.compile(rf"(?:{_DECIMAL}\n)++", re.ASCII)
_SPAN = re.compile(
    r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,12}(?:\.\d{1,12})?)(ns|us|\u00b5s|\u03bcs|ms|s))?", re.ASCII
)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, None: 0.0}
_FIRST = frozenset("+-.0123456789")
_DIGITS = b"+-.0123456789"
# Lines of which none is a number: most words, paths and addresses with a port.
_WORDS = re.compile(r"(?:(?:[^+\-.0-9\n][^\n]*+)?+\n|[^:\n]*+:[^\n]*+\n)++")


def kinds_of(values: Sequence[Any]) -> Kinds:
    """Types of values."""
    return frozenset(map(type, values))


def columns_of(name: str, rows: Int32, values: Sequence[Any], kinds: Kinds) -> list[FieldColumn]:
    """Columns of values [k] in rows [k] of any order, and of types `kinds`: int, float, str; anything else is left out.
    A word that is a number is one, and a duration (`1.5ms`, `2m3s`) is its seconds."""
    if (numbers := _all_numbers(values, kinds)) is not None:
        return [_ordered(FieldColumn(name, rows, numbers, None, None))]
    known, code = _coded(values)
    if kinds == TEXT and _WORDS.fullmatch("\n".join(known) + "\n"):
        words, back = _distinct(known)
        return [_ordered(FieldColumn(name, rows, None, back[code], words))]
    read = [number_of(value) if type(value) is not str or value[:1] in _FIRST else None for value in known]
    numeric = np.array([number is not None for number in read])
    found = []
    if numeric.any():
        some = np.array([0.0 if number is None else number for number in read])
        kept = np.flatnonzero(numeric[code])
        found.append(_ordered(FieldColumn(name, rows[kept], some[code[kept]], None, None)))
    wordy = np.array([number is None and type(value) is str for number, value in zip(read, known, strict=True)])
    if wordy.any():
        kept = np.arange(len(rows)) if wordy.all() else np.flatnonzero(wordy[code])
        words, back = _distinct([value if type(value) is str else "" for value in known])
        found.append(_ordered(FieldColumn(name, rows[kept], None, back[code[kept]], words)))
    return found


def _coded(values: Sequence[Any]) -> tuple[list[Any], Int32]:
    """Different values in the order in which they appear, and which of them each is."""
    known = list(dict.fromkeys(values))
    if len(known) == len(values):
        return known, np.arange(len(values), dtype=np.int32)
    at = dict(zip(known, range(len(known)), strict=True))
    return known, np.fromiter(map(at.__getitem__, values), np.int32, len(values))


def _ordered(column: FieldColumn) -> FieldColumn:
    if (column.rows[1:] < column.rows[:-1]).any():
        order = np.argsort(column.rows)
        column.rows = column.rows[order]
        column.numbers = None if column.numbers is None else column.numbers[order]
        column.code = None if column.code is None else column.code[order]
    return column


def _distinct(words: list[str]) -> tuple[list[str], Int32]:
    """Words [c] cut and made safe, without those that became the same; where each is now."""
    if max(map(len, words)) > WORD_MOST:
        words = [word[:WORD_MOST] for word in words]
    words = safe_texts(words)
    distinct = {word: i for i, word in enumerate(dict.fromkeys(words))}
    if len(distinct) == len(words):
        return words, np.arange(len(words), dtype=np.int32)
    return list(distinct), np.fromiter(map(distinct.__getitem__, words), np.int32, len(words))


def _all_numbers(values: Sequence[Any], kinds: Kinds) -> Float64 | None:
    """The values as floats, where all are finite numbers, or all are text that is."""
    if kinds == TEXT:
        return _all_written(values) if values[0][:1] in _FIRST else None
    try:
        numbers = np.fromiter(values, np.float64, len(values)) if kinds <= {int, float} else None
    except OverflowError:
        return None
    return numbers if numbers is not None and bool(np.isfinite(numbers).all()) else None


def _all_written(values: Sequence[str]) -> Float64 | None:
    """The numbers that all the words are. Short ones of digits alone need no pattern: `float` takes no others."""
    joined = "".join(values)
    digits = joined.isascii() and not joined.encode().translate(None, _DIGITS) and max(map(len, values)) <= 18
    if not digits and _NUMBERS.fullmatch("\n".join(values) + "\n") is None:
        return None
    try:
        return np.fromiter(map(float, values), np.float64, len(values))
    except ValueError:  # two points in one word, or two lines
        return None


def number_of(value: Any) -> float | None:
    """The number that a value is, finite; None where it is none."""
    kind = type(value)
    if kind is str:
        return _read(value) if value[:1] in _FIRST and len(value) <= 48 else None
    if kind is int or kind is float:
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def _read(word: str) -> float | None:
    if ":" in word or word.count(".") > 1 or "-" in word[1:-2]:  # most of what begins with a digit and is no number
        return float(word) if "e-" in word.lower() and _NUMBER.fullmatch(word) else None
    if _NUMBER.fullmatch(word):
        return float(word)
    span = _SPAN.fullmatch(word)
    if span is None:
        return None
    hours, minutes, seconds, unit = span.groups()
    return int(hours or 0) * 3600.0 + int(minutes or 0) * 60.0 + float(seconds or 0) * _SECONDS[unit]
