"""Labels of a backtest: stretches of time, entities, or lines, as CSV with a header or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from logwatch.errors import DataError
from logwatch.sources.start import read_time

Form = Literal["intervals", "entities", "lines"]

COLUMNS: Mapping[Form, tuple[str, ...]] = {
    "intervals": ("source", "start", "end"),
    "entities": ("source", "entity", "label"),
    "lines": ("source", "line", "label"),
}
"""What each form must have; intervals may have a `kind`, too."""

LEAST = 0.5
"""Share of the labels that must be of the data; less, and they are of other data."""


class Interval(NamedTuple):
    """A stretch of time of a source in which something was wrong, half open, ns."""

    source: str
    start: int
    end: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """One file of labels; of its three parts one is filled."""

    form: Form
    intervals: tuple[Interval, ...] = ()
    entities: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # (source, entity) → anomalous
    lines: Mapping[tuple[str, int], bool] = field(default_factory=dict)  # (source, physical line from 1) → anomalous

    def __len__(self) -> int:
        return len(self.intervals) + len(self.entities) + len(self.lines)


def read_labels(path: Path) -> Labels:
    """Labels of a file; `.jsonl` is JSON lines, everything else CSV.

    Raises:
        DataError: it cannot be read, is of none of the three forms, or says two things of one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _json_rows(file) if path.suffix in (".jsonl", ".ndjson") else _csv_rows(file)
            labels = _labels(rows)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        forms = ", or ".join(",".join(columns) for columns in COLUMNS.values())
        raise DataError(f"{path}: {error}", f"labels are CSV with the columns {forms}; or JSON lines") from error
    if not len(labels):
        raise DataError(f"{path}: no label in it")
    return labels


def _csv_rows(file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(file)
    if not reader.fieldnames:
        raise ValueError("no header")
    _form(reader.fieldnames)
    for row in reader:
        yield reader.line_num, row


def _json_rows(file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            yield number, row


def _form(columns: Iterable[str]) -> Form:
    there = set(columns)
    found: list[Form] = [form for form, needed in COLUMNS.items() if there.issuperset(needed)]
    if not found:
        raise ValueError(f"its columns are {', '.join(map(repr, columns))}")
    return found[0]


def _labels(rows: Iterator[tuple[int, Mapping[str, object]]]) -> Labels:
    form: Form = "intervals"
    intervals: dict[Interval, None] = {}
    told: dict[tuple[str, object], bool] = {}
    for count, (number, row) in enumerate(rows):
        form = _form(row) if count == 0 else form
        try:
            if form == "intervals":
                intervals[_interval(row)] = None
                continue
            thing: object = _text(row, "entity") if form == "entities" else int(_text(row, "line"))
            key = (_text(row, "source"), thing)
            label = _truth(row)
            if told.setdefault(key, label) != label:
                raise ValueError(f"{thing!r} has two labels")
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"line {number}: {error}") from error
    if form == "intervals":
        return Labels(form, tuple(intervals))
    entities = {(source, str(thing)): label for (source, thing), label in told.items()}
    lines = {(source, int(str(thing))): label for (source, thing), label in told.items() if form == "lines"}
    return Labels(form, (), entities if form == "entities" else {}, lines)


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None or value == "":
        raise ValueError(f"no {name}")
    return str(value)


def _truth(row: Mapping[str, object]) -> bool:
    value = row.get("label")
    said = str(int(value)) if isinstance(value, bool | float | int) else str(value)
    if said not in ("0", "1"):
        raise ValueError(f"label is {said!r}, neither 0 nor 1")
    return said == "1"


def _interval(row: Mapping[str, object]) -> Interval:
    start, end = read_time(_text(row, "start")), read_time(_text(row, "end"))
    if end <= start:
        raise ValueError("it ends before it begins")
    return Interval(_text(row, "source"), start, end, str(row.get("kind") or ""))
