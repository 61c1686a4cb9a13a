"""Numbers as formats write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_MISSING = frozenset(("", "n/a", "na", "nan", "null", "none", "nil", "-", "--", "missing", "undefined"))
_WORDS = {"true": 1.0, "false": 0.0}
_LONGEST = 400
"""Characters of a number: longer texts are none."""


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


def numbers(texts: Sequence[str]) -> tuple[list[float], list[int]]:
    """Numbers [n] of texts, and the places of those that are none (they are NaN)."""
    try:
        return list(map(float, texts)), []
    except ValueError:
        found = [number(text) for text in texts]
    bad = [i for i, value in enumerate(found) if value is None]
    return [math.nan if value is None else value for value in found], bad
