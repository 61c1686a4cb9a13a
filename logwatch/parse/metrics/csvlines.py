"""CSV, long (`time,name,labels,value`) and wide (a time and a column a metric)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np

from logwatch.parse.metrics.csv_header import SEPARATORS, Header, cells_of, header_of
from logwatch.parse.metrics.gathered import Gathered
from logwatch.parse.metrics.memory import Remembered
from logwatch.parse.metrics.moments import Spelled
from logwatch.parse.metrics.names import labels_of, named, series_of
from logwatch.parse.metrics.values import in_cell, numbers
from logwatch.samples import SampleKind, SeriesName
from logwatch.types import Int32

_TITLE = re.compile(r'(?i)(?:^|[,;\t"]) {0,9}@?_?(?:time|date|ts|t|epoch|unix)\w{0,9} {0,9}(?:[,;\t"]|$)')
"""What a header has, and few other lines."""
_REMEMBERED = 65_536
"""Series whose cells are at hand."""
_LONGEST = 256
"""Characters of cells that are kept."""
_NOT_A_NAME, _NOT_LABELS = -1, -2
_REASONS = {_NOT_A_NAME: "long_name", _NOT_LABELS: "not_labels"}


def read(lines: Sequence[str], rows: Sequence[int], known: Remembered, times: Spelled, out: Gathered) -> None:
    """Samples of the lines [n] of one stream; arguments as those of `influx.read`."""
    first, heads = 0, _titles(lines)
    for at in (*heads, len(lines)):
        if first < at:
            _part(lines[first:at], rows[first:at], known, times, out)
        if at < len(lines) and lines[at] != known.header:
            known.header, known.changed = lines[at], True
        first = at + 1


def _titles(lines: Sequence[str]) -> list[int]:
    """Places of the headers."""
    first = "".join([line[:1] for line in lines])
    if len(first) == len(lines) and first.isdigit():
        return []
    some = [i for i, line in enumerate(lines) if not line[:1].isdigit()]
    return [
        i
        for i in some
        if (_TITLE.search(lines[i]) or lines[i].startswith(SEPARATORS)) and header_of(lines[i]) is not None
    ]


def _part(lines: Sequence[str], rows: Sequence[int], known: Remembered, times: Spelled, out: Gathered) -> None:
    """Lines under one header."""
    header = header_of(known.header)
    if header is None:
        for row, line in zip(rows, lines, strict=True):
            if line.strip():
                out.fail(row, "no_header")
        return
    columns = _columns(lines, header)
    if columns is None:
        cells = [cells_of(line, header.separator) or [] for line in lines]
        good = [len(one) == header.width for one in cells]
        for row, line, fine in zip(rows, lines, good, strict=True):
            if not fine and line.strip():
                out.fail(row, "not_csv")
        rows, columns = list(compress(rows, good)), list(zip(*compress(cells, good), strict=True))
    if rows:
        (_long if header.name is not None else _wide)(header, columns, rows, known, times, out)


def _columns(lines: Sequence[str], header: Header) -> Sequence[Sequence[str]] | None:
    """The columns of lines without quotes that all have the header's width: one cut of everything; else None."""
    text = f"{header.separator}\n{header.separator}".join(lines)
    if '"' in text or text.count("\n") != len(lines) - 1:
        return None
    cells, each = text.split(header.separator), header.width + 1
    if len(cells) != each * len(lines) - 1 or set(cells[header.width :: each]) - {"\n"}:
        return None
    return [cells[at::each] for at in range(header.width)]


def _when(header: Header, columns: Sequence[Sequence[str]], times: Spelled) -> Int32:
    time = columns[header.time]
    if header.clock is not None:
        time = [f"{day} {clock}" for day, clock in zip(time, columns[header.clock], strict=True)]
    return np.fromiter(map(times.__getitem__, time), np.int32, len(time))


class _Series(dict[Any, int]):
    """Numbers of series by the cells that name them: name, labels, labels of their own columns."""

    def __init__(self, header: Header, out: Gathered) -> None:
        super().__init__()
        self._extra, self._out = tuple(name for name, _ in header.extra), out
        self._has_labels = header.labels is not None

    def __missing__(self, key: tuple[str, ...]) -> int:
        remembered = sum(map(len, key)) <= _LONGEST
        found = (_series_of if remembered else _series_of.__wrapped__)(key, self._has_labels, self._extra)
        number = self[key] = found if isinstance(found, int) else self._out.number(found, SampleKind.UNKNOWN)
        return number


