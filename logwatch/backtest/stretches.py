"""Anomalies that last: which episodes are of one, and which of them are found, at every threshold.

An alarm is right where it touches an anomaly of its source, or comes at most `SLACK` after it: windows must close and
retries run out. An anomaly is found where something crosses in that time. An alarm that goes on counts anew every two
minutes: one that never ended would else be right once and for all, and curves would end at the top.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logwatch.backtest.episodes import QUIET, episodes
from logwatch.backtest.evaluation import Sweep
from logwatch.types import Bool, Float32, Float64, Int64

SLACK = 60 * 10**9
THRESHOLDS = 100
"""Points of a curve, at most."""

STRETCHES = 100
"""Parts of the time that are drawn anew."""


class Stretches:
    """Anomalies [a] and the time [sources] in which they are looked for.

    Args:
        source: [a] numbers.
        start, end: [a] ns, half open.
        begin, until: [sources] ns, of what is evaluated.
    """

    def __init__(self, source: Int64, start: Int64, end: Int64, begin: Int64, until: Int64) -> None:
        order = np.lexsort((start, source))
        self.source, self.start, self.end = source[order], start[order], end[order] + SLACK
        self.order = order
        self._begin = begin
        total = np.maximum(until - begin, 1)
        self._before = np.cumsum(total) - total  # sources one after another
        self._length = max(int(total.sum()) // STRETCHES, 1)
        self.there = self._by_stretch(self.source, self.start, np.ones(len(start)))

    def _by_stretch(self, source: Int64, time: Int64, weight: Float64) -> Float64:
        place = (np.maximum(time - self._begin[source], 0) + self._before[source]) // self._length
        counts: Float64 = np.bincount(np.clip(place, 0, STRETCHES - 1), weight, STRETCHES).astype(np.float64)
        return counts

    def touched(self, source: Int64, begin: Int64, end: Int64) -> Bool:
        """Which episodes [k] are of an anomaly."""
        found = np.zeros(len(source), np.bool_)
        for number in np.unique(source).tolist():
            mine, labels = source == number, self.source == number
            start, close = self.start[labels], np.maximum.accumulate(self.end[labels])
            before = np.searchsorted(start, end[mine], side="right")  # anomalies that began by its end
            if len(start):
                found[mine] = (before > 0) & (close[np.maximum(before - 1, 0)] > begin[mine])
        return found

    def first(self, source: Int64, time: Int64) -> Float64:
        """Seconds [a] from each anomaly's beginning to the first crossing in it; NaN: it was not found.

        Args:
            source, time: crossings [k], in any order.
        """
        late = np.full(len(self.source), np.nan)
        for number in np.unique(self.source).tolist():
            labels, times = np.flatnonzero(self.source == number), np.sort(time[source == number])
            at = np.searchsorted(times, self.start[labels])
            there = at < len(times)
            labels, at = labels[there], at[there]
            inside = times[at] < self.end[labels]
            late[labels[inside]] = (times[at[inside]] - self.start[labels[inside]]) / 1e9
        return late

    def counts(self, source: Int64, time: Int64) -> tuple[Sweep, Float64]:
        """One threshold's crossings [k]; and the delays [a] in seconds."""
        told = episodes(source, time, QUIET)
        touched = self.touched(*told)
        delays = self.first(source, time)
        return Sweep(
            self._by_stretch(told.source, told.begin, np.ones(len(told)))[None],
            self._by_stretch(told.source, told.begin, touched.astype(np.float64))[None],
            self._by_stretch(self.source, self.start, (~np.isnan(delays)).astype(np.float64))[None],
        ), delays

    def sweep(self, source: Int64, time: Int64, said: Float32) -> Sweep:
        """Counts at thresholds over all that was said [k] at `time` [k]."""
        known = ~np.isnan(said) & (said > 0)
        source, time, said = source[known], time[known], said[known]
        rows = [self.counts(source[said >= z], time[said >= z])[0] for z in thresholds(said)]
        if not rows:
            return Sweep(*(np.zeros((0, STRETCHES)) for _ in range(3)))
        return Sweep(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def thresholds(said: Float32) -> Sequence[float]:
    """Values at which a curve is drawn, descending: close at the top, where budgets are, and wider below."""
    ordered = np.sort(said)[::-1]
    if not len(ordered):
        return []
    ranks = np.unique(np.geomspace(1, len(ordered), THRESHOLDS).astype(np.int64)) - 1
    found: list[float] = np.unique(ordered[ranks])[::-1].tolist()
    return found
