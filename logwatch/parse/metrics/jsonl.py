"""Metrics as JSON lines: long, wide, Telegraf's, OTLP's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from logwatch.parse.formats import jsonlines
from logwatch.parse.metrics import otlp, words
from logwatch.parse.metrics.gathered import Gathered
from logwatch.parse.metrics.memory import Remembered
from logwatch.parse.metrics.moments import Spelled
from logwatch.parse.metrics.names import labels_of, named, of_field, series_of, spelled, texts
from logwatch.parse.metrics.values import number
from logwatch.samples import SampleKind

Labels = tuple[tuple[str, str], ...]
_KINDS = {"counter": SampleKind.COUNTER, "gauge": SampleKind.GAUGE, "delta": SampleKind.DELTA}
_NO_MOMENT = "no time"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the fields of a record are for, told by their names."""

    time: str | None
    name: str | None
    value: str | None
    labels: str | None
    kind: str | None
    extra: tuple[str, ...]  # fields that are labels themselves
    rest: tuple[str, ...]  # all the others

    @staticmethod
    def of(fields: Iterable[str]) -> Shape:
        """The shape of records with these fields."""
        roles: dict[str, str] = {}
        extra, rest = [], []
        wanted = (("time", words.TIME), ("name", words.NAME), ("value", words.VALUE), ("labels", words.LABELS),
                  ("kind", words.KIND))  # fmt: skip
        for field in fields:
            low = field.lower()
            role = next((role for role, usual in wanted if low in usual and role not in roles), None)
            if role is not None:
                roles[role] = field
            elif low in words.LABEL:
                extra.append(field)
            elif low not in words.TRUTH:
                rest.append(field)
        of = roles.get
        return Shape(of("time"), of("name"), of("value"), of("labels"), of("kind"), tuple(extra), tuple(rest))

    def measured(self) -> tuple[str, ...]:
        """Fields of a flat record that may be measured."""
        return self.rest if self.value is None else (*self.rest, self.value)


def read(lines: list[bytes], rows: Sequence[int], known: Remembered, times: Spelled, out: Gathered) -> None:
    """Samples of the records [n] of one stream; arguments as those of `influx.read`."""
    reader = _Reader(known, times, out)
    for record, row, line in zip(jsonlines.read(lines), rows, lines, strict=True):
        if record is None:
            if line.strip():
                out.fail(row, "not_json")
            continue
        before = len(reader.series)
        reader.row_now = row
        reader.record(record)
        reader.row.extend([row] * (len(reader.series) - before))
        if len(reader.series) == before:
            out.fail(row, "not_metrics")
    out.add(reader.series, reader.row, reader.when, reader.value)


class _Names(dict[str, int]):
    """Numbers of the series of records with the same labels, by field; -1: no name."""

    def __init__(self, measurement: str | None, labels: Labels, known: Remembered, out: Gathered) -> None:
        super().__init__()
        self._measurement, self._labels, self._known, self._out = measurement, labels, known, out

    def __missing__(self, field: str) -> int:
        own: Labels = ()
        name = self._name(field)
        if self._measurement is None:
            series = series_of(field)
            name, own = series if series is not None else ("", own)
        found = named(name, (*self._labels, *own))
        self._known.learn(self._name(field))
        number = self[field] = -1 if found is None else self._out.number(found, SampleKind.UNKNOWN)
        return number

    def is_measured(self, field: str) -> bool:
        """Whether the field had a number before."""
        return self._known.is_measured(self._name(field))

    def _name(self, field: str) -> str:
        return field if self._measurement is None else of_field(self._measurement, field)


