"""The detectors of single series, all together: points in, what each says of each point out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwatch.api import KeyFields
from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.borrowed import Borrowed
from logwatch.score.series.detectors.change import Change
from logwatch.score.series.detectors.entropy import Entropy
from logwatch.score.series.detectors.news import News
from logwatch.score.series.detectors.runs import RunLengths, Runs
from logwatch.score.series.detectors.season import BAND, Season
from logwatch.score.series.detectors.tail import Before, Tails, said
from logwatch.score.series.rounds import Rounds
from logwatch.types import Bool, Float32, Float64, Int32, Int64

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
MOST = 2**32 - 1
"""Points counted."""
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
    Nearest windows are not among them: as a fifth voice the distance of the last 32 values to the nearest of 128 kept
    windows, 8 means each, was worth 0.2 points on the Numenta benchmark (72.3 to 72.5), for 4 KB a series.

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
        self._rows = rows = Borrowed(table, tuple(field[0] for field in self.FIELDS.dtype))
        self._season, self._entropy, self._change = Season(rows), Entropy(rows), Change(rows)
        self._runs, self._news, self._tails = RunLengths(rows), News(rows), Tails(rows, "tails")

    def score(self, points: Points) -> SeriesScores:
        """Of n points, those of a series in the order of time; any number of each."""
        rounds = Rounds(points.slot)
        self._rows.borrow(rounds.slots)
        whole = _Laid(rounds, points.time[rounds.order], np.clip(points.value[rounds.order], -LARGEST, LARGEST))
        self._learn(whole)
        nats = self._nats(whole)
        combined = np.fmax(power_mean(nats), np.fmax(nats[:, 4], nats[:, 5]))
        news = self._new(whole, combined)
        self._rows.give_back()
        expected, width = whole.origin + whole.level, BAND * whole.around.astype(np.float64)
        low = expected - width
        low = np.where((whole.least >= 0) & (low < 0), 0.0, low)  # never negative so far: not expected to be
        told = (nats, combined, news, expected, low, expected + width)
        return SeriesScores(*(rounds.back(one) for one in told))

    def _learn(self, whole: _Laid) -> None:
        """Round by round: what is expected, how large what came is beside it, and what is learned of that."""
        number, least = self._rows.view("series_points"), self._rows.view("series_least")
        origin = self._rows.view("series_origin")
        series = np.arange(len(whole.rounds.slots), dtype=np.int32)
        for rows, width in whole.rounds:
            values, there, slots = whole.values[rows], whole.there[rows], series[:width]
            whole.number[rows] = number[:width, 0]
            seen = number[:width, 1].astype(np.int64)
            first = np.flatnonzero((seen == 0) & there)
            if len(first):
                origin[first] = least[first] = values[first]
            whole.origin[rows], whole.least[rows] = origin[:width], least[:width]
            self._compare(whole, rows, slots, seen)
            np.fmin(least[:width], values, out=least[:width])
            number[:width, 0] += number[:width, 0] < MOST
            number[:width, 1] += there & (number[:width, 1] < MOST)

    def _compare(self, whole: _Laid, rows: slice, slots: Int32, number: Int64) -> None:
        """One round."""
        time, seen, out = whole.time[rows], np.minimum(number, 2**24).astype(np.float32), whole.magnitudes[rows]
        level, around = self._season.expected(slots, time, seen)
        whole.level[rows], whole.around[rows] = level, around
        scaled = (whole.values[rows] - whole.origin[rows]).astype(np.float32)
        whole.scaled[rows] = scaled = _within_reach(scaled, level, around, whole.origin[rows])
        there: Any = slice(None) if whole.complete else np.flatnonzero(whole.there[rows])
        at, known, before = slots[there], scaled[there], seen[there]
        if len(at):
            out[there, 0] = self._season.magnitude(at, time[there], known, level[there], before)
            out[there, 1] = self._entropy.magnitude(at, known, number[there])
            out[there, 2], out[there, 3] = self._change.magnitudes(at, known, before)
        runs = self._runs.of(slots, whole.values[rows])
        out[:, 4], out[:, 5] = runs.flat, runs.missing
        whole.runs.append(runs)
        whole.before.append(self._tails.learn(slice(0, len(slots)), out))

    @staticmethod
    def _nats(whole: _Laid) -> Float32:
        """Of all points together [n, NAMES]."""
        nats = said(whole.before, whole.magnitudes.reshape(-1)).reshape(whole.magnitudes.shape)
        for column, grew in enumerate(whole.grew(), LEVELS):
            nats[~grew, column] = np.nan
        return nats

    def _new(self, whole: _Laid, combined: Float32) -> Float32:
        """What is news [n], round by round."""
        news, distance = np.empty_like(combined), np.abs(whole.scaled - whole.level)
        series = np.arange(len(whole.rounds.slots), dtype=np.int32)
        for rows, width in whole.rounds:
            news[rows] = self._news.of(
                series[:width], combined[rows], whole.scaled[rows], distance[rows], whole.number[rows]
            )
        return news


class _Laid:
    """Points in rounds, and what was made of them."""

    def __init__(self, rounds: Rounds, time: Int64, values: Float64) -> None:
        n = len(values)
        self.rounds, self.time, self.values, self.there = rounds, time, values, ~np.isnan(values)
        self.complete = bool(self.there.all())
        self.number = np.empty(n, np.int64)  # points of the series before
        self.origin, self.least = np.empty(n), np.empty(n)
        self.level, self.around, self.scaled = (np.empty(n, np.float32) for _ in range(3))
        self.magnitudes = np.full((n, len(NAMES)), np.nan, np.float32)
        self.before: list[Before] = []
        self.runs: list[Runs] = []

    def grew(self) -> tuple[Bool, Bool]:
        """See `Runs.grew`, of all points."""
        columns = zip(*self.runs, strict=True) if self.runs else ([self.scaled],) * 3
        return Runs(*map(np.concatenate, columns)).grew()


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
