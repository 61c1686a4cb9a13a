"""Lines of `name=value` pairs: those with the same names in the same order are read by one pattern.

What is left of a line without its values is its skeleton. It is found for all lines in one pass of a linear-time
engine; then each skeleton gives a pattern that takes all values of a line at once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from logwatch.parse.formats.gather import Group, picked

Column = Sequence[str]
Compile = Callable[[str], "tuple[tuple[str, ...], re.Pattern[str]] | None"]
"""Names and pattern of a skeleton, one group a name; None where it is none."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


def by_skeleton(
    texts: list[str], values: str, compile_: Compile, clean: Callable[[Column], Column]
) -> tuple[list[Group], list[int]]:
    """Groups of texts [n] (their rows are indices), and the texts that no skeleton tells.

    Args:
        values: pattern of what is taken away, but for its first character.
        clean: takes quotes and escapes off a column of values.
    """
    skeletons = pl.Series(texts, dtype=pl.String).str.replace_all(values, "=").to_list()
    by: defaultdict[str, list[int]] = defaultdict(list)
    for i, skeleton in enumerate(skeletons):
        by[skeleton].append(i)
    groups, odd = [], []
    for skeleton, which in by.items():
        compiled = compile_(skeleton)
        if compiled is None:
            odd += which
            continue
        names, pattern = compiled
        found = list(map(pattern.fullmatch, picked(texts, which)))
        if None in found:
            odd += [i for i, match in zip(which, found, strict=True) if match is None]
            which = [i for i, match in zip(which, found, strict=True) if match is not None]
        if which:
            columns = [clean(column) for column in zip(*_values(found), strict=True)]
            groups.append(Group(which, names, columns))
    return groups, sorted(odd)


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
