"""`set`: a visit whose set of templates few recent visits of its source had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.detectors.merges import RETIRED, Untold
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, UInt64, mix
from logwatch.score.grouped import Groups
from logwatch.types import Float32, Float64, Int64

WORDS = 4
"""A set is 256 bits, a template's number modulo 256: nothing collides where few programs share a miner."""
MEMORY = 10_000.0
"""Visits over which shares age; 1,000 cost 0.2 of F1 on HDFS."""
LIMIT = 1 << 18
"""Sets kept over all sources."""
RECENT = 64
"""Merges that visits open since before are still judged by."""


def bits_of(template: NDArray[Any]) -> UInt64:
    """The set {template} as bits [n, WORDS]; none where it is negative: people said that it is normal."""
    bits = np.zeros((len(template), WORDS), dtype=np.uint64)
    rows = np.flatnonzero(template >= 0)
    place = template[rows].astype(np.int64) & (64 * WORDS - 1)
    bits[rows, place >> 6] = np.uint64(1) << (place & 63).astype(np.uint64)
    return bits


def _signature(source: NDArray[Any], bits: UInt64) -> UInt64:
    out = mix(source.astype(np.uint64) + np.uint64(1))
    for word in range(WORDS):
        out = mix(out ^ bits[:, word]) + np.uint64(word)
    return out | np.uint64(1)  # never zero


def after(bits: UInt64, merges: Iterable[tuple[int, int]]) -> UInt64:
    """Sets [n, WORDS] in which the second of each pair of templates stands for the first."""
    out = bits.copy()
    for loser, winner in merges:
        at, one = loser & (64 * WORDS - 1), np.uint64(1)
        rows = np.flatnonzero(out[:, at >> 6] >> np.uint64(at & 63) & one)
        out[rows, at >> 6] &= ~(one << np.uint64(at & 63))
        out[rows] |= bits_of(np.array([winner]))
    return out


