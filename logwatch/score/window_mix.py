"""How lines of a source's templates usually share a window, and windows in which they share it otherwise.

The level of a window is √G, of the likelihood ratio G between the shares of its own lines and the usual ones: a kind of
line that comes five times as often as the others let expect, one that is missing among them, all at once. How far it is
above the levels of earlier windows says whether so odd a mix is unusual for the source; how many lines there are in all
does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import levels
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.types import Float64, Int64

SLOTS = 256
STEADY = 0.5
"""Least variance of a level: that of √G where lines are independent of each other."""
UNSEEN = 0.5
"""Lines that any template is taken to have brought before."""
ENOUGH = 200.0
"""Lines of a source before its windows have a level."""

Counts = NDArray[np.uint32]
"""Lines [c, SLOTS] of windows, by template."""

PAST = (*levels.MOMENTS, ("shares", "f4", (SLOTS,)), ("heard", "u4", (SLOTS,)))
"""Aged lines by template, and those of windows that were over since the last chunk's end."""


def fold(rows: NDArray[Any], pairs: Iterable[tuple[int, int]]) -> None:
    """Let the second of each pair of templates stand for the first, in rows [m, SLOTS]; in place."""
    for loser, winner in pairs:
        of, to = loser & (SLOTS - 1), winner & (SLOTS - 1)
        if of != to:
            rows[:, to] += rows[:, of]
            rows[:, of] = 0


class Mix:
    """The usual shares of each source, and the levels of its windows."""

    def __init__(self) -> None:
        self._past = SourceRows(PAST)
        self._over = Pending(source="i4", level="f8")

    def judge(self, source: Int64, counts: Counts, at: Int64, merged: Sequence[tuple[int, int, int]] = ()) -> Float64:
        """Nats [c] of windows that are over; NaN without an opinion.

        Args:
            source: [c]
            counts: [c, SLOTS]
            at: number of the event [c] at which each is over.
            merged: event, loser and winner of merges that are not learned yet.
        """
        self._past.reach(source)
        past = self._past.get(source)
        shares, own = past["shares"].astype(np.float64), counts.astype(np.float64)
        for event, loser, winner in merged:
            later = np.flatnonzero(at >= event)
            for rows in (shares, own):
                now = rows[later]
                fold(now, [(loser, winner)])
                rows[later] = now
        level = _level(own, shares)
        self._over.add(source=source, level=level)
        np.add.at(self._past.rows["heard"], source, counts)
        self._past.mark(source)
        return levels.above(past, level, STEADY)

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """See `Kinds.merged`."""
        for name in ("shares", "heard"):
            fold(self._past.rows[name], pairs)
        self._past.mark(np.arange(len(self._past.rows)))

    def learn(self) -> None:
        """At a chunk's end: the windows that were over in it."""
        over = self._over.take()
        if not len(over["source"]):
            return
        source, of = np.unique(over["source"], return_inverse=True)
        rows, told = self._past.get(source), np.flatnonzero(~np.isnan(over["level"]))
        for name, now in levels.learned(rows, of[told], over["level"][told], STEADY).items():
            rows[name] = now
        keep = np.exp(-np.bincount(of) / levels.MEMORY)
        rows["shares"] = rows["shares"] * keep[:, None] + rows["heard"]
        rows["heard"] = 0
        self._past.put(source, rows)

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self._past.changes(f"{prefix}past/")
        yield from self._over.changes(f"{prefix}over")

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._past.restore(f"{prefix}past/", cells)
        self._over.restore(f"{prefix}over", cells)


def _level(own: Float64, shares: Float64) -> Float64:
    """√G [c] of lines [c, SLOTS] against shares of so many [c, SLOTS]; NaN where these are too few."""
    lines, mass = own.sum(axis=1), shares.sum(axis=1)
    expected = (shares + UNSEEN) * (lines / (mass + UNSEEN))[:, None]
    ratio = np.log(np.where(own > 0, own, 1.0) / np.where(own > 0, expected, 1.0))
    level = np.sqrt(2.0 * np.maximum((own * ratio).sum(axis=1), 0.0))
    return np.where((mass >= ENOUGH) & (lines > 0), level, np.nan)