class _Reader:
    """The samples of one stream, by column."""

    def __init__(self, known: Remembered, times: Spelled, out: Gathered) -> None:
        self.series: list[int] = []
        self.row: list[int] = []
        self.when: list[int] = []
        self.value: list[float] = []
        self.row_now = 0
        self._known, self._times, self._out = known, times, out
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._single: dict[tuple[str, SampleKind, Labels], int] = {}
        self._names: dict[tuple[str | None, Labels], _Names] = {}

    def record(self, record: dict[str, Any], when: int = 0, labels: Labels = (), inner: bool = False) -> None:
        """One record; what stands in a list has the time and the labels of what is around it, where it has no own."""
        if "resourceMetrics" in record:
            for point in otlp.points(record):
                self._one(point.name, point.kind, point.labels, self._moment(point.time), point.value)
            return
        fields = tuple(record)
        shape = self._shapes.get(fields)
        if shape is None:
            shape = self._shapes[fields] = Shape.of(fields)
        if shape.time is not None:
            when = self._moment(record[shape.time])
        if shape.labels is not None or shape.extra:
            labels = labels + self._labels(record, shape)
        metrics = record.get("metrics")
        if type(metrics) is list and not inner:
            for one in metrics:
                if type(one) is dict:
                    self.record(one, when, labels, inner=True)
        elif type(metrics) is dict:
            self._many(self._of(None, labels), metrics.items(), when, declared=True)
        elif type(record.get("fields")) is dict and shape.name is not None:
            self._many(self._of(str(record[shape.name]), labels), record["fields"].items(), when)
        elif shape.name is not None and shape.value is not None:
            kind = SampleKind.UNKNOWN if shape.kind is None else _kind(record[shape.kind])
            self._one(record[shape.name], kind, labels, when, number(record[shape.value]))
        elif not is_log(record):
            if shape.name is not None and type(record[shape.name]) is str:
                labels = (*labels, (shape.name, record[shape.name]))
            self._many(self._of(None, labels), ((name, record[name]) for name in shape.measured()), when)

    def _one(self, name: Any, kind: SampleKind, labels: Labels, when: int, value: float | None) -> None:
        """One sample."""
        if type(name) is not str:
            self._fail("not_metrics")
            return
        key = (name, kind, labels)
        number = self._single.get(key)
        if number is None:
            own = series_of(name) if name.endswith("}") else None
            series = named(own.name, (*labels, *own.labels)) if own is not None else named(name, labels)
            number = self._single[key] = -1 if series is None else self._out.number(series, kind)
        if number < 0 or value is None:
            self._fail("long_name" if number < 0 else "not_a_number")
            return
        self.series.append(number)
        self.when.append(when)
        self.value.append(value)

    def _many(self, names: _Names, fields: Iterable[tuple[str, Any]], when: int, declared: bool = False) -> None:
        """Samples of fields; text is a fault where only numbers are declared, or where a number was before."""
        for field, told in fields:
            value = told if type(told) is float else number(told)
            if value is None or (value != value and type(told) is not float):
                if not declared and not names.is_measured(field):
                    continue
                if value is None:
                    self._fail("not_a_number")
                    continue
            series = names[field]
            if series < 0:
                self._fail("long_name")
                continue
            self.series.append(series)
            self.when.append(when)
            self.value.append(value)

    def _of(self, measurement: str | None, labels: Labels) -> _Names:
        names = self._names.get((measurement, labels))
        if names is None:
            names = self._names[measurement, labels] = _Names(measurement, labels, self._known, self._out)
        return names

    def _labels(self, record: dict[str, Any], shape: Shape) -> Labels:
        told = None if shape.labels is None else record[shape.labels]
        found = labels_in(told)
        if found is None:
            self._fail("not_labels")
            found = ()
        if shape.extra:
            found += tuple(texts({name: record[name] for name in shape.extra}))
        return found

    def _moment(self, told: Any) -> int:
        kind = type(told)
        if kind is str or kind is int:
            return self._times[told]
        if told is None:
            return 0
        return self._times[told if kind is float and math.isfinite(told) else _NO_MOMENT]

    def _fail(self, reason: str) -> None:
        self._out.fail(self.row_now, reason)


def _kind(told: Any) -> SampleKind:
    return _KINDS.get(told.lower(), SampleKind.UNKNOWN) if type(told) is str else SampleKind.UNKNOWN


def labels_in(told: Any) -> Labels | None:
    """Labels of an object, a text, or a list of `k:v`; None where it is none of these."""
    if type(told) is dict:
        if set(map(type, told.values())) == {str}:
            return tuple(told.items())
        return tuple(texts(told))
    if type(told) is str:
        return labels_of(told)
    if type(told) is list:
        return tuple(
            (name, value or "true") for name, _, value in (spelled(one).strip('"').partition(":") for one in told)
        )
    return () if told is None else None


def is_log(record: dict[str, Any]) -> bool:
    """Whether a record has text where the lines of a log have theirs."""
    return any(
        type(value) is str and number(value) is None and name.lower() in words.LOG for name, value in record.items()
    )
