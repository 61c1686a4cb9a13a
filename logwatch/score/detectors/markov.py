"""`markov`: an order-2 Markov chain over templates, the LSTM's shadow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import EventBatch, Flag, Float32, KeyFields, plugin
from logwatch.score.detector_configs import MarkovConfig
from logwatch.score.detectors.merges import Merges
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import HashTable, UInt64
from logwatch.score.grouped import Groups, distinct
from logwatch.score.keys import KeyTable
from logwatch.types import Float64, Int64

FIELD = 21
"""Bits of a template in a packed key of three: 2 M templates; a miner keeps far fewer."""
ANY = (1 << FIELD) - 1  # this place of the context is not looked at
TOTAL = (1 << FIELD) - 2  # in the last place: the context's own count
CELLS = 1 << 20
"""Numbers told apart without sorting, at most."""
MANY = 64
"""Events among which it is worth while to look for those that are alike."""
TOP = 1 << 63  # makes every key non-zero


def _pack(a: NDArray[Any], b: NDArray[Any], c: NDArray[Any]) -> UInt64:
    key = (a.astype(np.int64) << 2 * FIELD) | (b.astype(np.int64) << FIELD) | c.astype(np.int64)
    return key.astype(np.uint64) | np.uint64(TOP)


def _once(a: Int64, b: Int64, c: Int64) -> tuple[Int64, Int64]:
    """One row of each (a, b, c) [m], where few are enough to look, and for each row [n] which of these is its like."""
    n, numbers = len(c), np.concatenate([a, b, c])
    if n >= MANY:
        number = distinct(numbers, int(numbers.max()) + 1)[1]
        most = int(number.max()) + 1
        if most**2 <= CELLS:
            pairs = distinct(number[:n] * most + number[n : 2 * n], most**2)[1]
            cells = (int(pairs.max()) + 1) * most
            if cells <= CELLS:
                return distinct(pairs * most + number[2 * n :], cells)
    return np.arange(n), np.arange(n)


@plugin(kind="detector", name="markov", api=(1, 0), config=MarkovConfig)
class Markov:
    """Nats: −log p(template | the key's last two templates), interpolated with the shorter contexts.

    One model for all sources, as the LSTM is. NaN until something was learned.

    Args:
        config: settings.
        keys: the key table, with `FIELDS` among its columns.
        has_entities: unused; all detectors are built alike.
    """

    name = "markov"
    usual_only = True
    FIELDS = KeyFields((("markov", "i4", (2,)),))  # the last two templates, plus 1; 0: none yet

    def __init__(self, config: MarkovConfig, keys: KeyTable, has_entities: Callable[..., Any] | None = None) -> None:
        self._config = config
        self._keys = keys
        # Context entries hold their aged total, and in the stamp their clock: the observations so far.
        self._counts = HashTable(np.float32, limit=config.limit)
        self._seen = Pending(a="i4", b="i4", at="i4")  # contexts [n], and what `find` said [n, 6]
        self._merges = Merges(())  # of this chunk's end, for `learn`
        self._found = True  # what `find` said in this chunk still holds
        self._chunk = 1

    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; advances the keys' last two templates."""
        all_a, all_b, all_c = self._contexts(events)
        one, row = _once(all_a, all_b, all_c)
        a, b, c = all_a[one], all_b[one], all_c[one]
        n, wild, total = len(c), np.full(len(c), ANY), np.full(len(c), TOTAL)
        keys = [
            _pack(wild[:1], wild[:1], total[:1]), _pack(wild, b, total), _pack(a, b, total),
            _pack(wild, wild, c), _pack(wild, b, c), _pack(a, b, c),
        ]  # fmt: skip
        found = self._counts.find(np.concatenate(keys))
        at = np.concatenate([np.repeat(found[:1], n), found[1:]])
        self._seen.add(a=all_a, b=all_b, at=at.reshape(6, n).T.astype(np.int32)[row])
        context, joint = at[: 3 * n], at[3 * n :]
        seen = self._aged(joint, context)
        out_of = np.where(context >= 0, self._counts.values[context], np.float32(0)).astype(np.float64)
        # Half a count for the template, and as many templates again as a small program has: unseen is not impossible.
        p = (seen[:n] + 0.5) / (out_of[:n] + 50.0)
        k = self._config.strength
        p = (seen[n : 2 * n] + k * p) / (out_of[n : 2 * n] + k)
        p = (seen[2 * n :] + k * p) / (out_of[2 * n :] + k)
        nats = -np.log(np.minimum(p, 1.0))
        return np.where(context[:n] >= 0, nats, np.nan).astype(np.float32)[row]

    def _contexts(self, events: EventBatch) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        c = events.template.astype(np.int64) % (TOTAL - 1) + 1
        groups = Groups(events.slot)
        stored = self._keys.view("markov")[groups.keys].astype(np.int64)
        b = groups.before(c, stored[:, 1])
        a = np.empty_like(b)
        a[1:] = b[:-1]
        a[groups.begin] = stored[:, 0]
        final = np.stack([b, c[groups.order]], axis=1)[groups.end - 1]
        self._keys.rows["markov"][groups.keys] = final
        self._keys.mark(groups.keys.astype(np.int32))
        return groups.ungroup(a), groups.ungroup(b), c

    def _aged(self, joint: Int64, context: Int64) -> Float64:
        counts = self._counts
        idle = counts.stamps[context] - counts.stamps[joint]  # modulo 2^32
        aged = counts.values[joint] * np.exp(-idle.astype(np.float64) / self._config.memory)
        return np.where((joint >= 0) & (context >= 0), aged, 0.0)

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Count the chunk's transitions, without those that alerted.

        Rows that are `too_rare` should come marked as alerted: learning them costs half of the average precision
        on HDFS (0.59 → 0.30).
        """
        seen = self._seen.take()
        calm = (chunk.flags & Flag.ALERTED) == 0
        a, b = seen["a"][calm], seen["b"][calm]
        c = self._merges.forward(chunk.template[calm].astype(np.int64) % (TOTAL - 1) + 1)
        self._merges = Merges(())
        one, row = _once(a, b, c)
        times = np.tile(np.bincount(row, minlength=len(one)), 3)
        a, b, c, at = a[one], b[one], c[one], seen["at"][calm][one].T.reshape(-1).astype(np.int64)
        wild = np.full(len(c), ANY)
        keys = np.concatenate([wild, wild, a]), np.concatenate([wild, b, b]), np.concatenate([c, c, c])
        self._count(*keys, times, at if self._found else None)
        self._found = True
        self._chunk += 1

    def _count(
        self, a: NDArray[Any], b: NDArray[Any], c: NDArray[Any], times: Int64, at: Int64 | None
    ) -> None:  # fmt: skip
        n, counts = len(c), self._counts
        at = counts.learn(np.concatenate([_pack(a, b, np.full(n, TOTAL)), _pack(a, b, c)]), self._chunk, at)
        kept = np.flatnonzero(at[:n] >= 0)
        contexts = Groups(at[:n][kept])
        count = contexts.sums(times[kept])
        aged = counts.values[contexts.keys] * np.exp(-count / self._config.memory)
        counts.values[contexts.keys] = aged + count
        counts.stamps[contexts.keys] += count.astype(np.uint32)
        kept = np.flatnonzero((at[:n] >= 0) & (at[n:] >= 0))
        joints = Groups(at[n:][kept])
        context = at[kept[joints.first]]
        counts.values[joints.keys] = self._aged(joints.keys, context) + joints.sums(times[kept])
        counts.stamps[joints.keys] = counts.stamps[context]

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Templates merged: counts, and the keys' contexts, move from the losers to the winners."""
        if not pairs:
            return
        self._merges = merges = Merges([(loser % (TOTAL - 1) + 1, winner % (TOTAL - 1) + 1) for loser, winner in pairs])
        self._forward_keys(merges)
        keys, at = self._counts.entries()
        fields = [((keys >> np.uint64(shift)) & np.uint64(ANY)).astype(np.int64) for shift in (2 * FIELD, FIELD, 0)]
        moved = _pack(*(merges.forward(field) for field in fields))
        gone = moved != keys
        if not gone.any():
            return
        context = _pack(fields[0], fields[1], np.full(len(keys), TOTAL))
        now = self._aged(at, self._counts.find(context))
        own = fields[2] == TOTAL
        self._counts.remove(at[gone])
        for part in (gone & own, gone & ~own):  # contexts first: joint counts are stamped with their clocks
            self._add(moved[part], now[part])

    def _forward_keys(self, merges: Merges) -> None:
        slots = self._keys.in_use()
        stored = self._keys.view("markov")[slots]
        moved = merges.forward(stored.reshape(-1)).reshape(stored.shape)
        changed = (moved != stored).any(axis=1)
        self._keys.rows["markov"][slots[changed]] = moved[changed]
        self._keys.mark(slots[changed])
        seen = self._seen.take()
        if len(seen["a"]):
            self._seen.add(a=merges.forward(seen["a"]), b=merges.forward(seen["b"]), at=seen["at"])
        self._found = False

    def _add(self, keys: UInt64, values: Float64) -> None:
        unique, inverse = np.unique(keys, return_inverse=True)
        sums = np.bincount(inverse, values, minlength=len(unique))
        entry = self._counts.learn(unique, self._chunk)
        last = np.uint64(ANY)
        context = self._counts.find((unique & ~last) | np.uint64(TOTAL))
        kept = (entry >= 0) & (context >= 0)
        entry, context = entry[kept], context[kept]
        self._counts.values[entry] = self._aged(entry, context) + sums[kept]
        self._counts.stamps[entry] = self._counts.stamps[context]

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._counts.changes("count/")
        yield from self._seen.changes("seen")
        yield "chunk", self._chunk.to_bytes(8, "little")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._counts.restore("count/", cells)
        self._seen.restore("seen", cells)
        if "chunk" in cells:
            self._chunk = int.from_bytes(cells["chunk"], "little")
