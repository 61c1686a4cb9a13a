"""Lines of `name=value` pairs: those with the same names in the same order are read by one pattern.

What is left of a line without its values is its skeleton. It is found for all lines in one pass of a linear-time
engine; then each skeleton gives a pattern that takes all values of a line at once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from logwatch.parse.formats.gather import Group, picked

Column = Sequence[str]


class Form(NamedTuple):
    """What lines of one skeleton have in common."""

    names: tuple[str, ...]
    around: tuple[str, ...]  # patterns of what stands before each value, and of what ends the line
    pattern: re.Pattern[str]  # of the whole line; one group a name


Compile = Callable[[str], "Form | None"]
"""The form of a skeleton; None where it is none."""

LONGEST = 8192
"""Characters of a skeleton that is looked at: forms are remembered by it."""

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
        compiled = compile_(skeleton) if len(skeleton) <= LONGEST else None
        if compiled is None:
            odd += which
            continue
        own = picked(texts, which)
        if (simple := _simply(compiled, own)) is not None:
            groups.append(Group(which, compiled.names, simple))
            continue
        found = list(map(compiled.pattern.fullmatch, own))
        if None in found:
            odd += [i for i, match in zip(which, found, strict=True) if match is None]
            which = [i for i, match in zip(which, found, strict=True) if match is not None]
        if which:
            columns = [clean(column) for column in zip(*_values(found), strict=True)]
            groups.append(Group(which, compiled.names, columns))
    return groups, sorted(odd)


def _simply(form: Form, texts: Sequence[str]) -> list[Column] | None:
    """Columns of texts whose values need no cleaning; None where some may.

    The first text tells which values are in quotes. Where all texts are of that pattern and have no other quote, each
    value ends where the full pattern ends it; inside of quotes there are no escapes.
    """
    first = form.pattern.fullmatch(texts[0])
    if first is None:
        return None
    quotes = tuple('"' in texts[0][max(at - 1, 0) : at + 1] for at in map(first.start, range(1, len(form.names) + 1)))
    if "".join(texts).count('"') != 2 * sum(quotes) * len(texts):
        return None
    found = list(map(_simple(form.around, quotes).fullmatch, texts))
    return None if None in found else list(zip(*_values(found), strict=True))


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
