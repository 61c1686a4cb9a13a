"""Counts become rates per second: readings of samples, in the order of their series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.samples import SampleKind
from logwatch.score.grouped import gather, scatter
from logwatch.score.series.segments import Segments
from logwatch.types import NO_TIME, Bool, Float64, Int32, Int64, UInt8

RATE: tuple[tuple[Any, ...], ...] = (
    ("value", "f8"),  # latest count
    ("time", "i8"),  # of it, ns
    ("stream", "i4"),  # that brought it
    ("steady", "i2"),  # values of unknown kind that did not fall so far
    ("rose", "i2"),  # those of them that rose
    ("kind", "u1"),  # of Found
    ("known", "u1"),  # value, time and stream are there
)
"""Columns of a series."""

STEADY = 1024
"""Values of unknown kind that must not fall, half of them rising, before they are taken for a counter's. Conservative:
whatever does so is better watched by its rate, since its level is always new."""

UNDECIDED, IS_GAUGE, IS_COUNTER = 0, 1, 2
HUGE = 1e19
"""Larger magnitudes are cut: the square still fits into float32."""


@dataclass(slots=True)
class Readings:
    """Values [n] of series, each series' together and in the order of the stream."""

    at: Int64  # [n] ascending number of the series among those at work
    time: Int64  # [n] ns
    value: Float64  # [n] NaN: there was a sample, but it has no value
    row: Int64  # [n] of the record in its batch
    mark: Int64  # [n] watermark of the source before the record, ns

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: NDArray[Any]) -> Readings:
        """Some of them."""
        return Readings(self.at[rows], self.time[rows], self.value[rows], self.row[rows], self.mark[rows])

    @staticmethod
    def joined(parts: list[Readings]) -> Readings:
        """Readings of the parts, each series' in the order of the parts."""
        parts = [part for part in parts if len(part)]
        if len(parts) == 1:
            return parts[0]
        none = np.zeros(0, np.int64)
        at, time, value, row, mark = (
            np.concatenate([none.astype(kind), *(getattr(part, name) for part in parts)])
            for name, kind in (("at", "i8"), ("time", "i8"), ("value", "f8"), ("row", "i8"), ("mark", "i8"))
        )
        return Readings(at, time, value, row, mark).take(np.argsort(at, kind="stable"))


class Increase(NamedTuple):
    """What counts rose by."""

    amount: Float64  # [n] NaN: nothing to compare with
    seconds: Float64  # [n] since the count before
    ordered: Bool  # [n] later than all before; the others have nothing to say


def increases(read: Readings, stream: Int32, delta: Bool, state: NDArray[Any], resets: Bool | None = None) -> Increase:
    """Increase [n] since the count before of the same series and stream; counts since a start may begin anew, at 0.

    Args:
        delta: [n] the values are increases already.
        state: [series at work] of dtype RATE; is brought up to date.
        resets: [n] set where a count began anew.
    """
    segments = Segments(read.at)
    before = gather(state, segments.key)
    latest = np.where(before["known"] > 0, before["time"], NO_TIME)
    ordered = read.time > segments.most_before(read.time, latest)
    amount, seconds = np.full(len(read), np.nan), np.full(len(read), np.nan)
    rows = np.flatnonzero(ordered)
    if not len(rows):
        return Increase(amount, seconds, ordered)
    kept = Segments(read.at[rows])
    before = gather(state, kept.key)
    value, time, whose = read.value[rows], read.time[rows], stream[rows]
    was = kept.before(value, before["value"])
    since = kept.before(time, before["time"])
    same = kept.before(whose, np.where(before["known"] > 0, before["stream"], -1)) == whose
    anew = (value < was) & ~delta[rows] & same
    with np.errstate(over="ignore", invalid="ignore"):
        rise = np.where(delta[rows], value, np.where(anew, value, value - was))
    amount[rows] = np.where(same, rise, np.nan)
    seconds[rows] = np.where(same, (time - np.where(same, since, 0)) / 1e9, np.nan)
    if resets is not None:
        resets[rows] = anew
    last = kept.end - 1
    for name, column in (("value", value), ("time", time), ("stream", whose)):
        before[name] = column[last]
    before["known"] = 1
    scatter(state, kept.key, before)
    return Increase(amount, seconds, ordered)


class Rated(NamedTuple):
    """What samples say."""

    readings: Readings  # of those that say something
    late: int  # counts that came after later ones
    resets: int  # counters that began anew
    turned: Int64  # [t] rows of the samples that make a counter of a series, or show that it is none


