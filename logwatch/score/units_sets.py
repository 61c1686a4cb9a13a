"""`set`: a visit whose set of templates few recent visits of its source had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def bits_of(template: NDArray[Any]) -> UInt64:
    """The set {template} as bits [n, WORDS]."""
    bits = np.zeros((len(template), WORDS), dtype=np.uint64)
    place = template.astype(np.int64) & (64 * WORDS - 1)
    bits[np.arange(len(template)), place >> 6] = np.uint64(1) << (place & 63).astype(np.uint64)
    return bits


def _signature(source: NDArray[Any], bits: UInt64) -> UInt64:
    out = mix(source.astype(np.uint64) + np.uint64(1))
    for word in range(WORDS):
        out = mix(out ^ bits[:, word]) + np.uint64(word)
    return out | np.uint64(1)  # never zero


class SetRarity:
    """Nats: −log of the aged share of the source's other recent visits with exactly this set; learned per chunk."""

    def __init__(self) -> None:
        self._shares = HashTable(np.float32, limit=LIMIT)  # stamp: the source's clock when last counted
        self._sources = SourceRows([("clock", "i8"), ("visits", "f8")])
        self._counted = Pending(source="i4", signature="u8", times="i1")
        self._chunk = 1

    def score(self, source: NDArray[Any], bits: UInt64) -> Float32:
        """Nats [m] of visits that close; each was counted once itself."""
        self._sources.reach(source)
        rows = self._sources.get(source)
        at = self._shares.find(_signature(source, bits))
        count = np.where(at >= 0, self._aged(at, rows["clock"]), 0.0)
        share = np.minimum((np.maximum(count - 1.0, 0.0) + 0.5) / (rows["visits"] + 1.0), 1.0)
        return np.where(rows["visits"] > 0, -np.log(share), np.nan).astype(np.float32)

    def count(self, source: NDArray[Any], bits: UInt64, times: int) -> None:
        """Count the sets of visits [m] once more (`times` 1) or take them back (-1), from the chunk's end on."""
        if len(source):
            taken = np.full(len(source), times)
            self._counted.add(source=source, signature=_signature(source, bits), times=taken)

    def _aged(self, entry: Int64, clock: Int64) -> Float64:
        idle = clock.astype(np.uint32) - self._shares.stamps[entry]  # modulo 2^32
        aged: Float64 = self._shares.values[entry] * np.exp(-idle.astype(np.float64) / MEMORY)
        return aged

    def learn(self) -> None:
        """At a chunk's end: what was counted in it enters the shares."""
        counted = self._counted.take()
        if not len(counted["source"]):
            return
        times, source = counted["times"].astype(np.int64), counted["source"]
        self._sources.reach(source)
        sources, rows = Groups(source), self._sources.rows
        sum_by_source = np.add.reduceat(times[sources.order], sources.begin)
        come = np.add.reduceat(np.maximum(times, 0)[sources.order], sources.begin)
        rows["clock"][sources.keys] += come
        visits = rows["visits"][sources.keys] * np.exp(-come / MEMORY) + sum_by_source
        rows["visits"][sources.keys] = np.maximum(visits, 0.0)
        self._sources.mark(sources.keys)
        at = self._shares.learn(counted["signature"], self._chunk)
        kept = np.flatnonzero(at >= 0)
        sets = Groups(at[kept])
        clock = rows["clock"][source[kept[sets.first]]]
        add = np.add.reduceat(times[kept[sets.order]], sets.begin) if len(kept) else times[kept]
        self._shares.values[sets.keys] = np.maximum(self._aged(sets.keys, clock) + add, 0.0)
        self._shares.stamps[sets.keys] = clock.astype(np.uint32)
        self._chunk += 1

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._shares.changes("set/share/")
        yield from self._sources.changes("set/source/")
        yield from self._counted.changes("set/counted")
        yield "set/chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._shares.restore("set/share/", cells)
        self._sources.restore("set/source/", cells)
        self._counted.restore("set/counted", cells)
        if "set/chunk" in cells:
            self._chunk = int.from_bytes(cells["set/chunk"], "little")
