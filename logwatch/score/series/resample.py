"""Irregular readings become points on a grid: one a step, the mean of what came in it.

The bin b of a series with step s is the time from (b - 1) s, exclusive, to b s. It is complete when a reading of a
later bin comes, or when the source's watermark passes its end, less the lag that the series is known to have. What
comes later is late, and dropped. A bin without readings becomes a point without a value, up to MISSING in a row: then
the series has vanished. One empty bin between readings less than 1.5 steps apart is only a matter of their jitter: it
takes the mean of its neighbours.

All works on the series of a batch at once, along time too: each reading opens its bin, and closes those before it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import gather, scatter
from logwatch.score.series.interval import LEARN, buffered, step_of, unfit
from logwatch.score.series.passage import FAR, Passage
from logwatch.score.series.rates import Readings
from logwatch.score.series.segments import Segments
from logwatch.types import Bool, Float64, Int32, Int64

MISSING = 60
"""Points without a value in a row, before a series has vanished."""

MOST_LAG = 2**60
"""Of a series behind its source, ns: 36 years."""

GRID: tuple[tuple[Any, ...], ...] = (
    ("step", "i8"),  # ns; 0 before it is known
    ("next", "i8"),  # first bin that is not complete
    ("filled", "i8"),  # latest bin with a reading; `next` where it is still open
    ("sum", "f8"),  # of the open bin
    ("count", "i4"),  # likewise
    ("odd", "i2"),  # intervals in a row that are too long for the step; negative: too short
    ("mode", "u1"),
    ("have", "u1"),  # readings in the buffer
    ("last", "i8"),  # latest time, ns
    ("value", "f8"),  # latest reading that was taken
    ("lag", "i8"),  # how far its readings lag behind the source's watermark at most, ns
    ("recent", "i8"),  # likewise in this chunk
    ("times", "i8", (LEARN,)),  # from which the step is learned
    ("values", "f8", (LEARN,)),
)
"""Columns of a series."""

NEVER = 2**62
"""A watermark beyond all times."""

NEW, RUNNING, AGAIN = 0, 1, 2


class Made(NamedTuple):
    """Points, or what happened to series."""

    at: Int64  # [n] of the series at work
    time: Int64  # [n] ns
    step: Int64  # [n] ns; 0 of what happened
    value: Float64  # [n]
    row: Int64  # [n] of the record that completed it; -1: the watermark alone


class Resampler:
    """The series that have readings in a batch, or that its watermarks concern.

    Args:
        state: [m] of dtype GRID; is brought up to date.
        source: [m] theirs.
        low: [m] row before which nothing of a series can be complete.
        passage: how the watermarks rose.
    """

    def __init__(self, state: NDArray[Any], source: Int32, low: Int64, passage: Passage) -> None:
        self.state, self.late = state, 0
        self.points: list[Made] = []
        self.vanished: list[Made] = []
        self.returned: list[Made] = []
        self._source, self._low, self._passage = source, low, passage

    def feed(self, read: Readings) -> None:
        """Take readings; again with those that come after a series gives up its step."""
        while len(read):
            read = self._run(self._learn(read))

    def close(self, watermark: Int64) -> None:
        """Complete what the sources' watermarks [m] have passed."""
        self._close(np.flatnonzero(due(self.state) <= watermark), watermark)

    def _learn(self, read: Readings) -> Readings:
        """Fill the buffers of series without a step; what is left, with buffers played back where the step is known."""
        new = self.state["mode"][read.at] != RUNNING
        if not new.any():
            return read
        part = read.take(new)
        everything = Segments(part.at)
        was = gather(self.state, everything.key)
        latest = np.where((was["mode"] == NEW) & (was["have"] == 0), FAR, was["last"])
        ordered = part.time > everything.most_before(part.time, latest)
        rows = np.flatnonzero(ordered)
        kept = Segments(part.at[rows])
        place = buffered(kept, self.state["have"][kept.key])
        full = np.full(len(self.state), len(part))
        done = rows[place == LEARN - 1]
        full[part.at[done]] = done
        after = np.arange(len(part)) > full[part.at]
        self.late += int(np.count_nonzero(~ordered & ~after))
        self._keep(part.take(rows[place < LEARN]), place[place < LEARN])
        played = self._begin(part.take(done))
        return Readings.joined([read.take(~new), played, part.take(after)])

    def _keep(self, part: Readings, place: Int64) -> None:
        state, segments = self.state, Segments(part.at)
        state["times"][part.at, place], state["values"][part.at, place] = part.time, part.value
        last = segments.end - 1
        state["have"][segments.key], state["last"][segments.key] = place[last] + 1, part.time[last]
        self._lag(segments, _lags(part))
        self._low[segments.key] = part.row[last]

    def _begin(self, done: Readings) -> Readings:
        """Series whose buffers are full run on a grid; returns what is in the buffers."""
        at = done.at
        some = self.state[at]
        times: Int64 = some["times"].copy()
        until = (some["next"] - 1) * some["step"]  # the end of its last point
        again = some["mode"] == AGAIN
        step = step_of(times)
        first = _bins(times[:, 0], step)
        some["next"] = np.where(again, np.maximum(first, until // step + 1), first)
        some["filled"] = some["next"] - 1
        some["last"], some["step"] = times[:, 0] - step, step
        some["mode"], some["have"], some["odd"], some["count"], some["sum"] = RUNNING, 0, 0, 0, 0.0
        self.state[at] = some
        mark = np.full(times.shape, FAR)
        mark[:, -1] = done.mark
        return Readings(
            np.repeat(at, LEARN), times.ravel(), some["values"].ravel(), np.repeat(done.row, LEARN), mark.ravel()
        )

    def _run(self, read: Readings) -> Readings:
        """Readings of series that have a step, up to where they give it up; returns those after that."""
        segments = Segments(read.at)
        cut = self._unfit(read, segments)
        if (cut == segments.end).all():
            self._take(read, segments)
            return Readings.joined([])
        now = np.arange(len(read)) < cut[segments.of]
        taken = read.take(now)
        self._take(taken, Segments(taken.at))
        self._give_up(read.take(cut[cut < segments.end]))
        return read.take(~now)

    def _unfit(self, read: Readings, segments: Segments) -> Int64:
        """First reading of each series since which its step fits no more; the end of the run: none."""
        state = self.state
        latest = segments.most_before(read.time, state["last"][segments.key])
        rows = np.flatnonzero(read.time > latest)
        if not len(rows):
            return segments.end
        kept = Segments(read.at[rows])
        step = self.state["step"][read.at[rows]]
        found, odd = unfit(kept, read.time[rows], latest[rows], step, self.state["odd"][kept.key], MISSING)
        self.state["odd"][kept.key] = odd
        cut = segments.end.copy()
        some = found < kept.end
        cut[np.searchsorted(segments.key, kept.key[some])] = rows[found[some]]
        return cut

    def _give_up(self, first: Readings) -> None:
        """Learn the step anew from these readings on, one a series."""
        state, at = self.state, first.at
        mark = np.full(len(state), FAR)
        mark[at] = first.mark
        self._close(at, mark)
        some = state[at]
        bins = some["next"]
        none = np.full(len(at), FAR)
        open_ = some["filled"] == bins
        self._emit(
            at, bins, bins + open_, none, some["lag"], some["filled"], _mean(some["sum"], some["count"]),
            np.full(len(at), np.nan), first.row, self._low[at],
        )  # fmt: skip
        some["next"] += open_
        some["mode"], some["have"], some["odd"] = AGAIN, 0, 0
        state[at] = some

    def _take(self, read: Readings, segments: Segments) -> None:
        if not len(read):
            return
        state, of = gather(self.state, segments.key), segments.of
        step, time = state["step"][of], read.time
        bins = _bins(time, step)
        latest = segments.most_before(time, state["last"])
        lags = np.where(time > latest, _lags(read), 0)
        lag = segments.most_before(lags, state["lag"])
        closed = segments.most((read.mark - lag - 1) // step, np.full(len(state), FAR))
        first = segments.most_before(np.maximum(bins, closed + 1), state["next"])
        opened = np.maximum(first, closed + 1)
        taken = bins >= opened
        self.late += len(read) - int(np.count_nonzero(taken))
        means = _Means(read.value, bins, taken, segments, state)
        until = np.where(taken, bins, opened)
        low = segments.before(read.row, self._low[segments.key])
        near = 2 * np.minimum(time - latest, 2 * step) < 3 * step
        between = np.where(taken & near, 0.5 * means.latest + 0.5 * read.value, np.nan)
        self._emit(read.at, first, until, closed, lag, means.base, means.before, between, read.row, low)
        back = np.flatnonzero(taken & (bins - means.base > MISSING))
        self.returned.append(_happened(read.at[back], time[back], read.row[back]))
        last = segments.end - 1
        state["next"] = np.maximum(first, until)[last]
        state["last"] = np.maximum(latest, time)[last]
        means.keep(state)
        scatter(self.state, segments.key, state)
        self._lag(segments, lags)
        self._low[segments.key] = read.row[last]

    def _lag(self, segments: Segments, lags: Int64) -> None:
        most = np.maximum.reduceat(lags, segments.begin) if len(lags) else lags
        for name in ("lag", "recent"):
            self.state[name][segments.key] = np.maximum(self.state[name][segments.key], most)

    def _close(self, at: Int64, watermark: Int64) -> None:
        """Complete what watermarks [m] have passed, of some of the series."""
        if not len(at):
            return
        state = gather(self.state, at)
        closed = (watermark[at] - state["lag"] - 1) // state["step"]
        until = np.maximum(state["next"], closed + 1)
        nothing = np.full(len(at), np.nan)
        mean = _mean(state["sum"], state["count"])
        low = self._low[at]
        self._emit(at, state["next"], until, closed, state["lag"], state["filled"], mean, nothing, low, low)
        self.state["next"][at] = until

    def _emit(
        self, at: Int64, first: Int64, until: Int64, closed: Int64, lag: Int64, base: Int64, mean: Float64,
        between: Float64, row: Int64, low: Int64,
    ) -> None:  # fmt: skip
        """Points of the bins from `first` to before `until`.

        Args:
            closed: the last bin that the watermark completed, with `lag`; later ones are completed by `row`.
            base: latest bin with readings; its `mean`.
            between: value of a single bin between readings.
            low: row before which they cannot have been complete.
        """
        count = np.maximum(np.minimum(until, base + (MISSING + 1)) - first, 0)
        some = np.flatnonzero(count)
        if not len(some):
            return
        count = count[some]
        of = np.repeat(some, count)
        bins = first[of] + np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        series, step, base, rows = at[of], self.state["step"][at[of]], base[of], row[of]
        value = np.where(bins == base, mean[of], np.nan)
        by_mark = bins <= closed[of]
        alone = (bins == base + 1) & (until[of] == base + 2) & ~by_mark
        value = np.where(alone, between[of], value)
        marked = np.flatnonzero(by_mark)
        if len(marked):
            passed = bins[marked] * step[marked] + lag[of[marked]] + 1
            found = self._passage.row(self._source[series[marked]], passed)
            rows[marked] = np.where(found < 0, found, np.maximum(found, low[of[marked]]))
        self.points.append(Made(series, bins * step, step, value, rows))
        gone = np.flatnonzero(bins == base + MISSING)
        self.vanished.append(_happened(series[gone], (bins * step)[gone], rows[gone]))


class _Means:
    """Means of bins.

    Attributes:
        base: [n] latest bin with a reading before each reading.
        before: [n] its mean, once it is complete.
        latest: [n] latest reading before each one.
    """

    def __init__(self, value: Float64, bins: Int64, taken: Bool, segments: Segments, state: NDArray[Any]) -> None:
        self._bins, self._value, of = bins, value, segments.of
        at = segments.last_before(taken)
        known = at >= 0
        self.base: Int64 = np.where(known, bins[at], state["filled"][of])
        begins = taken & ((bins != self.base) | ~known)
        self._group = group = np.cumsum(begins) - 1
        goes_on = np.flatnonzero(begins & (bins == self.base))
        self._sum, self._count = np.zeros(group[-1] + 1), np.zeros(group[-1] + 1, np.int64)
        self._sum[group[goes_on]] = state["sum"][of[goes_on]]
        self._count[group[goes_on]] = state["count"][of[goes_on]]
        finite = np.flatnonzero(taken & ~np.isnan(value))
        np.add.at(self._sum, group[finite], value[finite])  # one after the other: as exact however they came
        np.add.at(self._count, group[finite], 1)
        means, stored = _mean(self._sum, self._count), _mean(state["sum"], state["count"])
        self.before: Float64 = stored[of]
        self.before[known] = means[group[at[known]]]
        self.latest: Float64 = np.where(known, value[at], state["value"][of])
        last = segments.end - 1
        self._last: Int64 = np.where(taken[last], last, at[last])

    def keep(self, state: NDArray[Any]) -> None:
        """Remember the open bins [s]."""
        some = np.flatnonzero(self._last >= 0)
        last = self._last[some]
        group = self._group[last]
        state["filled"][some], state["value"][some] = self._bins[last], self._value[last]
        state["sum"][some], state["count"][some] = self._sum[group], self._count[group]


def due(state: NDArray[Any]) -> Int64:
    """Watermarks [m] at which something of the series is complete; far away where nothing will be."""
    waits = (state["mode"] == RUNNING) & (state["next"] <= state["filled"] + MISSING)
    return np.where(waits, state["next"] * state["step"] + state["lag"] + 1, NEVER)


def relent(state: NDArray[Any]) -> Bool:
    """At a chunk's end: series [m] that lag less than they did are waited for less; which of them changed."""
    heard = state["recent"] >= 0
    lag = np.where(heard, np.maximum(state["recent"], state["lag"] - (state["lag"] + 7) // 8), state["lag"])
    changed: Bool = heard | (lag != state["lag"])
    state["lag"], state["recent"] = lag, -1
    return changed


def still_open(state: NDArray[Any]) -> Made:
    """Points of the bins into which readings of series [m] still come; changes nothing."""
    at = np.flatnonzero((state["mode"] == RUNNING) & (state["filled"] == state["next"]))
    some = state[at]
    mean = _mean(some["sum"], some["count"])
    return Made(at, some["next"] * some["step"], some["step"], mean, np.full(len(at), -1))


def _bins(time: Int64, step: Int64) -> Int64:
    bins: Int64 = -(-time // step)
    return bins


def _lags(read: Readings) -> Int64:
    lags: Int64 = np.clip(read.mark - read.time, 0, MOST_LAG)
    return lags


def _mean(total: Float64, count: NDArray[Any]) -> Float64:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _happened(at: Int64, time: Int64, row: Int64) -> Made:
    return Made(at, time, np.zeros_like(at), np.zeros(len(at)), row)
