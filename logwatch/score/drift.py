"""Drift: how far what a source says of late is from what it said before, and which templates moved.

The shares of a source's templates in the last hour, about, are held against those in the last day, about: their
Jensen-Shannon divergence (Lin, Divergence measures based on the Shannon entropy, 1991) in bits, 0 to 1, less what as
few events would show by chance. Both are aged by the source's own time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.detectors.merges import RETIRED, Merges
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.detectors.table import HashTable, pair
from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, EventBatch, Float64, Int64

RECENT_S, PAST_S = 3600.0, 24 * 3600.0
"""Mean ages of what is held against each other, seconds."""

UNTIMED_S = 1.0
"""What an event without a time ages its source by."""

EVERY = 8
"""Chunks between two looks."""

LEAST_RECENT, LEAST_PAST = 200.0, 1000.0
"""Events that must be known of a source before it is looked at."""

MOVED, SETTLED = 0.10, 0.06
"""Divergence at which templates count as moved, and below which they no longer do."""

SHOWN = 5
"""Templates that are named."""

LIMIT = 1 << 16
"""(source, template) pairs remembered."""

_PAIR = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Move:
    """A template whose share of its source's lines moved."""

    template: int
    before: float  # share in the last day, [0, 1]
    now: float  # in the last hour


@dataclass(frozen=True, slots=True)
class Moved:
    """A source that was looked at."""

    source: int
    drift: float  # [0, 1]
    moved: bool
    templates: tuple[Move, ...]  # those that moved most, first


