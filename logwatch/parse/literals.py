"""Which lines hold one of a few literals: a pass over the whole batch that costs little where none does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from logwatch.types import Int64

_TOGETHER = 12
"""Literals of two letters and more that the engine looks for at once with vector instructions; a few more, or one of
one letter, and it falls back to an automaton that takes four times as long."""


@lru_cache(maxsize=64)
def _patterns(literals: tuple[str, ...]) -> list[str]:
    words = ["".join(c if c.isalnum() else "\\" + c for c in word) for word in literals]
    return ["|".join(words[k : k + _TOGETHER]) for k in range(0, len(words), _TOGETHER)]


def containing(lower: str, lines: int, literals: Sequence[str]) -> Int64:
    """Lines [m] that hold one of the literals; all where one is empty.

    Args:
        lower: the lines in lower case, joined by line ends.
        lines: how many they are.
        literals: in lower case.
    """
    if "" in literals:
        return np.arange(lines)
    hit = np.zeros(lines, dtype=np.bool_)
    whole = pl.Series([lower], dtype=pl.String)
    for pattern in _patterns(tuple(word for word in literals if len(word) > 1)):
        if whole.str.contains(pattern)[0]:
            hit |= pl.Series(lower.split("\n"), dtype=pl.String).str.contains(pattern).to_numpy()
    for letter in literals:
        if len(letter) == 1 and letter in lower:
            hit |= np.fromiter((letter in line for line in lower.split("\n")), np.bool_, lines)
    return np.flatnonzero(hit)
