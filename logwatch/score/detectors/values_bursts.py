"""Odd values of a field that come together: each may happen, several of them within seconds do not.

Of the values of a field in a window, k of n are odd. By chance they would be as odd as they are, or odder, with about
e^-E, where E sums their nats less ln(n / k) + 1 each: for which of the values they are. The level of a window is √2E at
its last odd value; how far that is above the levels of earlier windows says whether such a burst is unusual for the
field: some have them all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import levels
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import HashTable, UInt64
from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, Float64, Int64

WINDOW = 10 * 10**9
"""Of a source's watermark, ns."""
ODD = 6.0
"""Nats from which on a value is odd: one in 400."""
STEADY = 0.43
"""Least variance of a level: that of √2E where E is exponential, 2 - π/2."""
POINT = 20
"""Nats are summed in fixed point, 2^-20: exact, so that a sum does not depend on how a batch was split."""

FIELD = (
    ("window", "i8"),  # watermark // WINDOW of what was counted last
    ("values", "i8"),
    ("odd", "i8"),
    ("sum", "i8"),  # nats of the odd ones
    *levels.MOMENTS,
)
SUMS = ("values", "odd", "sum")


class Bursts:
    """The window of each field, and the levels of those before.

    Args:
        limit: fields in all.
    """

    def __init__(self, limit: int) -> None:
        self._fields = HashTable(np.dtype(list(FIELD)), limit=limit)
        self._met = Pending(field="u8")  # for the first time
        self._over = Pending(field="u8", level="f8")

    def look(self, keys: UInt64, of: Int64, nats: Float64, watermark: Int64) -> Float64:
        """Nats [k] of odd values that are not the first of their window, of those so far; NaN of others, and without an
        opinion.

        Args:
            keys: of different fields [f].
            of: field [k] of each value, index into `keys`.
            nats: of each value [k].
            watermark: of its source [k].
        """
        out, at = np.full(len(of), np.nan), self._fields.find(keys)
        if (at < 0).any():
            self._met.add(field=keys[at < 0])
        rows = np.flatnonzero((at[of] >= 0) & ~np.isnan(nats) & (watermark != NO_TIME))
        if not len(rows):
            return out
        groups = Groups(of[rows])
        rows, entry = rows[groups.order], at[groups.keys]
        old = {name: self._fields.values[name][entry] for name in ("window", *SUMS, *levels.NAMES)}
        parts = _Parts(groups, watermark[rows] // WINDOW, nats[rows], old)
        over = np.flatnonzero((old["window"] != parts.window[parts.first]) & (old["values"] > 0))
        self._end(keys[groups.keys[over]], *(old[name][over] for name in SUMS))
        over = np.delete(np.arange(len(parts.begin)), parts.last)
        self._end(keys[groups.keys[parts.of[over]]], *(one[over] for one in parts.sums))
        for name, now in zip(("window", *SUMS), (parts.window, *parts.sums), strict=True):
            self._fields.values[name][entry] = now[parts.last]
        self._fields.mark(entry)
        odd, level = parts.levels()
        moments = {name: old[name][groups.group[odd]] for name in levels.NAMES}
        out[rows[odd]] = levels.above(moments, level, STEADY)
        return out

    def _end(self, field: UInt64, values: Int64, odd: Int64, nats: Int64) -> None:
        if len(field):
            self._over.add(field=field, level=_level(values, odd, nats))

    def learn(self, chunk: int) -> None:
        """At the end of chunk number `chunk`: the windows that were over in it."""
        met, over = self._met.take()["field"], self._over.take()
        if len(met):
            self._fields.learn(np.unique(met), chunk)
        keys, of = np.unique(over["field"], return_inverse=True)
        at = self._fields.learn(keys, chunk)
        kept = np.flatnonzero(at[of] >= 0)
        if len(kept):
            some, back = np.unique(at[of[kept]], return_inverse=True)
            moments = levels.learned(self._fields.values[some], back, over["level"][kept], STEADY)
            for name, now in moments.items():
                self._fields.values[name][some] = now

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self._fields.changes(f"{prefix}field/")
        yield from self._met.changes(f"{prefix}met")
        yield from self._over.changes(f"{prefix}over")

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._fields.restore(f"{prefix}field/", cells)
        self._met.restore(f"{prefix}met", cells)
        self._over.restore(f"{prefix}over", cells)


class _Parts:
    """What a batch brought of windows: p parts, by field and in order.

    Args:
        groups: of the values [k] by field.
        window: of each value [k], in groups.
        nats: of each value [k], in groups.
        old: what was counted of each field [g].
    """

    def __init__(self, groups: Groups, window: Int64, nats: Float64, old: Mapping[str, NDArray[Any]]) -> None:
        starts = groups.head.copy()
        starts[1:] |= window[1:] != window[:-1]
        self.begin = np.flatnonzero(starts)
        self.of, self.window = groups.group[self.begin], window[self.begin]
        heads = groups.head[self.begin]
        self.first = np.flatnonzero(heads)
        self.last = np.append(self.first[1:], len(self.begin)) - 1
        goes_on = heads & (old["window"][self.of] == self.window)
        self._carried = [np.where(goes_on, old[name][self.of], 0) for name in SUMS]
        self._odd = np.flatnonzero(nats >= ODD)
        self._part = np.searchsorted(self.begin, self._odd, side="right") - 1
        self._points = (nats[self._odd] * (1 << POINT)).astype(np.int64)
        added = (
            np.diff(np.append(self.begin, len(window))),
            self._sum(np.ones_like(self._points)),
            self._sum(self._points),
        )
        self.sums = [before + more for before, more in zip(self._carried, added, strict=True)]

    def _sum(self, numbers: Int64) -> Int64:
        out = np.zeros(len(self.begin), dtype=np.int64)
        np.add.at(out, self._part, numbers)
        return out

    def levels(self) -> tuple[Int64, Float64]:
        """Odd values [m] that are not the first ones of their windows, as indices, and the level [m] up to each."""
        if not len(self._odd):
            return self._odd, np.zeros(0)
        begin = np.searchsorted(self._part, self._part)  # of each one's part, among the odd ones
        count = np.arange(len(self._odd)) - begin + 1
        total = np.cumsum(self._points)
        nats = total - total[begin] + self._points[begin]
        values, odd, points = (before[self._part] for before in self._carried)
        values = values + self._odd - self.begin[self._part] + 1
        later = np.flatnonzero(odd + count > 1)
        return self._odd[later], _level(values[later], (odd + count)[later], (points + nats)[later])


def _level(values: Int64, odd: Int64, nats: Int64) -> Float64:
    """√2E [k] of so many values, odd ones, and nats of these in fixed point."""
    k = odd.astype(np.float64)
    chance = np.log(np.maximum(values, 1) / np.maximum(k, 1.0)) + 1.0
    level: Float64 = np.sqrt(2.0 * np.maximum(nats / float(1 << POINT) - k * chance, 0.0))
    return level