class Drift:
    """Learns at chunk ends only. Implements `Cells`."""

    def __init__(self) -> None:
        self.on_moved: Callable[[Moved], None] = lambda moved: None  # as a source's templates begin to have moved
        self.on_look: Callable[[int, float], None] = lambda source, drift: None
        self._shares = HashTable(np.float32, (2,), LIMIT)  # recent and past; stamp: the source's second
        self._sources = SourceRows([("clock", "f8"), ("drift", "f4"), ("moved", "u1")])  # seconds of its own time
        self._merges = Merges(())
        self._chunks = 0
        self._dirty = False

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Templates merged: what was counted of the losers counts for the winners."""
        if not pairs:
            return
        self._merges = merges = Merges(pairs)
        keys, at = self._shares.entries()
        moved = (keys & ~_PAIR) | merges.forward((keys & _PAIR).astype(np.int64)).astype(np.uint64)
        gone = np.flatnonzero(moved != keys)
        if not len(gone):
            return
        source = _source(keys[gone])
        now = self._aged(at[gone], source)
        self._shares.remove(at[gone])
        kept = np.flatnonzero((moved[gone] & _PAIR) != RETIRED)
        self._add(moved[gone][kept], source[kept], now[kept])

    def learn(self, chunk: EventBatch) -> None:
        """Count a chunk; now and then look at all sources that have enough to tell."""
        if not len(chunk):
            return
        template, self._merges = self._merges.forward(chunk.template), Merges(())
        source = chunk.source.astype(np.int64)
        self._sources.reach(source)
        ages = self._advance(source, chunk)
        keys = pair(source, template)
        fresh, of = np.unique(keys, return_inverse=True)
        weights = [np.bincount(of, np.exp(-ages / mean), len(fresh)) for mean in (RECENT_S, PAST_S)]
        self._add(fresh, _source(fresh), np.stack(weights, axis=1))
        self._chunks += 1
        self._dirty = True
        if self._chunks % EVERY == 0:
            self._look()

    def _advance(self, source: Int64, chunk: EventBatch) -> Float64:
        """Let the clocks of the sources [n] go on; the ages [n] of their events by then, seconds."""
        rows, groups = self._sources.rows, Groups(chunk.source)
        ages = np.zeros(len(source))
        for which in range(len(groups)):
            mine = groups.order[groups.begin[which] : groups.end[which]]
            number, time = int(groups.keys[which]), chunk.time[mine]
            before, known = float(rows["clock"][number]), time[time != NO_TIME]
            seconds = np.where(time == NO_TIME, before, time / 1e9)
            if not len(known):
                seconds = before + UNTIMED_S * np.arange(1, len(mine) + 1)
            rows["clock"][number] = now = max(before, float(seconds.max()))
            ages[mine] = now - seconds
        self._sources.mark(groups.keys)
        return ages

    def _aged(self, entries: Int64, source: Int64) -> Float64:
        """Recent and past [n, 2] of entries [n] by now."""
        idle = self._clock(source) - self._shares.stamps[entries]  # modulo 2^32
        decay = np.exp(-idle.astype(np.float64)[:, None] / np.array([RECENT_S, PAST_S]))
        aged: Float64 = self._shares.values[entries] * decay
        return aged

    def _clock(self, source: Int64) -> NDArray[np.uint32]:
        seconds: NDArray[np.uint32] = self._sources.rows["clock"][source].astype(np.int64).astype(np.uint32)
        return seconds

    def _add(self, keys: NDArray[np.uint64], source: Int64, weights: Float64) -> None:
        at = self._shares.learn(keys, self._chunks + 1)
        kept = np.flatnonzero(at >= 0)
        entries, of = np.unique(at[kept], return_inverse=True)  # merges may bring two losers to one winner
        owner = np.zeros(len(entries), np.int64)
        owner[of] = source[kept]
        total = np.stack([np.bincount(of, weights[kept, column], len(entries)) for column in (0, 1)], axis=1)
        self._shares.values[entries] = self._aged(entries, owner) + total
        self._shares.stamps[entries] = self._clock(owner)

    def _look(self) -> None:
        rows = self._sources.rows
        for moved in self._all():
            if moved.moved and not rows["moved"][moved.source]:
                self.on_moved(moved)
            self.on_look(moved.source, moved.drift)
            rows["drift"][moved.source], rows["moved"][moved.source] = moved.drift, moved.moved
            self._sources.mark(np.array([moved.source]))

    def _all(self) -> Iterable[Moved]:
        keys, at = self._shares.entries()
        if not len(keys):
            return
        source = _source(keys)
        values = self._aged(at, source)
        for begin, end in _runs(source):
            recent, past = values[begin:end].T
            if recent.sum() < LEAST_RECENT or past.sum() < LEAST_PAST:
                continue
            number = int(source[begin])
            each, drift = divergence(recent, past)
            limit = SETTLED if self._sources.rows["moved"][number] else MOVED
            order = np.lexsort((keys[begin:end], -each))[:SHOWN]
            before, now = past / past.sum(), recent / recent.sum()
            template = (keys[begin:end] & _PAIR).astype(np.int64)
            told = tuple(Move(int(template[i]), float(before[i]), float(now[i])) for i in order.tolist())
            yield Moved(number, drift, drift >= limit, told)

    def seen(self, source: int) -> tuple[float, bool]:
        """How far a source was, at the last look, and whether its templates had moved."""
        if source >= len(self._sources.rows):
            return 0.0, False
        row = self._sources.rows[source]
        return float(row["drift"]), bool(row["moved"])

    def told(self) -> list[Moved]:
        """All sources that have enough to tell, as they are now."""
        return list(self._all())

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        yield from self._shares.changes("share/")
        yield from self._sources.changes("source/")
        if self._dirty:
            self._dirty = False
            yield "chunks", pack({}, chunks=self._chunks)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        self._shares.restore("share/", cells)
        self._sources.restore("source/", cells)
        if "chunks" in cells:
            self._chunks = int(unpack(cells["chunks"])[1]["chunks"])


def divergence(recent: Float64, past: Float64) -> tuple[Float64, float]:
    """What each of k templates adds to the divergence of two counts [k], and the whole, less what is chance, [0, 1]."""
    p, q = recent / recent.sum(), past / past.sum()
    middle = (p + q) / 2
    each = np.zeros(len(p))
    for share in (p, q):
        there = share > 0
        each[there] += 0.5 * share[there] * np.log2(share[there] / middle[there])
    # Of two samples of one distribution the expected divergence: 1/8 of the chi-square between them.
    alive = int(np.count_nonzero(middle * recent.sum() > 0.5))
    chance = max(0, alive - 1) / (8 * np.log(2)) * (1 / recent.sum() + 1 / past.sum())
    return each, float(min(1.0, max(0.0, each.sum() - chance)))


def _source(keys: NDArray[np.uint64]) -> Int64:
    source: Int64 = (keys >> np.uint64(32)).astype(np.int64) - 1
    return source


def _runs(source: Int64) -> Iterable[tuple[int, int]]:
    """Where runs of equal numbers [n] begin and end."""
    cuts = np.flatnonzero(np.diff(source)) + 1
    return zip([0, *cuts.tolist()], [*cuts.tolist(), len(source)], strict=True)