class SetRarity:
    """Nats: −log of the aged share of the source's other recent visits with exactly this set; learned per chunk.

    When templates merge, sets are counted for what they become as well. They stay what they were, too: bits are shared,
    and some of them are not the loser's.

    Args:
        untold: merges that are not learned yet.
    """

    def __init__(self, untold: Untold | None = None) -> None:
        self._untold = untold
        self._shares = HashTable(np.float32, limit=LIMIT)  # stamp: the source's clock when last counted
        self._known = HashTable(np.uint64, (1 + WORDS,), limit=LIMIT)  # what the signatures stand for: source, bits
        self._sources = SourceRows([("clock", "i8"), ("visits", "f8")])
        self._counted = Pending(source="i4", bits="u8", times="i1")
        self._merged: list[tuple[int, int]] = []  # of this chunk's end
        self._recent: list[tuple[int, int, int]] = []  # event, loser, winner: visits open since before are older
        self._recent_dirty = False
        self._chunk = 1
        self.seen = 0
        """Number of the next event."""

    def score(self, source: NDArray[Any], bits: UInt64, begun: Int64, at: Int64) -> Float32:
        """Nats [m] of visits that close; each was counted once itself.

        Args:
            source: [m]
            bits: their sets [m, WORDS].
            begun: number of each one's first event [m].
            at: number of the event at which it is judged [m].
        """
        self._sources.reach(source)
        rows = self._sources.get(source)
        count = self._count_of(source, bits)
        for told, merged in self._follow(bits, begun, at):
            count[told] = np.maximum(count[told], self._count_as(source[told], bits[told], begun[told], merged))
        share = np.minimum((np.maximum(count - 1.0, 0.0) + 0.5) / (rows["visits"] + 1.0), 1.0)
        known = (rows["visits"] > 0) & bits.any(axis=1)
        return np.where(known, -np.log(share), np.nan).astype(np.float32)

    def _count_of(self, source: NDArray[Any], bits: UInt64) -> Float64:
        at = self._shares.find(_signature(source, bits))
        return np.where(at >= 0, self._aged(at, self._sources.get(source)["clock"]), 0.0)

    def _follow(self, bits: UInt64, begun: Int64, at: Int64) -> Iterator[tuple[Int64, list[tuple[int, int]]]]:
        """Rows that merges concern, and those merges of the open chunk that had happened when they were judged."""
        untold = [one for one in (self._untold() if self._untold else ()) if one[2] != RETIRED]
        if not untold and not self._recent:
            return
        pairs = [(loser, winner) for _, loser, winner in untold]
        happened = np.searchsorted(np.array([event for event, _, _ in untold], np.int64), at, side="right")
        winners = bits_of(np.array([winner for _, winner in pairs] or [0], np.int64))
        concerned = (bits & np.bitwise_or.reduce(winners, axis=0)).any(axis=1) & (happened > 0)
        older = begun < self._recent[-1][0] if self._recent else np.zeros(len(bits), np.bool_)
        for merges in np.unique(happened[concerned | older]).tolist():
            yield np.flatnonzero((concerned | older) & (happened == merges)), pairs[:merges]

    def _count_as(self, source: NDArray[Any], bits: UInt64, begun: Int64, merged: list[tuple[int, int]]) -> Float64:
        """Counts [m] of all sets that are these ones after the merges since they began."""
        now = bits.copy()
        for event, loser, winner in self._recent:
            older = begun < event
            now[older] = after(now[older], [(loser, winner)])
        if not merged:
            return self._count_of(source, now)
        mine = _signature(source, after(now, merged))
        held, known, count = self._held(np.unique(source))
        others = ~np.bitwise_or.reduce(bits_of(np.array(merged).ravel()), axis=0)  # bits that no merge moves
        near = np.flatnonzero(np.isin(_signature(held, known & others), _signature(source, now & others)))
        keys, back = np.unique(mine, return_inverse=True)
        theirs = _signature(held[near], after(known[near], merged))
        at = np.minimum(np.searchsorted(keys, theirs), len(keys) - 1)
        equal = keys[at] == theirs
        total: Float64 = np.bincount(at[equal], count[near[equal]], len(keys)).astype(np.float64)
        return total[back]

    def _held(self, of: NDArray[Any] | None = None) -> tuple[Int64, UInt64, Float64]:
        """Sources [k], sets [k, WORDS] and counts [k] of what is known of some sources, or of all."""
        _, at = self._known.entries()
        values = self._known.values[at]
        if of is not None:
            values = values[np.isin(values[:, 0].astype(np.int64), of)]
        source, bits = values[:, 0].astype(np.int64), values[:, 1:]
        return source, bits, self._count_of(source, bits)

    def count(self, source: NDArray[Any], bits: UInt64, times: int) -> None:
        """Count the sets of visits [m] once more (`times` 1) or take them back (-1), from the chunk's end on."""
        if len(source):
            self._counted.add(source=source, bits=bits, times=np.full(len(source), times))

    def _aged(self, entry: Int64, clock: Int64) -> Float64:
        idle = clock.astype(np.uint32) - self._shares.stamps[entry]  # modulo 2^32
        aged: Float64 = self._shares.values[entry] * np.exp(-idle.astype(np.float64) / MEMORY)
        return aged

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """At a chunk's end, before `learn`: templates merged, loser and winner, in order."""
        self._merged = [(loser, winner) for loser, winner in pairs if winner != RETIRED]
        if self._merged:
            self._recent = [*self._recent, *((self.seen, *pair) for pair in self._merged)][-RECENT:]
            self._recent_dirty = True

    def learn(self) -> None:
        """At a chunk's end: what was counted in it enters the shares."""
        counted = self._counted.take()
        merged, self._merged = self._merged, []
        if len(counted["source"]):
            self._age(counted["source"], counted["times"].astype(np.int64))
            self._add(counted["source"], counted["bits"], counted["times"].astype(np.float64))
        if merged:
            source, bits, count = self._held()
            now = after(bits, merged)
            changed = (now != bits).any(axis=1) & (count > 0)
            self._add(source[changed], now[changed], count[changed])
        if merged or len(counted["source"]):
            self._chunk += 1

    def _age(self, source: NDArray[Any], times: Int64) -> None:
        self._sources.reach(source)
        sources, rows = Groups(source), self._sources.rows
        sum_by_source = np.add.reduceat(times[sources.order], sources.begin)
        come = np.add.reduceat(np.maximum(times, 0)[sources.order], sources.begin)
        rows["clock"][sources.keys] += come
        visits = rows["visits"][sources.keys] * np.exp(-come / MEMORY) + sum_by_source
        rows["visits"][sources.keys] = np.maximum(visits, 0.0)
        self._sources.mark(sources.keys)

    def _add(self, source: NDArray[Any], bits: UInt64, times: Float64) -> None:
        signature = _signature(source, bits)
        at = self._shares.learn(signature, self._chunk)
        kept = np.flatnonzero(at >= 0)
        if not len(kept):
            return
        sets = Groups(at[kept])
        clock = self._sources.rows["clock"][source[kept[sets.first]]]
        add = np.add.reduceat(times[kept[sets.order]], sets.begin)
        self._shares.values[sets.keys] = np.maximum(self._aged(sets.keys, clock) + add, 0.0)
        self._shares.stamps[sets.keys] = clock.astype(np.uint32)
        at = self._known.learn(signature, self._chunk)
        kept = np.flatnonzero(at >= 0)
        self._known.values[at[kept], 0] = source[kept]
        self._known.values[at[kept], 1:] = bits[kept]

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._shares.changes("set/share/")
        yield from self._known.changes("set/known/")
        yield from self._sources.changes("set/source/")
        yield from self._counted.changes("set/closed")
        if self._recent_dirty:
            yield "set/merges", pack({"merges": np.array(self._recent, np.int64)})
            self._recent_dirty = False
        yield "set/chunk", self._chunk.to_bytes(8, "little") + self.seen.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._shares.restore("set/share/", cells)
        self._known.restore("set/known/", cells)
        self._sources.restore("set/source/", cells)
        self._counted.restore("set/closed", cells)
        if "set/merges" in cells:
            self._recent = [tuple(row) for row in unpack(cells["set/merges"])[0]["merges"].tolist()]
        if "set/chunk" in cells:
            chunk = cells["set/chunk"]
            self._chunk, self.seen = (int.from_bytes(part, "little") for part in (chunk[:8], chunk[8:]))
