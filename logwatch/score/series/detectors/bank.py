"""The detectors of single series, all together: a round of points in, what each says of each point out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwatch.api import KeyFields
from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.change import Change
from logwatch.score.series.detectors.entropy import Entropy
from logwatch.score.series.detectors.news import News
from logwatch.score.series.detectors.runs import RunLengths
from logwatch.score.series.detectors.season import BAND, Season
from logwatch.score.series.detectors.tail import Tails
from logwatch.types import Float32, Float64, Int32

NAMES = ("season", "entropy", "spike", "shift", "flat", "missing")
LEVELS = 4
"""The first of them are combined; each of the others speaks for itself."""
LARGEST = 1e30
"""Values are cut here, so that their squares and differences stay numbers."""
REACH = 1000.0
"""Usual distances from the level: what lies beyond is learned as if it were there. One absurd value would else be the
measure of all that come after it, and beyond 2^16 times the usual the tails would see nothing else again; a level that
is really so far away is reached within a few points."""
LEAST_SHARE = 1e-3
"""Of the level: the least that counts as the usual distance, for what never changed yet."""
POWER = 3.0
"""Of the mean over the detectors: nearer to the largest than a root mean square, without being moved by it alone."""


@dataclass(slots=True)
class SeriesScores:
    """What was said of n points."""

    nats: Float32  # [n, NAMES] ≥ 0: −ln of a tail probability; NaN: no opinion
    combined: Float32  # [n] ≥ 0 nats
    news: Float32  # [n] ≥ 0 nats: combined, where that is above the recent maximum; less at a known level; else 0
    expected: Float64  # [n] level; NaN: nothing was expected yet
    low: Float64  # [n] lower end of the usual band
    high: Float64  # [n]


class SeriesDetectors:
    """Scores points of series by the series' own past, and learns them.

    Strictly causal; what is said of a series depends on no other. State is in columns of the table alone.

    Args:
        table: one row a series, with `FIELDS` among its columns.
    """

    FIELDS = KeyFields(
        (
            ("series_origin", "f8"),  # first value: float32 keeps small changes of large values
            ("series_least", "f8"),  # smallest value so far
            ("series_points", "u4", (2,)),  # points so far, and those with a value
            *Season.FIELDS,
            *Entropy.FIELDS,
            *Change.FIELDS,
            *RunLengths.FIELDS,
            *News.FIELDS,
            *Tails.fields("tails", len(NAMES)),
        )
    )

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        self._season, self._entropy, self._change = Season(table), Entropy(table), Change(table)
        self._runs, self._news = RunLengths(table), News(table)
        self._tails = Tails(table, "tails")

    def score(self, points: Points) -> SeriesScores:
        """Of a round: each slot at most once, times rising from round to round."""
        slots, values = points.slot, np.clip(points.value, -LARGEST, LARGEST)
        there = np.flatnonzero(~np.isnan(values))
        number = self._table.view("series_points")[slots].astype(np.int64)
        origin = self._origin(points, values, number[:, 1])
        scaled = (values - origin).astype(np.float32)
        seen = np.minimum(number[:, 1], 2**24).astype(np.float32)
        level, around = self._season.expected(slots, points.time, seen)
        scaled = _within_reach(scaled, level, around, origin)
        magnitudes = np.full((len(points), len(NAMES)), np.nan, np.float32)
        if len(there):
            at, known, before = slots[there], scaled[there], seen[there]
            magnitudes[there, 0] = self._season.magnitude(at, points.time[there], known, level[there], before)
            magnitudes[there, 1] = self._entropy.magnitude(at, known, number[there, 1])
            magnitudes[there, 2], magnitudes[there, 3] = self._change.magnitudes(at, known, before)
        runs = self._runs.of(slots, values)
        magnitudes[:, 4], magnitudes[:, 5] = runs.flat, runs.missing
        voices = np.ones(magnitudes.shape, np.bool_)
        voices[:, 4], voices[:, 5] = runs.flat_grew, runs.missing_grew
        nats = self._tails.score(slots, magnitudes, voices)
        combined = np.fmax(power_mean(nats), np.fmax(nats[:, 4], nats[:, 5]))
        news = self._news.of(slots, combined, scaled, np.abs(scaled - level), number[:, 0])
        number[:, 0] += 1
        number[there, 1] += 1
        self._table.view("series_points")[slots] = np.minimum(number, 2**32 - 1)
        self._table.mark(slots)
        expected, width = origin + level, BAND * around.astype(np.float64)
        low = self._floor(slots[there], slots, values[there], expected - width)
        return SeriesScores(nats, combined, news, expected, low, expected + width)

    def _origin(self, points: Points, values: Float64, seen: Any) -> Float64:
        """First values [n] of the series; 0 where there is none yet."""
        column = self._table.view("series_origin")
        first = np.flatnonzero((seen == 0) & ~np.isnan(values))
        if len(first):
            column[points.slot[first]] = values[first]
            self._table.view("series_least")[points.slot[first]] = values[first]
        origin: Float64 = column[points.slot]
        return origin

    def _floor(self, there: Int32, slots: Int32, values: Float64, low: Float64) -> Float64:
        """Lower ends [n] of the bands of `slots`: a series that was never negative is not expected to be."""
        column = self._table.view("series_least")
        floored: Float64 = np.where((column[slots] >= 0) & (low < 0), 0.0, low)
        column[there] = np.minimum(column[there], values)
        return floored


def _within_reach(scaled: Float32, level: Float32, around: Float32, origin: Float64) -> Float32:
    """Values [n] without their origin, cut at `REACH`."""
    usual = np.maximum(around, LEAST_SHARE * np.abs(origin + np.nan_to_num(level)))
    reach = (REACH * np.where(usual > 0, usual, 1.0)).astype(np.float32)
    near: Float32 = np.where(np.isnan(level), scaled, np.clip(scaled, level - reach, level + reach))
    return near


def power_mean(nats: Float32, voters: Sequence[int] = range(LEVELS), power: float = POWER) -> Float32:
    """Power mean [n] over some of the detectors' nats [n, NAMES]; no opinion counts as 0."""
    known = np.nan_to_num(nats[:, list(voters)]).astype(np.float64)
    mean: Float64 = ((known**power).sum(axis=1) / known.shape[1]) ** (1.0 / power)
    return mean.astype(np.float32)
