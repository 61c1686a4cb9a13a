"""`gap`: an event that comes too late, or too early, after its key's last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag, Float32, KeyFields, plugin
from logwatch.score.detector_configs import GapConfig
from logwatch.score.detectors.merges import Merges
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import HashTable, pair
from logwatch.score.grouped import Groups, distinct
from logwatch.score.keys import KeyTable
from logwatch.types import NO_TIME, Int64

BUCKETS = 32
"""Octaves of milliseconds: from below 1 ms to 24 days."""
NONE = 255  # the key's first event has no gap
MILLISECOND = 1_000_000


def octave(gap: Int64) -> NDArray[np.uint8]:
    """Bucket [n] of gaps [n] in ns: 0 below 1 ms, then one per doubling, 31 from 24 days on."""
    exponent = np.frexp((gap // MILLISECOND + 1).astype(np.float64))[1] - 1
    bucket: NDArray[np.uint8] = np.clip(exponent, 0, BUCKETS - 1).astype(np.uint8)
    return bucket


@plugin(kind="detector", name="gap", api=(1, 0), config=GapConfig)
class Gap:
    """Nats: −log of the two-sided tail of the gap before this event, among those of its (source, template).

    The lower tail speaks only where short gaps are rare: a heartbeat that comes too early. NaN at a key's first
    event, and until `least` gaps were learned.

    Args:
        config: settings.
        keys: the key table, with `FIELDS` among its columns.
        has_entities: unused; all detectors are built alike.
    """

    name = "gap"
    FIELDS = KeyFields((("gap_last", "i8"),))  # time of the key's last event, ns; 0: none yet

    def __init__(self, config: GapConfig, keys: KeyTable, has_entities: Callable[..., Any] | None = None) -> None:
        self._config = config
        self._keys = keys
        self._histograms = HashTable(np.uint16, (BUCKETS,), limit=config.limit)
        self._seen = Pending(bucket="u1")
        self._merges = Merges(())  # of this chunk's end, for `learn`
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; advances the keys' last times."""
        bucket = self._buckets(events)
        self._seen.add(bucket=bucket)
        at = self._histograms.find(pair(events.source, events.template))
        one, row = distinct(at, len(self._histograms.values))  # few statements bring most lines
        counts = self._histograms.values[at[one]].astype(np.int32)
        below = np.cumsum(counts, axis=1)
        total = below[:, -1][row]
        column = np.minimum(bucket, BUCKETS - 1)
        here = counts[row, column]
        # Half of the own bucket counts on either side; half a count keeps what was never seen possible.
        low = below[row, column] - 0.5 * here
        p = (2.0 * np.minimum(low, total - low) + 1.0) / (total + 1.0)
        known = (at >= 0) & (bucket != NONE) & (total >= self._config.least)
        return np.where(known, -np.log(np.minimum(p, 1.0)), np.nan).astype(np.float32)

    def _buckets(self, events: EventBatch) -> NDArray[np.uint8]:
        groups = Groups(events.slot)
        time = np.where(events.time == NO_TIME, 0, events.time)
        last = groups.ungroup(groups.before(time, self._keys.view("gap_last")[groups.keys]))
        self._keys.rows["gap_last"][groups.keys] = time[groups.last]
        self._keys.mark(groups.keys.astype(np.int32))
        known = (last != 0) & (time != 0)
        return np.where(known, octave(np.maximum(time - last, 0)), np.uint8(NONE))

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Count the chunk's gaps, without those of events that alerted."""
        bucket = self._seen.take()["bucket"]
        rows = ((chunk.flags & Flag.ALERTED) == 0) & (bucket != NONE)
        template, self._merges = self._merges.forward(chunk.template), Merges(())
        at = self._histograms.learn(pair(chunk.source, template)[rows], self._chunk)
        kept = at >= 0
        cells = Groups(at[kept] * BUCKETS + bucket[rows][kept])
        self._histograms.values.reshape(-1)[cells.keys] += cells.counts.astype(np.uint16)
        entries = cells.keys // BUCKETS
        self._halve(entries[np.append(True, entries[1:] != entries[:-1])] if len(entries) else entries)
        self._chunk += 1

    def _halve(self, entries: Int64) -> None:
        values = self._histograms.values
        full = entries[values[entries].sum(axis=1, dtype=np.int64) > self._config.most]
        while len(full):
            values[full] >>= 1
            full = full[values[full].sum(axis=1, dtype=np.int64) > self._config.most]

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Templates merged: the losers' gaps count for the winners."""
        if not pairs:
            return
        self._merges = merges = Merges(pairs)
        low = np.uint64(0xFFFFFFFF)
        keys, at = self._histograms.entries()
        moved = (keys & ~low) | merges.forward((keys & low).astype(np.int64)).astype(np.uint64)
        gone = moved != keys
        if not gone.any():
            return
        counts = self._histograms.values[at[gone]]
        self._histograms.remove(at[gone])
        to, inverse = np.unique(moved[gone], return_inverse=True)
        entry = self._histograms.learn(to, self._chunk)
        for target, add in zip(inverse.tolist(), counts, strict=True):
            if entry[target] >= 0:
                self._histograms.values[entry[target]] += add  # halved to 4,096 at every step: no overflow
                self._halve(entry[target : target + 1])

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._histograms.changes("gap/")
        yield from self._seen.changes("seen")
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._histograms.restore("gap/", cells)
        self._seen.restore("seen", cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")
