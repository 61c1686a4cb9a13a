"""Streams of samples as bad as they come, and series that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.samples import Points, SampleKind, Samples, SeriesName
from logwatch.score.keys import KeyTable
from logwatch.score.series.news import News
from logwatch.score.series.passage import Where
from logwatch.score.series.series import COLUMNS, Series
from logwatch.types import NO_TIME

SECOND = 10**9
START = 1_700_000_000 * SECOND
DAY = 86_400 * SECOND


def a_series(
    most: int = 10_000, capacity: int = 10_000, fetch: Any = None, ttl: int = 7 * DAY, lateness: int = 5 * SECOND
) -> Series:
    """Nothing seen yet."""
    return Series(KeyTable(COLUMNS, capacity, fetch, ttl), most, lateness, ttl)


@dataclass
class Stream:
    """Samples of records; a record is all samples of one row."""

    names: list[SeriesName]
    kind: NDArray[Any]
    series: NDArray[Any]
    row: NDArray[Any]
    time: NDArray[Any]
    value: NDArray[Any]
    source: NDArray[Any]  # by row
    stream: NDArray[Any]  # by row

    def part(self, begin: int, end: int) -> tuple[Samples, NDArray[Any], Where]:
        """Rows from begin to end, as `Series.points` takes them."""
        a, b = np.searchsorted(self.row, (begin, end)).tolist()
        used, series = np.unique(self.series[a:b], return_inverse=True)
        samples = Samples(
            [self.names[one] for one in used.tolist()],
            self.kind[used].astype(np.uint8),
            series.astype(np.int32),
            (self.row[a:b] - begin).astype(np.int32),
            self.time[a:b],
            self.value[a:b],
        )
        place = np.arange(begin, end)
        where = Where(
            self.source[begin:end].astype(np.int32), self.stream[begin:end].astype(np.int32), place * 10, place * 10 + 9
        )
        return samples, self.high()[a:b], where

    def high(self) -> NDArray[Any]:
        """Largest time of the source up to each sample."""
        high = np.full(len(self.row), NO_TIME)
        for source in np.unique(self.source):
            mine = self.source[self.row] == source
            high[mine] = np.maximum.accumulate(self.time[mine])
        return high


def regular(values: Iterable[float], name: str = "a", step: float = 10.0, kind: int = SampleKind.GAUGE) -> Stream:
    """One series, a sample a record."""
    value = np.array(list(values), float)
    n = len(value)
    time = START + (np.arange(1, n + 1) * step * SECOND).astype(np.int64)
    zero = np.zeros(n, np.int64)
    return Stream([SeriesName(name)], np.array([kind]), zero, np.arange(n), time, value, zero, zero.copy())


def records(samples: list[tuple[str, float, float]], kinds: dict[str, int] | None = None, rows: int = 0) -> Stream:
    """Samples (name, seconds, value), each a record of its own; or `rows` of as many samples each."""
    names = list(dict.fromkeys(name for name, _, _ in samples))
    n = len(samples)
    row = np.arange(n) // (n // rows) if rows else np.arange(n)
    zero = np.zeros(row[-1] + 1, np.int64)
    return Stream(
        [as_name(name) for name in names],
        np.array([(kinds or {}).get(name, SampleKind.GAUGE) for name in names]),
        np.array([names.index(name) for name, _, _ in samples]),
        row,
        np.array([START + round(at * SECOND) for _, at, _ in samples]),
        np.array([value for _, _, value in samples]),
        zero,
        zero.copy(),
    )


def as_name(text: str) -> SeriesName:
    """`a|x=1|y=2` as a name with labels."""
    name, *labels = text.split("|")
    return SeriesName(name, tuple(tuple(label.split("=")) for label in labels))


def run(series: Series, stream: Stream, splits: Iterable[int] = ()) -> Points:
    """Points of a stream, given in parts that end before the rows `splits`."""
    ends = sorted({0, *splits, len(stream.source)})
    return joined([series.points(*stream.part(a, b)) for a, b in pairwise(ends)])


def joined(parts: list[Any], kind: Any = Points) -> Any:
    """Points or news, one after the other."""
    return kind(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(kind)))


def same(one: Points | News, other: Points | News) -> None:
    """They are equal, bit by bit."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert a.dtype == b.dtype, field.name
        np.testing.assert_array_equal(a, b, err_msg=field.name, strict=True)


class Stored(dict[str, bytes]):
    """Cells of one component."""

    def write(self, changes: Iterable[tuple[str, bytes | None]]) -> None:
        for name, cell in changes:
            if cell is None:
                self.pop(name, None)
            else:
                self[name] = cell


def wild(seed: int, rows: int) -> Stream:
    """Sources whose series are irregular, late, out of order, gone, doubled, absurd, of every kind."""
    rng = np.random.default_rng(seed)
    names: list[SeriesName] = []
    kinds: list[int] = []
    for one in range(int(rng.integers(3, 9))):
        names.append(SeriesName(f"s{one}", (("pod", str(one % 2)),)))
        kinds.append(int(rng.choice([0, 0, 1, 2, 4])))
    names.append(SeriesName("requests_total"))
    kinds.append(SampleKind.UNKNOWN)
    plain = len(names)
    for bound in ("0.1", "1", "10", "+Inf"):
        names.append(SeriesName("took_bucket", (("code", "200"), ("le", bound))))
        kinds.append(SampleKind.BUCKET)
    names += [SeriesName("took_sum", (("code", "200"),)), SeriesName("took_count", (("code", "200"),))]
    kinds += [SampleKind.COUNTER] * 2
    step = rng.choice([1, 7, 10, 60], plain)
    offset, level = rng.integers(0, 3, plain), np.zeros(len(names))
    columns: list[tuple[int, int, int, float]] = []
    now = 0.0
    for row in range(rows):
        now += float(rng.choice([0.0, 1.0, 5.0, 10.0, 60.0, 900.0], p=[0.1, 0.3, 0.2, 0.3, 0.08, 0.02]))
        columns += list(_record(rng, row, now, step, offset, level, plain))
    series, row_of, time, value = (np.array(column) for column in zip(*columns, strict=True))
    source = rng.integers(0, 2, rows)
    stream = source * 2 + (rng.random(rows) < 0.05)
    at = START + (time * SECOND).astype(np.int64)
    at[rng.random(len(at)) < 0.01] = NO_TIME
    return Stream(names, np.array(kinds), series, row_of, at, value, source, stream)


def _record(
    rng: np.random.Generator, row: int, now: float, step: Any, offset: Any, level: Any, plain: int
) -> Iterator[tuple[int, int, float, float]]:
    """Samples of one record (series, row, seconds, value)."""
    if rng.random() < 0.1:
        level[:] = 0  # counters begin anew
    level += rng.integers(0, 5, len(level))
    for one in rng.permutation(plain)[: rng.integers(1, plain + 1)].tolist():
        late = float(rng.choice([0, 0, 0, 3, 40, 500])) if rng.random() < 0.2 else 0.0
        value = float(rng.choice([np.nan, np.inf, 1e308, -1e308])) if rng.random() < 0.01 else level[one]
        yield one, row, now // step[one] * step[one] + offset[one] - late, value + (rng.random() < 0.3)
        if rng.random() < 0.05:
            yield one, row, now, value
    if rng.random() < 0.4:
        seen = np.cumsum(level[plain : plain + 4])
        for one in range(4 if rng.random() < 0.95 else 3):
            yield plain + one, row, now, float(seen[one])
        if rng.random() < 0.7:
            yield plain + 4, row, now, float(level[plain] * 3)
            yield plain + 5, row, now, float(seen[3])
