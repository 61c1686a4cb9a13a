"""What lines of a source have not shown: an outline, or the networks in it, that no line before it had.

A template leaves out what varies, and so does not see that a list has grown, that a name stands where it never did, or
that two usual words, or a word and an address, come together for the first time. How much news that is follows from how
often lines of the same template bring something new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, UInt64, mix, pair
from logwatch.score.grouped import Groups
from logwatch.types import Bool, Float64, Int64

BACKED = 8.0
"""Lines that the rate of the source counts for in that of a template."""

LEAST = 200.0
"""Lines of a source before there is an opinion on the next."""

KEPT = 1 << 16
"""Outlines kept (13 bytes each), over all sources."""

BUSY, TRIED = 0.25, 2_000
"""Share of new ones above which those of a template, after so many lines, are not kept: nothing of it is news."""

COUNTS = (("seen", "f4"), ("lines", "f4"), ("new", "f4"))
"""Lines so far, aged lines, and of these the ones that brought something new."""


class Looked(NamedTuple):
    """Lines [k] against what is known."""

    keys: UInt64  # [k] never zero
    new: Bool  # [k]
    kept: Bool  # [k] to be known from the chunk's end on
    rate: Float64  # [k] how probable something new is, by their template; NaN where nothing is known of it

    def nats(self) -> Float64:
        """Nats [k] of lines [k]: 0 of what was there before; NaN where nothing is known of their template."""
        return np.where(self.new, -np.log(self.rate), 0.0 * self.rate)


class Outlines:
    """Outlines seen by source, a chunk's end old, and rates of new ones by source and template.

    Where templates merge, the rate is that of the winner: it hardly moves.

    Args:
        memory: lines over which rates age.
        limit: templates of sources that have a rate of their own.
    """

    def __init__(self, memory: float, limit: int) -> None:
        self._memory = memory
        self._seen = HashTable(np.uint8, limit=KEPT)
        self._rates = HashTable(np.dtype(list(COUNTS)), limit=limit)
        self._sources = SourceRows(COUNTS)
        self._read = Pending(at="i8", key="u8", new="?", kept="?")

    def look(self, events: EventBatch, rows: Int64, outlines: UInt64) -> Looked:
        """How new the outlines [k] of lines `rows` [k] are."""
        source = events.source[rows]
        keys = np.maximum(mix(outlines ^ mix(source.astype(np.uint64) + np.uint64(1))), np.uint64(1))
        self._sources.reach(source)
        whole = self._sources.rows[source]
        at = self._rates.find(pair(source, events.template[rows]))
        own = self._rates.values[at]
        usual = (whole["new"].astype(np.float64) + 1.0) / (whole["lines"] + 1.0)
        rate = np.minimum((own["new"] + BACKED * usual) / (own["lines"] + BACKED), 1.0)
        known = (at >= 0) & (whole["lines"] >= LEAST)
        busy = known & (own["seen"] >= TRIED) & (rate >= BUSY)
        return Looked(keys, self._seen.find(keys) < 0, ~busy, np.where(known, rate, np.nan))

    def remember(self, looked: Looked, events: EventBatch, rows: Int64) -> None:
        """For the chunk's end: which lines `rows` [k] were looked at."""
        if len(rows):
            self._read.add(at=events.first + rows, key=looked.keys, new=looked.new, kept=looked.kept)

    def learn(self, events: EventBatch, chunk: int) -> None:
        """The open chunk ends, number `chunk`: learn the lines that did not alert."""
        read = self._read.take()
        calm = np.flatnonzero((events.flags[read["at"] - events.first] & np.uint8(Flag.ALERTED)) == 0)
        if not len(calm):
            return
        row, keys, kept = read["at"][calm] - events.first, read["key"][calm], read["kept"][calm]
        self._seen.learn(keys[kept], chunk)
        new, first = np.zeros(len(keys), np.bool_), np.unique(keys, return_index=True)[1]
        new[first] = read["new"][calm][first]
        source = events.source[row]
        groups = Groups(source.astype(np.int64))
        self._sources.reach(source)
        news = np.add.reduceat(new[groups.order], groups.begin, dtype=np.int64)
        self._age(self._sources.rows, groups.keys, groups.counts, news)
        self._sources.mark(groups.keys)
        kinds, of = np.unique(pair(source, events.template[row]), return_inverse=True)
        at, of = self._rates.learn(kinds, chunk), of.reshape(-1)
        some = np.flatnonzero(at >= 0)
        self._age(self._rates.values, at[some], np.bincount(of)[some], np.bincount(of, new)[some].astype(np.int64))
        self._rates.mark(at[some])

    def _age(self, rows: NDArray[Any], at: Int64, lines: Int64, new: Int64) -> None:
        """Add to rows `at` [r]. At first the newest lines count most: to a new source all is new."""
        seen = rows["seen"][at].astype(np.float64)
        keep = np.minimum(np.exp(-lines / self._memory), (seen / (seen + lines)) ** 2)
        rows["seen"][at] = np.minimum(seen + lines, 1e6)
        rows["lines"][at] = rows["lines"][at] * keep + lines
        rows["new"][at] = rows["new"][at] * keep + new

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self._seen.changes(f"{prefix}seen/")
        yield from self._rates.changes(f"{prefix}rate/")
        yield from self._sources.changes(f"{prefix}source/")
        yield from self._read.changes(f"{prefix}read")

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._seen.restore(f"{prefix}seen/", cells)
        self._rates.restore(f"{prefix}rate/", cells)
        self._sources.restore(f"{prefix}source/", cells)
        self._read.restore(f"{prefix}read", cells)
