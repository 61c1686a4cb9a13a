"""Series through the detectors of single series, all of them in rounds: point k of every series, then k + 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.bank import SeriesDetectors
from logwatch.types import Float32, Float64, Int32, Int64

SECOND = 1_000_000_000


class Series(NamedTuple):
    """A series as recorded."""

    name: str
    time: Int64  # [n] s, UTC
    value: Float64  # [n]


class Heard(NamedTuple):
    """What was said of a series."""

    nats: Float32  # [n, detectors]
    combined: Float32  # [n]
    news: Float32  # [n]
    expected: Float64  # [n]


def table_of(count: int, columns: Sequence[tuple[Any, ...]] = SeriesDetectors.FIELDS.dtype) -> KeyTable:
    """A table with a row for each of `count` series: slots 0 … count - 1."""
    table = KeyTable(columns, max(count, 1))
    numbers = np.arange(count, dtype=np.int32)
    table.assign(np.zeros(count, np.int32), numbers, [None] * count)
    return table


def points_of(slots: Int32, time: Int64, value: Float64) -> Points:
    """Points [n] of series; time in ns."""
    step, at = np.full(len(slots), 300 * SECOND), np.zeros(len(slots), np.int64)
    return Points(np.zeros(len(slots), np.int32), slots, slots, time, step, value, at, at + 1)


def rounds(series: Sequence[Series]) -> Iterator[Points]:
    """Round k holds the k-th point of every series that has one."""
    order = sorted(range(len(series)), key=lambda slot: -len(series[slot].time))
    longest = len(series[order[0]].time)
    lengths = np.array([len(series[slot].time) for slot in order])
    times, values = np.zeros((longest, len(series)), np.int64), np.zeros((longest, len(series)))
    for column, slot in enumerate(order):
        times[: lengths[column], column] = series[slot].time * SECOND
        values[: lengths[column], column] = series[slot].value
    slots = np.array(order, np.int32)
    for k in range(longest):
        among = int(np.count_nonzero(lengths > k))
        yield points_of(slots[:among], times[k, :among], values[k, :among])


def listen(series: Sequence[Series]) -> list[Heard]:
    """Every series scored from its beginning."""
    detectors = SeriesDetectors(table_of(len(series)))
    said: list[list[tuple[Any, ...]]] = [[] for _ in series]
    for points in rounds(series):
        scores = detectors.score(points)
        columns = zip(points.slot.tolist(), scores.nats, scores.combined, scores.news, scores.expected, strict=True)
        for slot, *one in columns:
            said[slot].append(tuple(one))
    return [Heard(*map(np.array, zip(*one, strict=True))) for one in said]
