"""Which lines hold one of a few literals: a pass over the whole batch that costs little where none does."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from logwatch.types import Int64


@lru_cache(maxsize=64)
def _pattern(words: tuple[str, ...]) -> str:
    return "|".join("".join(c if c.isalnum() else "\\" + c for c in word) for word in words)


def containing(lower: str, lines: int, literals: tuple[str, ...]) -> Int64:
    """Lines [m] that hold one of the literals; all where one is empty.

    Args:
        lower: the lines in lower case, joined by line ends.
        lines: how many they are.
        literals: in lower case; one letter is not to be mixed with longer ones: it would spoil the engine's vector
            search for the others.
    """
    if "" in literals:
        return np.arange(lines)
    if not literals:
        return np.zeros(0, dtype=np.int64)
    if len(literals) == 1:
        if literals[0] not in lower:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.fromiter((literals[0] in line for line in lower.split("\n")), np.bool_, lines))
    if not pl.Series([lower], dtype=pl.String).str.contains(_pattern(literals))[0]:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(pl.Series(lower.split("\n"), dtype=pl.String).str.contains(_pattern(literals)).to_numpy())
