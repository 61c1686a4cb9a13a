"""Values in the text of lines, each named by the word before it: `status=42`, `took 12 ms`, `queue: 1, 2, 3`.

A place has a name and no template, so nothing changes where templates merge. Durations are read in seconds and sizes in
bytes. Of a list of numbers the length is read: a place of its own, which a single number behind `:` or `=` fills with
1. Of a path the first segment and the extension are read, of an address its network, of other quoted text the whole,
digits aside: which file or client it is varies, what kind of file or of client it is does not. What stands in brackets
behind a word (`sshd[4711]`) tells one of many alike, and is no value; nor is the day behind a month.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from logwatch.score.detectors.table import UInt64, mix
from logwatch.score.detectors.values_layout import HEX, KIND, LIST, NET, SEGMENT, Layout, layout
from logwatch.types import FieldColumn, Float64, Int32, Int64

SEEN = 1_000
"""Characters of a line that are looked at."""

DIGITS = 15
"""Of a number at most; 17 of a double hold them exactly."""

_RUN = re.compile("[0-9]+")
_ZERO = bytes.maketrans(b"123456789", b"000000000")
_HEX = r"(?-u:\b)(?:0[xX][0-9a-fA-F]+|(?:[a-fA-F]+[0-9]|[0-9]+[a-fA-F])[0-9a-fA-F]*)(?-u:\b)"
_TOLD = {LIST: "length of {}", SEGMENT: "path of {}", KIND: "extension of {}", NET: "network of {}"}
_layout = lru_cache(maxsize=1 << 14)(layout)


@dataclass(slots=True)
class PlaceColumn(FieldColumn):
    """Values of many places: rows ascend, and may repeat; the column itself has no name."""

    place: Int32  # [k] index into `names`
    names: list[str]  # [p] all different


class Read(NamedTuple):
    """What stands in some rows of a batch."""

    columns: list[PlaceColumn]  # one of numbers and one of words, where there are any
    lines: Int64  # [k] rows with any text
    outlines: UInt64  # [k] keys of their outlines
    addressed: Int64  # [a] rows with an address
    networks: UInt64  # [a] keys of their outlines together with the networks


def placed(texts: Sequence[str], rows: Int64, fields: Sequence[FieldColumn] = ()) -> Read:
    """What stands in these rows of a batch.

    Args:
        texts: of the whole batch.
        rows: ascending.
        fields: of the batch; what a row has as a field is no place of it.
    """
    rows = rows[[bool(texts[row]) for row in rows.tolist()]] if len(rows) else rows
    if not len(rows):
        return Read([], rows, np.zeros(0, np.uint64), rows, np.zeros(0, np.uint64))
    outlines, runs = _outlines([texts[row][:SEEN] for row in rows.tolist()])
    code, different = _coded(outlines)
    layouts = [_layout(outline) for outline in different]
    networks = _networks(layouts, code, runs)
    columns = [_numbers(layouts, code, runs), _words(layouts, code, networks)]
    found = [column for column in columns if column is not None]
    for column in found:
        column.rows = rows[column.rows].astype(np.int32)
    found = [_without(column, fields) for column in found] if fields else found
    keys = np.array([layout.key for layout in layouts], np.uint64)[code]
    addressed, networked = _networked(keys, networks)
    return Read([column for column in found if len(column.rows)], rows, keys, rows[addressed], networked)


@dataclass(slots=True)
class _Runs:
    """Runs of digits of a batch."""

    data: bytes
    flat: Any  # [bytes] of it
    begin: Int64  # [r]
    end: Int64  # [r]
    first: Int64  # [n] of each line

    def values(self, at: Int64) -> Float64:
        """Whole numbers [k] of runs [k]; NaN where one has more than `DIGITS`."""
        length = self.end[at] - self.begin[at]
        back = np.arange(min(int(length.max(initial=0)), DIGITS)) + 1
        digits = self.flat[np.maximum(self.end[at] - back[:, None], 0)] - np.uint8(48)
        digits[back[:, None] > length] = 0
        return np.where(length <= DIGITS, 10.0 ** (back - 1) @ digits, np.nan)

    def lengths(self, at: Int64) -> Int64:
        """Digits [k] of runs [k]."""
        found: Int64 = self.end[at] - self.begin[at]
        return found


def _outlines(texts: list[str]) -> tuple[list[str], _Runs]:
    """Outlines [n] of texts [n], see `values_layout`, and their runs of digits."""
    joined = "\n".join(texts)
    if joined.count("\n") != len(texts) - 1:
        joined = "\n".join([text.replace("\n", " ") for text in texts])
    data = pl.Series([joined]).str.replace_all(_HEX, HEX)[0].encode("utf-8", "replace")
    flat = np.frombuffer(data, np.uint8)
    digit = np.zeros(len(flat) + 2, np.bool_)
    digit[1:-1] = (flat - 48) < 10  # wraps round below "0"
    edges = np.flatnonzero(digit[1:] != digit[:-1])
    begin, end = edges[::2], edges[1::2]
    keep = np.ones(len(flat), np.bool_)
    keep[1:] = ~(digit[1:-2] & digit[2:-1])
    outlines = flat[keep].tobytes().translate(_ZERO).decode().split("\n")
    lines = np.concatenate([[0], np.flatnonzero(flat == 10)])
    return outlines, _Runs(data, flat, begin, end, np.searchsorted(begin, lines))


def _spread(counts: Int64, code: Int32) -> tuple[Int64, Int64]:
    """Lines [k] and items [k] of all lines, whose layouts `code` [n] have so many items each."""
    begin = np.cumsum(counts) - counts
    own = counts[code]
    line = np.repeat(np.arange(len(code)), own)
    return line, np.arange(len(line)) + np.repeat(begin[code] - (np.cumsum(own) - own), own)


def _numbers(layouts: list[Layout], code: Int32, runs: _Runs) -> PlaceColumn | None:
    """Numbers, and the lengths of lists."""
    place, known = _coded([name for one in layouts for name in one.numbers.names])
    if not known:
        return None
    line, item = _spread(np.array([len(one.numbers.names) for one in layouts]), code)
    run = np.array([run for one in layouts for run in one.numbers.run])[item]
    values = np.array([scale for one in layouts for scale in one.numbers.scale])[item]
    fraction = np.array([fraction for one in layouts for fraction in one.numbers.fraction])[item]
    said = np.flatnonzero(run >= 0)
    at, fractional = runs.first[line[said]] + run[said], np.flatnonzero(fraction[said])
    whole = runs.values(at)
    if len(fractional):
        power = 10.0 ** runs.lengths(at[fractional] + 1)
        whole[fractional] = (whole[fractional] * power + runs.values(at[fractional] + 1)) / power
    values[said] *= whole
    good = np.flatnonzero(~np.isnan(values))
    return PlaceColumn("", line[good].astype(np.int32), values[good], None, None, place[item[good]], known)


class _Networks(NamedTuple):
    """Networks of addresses."""

    line: Int64  # [k] ascending
    item: Int64  # [k] index into those of all layouts
    number: Float64  # [k] nine decimal digits


def _networks(layouts: list[Layout], code: Int32, runs: _Runs) -> _Networks:
    line, item = _spread(np.array([len(one.nets) for one in layouts]), code)
    at = runs.first[line] + np.array([run for one in layouts for _, run in one.nets], np.int64)[item]
    return _Networks(line, item, (runs.values(at) * 1000 + runs.values(at + 1)) * 1000 + runs.values(at + 2))


def _networked(keys: UInt64, networks: _Networks) -> tuple[Int64, UInt64]:
    """Lines [a] with networks, and keys [a] of their outlines `keys[a]` with these."""
    own = np.zeros(len(keys), np.uint64)
    np.add.at(own, networks.line, mix(np.nan_to_num(networks.number).astype(np.uint64) + np.uint64(1)))
    lines = np.unique(networks.line)
    return lines, keys[lines] + own[lines]


def _words(layouts: list[Layout], code: Int32, networks: _Networks) -> PlaceColumn | None:
    """Words, and networks of addresses."""
    said = [word for one in layouts for word in one.words]
    place, names = _coded([name for name, _ in said] + [name for one in layouts for name, _ in one.nets])
    if not names:
        return None
    line, item = _spread(np.array([len(one.words) for one in layouts]), code)
    own, words = _coded([word for _, word in said])
    value, place_of = own[item], place[item]
    if len(networks.line):
        different, back = np.unique(np.nan_to_num(networks.number).astype(np.int64), return_inverse=True)
        line = np.concatenate([line, networks.line])
        order = np.argsort(line, kind="stable")
        line = line[order]
        place_of = np.concatenate([place_of, place[len(said) + networks.item]])[order]
        value = np.concatenate([value, len(words) + back.reshape(-1).astype(np.int32)])[order]
        words += [f"{n // 1_000_000}.{n // 1000 % 1000}.{n % 1000}" for n in different.tolist()]
    return PlaceColumn("", line.astype(np.int32), None, value, words, place_of, names)


def _without(column: PlaceColumn, fields: Sequence[FieldColumn]) -> PlaceColumn:
    """The column without what its rows have as fields."""
    told: dict[str, list[Int32]] = {}
    for field in fields:
        told.setdefault(_RUN.sub("0", field.name), []).append(field.rows)
    keep = np.ones(len(column.rows), dtype=np.bool_)
    for place, name in enumerate(column.names):
        for rows in told.get(name.rstrip("".join(_TOLD)), ()):
            keep &= ~((column.place == place) & np.isin(column.rows, rows))
    numbers = None if column.numbers is None else column.numbers[keep]
    code = None if column.code is None else column.code[keep]
    return PlaceColumn("", column.rows[keep], numbers, code, column.words, column.place[keep], column.names)


def _coded(values: Sequence[str]) -> tuple[Int32, list[str]]:
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(known.__getitem__, values), np.int32, len(values)), list(known)


def shown(column: FieldColumn, at: int) -> str:
    """What people call the field or the place of value number `at` of a column."""
    if not isinstance(column, PlaceColumn):
        return column.name
    name = column.names[int(column.place[at])]
    return _TOLD[name[-1]].format(name[:-1]) if name[-1:] in _TOLD else name
