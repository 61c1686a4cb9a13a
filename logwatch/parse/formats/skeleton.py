"""Lines of `name=value` pairs: those with the same names in the same order are read by one pattern.

What is left of a line without its values is its skeleton: it gives the pattern, which takes all values of a line at
once. Most lines are `alike` to many others, and the skeleton of one of them does for all: a line is of it if the
pattern says so. For the others, each is found, in one pass of a linear-time engine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from logwatch.types import Int64

Column = Sequence[str]


class Form(NamedTuple):
    """What lines of one skeleton have in common."""

    names: tuple[str, ...]
    around: tuple[str, ...]  # patterns of what stands before each value, and of what ends the line
    pattern: re.Pattern[str]  # of the whole line; one group a name


LONGEST = 8192
"""Characters of a skeleton that is looked at: forms are remembered by it."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


def by_skeleton(
    texts: list[str], skeletons: Callable[[list[str]], list[str]], told: Callable[[str, list[int]], list[int]]
) -> list[int]:
    """Go through texts [n] by their skeletons; the rows of those that no skeleton tells.

    Args:
        skeletons: of some texts.
        told: reads rows that may be of a skeleton, and returns those that are not.
    """
    some, left = alike(texts), []
    for skeleton, rows in zip(skeletons([texts[rows[0]] for rows in some]), some, strict=True):
        left += told(skeleton, rows)
    left += sorted(set(range(len(texts))).difference(*some))
    by: defaultdict[str, list[int]] = defaultdict(list)
    for skeleton, i in zip(skeletons([texts[i] for i in left]), left, strict=True):
        by[skeleton].append(i)
    return sorted(row for skeleton, rows in by.items() for row in told(skeleton, rows))


def emptied(texts: Sequence[str], values: str) -> list[str]:
    """Texts without their values, of this pattern but for its first character."""
    return pl.Series(texts, dtype=pl.String).str.replace_all(values, "=").to_list() if texts else []


class Found(NamedTuple):
    """Rows that a pattern matches, and those that it does not."""

    rows: list[int]
    columns: Sequence[Column]  # by group of the pattern, then by row
    missed: list[int]


def matched(match: Callable[[str], re.Match[str] | None], rows: list[int], texts: Sequence[str]) -> Found:
    """Match the texts of rows, at least one."""
    found = list(map(match, texts))
    missed: list[int] = []
    if None in found:
        missed = [i for i, one in zip(rows, found, strict=True) if one is None]
        rows = [i for i, one in zip(rows, found, strict=True) if one is not None]
    return Found(rows, list(zip(*_values(found), strict=True)), missed)


FEW = 8
"""Lines that are too few to have a pattern of their own tried on them."""


def alike(texts: list[str]) -> list[list[int]]:
    """Rows of texts that seem to have the same names in the same order: what stands before each `=` is the same."""
    joined = "\n".join(texts)
    if joined.count("\n") != len(texts) - 1:
        joined = "\n".join([text.replace("\n", " ") for text in texts])
    data = np.frombuffer(b"\0\0\0\0" + joined.encode("utf-8", "replace"), np.uint8)
    at = np.flatnonzero(data == ord("="))
    edges: Int64 = np.r_[0, np.flatnonzero(data == ord("\n")), len(data)]
    begin = np.searchsorted(at, edges)
    words: NDArray[np.uint32] = np.ndarray((len(data) - 3,), "<u4", data, 0, (1,))
    before = words[at - 4].astype(np.uint64)
    for shift in (8, 16):  # short names: what stands before them is the end of a value
        before[before >> np.uint64(shift) & np.uint64(255) == ord(" ")] &= np.uint64(0xFFFFFFFF << shift + 8)
    before += (np.arange(len(at)) - np.repeat(begin[:-1], np.diff(begin))).astype(np.uint64) << np.uint64(32)
    before *= _MIX
    before ^= before >> np.uint64(32)
    before *= _MIX
    sums = np.r_[np.uint64(0), np.cumsum(before)]
    seen: NDArray[np.uint64] = sums[begin[1:]] - sums[begin[:-1]]
    _, kind, count = np.unique(seen, return_inverse=True, return_counts=True)
    ends: Int64 = np.cumsum(count)
    rows = np.split(np.argsort(kind, kind="stable"), ends[:-1])
    return [some.tolist() for some in rows if len(some) >= FEW]


_MIX = np.uint64(0x9E3779B97F4A7C15)


def simply(form: Form, rows: list[int], texts: Sequence[str]) -> Found | None:
    """Columns of rows whose values need no cleaning; None where some may.

    The first text tells which values are in quotes. Where all texts are of that pattern and have no other quote and no
    tab, each value ends where the full pattern ends it; inside of quotes there are no escapes.
    """
    first = form.pattern.fullmatch(texts[0])
    if first is None:
        return None
    quotes = tuple('"' in texts[0][max(at - 1, 0) : at + 1] for at in map(first.start, range(1, len(form.names) + 1)))
    joined = "".join(texts)
    if "\t" in joined or joined.count('"') != 2 * sum(quotes) * len(texts):
        return None
    found = matched(_simple(form.around, quotes).fullmatch, rows, texts)
    return None if found.missed else found


@lru_cache(maxsize=4096)
def _simple(around: tuple[str, ...], quotes: tuple[bool, ...]) -> re.Pattern[str]:
    groups = ['"([^"\\\\]*+)"' if quoted else "([^ ]*+)" for quoted in quotes]
    return re.compile("".join(map("".join, zip(around[:-1], groups, strict=True))) + around[-1])


def _values(found: list[re.Match[str] | None]) -> Iterator[tuple[Any, ...]]:
    return (match.groups("") for match in found if match is not None)


def unescaped(column: Column) -> Column:
    """Values [n] that stood in quotes, without escapes."""
    return [_ESCAPE.sub(_letter, value) for value in column] if "\\" in "".join(column) else column


def unquoted(column: Column) -> Column:
    """Values [n] without quotes and escapes; one that is not quoted is what it is."""
    if '"' not in "".join(column):
        return column
    return [bare(value) for value in column]


def bare(value: str) -> str:
    """One value without its quotes."""
    if value[:1] != '"':
        return value
    inside = value[1:-1]
    return inside if "\\" not in inside else _ESCAPE.sub(_letter, inside)


def _letter(found: re.Match[str]) -> str:
    return _LETTERS.get(found[1], found[1])
