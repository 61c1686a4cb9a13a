"""What the columns of CSV are for, told by the header line."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

from logwatch.parse.metrics import words
from logwatch.parse.metrics.values import number

SEPARATORS = (",", ";", "\t")
LONGEST = 65_536
"""Characters of a header: one that is longer is none."""


@dataclass(frozen=True, slots=True)
class Header:
    """Columns of a file by their place. Long: `name` and `value` are there, a line has one sample; else wide."""

    separator: str
    width: int
    time: int
    clock: int | None  # the time of day, where `time` is only the date
    name: int | None
    value: int | None
    labels: int | None
    extra: tuple[tuple[str, int], ...]  # columns that are labels themselves
    measured: tuple[tuple[str, int], ...]  # of wide ones; a column that is `extra` too: where it has numbers


def cells_of(line: str, separator: str) -> list[str] | None:
    """The cells of a line; None where its quotes do not fit."""
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def header_of(line: str) -> Header | None:
    """The header that a line is; None where it is none."""
    return _header_of(line) if len(line) <= LONGEST else None


@lru_cache(maxsize=256)
def _header_of(line: str) -> Header | None:
    for separator in SEPARATORS:
        if separator in line:
            cells = cells_of(line.removeprefix("\ufeff").rstrip(), separator)
            if cells is not None and len(cells) > 1:
                header = _of(separator, [cell.strip() for cell in cells])
                if header is not None:
                    return header
    return None


def _of(separator: str, columns: list[str]) -> Header | None:
    low = [column.lower() for column in columns]
    times = [i for i, one in enumerate(low) if one in words.TIME]
    if not times and not low[0]:
        times = [0]  # the index of a data frame
    others = [number(one) for i, one in enumerate(columns) if i not in times]
    if not times or None not in others or any(one == one for one in others if one is not None):
        return None
    clock = next((i for i in times if low[i] == "time"), None)
    time = next((i for i in times if low[i] == words.DATE), times[0]) if clock is not None else times[0]
    name, value, labels = (_first(low, known) for known in (words.NAME, words.VALUE, words.LABELS))
    used = {time}
    if clock is not None and clock != time:
        used.add(clock)
    else:
        clock = None
    is_long = name is not None and value is not None
    if is_long:
        used.update(at for at in (name, value, labels) if at is not None)
    extra = tuple((columns[i], i) for i, one in enumerate(low) if one in words.LABEL and i not in used)
    used.update(i for _, i in extra if low[i] not in words.COUNTED)
    free = ((columns[i], i) for i, one in enumerate(low) if one and i not in used and one not in words.TRUTH)
    measured = () if is_long else tuple(free)
    if not is_long and not measured:
        return None
    return Header(
        separator, len(columns), time, clock, name if is_long else None, value if is_long else None,
        labels if is_long else None, extra, measured,
    )  # fmt: skip


def _first(low: list[str], usual: frozenset[str]) -> int | None:
    return next((i for i, one in enumerate(low) if one in usual), None)
