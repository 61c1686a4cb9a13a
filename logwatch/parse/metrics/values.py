"""Numbers as formats write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

_MISSING = frozenset(("", "n/a", "na", "nan", "null", "none", "nil", "-", "--", "missing", "undefined"))
_WORDS = {"true": 1.0, "false": 0.0}
_LONGEST = 400
"""Characters of a number: longer texts are none."""
_GROUPED = re.compile(r"\s*[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?\s*", re.ASCII)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+\s*", re.ASCII)


def number(value: Any) -> float | None:
    """The number that a value is or spells; NaN where it says that there is none; None where it is anything else."""
    kind = type(value)
    if kind is float:
        return float(value)
    if kind is int or kind is bool:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if kind is str:
        return _spelled(value)
    return math.nan if value is None else None


def _spelled(text: str) -> float | None:
    if len(text) > _LONGEST:
        return None
    try:
        return float(text)
    except ValueError:
        low = text.strip().lower()
    return math.nan if low in _MISSING else _WORDS.get(low)


def in_cell(text: str, separator: str) -> float | None:
    """The number of a cell of CSV: also `1,234.5`; and `1.234,5` and `0,5`, as files separated by `;` have them."""
    found = number(text)
    if found is not None or "," not in text or len(text) > _LONGEST:
        return found
    decimal = _DECIMAL_COMMA.fullmatch(text) is not None
    if _GROUPED.fullmatch(text) is not None and not (decimal and separator == ";"):
        return float(text.replace(",", ""))
    return float(text.replace(".", "").replace(",", ".")) if decimal else None


def numbers(texts: Sequence[str], separator: str) -> tuple[list[float], list[int]]:
    """Numbers [n] of cells, and the places of those that are none (they are NaN)."""
    try:
        return list(map(float, texts)), []
    except ValueError:
        found = [in_cell(text, separator) for text in texts]
    bad = [i for i, value in enumerate(found) if value is None]
    return [math.nan if value is None else value for value in found], bad
