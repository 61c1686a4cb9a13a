"""A bounded hash table of numpy arrays: looked up and filled by the batch, without Python objects per entry.

Set-associative like a processor's cache: a key may stand in any of the 8 ways of its bucket, so a look-up is one
gather, and a full bucket gives up its least recently learned entry. It doubles up to its limit; a bucket splits in
place, since the next bit of the hash says which half an entry belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.grouped import Groups
from logwatch.score.journal import Columns, Journal
from logwatch.types import Int64

UInt64 = NDArray[np.uint64]

WAYS = 8
SMALLEST = 128
"""Buckets of an empty table: 1,024 entries."""
FULL = 0.6
"""Share of entries in use at which the table doubles: above it buckets begin to overflow."""


def mix(keys: UInt64) -> UInt64:
    """Well-spread hashes [n] of integers [n] (the finaliser of splitmix64, Steele et al. 2014)."""
    x = keys.copy()
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def pair(source: NDArray[Any], template: NDArray[Any]) -> UInt64:
    """Reversible, never zero keys [n] of (source, template)."""
    return ((source.astype(np.int64) + 1) << 32 | template.astype(np.int64)).astype(np.uint64)


class HashTable:
    """Entries by 64-bit key: a value, a stamp (of the caller's clock, modulo 2^32) and when last learned.

    Args:
        dtype: of a value.
        shape: of a value; () is a scalar.
        limit: entries at most, a power of two.
    """

    def __init__(
        self, dtype: type[Any] | np.dtype[Any] = np.float32, shape: tuple[int, ...] = (), limit: int = 1 << 17
    ) -> None:
        self._dtype, self._shape = np.dtype(dtype), shape
        self._limit = max(limit // WAYS, SMALLEST)
        self._journal = Journal(16 + self._dtype.itemsize * int(np.prod(shape)), sparse=True)
        self._clear(SMALLEST)

    def _clear(self, buckets: int) -> None:
        self._buckets = buckets
        self._used = 0
        self._keys: UInt64 = np.zeros((buckets, WAYS), dtype=np.uint64)  # zero: free
        self.values: NDArray[Any] = np.zeros((buckets * WAYS, *self._shape), dtype=self._dtype)
        self.stamps: NDArray[np.uint32] = np.zeros(buckets * WAYS, dtype=np.uint32)
        self._learned: NDArray[np.uint32] = np.zeros((buckets, WAYS), dtype=np.uint32)
        self._journal.renew(buckets * WAYS)
        self._head_dirty = True

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes held by the table."""
        return self._keys.nbytes + self.values.nbytes + self.stamps.nbytes + self._learned.nbytes

    def find(self, keys: UInt64) -> Int64:
        """Entries [n] of keys [n]; -1 where absent."""
        bucket = (mix(keys) & np.uint64(self._buckets - 1)).astype(np.int64)
        out = bucket * WAYS
        rest = np.flatnonzero(self._keys.reshape(-1)[out] != keys)  # the first way holds most of them
        if len(rest):
            at = bucket[rest]
            hit = np.flatnonzero(self._keys[at] == keys[rest][:, None])
            row = hit // WAYS
            out[rest] = -1
            out[rest[row]] = at[row] * WAYS + hit % WAYS
        return out

    def learn(self, keys: UInt64, chunk: int, at: Int64 | None = None) -> Int64:
        """Entries [n] of keys [n], made where absent (value and stamp zero) and marked as learned.

        Args:
            keys: may repeat.
            chunk: number of the chunk, rising: an entry's age is that of its last chunk.
            at: what `find` said of the keys since the table last changed, where that is known.

        Returns -1 for a key that found no room: more than `WAYS` new ones met in one bucket of one chunk.
        """
        at = self.find(keys) if at is None else at
        missing = np.flatnonzero(at < 0)
        if len(missing):
            fresh = np.unique(keys[missing])
            while self._used + len(fresh) > FULL * self._buckets * WAYS and self._buckets < self._limit:
                self._double()
            self._insert(fresh, chunk)
            moved = np.flatnonzero((at < 0) | (self._keys.reshape(-1)[at] != keys))
            at[moved] = self.find(keys[moved])
            known = at[at >= 0]
        else:
            known = at
        self._learned.reshape(-1)[known] = chunk
        self.mark(known)
        return at

    def mark(self, entries: Int64) -> None:
        """These entries [n] changed."""
        self._journal.mark(entries)

    def _insert(self, keys: UInt64, chunk: int) -> None:
        bucket = (mix(keys) & np.uint64(self._buckets - 1)).astype(np.int64)
        groups = Groups(bucket)
        turn = groups.ungroup(np.arange(len(keys)) - groups.begin[groups.group])  # one of each bucket in a turn
        for number in range(int(groups.counts.max())):
            now = np.flatnonzero(turn == number)
            way = np.argmin(self._learned[bucket[now]], axis=1)  # a free way was never learned: 0
            entry = bucket[now] * WAYS + way
            self._used += int(np.count_nonzero(self._keys.reshape(-1)[entry] == 0))
            self._keys.reshape(-1)[entry] = keys[now]
            self._learned.reshape(-1)[entry] = chunk
            self.values[entry] = 0
            self.stamps[entry] = 0

    def _double(self) -> None:
        old = self._buckets
        upper = (mix(self._keys.reshape(-1)).reshape(old, WAYS) & np.uint64(old)) != 0
        keys, learned, values, stamps = self._keys, self._learned, self.values, self.stamps
        used, upper = self._used, upper & (keys != 0)
        lower = ~upper & (keys != 0)
        self._clear(2 * old)
        self._used = used
        for half, mask in ((slice(0, old), lower), (slice(old, None), upper)):
            self._keys[half][mask] = keys[mask]
            self._learned[half][mask] = learned[mask]
            flat = mask.reshape(-1)
            view = slice(half.start * WAYS, None if half.stop is None else half.stop * WAYS)
            self.values[view][flat] = values[flat]
            self.stamps[view][flat] = stamps[flat]

    def entries(self) -> tuple[UInt64, Int64]:
        """Keys [m] in use and their entries [m], in order of the keys."""
        flat = self._keys.reshape(-1)
        at = np.flatnonzero(flat)
        at = at[np.argsort(flat[at], kind="stable")]
        return flat[at], at

    def remove(self, entries: Int64) -> None:
        """Free entries [n]."""
        self._keys.reshape(-1)[entries] = 0
        self._learned.reshape(-1)[entries] = 0
        self._used -= len(entries)
        self.mark(entries)

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """Cells of what changed since the last call, and the head where the size changed."""
        if self._head_dirty:
            yield f"{prefix}head", pack({}, buckets=self._buckets)
            self._head_dirty = False
        yield from self._journal.changes(prefix, self._columns())

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """Rebuild from the cells whose names begin with `prefix`."""
        if f"{prefix}head" not in cells:
            return
        self._clear(unpack(cells[f"{prefix}head"])[1]["buckets"])
        self._journal.restore(prefix, cells, self._columns)
        self._used = int(np.count_nonzero(self._keys))
        self._head_dirty = False

    def _columns(self, rows: int = 0) -> Columns:
        keys, learned = self._keys.reshape(-1), self._learned.reshape(-1)
        return {"keys": keys, "learned": learned, "values": self.values, "stamps": self.stamps}