@lru_cache(maxsize=_REMEMBERED)
def _series_of(key: tuple[str, ...], has_labels: bool, extra: tuple[str, ...]) -> SeriesName | int:
    """The series that cells name, or why they name none: most batches have those of the batch before."""
    labels = labels_of(key[1]) if has_labels else ()
    if labels is None:
        return _NOT_LABELS
    more = zip(extra, (cell.strip() for cell in key[1 + has_labels :]), strict=True)
    own = series_of(key[0].strip())
    return (own and named(own.name, (*labels, *more, *own.labels))) or _NOT_A_NAME


def _long(
    header: Header, columns: Sequence[Sequence[str]], rows: Sequence[int], known: Remembered, times: Spelled,
    out: Gathered,
) -> None:  # fmt: skip
    """One sample a line."""
    naming = [at for at in (header.name, header.labels) if at is not None] + [at for _, at in header.extra]
    table = _Series(header, out)
    keys = zip(*(columns[at] for at in naming), strict=True)
    series = np.fromiter(map(table.__getitem__, keys), np.int32, len(rows))
    spelled, bad = numbers(columns[header.value or 0], header.separator)
    row, value = np.array(rows, dtype=np.int32), np.array(spelled)
    when = _when(header, columns, times)
    if bad or (series < 0).any():
        good = series >= 0
        for i in np.flatnonzero(~good).tolist():
            out.fail(rows[i], _REASONS[int(series[i])])
        for i in bad:
            out.fail(rows[i], "not_a_number")
        good[bad] = False
        series, row, when, value = series[good], row[good], when[good], value[good]
    out.add(series, row, when, value)


def _wide(
    header: Header, columns: Sequence[Sequence[str]], rows: Sequence[int], known: Remembered, times: Spelled,
    out: Gathered,
) -> None:  # fmt: skip
    """A sample for each line and column that measures something."""
    n, measured = len(rows), header.measured
    values = np.empty((n, len(measured)))
    kept = np.ones((n, len(measured)), dtype=np.bool_)
    for place, (name, at) in enumerate(measured):
        spelled, bad = numbers(columns[at], header.separator)
        values[:, place] = spelled
        begin = 0 if known.is_measured(name) else _first_number(spelled)
        kept[:begin, place] = False  # nothing was measured here before: texts and gaps are no faults
        kept[bad, place] = False
        if begin < n:
            known.learn(name)
        for i in bad:
            if i >= begin:
                out.fail(rows[i], "not_a_number")
    series = _of_lines(header, columns, n, out)
    unnamed = kept & (series < 0)
    for i in np.flatnonzero(unnamed.any(axis=1)).tolist():
        out.fail(rows[i], "long_name")
    keep = np.flatnonzero((kept & ~unnamed).ravel())
    width = len(measured)
    row = np.repeat(np.array(rows, dtype=np.int32), width)[keep]
    when = np.repeat(_when(header, columns, times), width)[keep]
    out.add(series.ravel()[keep], row, when, values.ravel()[keep])


def _of_lines(header: Header, columns: Sequence[Sequence[str]], n: int, out: Gathered) -> Int32:
    """Numbers [n, columns] of the series of each line; -1: no name."""
    table: dict[tuple[str, ...], list[int]] = {}
    counted = {at for _, at in header.measured}
    naming = [_texts(columns[at], header.separator) if at in counted else columns[at] for _, at in header.extra]
    keys = list(zip(*naming, strict=True)) if naming else [()] * n
    for key in dict.fromkeys(keys):
        cells = zip(header.extra, key, strict=True)
        labels = [(name, cell.strip()) for (name, at), cell in cells if cell or at not in counted]
        table[key] = [_number(name, labels, out) for name, _ in header.measured]
    if len(table) == 1:
        return np.broadcast_to(np.array(table[keys[0]], dtype=np.int32), (n, len(header.measured)))
    return np.array([table[key] for key in keys], dtype=np.int32)


def _texts(cells: Sequence[str], separator: str) -> list[str]:
    """The cells that are no numbers; "" instead of those that are."""
    return [cell if in_cell(cell, separator) is None else "" for cell in cells]


def _number(column: str, labels: list[tuple[str, str]], out: Gathered) -> int:
    own = series_of(column)
    series = own and named(own.name, (*labels, *own.labels))
    return out.number(series, SampleKind.UNKNOWN) if series else -1


def _first_number(values: list[float]) -> int:
    """The place of the first that is not NaN; their count where all are."""
    return next((i for i, value in enumerate(values) if value == value), len(values))
