"""Values in the text of lines, each named by the word before it: `status=42`, `took 12 ms`, `queue: 1, 2, 3`.

A place has a name and no template, so nothing changes where templates merge. Durations are read in seconds and sizes in
bytes. Of a list of numbers the length is read: a place of its own, which a single number behind `:` fills with 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwatch.types import FieldColumn, Int32, Int64

SEEN = 1_000
"""Characters of a line that are looked at."""

MOST = 32
"""Values of a line that are looked at."""

LIST = "\x00"
"""Ends the name of a place whose numbers are lengths of a list."""

_END = r"(?=$|[\s,;)\]}>\"'|]|[.:](?:\s|$))"
_NUMBER = r"[-+]?+\d{1,15}+(?:\.\d{1,9}+)?+"
_SCALE = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0,
    **{f"{power}{unit}": 1024.0**i for i, power in enumerate("KMGT", 1) for unit in ("B", "iB")}, "kB": 1024.0,
}  # fmt: skip
_UNITS = rf" ?+(?:{'|'.join(_SCALE)}|B|%){_END}"
# Possessive and bounded: linear.
_VALUE = re.compile(
    r"(?<![\w./@:-])([A-Za-z_$][\w./-]{0,31}+)(?:"
    rf"( ?+[=:] ?+|=\"| |[(\[])({_NUMBER})({_UNITS})?+{_END}((?:, ?+{_NUMBER}(?:{_UNITS})?+{_END}){{0,64}}+)"
    rf"|=\"?+([A-Za-z][\w.@/+-]{{0,63}}+){_END})"
)
_DIGITS = str.maketrans("123456789", "000000000")


@dataclass(slots=True)
class PlaceColumn(FieldColumn):
    """Values of many places: rows ascend, and may repeat; the column itself has no name."""

    place: Int32  # [k] index into `names`
    names: list[str]  # [p] all different


def placed(texts: Sequence[str], rows: Int64, fields: Sequence[FieldColumn] = ()) -> list[PlaceColumn]:
    """What stands in these rows of a batch: a column of numbers and one of words, where there are any.

    Args:
        texts: of the whole batch.
        rows: ascending.
        fields: of the batch; what a row has as a field is no place of it.
    """
    numbers: list[tuple[int, str, float]] = []
    words: list[tuple[int, str, str]] = []
    for row in rows.tolist():
        for name, between, number, unit, more, word in _VALUE.findall(texts[row][:SEEN])[:MOST]:
            place = name.translate(_DIGITS)
            if word:
                words.append((row, place, word))
            elif more:
                numbers.append((row, place + LIST, 1.0 + more.count(",")))
            else:
                numbers.append((row, place, float(number) * _SCALE.get(unit.lstrip(), 1.0)))
                if ":" in between:
                    numbers.append((row, place + LIST, 1.0))
    columns = [_column(found) for found in (numbers, words) if found]
    columns = [_without(column, fields) for column in columns] if fields else columns
    return [column for column in columns if len(column.rows)]


def _column(found: Sequence[tuple[int, str, Any]]) -> PlaceColumn:
    rows, names, values = zip(*found, strict=True)
    place, known = _coded(names)
    if isinstance(values[0], float):
        return PlaceColumn("", np.array(rows, np.int32), np.array(values), None, None, place, known)
    return PlaceColumn("", np.array(rows, np.int32), None, *_coded(values), place, known)


def _without(column: PlaceColumn, fields: Sequence[FieldColumn]) -> PlaceColumn:
    """The column without what its rows have as fields."""
    told: dict[str, list[Int32]] = {}
    for field in fields:
        told.setdefault(field.name.translate(_DIGITS), []).append(field.rows)
    keep = np.ones(len(column.rows), dtype=np.bool_)
    for place, name in enumerate(column.names):
        for rows in told.get(name.removesuffix(LIST), ()):
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
    return f"length of {name.removesuffix(LIST)}" if name.endswith(LIST) else name
