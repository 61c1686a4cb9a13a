"""`new`: a template that its source has not shown before, or not for a long time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from logwatch.api import EventBatch, Flag, Float32, KeyFields, plugin
from logwatch.score.detector_configs import NewConfig
from logwatch.score.detectors.merges import Merges, OpenMerges, Untold
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, UInt64, pair
from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, Bool, Int8, Int64, UInt8

NO_KEYS: UInt64 = np.zeros(0, dtype=np.uint64)
SEVERE = np.array([5, 6])
"""Levels from which on a template is a warning, an error."""


SPAN = 4 * 86_400 * 10**9
SPANS = 255
"""When a template was last seen is kept in spans of four days, modulo 255: after 2.8 years it counts as just seen."""
MISSED = 1000
"""Events of the source in which a template must be missing, too: a service that was off for long says nothing new."""


def spans(watermark: Int64) -> UInt8:
    """1 to 255 [n] for source times [n], ns; 0 where there is none."""
    return np.where(watermark == NO_TIME, 0, watermark // SPAN % SPANS + 1).astype(np.uint8)


def severity(level: Int8) -> Int64:
    """0 [n] for harmless or unknown levels [n], 1 for warnings, 2 for errors."""
    return np.searchsorted(SEVERE, level, side="right")


@plugin(kind="detector", name="new", api=(1, 0), config=NewConfig)
class Novelty:
    """Nats: −log of the source's aged rate of new templates (at least as severe), at a template's first event, else 0.

    A source that keeps making templates makes each one unsurprising; one that never did makes the first a surprise. So
    does the first error of a source whose new templates were harmless.
    In a source's first chunk the rate is taken as 1: 0 nats.

    Args:
        config: settings.
        keys: the key table (no columns here).
        has_entities: unused; all detectors are built alike.
        untold: merges that are not learned yet.
    """

    name = "new"
    FIELDS = KeyFields(())

    def __init__(
        self,
        config: NewConfig,
        keys: Any = None,
        has_entities: Callable[..., Any] | None = None,
        untold: Untold | None = None,
    ) -> None:
        self._open = OpenMerges(untold)
        self._config = config
        self._seen = HashTable(np.uint8, limit=config.limit)  # stamp: the source's clock when last seen; value: `spans`
        self._spans = (
            -int(-config.forget_after * 1e9 // SPAN) if 0 < config.forget_after * 1e9 < SPAN * SPANS else SPANS
        )
        self._sources = SourceRows([("clock", "i8"), ("events", "f8"), ("novel", "f8", (len(SEVERE) + 1,))])
        self._fresh = NO_KEYS  # [f] first seen in this chunk; the table is filled at the chunk's end
        self._fresh_log = Pending(key="u8")
        self._merges = Merges(())  # of this chunk's end, for `learn`
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; exact in stream order."""
        self._sources.reach(events.source)
        keys = pair(events.source, events.template)
        at = self._seen.find(keys)
        clock = self._sources.rows["clock"][events.source]
        age = clock.astype(np.uint32) - self._seen.stamps[at]  # modulo 2^32
        long_ago = (age >= MISSED) & self._is_long_ago(at, events.watermark)
        rows = np.flatnonzero((at < 0) | (age > self._config.forget) | long_ago)
        nats = np.zeros(len(events.source), dtype=np.float32)
        if len(rows):
            rows = self._first(rows, keys, events)
            nats[rows] = self._rate_nats(events.source[rows], severity(events.level[rows]))
        return nats

    def _is_long_ago(self, at: Int64, watermark: Int64) -> Bool:
        """Which entries [n] were last seen so long before source times [n] that they are forgotten."""
        seen, now = self._seen.values[at].astype(np.int64), spans(watermark).astype(np.int64)
        ago: Bool = (seen > 0) & (now > 0) & ((now - seen) % SPANS >= self._spans)
        return ago

    def _first(self, rows: Int64, keys: UInt64, events: EventBatch) -> Int64:
        new, first = np.unique(keys[rows], return_index=True)
        if len(self._fresh):
            first = first[~np.isin(new, self._fresh, assume_unique=True)]
        found = self._unheard(rows[np.sort(first)], keys, events)
        if len(found):
            self._fresh = np.concatenate([self._fresh, keys[found]])
            self._fresh_log.add(key=keys[found])
        return found

    def _unheard(self, rows: Int64, keys: UInt64, events: EventBatch) -> Int64:
        """Those of the first rows of their keys whose template the source has not shown under another id either."""
        others: dict[int, list[int]] = {}
        for held, loser in self._open.losers(events, rows):
            for row in held.tolist():
                others.setdefault(row, []).append(loser)
        if not others:
            return rows
        fresh, unheard = set(self._fresh.tolist()), []
        for row in rows.tolist():
            losers = np.array(others.get(row, ()), np.int64)
            known = pair(np.full(len(losers), events.source[row]), losers)
            if not fresh.isdisjoint(known.tolist()) or self._is_held(known, int(events.source[row])):
                continue
            fresh.add(int(keys[row]))
            unheard.append(row)
        return np.array(unheard, np.int64)

    def _is_held(self, keys: UInt64, source: int) -> bool:
        at = self._seen.find(keys)
        age = self._sources.rows["clock"][source].astype(np.uint32) - self._seen.stamps[at]  # modulo 2^32
        return bool(((at >= 0) & (age <= self._config.forget)).any())

    def _rate_nats(self, source: Any, severity: Int64) -> Float32:
        rows = self._sources.get(source)
        # One novelty and one event are added: a new source is expected to be all novelty.
        rate = (rows["novel"][np.arange(len(rows)), severity] + 1.0) / (rows["events"] + 1.0)
        nats: Float32 = -np.log(np.minimum(rate, 1.0)).astype(np.float32)
        return nats

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Move what was seen into the table and age the rates."""
        template, self._merges = self._merges.forward(chunk.template), Merges(())
        keys = pair(chunk.source, template)
        calm = (chunk.flags & Flag.ALERTED) == 0
        groups = Groups(chunk.source)
        count = np.add.reduceat(calm[groups.order], groups.begin, dtype=np.int64)
        novel = np.zeros((len(groups), len(SEVERE) + 1), dtype=np.int64)
        if len(self._fresh):
            novel = self._novel(keys, calm, severity(chunk.level), groups)
        rows = self._sources.rows
        keep = np.exp(-count / self._config.memory)
        rows["clock"][groups.keys] += groups.counts
        rows["events"][groups.keys] = rows["events"][groups.keys] * keep + count
        rows["novel"][groups.keys] = rows["novel"][groups.keys] * keep[:, None] + novel
        self._sources.mark(groups.keys)
        at = self._seen.learn(keys, self._chunk)
        kept = at >= 0
        self._seen.stamps[at[kept]] = rows["clock"][chunk.source[kept]].astype(np.uint32)
        self._seen.values[at[kept]] = spans(chunk.watermark[kept])
        self._chunk += 1
        self._fresh = NO_KEYS
        self._fresh_log.take()

    def _novel(self, keys: UInt64, calm: Bool, severity: Int64, groups: Groups) -> Int64:
        """By source and severity [g, …], the templates at least as severe whose first event lies in this chunk, and did
        not alert."""
        rows = np.flatnonzero(np.isin(keys, self._fresh))
        _, first = np.unique(keys[rows], return_index=True)
        new = np.zeros((len(keys), len(SEVERE) + 1), dtype=np.int64)
        new[rows[first]] = calm[rows[first], None] & (severity[rows[first], None] >= np.arange(len(SEVERE) + 1))
        novel: Int64 = np.add.reduceat(new[groups.order], groups.begin)
        return novel

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Templates merged: whoever saw the loser has seen the winner."""
        if not pairs:
            return
        self._merges = merges = Merges(pairs)
        self._fresh = np.unique(self._forward(self._fresh, merges))
        keys, at = self._seen.entries()
        moved = self._forward(keys, merges)
        gone = moved != keys
        if not gone.any():
            return
        stamps, seen, targets = self._seen.stamps[at[gone]], self._seen.values[at[gone]], moved[gone]
        self._seen.remove(at[gone])
        unique, inverse = np.unique(targets, return_inverse=True)
        known = self._seen.find(unique) >= 0
        to = self._seen.learn(unique, self._chunk)
        for target, stamp, span in zip(inverse.tolist(), stamps, seen, strict=True):
            entry = to[target]
            if entry >= 0 and (not known[target] or _later(int(stamp), int(self._seen.stamps[entry]))):
                self._seen.stamps[entry], self._seen.values[entry] = stamp, span
                known[target] = True

    @staticmethod
    def _forward(keys: UInt64, merges: Merges) -> UInt64:
        low = np.uint64(0xFFFFFFFF)
        template = merges.forward((keys & low).astype(np.int64)).astype(np.uint64)
        return (keys & ~low) | template

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._seen.changes("seen/")
        yield from self._sources.changes("source/")
        yield from self._fresh_log.changes("fresh")
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._seen.restore("seen/", cells)
        self._sources.restore("source/", cells)
        self._fresh_log.restore("fresh", cells)
        self._fresh = self._fresh_log.peek()["key"]
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")


def _later(stamp: int, other: int) -> bool:
    """Whether a stamp, modulo 2^32, is the later one."""
    return 0 < (stamp - other) & 0xFFFFFFFF < 1 << 31
