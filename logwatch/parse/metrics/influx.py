"""InfluxDB's line protocol: `measurement,tag=value field=1.5,other=3i 1700000000000000000`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from logwatch.parse.metrics.gathered import Gathered
from logwatch.parse.metrics.memory import Remembered
from logwatch.parse.metrics.moments import Spelled
from logwatch.parse.metrics.names import named, of_field
from logwatch.samples import SampleKind

_FLAGS = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0
)
_HEAD = re.compile(r"(?:[^\\ ]|\\.)+", re.DOTALL)
_FIELD = re.compile(r'((?:[^\\=, ]|\\.)+)=("(?:[^"\\]|\\.)*"|[^", ]+)', re.DOTALL)
_COMMA = re.compile(r"((?:[^\\,]|\\.)*),?", re.DOTALL)
_EQUALS = re.compile(r"((?:[^\\=]|\\.)+)=(.+)", re.DOTALL)
_ESCAPED = re.compile(r"\\([,= ])")
_TIME = re.compile(r"[+-]?\d{1,19}", re.ASCII)

Cut = tuple[str, list[tuple[str, str]], str]
"""Measurement with tags, fields with what stands after the mark of equality, and the time or nothing."""


def read(lines: Sequence[str], rows: Sequence[int], known: Remembered, times: Spelled, out: Gathered) -> None:
    """Samples of the lines [n] of one stream.

    Args:
        lines: without line ends.
        rows: of the lines, in the batch.
        known: of the stream.
        times: of its zone.
        out: takes the samples and the rows that failed.
    """
    heads: dict[str, _Head] = {}
    series: list[int] = []
    row_of: list[int] = []
    when: list[int] = []
    values: list[float] = []
    for line, row in zip(lines, rows, strict=True):
        cut = split(line)
        if cut is None:
            if line.strip() and not line.startswith("#"):
                out.fail(row, "not_influx")
            continue
        text, fields, time = cut
        head = heads.get(text)
        if head is None:
            head = heads[text] = _Head(text, known, out)
        moment = times[time]
        for field, spelled in fields:
            value = value_of(spelled)
            number = -1 if value is None else head[field]
            if number >= 0 and value is not None:
                series.append(number)
                row_of.append(row)
                when.append(moment)
                values.append(value)
            elif value is not None or not spelled.startswith('"') or head.is_measured(field):
                out.fail(row, "not_a_number" if value is None else "long_name")
    out.add(series, row_of, when, values)


class _Head(dict[str, int]):
    """Numbers of the series of one measurement and its tags, by field; -1: no name."""

    def __init__(self, text: str, known: Remembered, out: Gathered) -> None:
        super().__init__()
        self._known, self._out = known, out
        parts = text.split(",") if "\\" not in text else [part for part in _COMMA.findall(text) if part]
        self._measurement = plain(parts[0])
        pairs = [part.partition("=") if "\\" not in part else _pair(part) for part in parts[1:]]
        self._labels = [(plain(tag), plain(value)) for tag, _, value in pairs]

    def __missing__(self, field: str) -> int:
        name = of_field(self._measurement, plain(field))
        series = named(name, self._labels)
        if series is not None:
            self._known.learn(name)
        number = self[field] = -1 if series is None else self._out.number(series, SampleKind.UNKNOWN)
        return number

    def is_measured(self, field: str) -> bool:
        """Whether the field had a number before."""
        return self._known.is_measured(of_field(self._measurement, plain(field)))


def split(line: str) -> Cut | None:
    """The parts of a line; None where it is not of the protocol."""
    if "\\" in line or '"' in line:
        return _careful(line)
    parts = line.split(" ")
    if "" in parts:
        parts = [part for part in parts if part]
    if not 2 <= len(parts) <= 3 or line[0] in "#," or (len(parts) == 3 and _TIME.fullmatch(parts[2]) is None):
        return None
    fields = []
    for one in parts[1].split(","):
        field, _, value = one.partition("=")
        if not field or not value:
            return None
        fields.append((field, value))
    return parts[0], fields, parts[2] if len(parts) == 3 else ""


def _careful(line: str) -> Cut | None:
    """The same where something is quoted or escaped."""
    head = _HEAD.match(line)
    if head is None or line[0] in "#,":
        return None
    at = head.end()
    fields: list[tuple[str, str]] = []
    while at < len(line) and line[at] == ("," if fields else " "):
        field = _FIELD.match(line, at + 1)
        if field is None:
            break
        fields.append((field[1], field[2]))
        at = field.end()
    time = line[at:].strip()
    if not fields or (time and (line[at] != " " or _TIME.fullmatch(time) is None)):
        return None
    return head[0], fields, time


def value_of(spelled: str) -> float | None:
    """The number of a field; None for text, and for what is nothing of the protocol."""
    try:
        return float(spelled)
    except ValueError:
        pass
    if spelled[-1] in "iu":
        digits = spelled[:-1]
        return float(digits) if len(digits) <= 20 and digits.lstrip("+-").isdecimal() else None
    return _FLAGS.get(spelled)


def _pair(text: str) -> tuple[str, str, str]:
    match = _EQUALS.fullmatch(text)
    return (match[1], "=", match[2]) if match else (text, "", "")


def plain(text: str) -> str:
    """Without the escapes of names and tags."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
