"""What a source's windows consist of: how many lines of each template, and whether that is usual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logwatch.score.detectors.merges import RETIRED, Untold
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.window_beats import Beats
from logwatch.score.window_mix import SLOTS, Counts, Mix, fold
from logwatch.types import Float64, Int32, Int64

SOURCES = 4096
"""Sources that are looked at, the first ones: 8 KB each."""
USUAL = 3.0
"""Nats below which a mix or an absence is usual, and says nothing: one window in twenty brings as much."""

Pairs = Sequence[tuple[int, int]]
"""Templates merged, loser and winner."""


class Parts(NamedTuple):
    """A batch's windows: k parts of them, by source and in order, of g sources."""

    order: Int64  # [n] rows
    begin: Int64  # [k] of each part in `order`
    sources: Int64  # [g]
    of: Int64  # [k] index into `sources`
    carried: Int64  # parts of windows that were open before the batch
    before: Int64  # sources whose window from before the batch is over without a part
    closed: Int64  # parts whose windows are over
    last: Int64  # [g] last part of each source
    at: Int64  # [c] number of the event at which each window is over: those of `before`, then those of `closed`


class Kinds:
    """Lines by template in the open window of each source.

    A template's number counts modulo 256, as in the sets of visits: nothing collides where few programs share a miner.

    Args:
        untold: merges that are not learned yet.
    """

    def __init__(self, untold: Untold | None = None) -> None:
        self._untold = untold
        self._now = SourceRows((("counts", "u4", (SLOTS,)),))
        self._mix, self._beats = Mix(), Beats()

    def build(self, template: Int32, parts: Parts) -> Float64:
        """Nats [c] of the windows that are over; `template` of each row of the batch."""
        known = parts.sources < SOURCES
        place = np.where(known, parts.sources, SOURCES)  # one row for all others, which stays zero
        self._now.reach(place)
        counts = _counts(template[parts.order], parts.begin)
        old = self._now.get(place)["counts"]
        counts[parts.carried] += old[parts.of[parts.carried]]
        over = np.concatenate([old[parts.before], counts[parts.closed]])
        source = np.concatenate([parts.before, parts.of[parts.closed]])
        rows = np.zeros(len(place), dtype=self._now.dtype)
        rows["counts"] = counts[parts.last] * known[:, None]
        self._now.put(place[known], rows[known])
        return self._judge(parts.sources[source], over, parts.at) if len(over) else np.zeros(0)

    def tick(self, source: Int64, at: int) -> Float64:
        """Nats [c] of the open windows of sources [c], which are over after event number `at`."""
        place = np.minimum(source, SOURCES)
        self._now.reach(place)
        return self._judge(source, self._now.get(place)["counts"], np.full(len(source), at))

    def _judge(self, source: Int64, counts: Counts, at: Int64) -> Float64:
        out, rows = np.full(len(source), np.nan), np.flatnonzero(source < SOURCES)
        if len(rows):
            source, counts, at = source[rows], counts[rows], at[rows]
            merged = [(event, loser, winner) for event, loser, winner in self._merges() if winner != RETIRED]
            mixed, overdue = (part.judge(source, counts, at, merged) for part in (self._mix, self._beats))
            nats = np.fmax(mixed, overdue)
            out[rows] = np.where(nats < USUAL, 0.0, nats)
        return out

    def _merges(self) -> Iterable[tuple[int, int, int]]:
        return self._untold() if self._untold else ()

    def merged(self, pairs: Pairs) -> None:
        """At a chunk's end, before `learn`: templates merged, in order."""
        pairs = [(loser, winner) for loser, winner in pairs if winner != RETIRED]
        if pairs:
            fold(self._now.rows["counts"], pairs)
            self._now.mark(np.arange(len(self._now.rows)))
            self._mix.merged(pairs)
            self._beats.merged(pairs)

    def learn(self) -> None:
        """At a chunk's end: the windows that were over in it."""
        self._mix.learn()
        self._beats.learn()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._now.changes("window/kinds/")
        yield from self._mix.changes("window/mix/")
        yield from self._beats.changes("window/beats/")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._now.restore("window/kinds/", cells)
        self._mix.restore("window/mix/", cells)
        self._beats.restore("window/beats/", cells)


def _counts(template: Int32, begin: Int64) -> Counts:
    """Lines [k, SLOTS] of parts that begin at `begin` [k] of the rows; what people said is normal is none."""
    part = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(template))))
    cell = part * SLOTS + (template & (SLOTS - 1))
    cell = cell[template >= 0]
    return np.bincount(cell, minlength=len(begin) * SLOTS).reshape(len(begin), SLOTS).astype(np.uint32)
