"""What is remembered of each (source, field): its few values with their shares, or the distribution of its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, UInt64
from logwatch.score.detectors.values_keys import TEXT
from logwatch.score.detectors.values_sketch import BUCKETS, bucket_of, tails
from logwatch.score.outdated import Outdated
from logwatch.types import Bool, Float64, Int64

SLOTS = 32
"""Different values of a field that are told apart; one with more has none of its own."""
LEAST = 200.0
"""Values of a field before there is an opinion on the next."""
BUSY = 0.05
"""Share of new values above which a field without room for more is one of names or numbers, not of kinds."""
AGAIN = 256
"""Chunks after which such a field is given another chance."""
FORGOTTEN = 0.05
"""Aged count below which a value is forgotten: with 10,000 values of memory, after 30,000 at least."""
STEPS = 32.0
RISING = 0.9
"""A number that rises in so many of its steps is a counter: no value of it is odd."""
TURNS, RECORDS = 6.0, 0.75
"""So is one that sets a record in so many of at least so many chunks: an id, whose holders speak in turns. What comes
from one distribution sets its n-th record with probability 1/n."""
RECENT = 16.0
"""Chunks over which records age."""

FIELD = (
    ("mass", "f8"),  # aged number of values
    ("novel", "f8"),  # aged number of values that were new
    ("wide", "i8"),  # chunk until which the values are not told apart; 0: they are
    ("steps", "f8"),  # aged number of steps from one number to the next of the same stream
    ("ups", "f8"),  # of them, upwards
    ("top", "f8"),  # the largest number so far
    ("turns", "f8"),  # aged number of chunks with numbers
    ("records", "f8"),  # of them, with one above all before
    ("key", "u8", (SLOTS,)),  # 0: free
    ("count", "f4", (SLOTS,)),
    ("text", f"S{TEXT}", (SLOTS,)),
)


class Fields:
    """Fields by key, bounded: by source, and in all.

    Args:
        memory: values over which shares age.
        limit: fields in all.
        per_source: fields of a source.
    """

    def __init__(self, memory: float, limit: int, per_source: int) -> None:
        self._memory = memory
        self._per_source = per_source
        self.table = HashTable(np.dtype(list(FIELD)), limit=limit)
        self.sketches = HashTable(np.float32, (BUCKETS,), limit=limit // 2)
        self.sources = SourceRows([("fields", "i4")])
        self._outdated: Outdated | None = None

    def kinds(self, keys: UInt64, chunk: int, numeric: bool) -> tuple[Int64, Bool, Bool]:
        """Entries [f] of fields [f], -1 where unknown; which of them tell values apart [f], and which of the others
        are distributions [f]."""
        at = self.table.find(keys)
        row = self.table.values
        wide = (at >= 0) & (row["wide"][at] > chunk)
        steps = row["steps"][at]
        counter = (steps >= STEPS) & (row["ups"][at] > RISING * steps)
        turns = row["turns"][at]
        counter |= (turns >= TURNS) & (row["records"][at] > RECORDS * turns)
        return at, ~wide, wide & numeric & ~counter

    def rarity(self, at: Int64, keys: UInt64) -> Float64:
        """Nats [p] of values `keys` [p] of the fields at entries [p]: −ln of the share of values that are as rare; NaN
        without an opinion."""
        row = self.table.values
        slot, count = row["key"][at], row["count"][at]
        mass, novel = row["mass"][at], row["novel"][at]
        own = np.where(slot == keys[:, None], count, np.float32(0)).max(axis=1)
        rarer = np.where(count <= own[:, None], count, np.float32(0)).sum(axis=1, dtype=np.float64)
        p = np.where(own > 0, (rarer + 0.5) / (mass + 1.0), (novel + 1.0) / (mass + 1.0))
        return np.where(mass >= LEAST, -np.log(np.minimum(p, 1.0)), np.nan)

    def tail(self, keys: UInt64, of: Int64, numbers: Float64, high_only: bool = False) -> Float64:
        """Nats [k] of numbers [k] of the fields `keys[of]`; NaN without an opinion. `high_only`: see `tails`."""
        at = self.sketches.find(keys)
        out = np.full(len(numbers), np.nan)
        mass = self.sketches.values[at].sum(axis=1, dtype=np.float64)
        good = np.flatnonzero(((at >= 0) & (mass >= LEAST))[of])
        if len(good):
            out[good] = tails(numbers[good], of[good], self.sketches.values[at], high_only)
        return out

    def admit(self, keys: UInt64, source: Int64, chunk: int) -> Int64:
        """Entries [u] of fields [u] in order of appearance, made where there is room; -1 elsewhere."""
        at = self.table.find(keys)
        new = np.flatnonzero(at < 0)
        self.sources.reach(source)
        if len(new):
            own = source[new]
            order = np.argsort(own, kind="stable")
            first = np.searchsorted(own[order], own[order])
            rank = np.empty(len(new), dtype=np.int64)
            rank[order] = np.arange(len(new)) - first
            room = rank + self.sources.rows["fields"][own] < self._per_source
            admitted = new[room]
            np.add.at(self.sources.rows["fields"], source[admitted], 1)
            self.sources.mark(source[admitted])
            at[admitted] = -2
        kept = np.flatnonzero(at != -1)
        at[kept] = self.table.learn(keys[kept], chunk)
        return at

    def count(self, at: Int64, field: Int64, value: UInt64, text: NDArray[np.bytes_], times: Int64, chunk: int) -> None:
        """Learn values.

        Args:
            at: entries [u] of different fields.
            field: index [p] into `at`, ascending.
            value: keys [p] of the values, different within a field, in the order in which they came.
            text: what people call them [p].
            times: how often they came [p].
            chunk: its number.
        """
        row = self.table.values
        key, count, words = row["key"][at], row["count"][at], row["text"][at]
        reopened = row["wide"][at] > 0  # its time is over
        key[reopened], count[reopened] = 0, 0
        total = np.bincount(field, times, len(at))
        keep = np.exp(-total / self._memory)
        count = (count * keep[:, None]).astype(np.float32)
        gone = count < FORGOTTEN
        key[gone], count[gone], words[gone] = 0, 0, b""
        match = key[field] == value[:, None]
        known = match.any(axis=1)
        slot = match.argmax(axis=1)
        np.add.at(count, (field[known], slot[known]), times[known].astype(np.float32))
        new = np.flatnonzero(~known)
        fresh = np.bincount(field[new], minlength=len(at))
        mass = np.where(reopened, 0.0, row["mass"][at]) * keep + total
        novel = np.where(reopened, 0.0, row["novel"][at]) * keep + fresh
        free = np.argsort(key != 0, axis=1, kind="stable")  # free slots first
        rank = np.arange(len(new)) - np.searchsorted(field[new], field[new])
        room = (key == 0).sum(axis=1)
        fits = rank < room[field[new]]
        put, into = new[fits], (field[new[fits]], free[field[new[fits]], rank[fits]])
        key[into], count[into], words[into] = value[put], times[put].astype(np.float32), text[put]
        wide = (fresh > room) & (novel > BUSY * mass)
        key[wide], count[wide], words[wide] = 0, 0, b""
        row["key"][at], row["count"][at], row["text"][at] = key, count, words
        row["mass"][at], row["novel"][at] = mass, novel
        row["wide"][at] = np.where(wide, chunk + AGAIN, 0)
        self.table.mark(at)

    def spread(self, keys: UInt64, of: Int64, numbers: Float64, chunk: int) -> None:
        """Learn the distribution of numbers [k] of the different fields `keys[of]`."""
        at = self.sketches.learn(keys, chunk)
        kept = np.flatnonzero(at[of] >= 0)
        at, of, numbers = at, of[kept], numbers[kept]
        total = np.bincount(of, minlength=len(at))
        added = np.bincount(of * BUCKETS + bucket_of(numbers), minlength=len(at) * BUCKETS).reshape(len(at), BUCKETS)
        good = np.flatnonzero(at >= 0)
        keep = np.exp(-total[good] / self._memory)[:, None]
        old = np.where(self.sketches.values[at[good]] * keep < 1e-6, 0.0, self.sketches.values[at[good]] * keep)
        self.sketches.values[at[good]] = (old + added[good]).astype(np.float32)
        self.sketches.mark(at[good])

    def step(self, at: Int64, steps: Int64, ups: Int64) -> None:
        """Steps [u] and upward ones [u] between the numbers of the fields at entries [u]."""
        row = self.table.values
        keep = np.exp(-steps / (STEPS * 8))
        row["steps"][at] = row["steps"][at] * keep + steps
        row["ups"][at] = row["ups"][at] * keep + ups
        self.table.mark(at)

    def peak(self, at: Int64, most: Float64) -> None:
        """The largest numbers [u] of a chunk of the fields at entries [u]."""
        row = self.table.values
        before, keep = row["turns"][at], np.exp(-1 / RECENT)
        record = (before > 0) & (most > row["top"][at])
        row["top"][at] = np.where(before > 0, np.maximum(most, row["top"][at]), most)
        row["turns"][at] = before * keep + 1.0
        row["records"][at] = row["records"][at] * keep + record
        self.table.mark(at)

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self.table.changes(f"{prefix}named/")
        yield from self.sketches.changes(f"{prefix}sketch/")
        yield from self.sources.changes(f"{prefix}source/")
        if self._outdated is not None:
            yield from self._outdated.changes()

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self.table.restore(f"{prefix}named/", cells)
        self.sketches.restore(f"{prefix}sketch/", cells)
        self.sources.restore(f"{prefix}source/", cells)
        self._outdated = Outdated("usual values", f"{prefix}field/")
        if self._outdated.find(cells):  # all of the room is free again
            self.sources.rows["fields"] = 0
            self.sources.mark(np.arange(len(self.sources.rows)))

    def slots(self, entry: int) -> list[tuple[float, bytes]]:
        """Counts and texts of a field's values, the most frequent first."""
        row: Any = self.table.values[entry]
        found = [(float(c), bytes(t)) for c, t, k in zip(row["count"], row["text"], row["key"], strict=True) if k]
        return sorted(found, reverse=True)
