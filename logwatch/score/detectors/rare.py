"""`rare`: a template that few of its source's recent visits contain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag, Float32, KeyFields, plugin
from logwatch.score.detector_configs import RareConfig
from logwatch.score.detectors.merges import Merges, OpenMerges, Untold
from logwatch.score.detectors.rare_visits import KEPT, VisitTemplates, first_of
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, UInt64, pair
from logwatch.score.grouped import Groups
from logwatch.score.keys import KeyTable
from logwatch.types import Bool, Float64, Int32, Int64

BLOCK = 32
"""Events of a source without entities that count as one visit: a burst of a template then counts once or twice."""


COMMON = 0.02
"""Share of visits below which sequence models should not learn a template: faults that come in bursts stay news."""


def too_rare(nats: Float32) -> Bool:
    """Events [n] that sequence models should not learn, by what `rare` said of them [n]."""
    barred: Bool = nats > -np.log(COMMON)
    return barred


def _lane(source: NDArray[Any], visits: Bool) -> Int64:
    """Each source has two populations: its entities' visits, and blocks of its lines without an entity."""
    lane: Int64 = source.astype(np.int64) * 2 + visits
    return lane


@plugin(kind="detector", name="rare", api=(1, 0), config=RareConfig)
class Rare:
    """Nats: −log of the aged share of the source's recent visits that contain the template.

    Where there are no entities, runs of 32 events of the source stand for visits. At most log(2 · memory) nats.

    Args:
        config: settings.
        keys: the key table, with `FIELDS` among its columns.
        has_entities: which of the given source numbers have entities.
        untold: merges that are not learned yet.
    """

    name = "rare"
    counts_alerted = True  # see `logwatch.score.detectors`
    FIELDS = KeyFields(
        (("rare_heard", "i8"), ("rare_count", "i4"), ("rare_templates", "i4", (KEPT,)), ("rare_plain", "u1"))
    )

    def __init__(
        self, config: RareConfig, keys: KeyTable, has_entities: Callable[[Int32], Bool], untold: Untold | None = None
    ) -> None:
        self._open = OpenMerges(untold)
        self._config = config
        self._keys = keys
        self._has_entities = has_entities
        self._shares = HashTable(np.float32, limit=config.limit)  # stamp: the lane's clock when last counted
        self._lanes = SourceRows([("clock", "i8"), ("visits", "f8"), ("events", "i8")])
        self._visits = VisitTemplates(keys, config.visit_gap)
        self._merges = Merges(())  # of this chunk's end, for `learn`
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], from the shares as of the last chunk's end."""
        lane = _lane(events.source, self._in_visits(events))
        self._lanes.reach(lane)
        rows = self._lanes.get(lane)
        at = self._shares.find(pair(lane, events.template))
        count = np.where(at >= 0, self._aged(at, rows["clock"]), 0.0)
        for held, loser in self._open.losers(events, np.arange(len(count))):
            at = self._shares.find(pair(lane[held], np.full(len(held), loser)))
            count[held] += np.where(at >= 0, self._aged(at, rows["clock"][held]), 0.0)
        share = (count + 0.5) / (rows["visits"] + 1.0)
        # Before anything was learned nothing is rare.
        nats = np.where(rows["visits"] > 0, -np.log(np.minimum(share, 1.0)), 0.0)
        return nats.astype(np.float32)

    def _in_visits(self, events: EventBatch) -> Bool:
        visits = self._has_entities(events.source)
        if events.entity and visits.any():
            plain = np.array([entity is None for entity in events.entity]) & visits
            if plain.any():
                self._keys.rows["rare_plain"][events.slot[plain]] = 1
                visits = visits & ~plain
        return visits

    def _aged(self, entry: Int64, clock: Int64) -> Float64:
        idle = clock.astype(np.uint32) - self._shares.stamps[entry]  # modulo 2^32
        aged: Float64 = self._shares.values[entry] * np.exp(-idle.astype(np.float64) / self._config.memory)
        return aged

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Count in which visits and blocks the chunk's templates stand, without events marked as alerted.

        Those are only what a person called real (see `counts_alerted`): were whatever alerted left out, a habit that
        began with an alert would stay as rare as it was, and alert for ever (HDFS: F1 at a budget of 2 % 0.68, and 0.46
        without them). What is a share is not poisoned: one visit in a hundred is one in a hundred.
        """
        calm = np.flatnonzero((chunk.flags & Flag.ALERTED) == 0)
        template, self._merges = self._merges.forward(chunk.template[calm]), Merges(())
        source, slot = chunk.source[calm], chunk.slot[calm]
        visits = self._has_entities(source) & (self._keys.view("rare_plain")[slot] == 0)
        lane = _lane(source, visits)
        heard = np.maximum(chunk.time, chunk.watermark)[calm]
        self._lanes.reach(lane)
        rows = np.flatnonzero(visits)
        if len(rows):
            begun, held = self._visits.learn(slot[rows], heard[rows], template[rows])
            self._count(lane[rows][begun], lane[rows][held], template[rows][held])
        if len(rows) < len(visits):
            self._blocks(lane[~visits], template[~visits])
        self._chunk += 1

    def _count(self, begun: Int64, lane: Int64, template: Int64) -> None:
        """Lanes [v] of visits that began; lanes and templates [m] of what was first seen in a visit."""
        lanes = Groups(begun)
        self._advance(lanes.keys, lanes.counts)
        self._add(pair(lane, template), self._lanes.rows["clock"][lane])

    def _advance(self, lanes: Int64, begun: Int64) -> None:
        rows = self._lanes.rows
        rows["clock"][lanes] += begun
        rows["visits"][lanes] = rows["visits"][lanes] * np.exp(-begun / self._config.memory) + begun
        self._lanes.mark(lanes)

    def _add(self, keys: UInt64, clock: Int64, times: Float64 | None = None, at: Int64 | None = None) -> None:
        """Count keys [m], several times where they repeat, or `times` [m]; the last one's clock is the entry's."""
        at = self._shares.learn(keys, self._chunk, at)
        kept = np.flatnonzero(at >= 0)
        groups = Groups(at[kept])
        clock, entry = clock[kept[groups.last]], groups.keys
        add = groups.counts if times is None else np.bincount(groups.ungroup(groups.group), times[kept])
        self._shares.values[entry] = self._aged(entry, clock) + add
        self._shares.stamps[entry] = clock.astype(np.uint32)

    def _blocks(self, lane: Int64, template: Int64) -> None:
        groups = Groups(lane)
        rows = self._lanes.rows
        before = rows["events"][groups.keys]
        position = np.arange(len(lane)) - groups.begin[groups.group] + before[groups.group]
        block = position // BLOCK + 1  # 1, 2, …: the lane's clock once the block has begun
        keys = pair(lane, template)[groups.order]
        rows["events"][groups.keys] = before + groups.counts
        self._advance(groups.keys, block[groups.end - 1] - rows["clock"][groups.keys])
        again = ~first_of(keys, block)
        at = self._shares.find(keys)
        again |= (at >= 0) & (self._shares.stamps[at] == block.astype(np.uint32))  # counted before this chunk
        self._add(keys[~again], block[~again], at=at[~again])

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Templates merged: the losers' visits count for the winners."""
        if not pairs:
            return
        self._merges = merges = Merges(pairs)
        self._visits.merged(merges)
        keys, at = self._shares.entries()
        low = np.uint64(0xFFFFFFFF)
        moved = (keys & ~low) | merges.forward((keys & low).astype(np.int64)).astype(np.uint64)
        gone = moved != keys
        if not gone.any():
            return
        clock = self._lanes.rows["clock"][(keys[gone] >> np.uint64(32)).astype(np.int64) - 1]
        now, targets = self._aged(at[gone], clock), moved[gone]
        self._shares.remove(at[gone])
        self._add(targets, clock, now)

    def counts(self) -> tuple[Int64, Int64, Float64]:
        """Sources [m], templates [m], and in how many of the source's recent visits (blocks) the template was [m]."""
        keys, at = self._shares.entries()
        lane = (keys >> np.uint64(32)).astype(np.int64) - 1
        template = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
        return lane // 2, template, self._aged(at, self._lanes.rows["clock"][lane])

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._shares.changes("share/")
        yield from self._lanes.changes("lane/")
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._shares.restore("share/", cells)
        self._lanes.restore("lane/", cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")