def rated(read: Readings, kind: UInt8, stream: Int32, state: NDArray[Any]) -> Rated:
    """Readings of samples: gauges as they are, counts as rates per second.

    Args:
        kind: [n] of SampleKind, no BUCKET.
        state: [series at work] of dtype RATE; is brought up to date.
    """
    parts, turned = [], []
    late = resets = 0
    todo = np.arange(len(read))
    while len(todo):  # again where a series of unknown kind was found out; that happens twice in its life at most
        some = read.take(todo)
        now, found = _undecided(some, kind[todo], state)
        rows, rest = todo[now], todo[~now]
        effective = _effective(read.at[rows], kind[rows], state)
        part, behind, anew = _values(read.take(rows), effective, stream[rows], state)
        keep = ~behind
        parts.append((rows[keep], part[keep]))
        late, resets = late + int(np.count_nonzero(behind)), resets + anew
        _decide(found, some, stream[todo], state)
        turned.append(todo[:0] if found is None else todo[found.turned])
        todo = rest
    rows = np.concatenate([rows for rows, _ in parts]) if parts else todo
    value = np.concatenate([value for _, value in parts]) if parts else np.zeros(0)
    if len(parts) > 1:
        order = np.argsort(rows)
        rows, value = rows[order], value[order]
    readings = read if len(rows) == len(read) else read.take(rows)
    readings.value = value
    return Rated(readings, late, resets, np.concatenate(turned) if turned else todo)


def _effective(at: Int64, kind: UInt8, state: NDArray[Any]) -> UInt8:
    unknown = kind == SampleKind.UNKNOWN
    if not unknown.any():
        return kind
    counter = state["kind"][at] == IS_COUNTER
    taken = np.where(counter, np.uint8(SampleKind.COUNTER), np.uint8(SampleKind.GAUGE))
    return np.where(unknown, taken, kind)


def _values(read: Readings, kind: UInt8, stream: Int32, state: NDArray[Any]) -> tuple[Float64, Bool, int]:
    """Values [n], which of them came too late to count, and how many counters began anew."""
    counted = kind != SampleKind.GAUGE
    value, behind = read.value, np.zeros(len(read), np.bool_)
    resets = np.zeros(0, np.bool_)
    if counted.any():
        rows = slice(None) if counted.all() else np.flatnonzero(counted)
        some = read if isinstance(rows, slice) else read.take(rows)
        resets = np.zeros(len(some), np.bool_)
        rise = increases(some, stream[rows], kind[rows] == SampleKind.DELTA, state, resets)
        value = value.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            value[rows] = rise.amount / rise.seconds
        behind[rows] = ~rise.ordered
    return np.clip(value, -HUGE, HUGE), behind, int(np.count_nonzero(resets))


class _Found(NamedTuple):
    """What is known of series of unknown kind, after the samples that are taken now."""

    series: Int64  # [u]
    steady: Int64  # [u]
    rose: Int64  # [u]
    last: Int64  # [u] row of the latest sample; -1 where another part of the state knows it
    kind: UInt8  # [u]
    turned: Int64  # [t] rows of the samples that make a counter of a series, or show that it is none


def _undecided(read: Readings, kind: UInt8, state: NDArray[Any]) -> tuple[Bool, _Found | None]:
    """Which samples come before their series is found to be something else [n], and what it is then."""
    now = np.ones(len(read), np.bool_)
    unknown = kind == SampleKind.UNKNOWN
    if not unknown.any() or not (unknown := unknown & (state["kind"][read.at] != IS_GAUGE)).any():
        return now, None
    everything = Segments(read.at)
    was = gather(state, everything.key)
    latest = np.where(was["known"] > 0, was["time"], NO_TIME)
    rows = np.flatnonzero(unknown & (read.time > everything.most_before(read.time, latest)))
    if not len(rows):
        return now, None
    kept = Segments(read.at[rows])
    was, value, last = state[kept.key], read.value[rows], kept.end - 1
    before = kept.before(value, np.where(was["known"] > 0, was["value"], np.nan))
    counter = was["kind"] == IS_COUNTER
    fell = (value < before) & (~counter[kept.of] | (value > before / 2))  # a counter begins anew near 0
    steady = was["steady"][kept.of] + np.arange(len(rows)) - kept.begin[kept.of] + 1
    rises = np.cumsum(value > before)
    rose = was["rose"][kept.of] + rises - (rises - (value > before))[kept.begin][kept.of]
    cut = kept.first(fell | (~counter[kept.of] & (steady >= STEADY)))
    at = np.minimum(cut, last)
    decided = cut < kept.end
    rising = ~fell[at] & (2 * rose[at] >= steady[at])
    became = np.where(decided, np.where(rising, IS_COUNTER, IS_GAUGE), was["kind"])
    turns = np.full(len(state), len(read))  # from which sample on each series is something else
    switched = decided & (counter | rising)
    turns[kept.key[switched]] = (rows[at] + ~counter)[switched]
    now = np.arange(len(read)) < turns[read.at]
    last_known = np.where(counter, -1, rows[at])
    return now, _Found(kept.key, steady[at], rose[at], last_known, became.astype(np.uint8), rows[at[switched]])


def _decide(found: _Found | None, read: Readings, stream: Int32, state: NDArray[Any]) -> None:
    """Remember what was found."""
    if found is None:
        return
    rows = state[found.series]
    rows["kind"] = found.kind
    gauges = np.flatnonzero(found.last >= 0)
    last = found.last[gauges]
    for name, column in (("value", read.value), ("time", read.time), ("stream", stream)):
        rows[name][gauges] = column[last]
    rows["steady"][gauges], rows["rose"][gauges], rows["known"][gauges] = found.steady[gauges], found.rose[gauges], 1
    state[found.series] = rows
