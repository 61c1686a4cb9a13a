"""The key table: one row of fixed-width state for each key (source, instance, entity), in one preallocated array.

Every component that remembers something per key declares its columns when the table is made, so that a key's whole
state is one row of bytes: it is saved, evicted to the store and brought back as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import NO_TIME, Bool, Int32, Int64

Fetch = Callable[[str], bytes | None]
"""Reads one cell of the store by name."""

BASE: tuple[tuple[Any, ...], ...] = (
    ("source", "i4"),
    ("slot", "i4"),  # where the row stood, so that what refers to slots survives a restart; -1 when spilled
    ("last", "i8"),  # time of the key's last event, ns; NO_TIME for a new key
    ("used", "i8"),  # number of the run's event that last touched the key: the clock of LRU
    ("events", "i8"),  # events of the key so far
)


def cell_name(stream: int, entity: str | None) -> str:
    """Name of a key's cell; entities are hashed since they are untrusted and may be long."""
    digest = "" if entity is None else hashlib.blake2b(entity.encode(), digest_size=16).hexdigest()
    return f"{stream:x}/{digest}"


_NONE: dict[str | None, int] = {}


class KeyTable:
    """Rows of state by key, bounded; least recently used keys spill to the store and come back.

    Args:
        columns: numpy dtype fields of all components, beside `BASE`; zero for a new key.
        capacity: keys kept in memory.
        fetch: reads a spilled key's cell; None where there is no store.
    """

    def __init__(self, columns: Sequence[tuple[Any, ...]], capacity: int = 100_000, fetch: Fetch | None = None) -> None:
        self.capacity = capacity
        self.dtype = np.dtype([*BASE, *columns])
        self.rows: NDArray[Any] = np.zeros(min(capacity, 256), dtype=self.dtype)
        self._fetch = fetch
        self._slots: dict[int, dict[str | None, int]] = {}  # stream -> entity -> slot
        self._count = 0
        self._keys: list[tuple[int, str | None] | None] = [None] * len(self.rows)
        self._free: list[int] = list(range(len(self.rows) - 1, -1, -1))
        self._dirty: Bool = np.zeros(len(self.rows), dtype=np.bool_)
        self._spilled: dict[str, bytes] = {}  # evicted since the last commit

    def __len__(self) -> int:
        return self._count

    def key(self, slot: int) -> tuple[int, str | None]:
        """(stream number, entity) of a slot in use."""
        key = self._keys[slot]
        if key is None:
            raise KeyError(slot)
        return key

    def find(self, stream: int, entity: str | None) -> int | None:
        """Slot of a key in memory."""
        return self._slots.get(stream, _NONE).get(entity)

    def in_use(self) -> Int32:
        """All slots in use, ascending."""
        return np.flatnonzero(np.array([key is not None for key in self._keys])).astype(np.int32)

    def assign(self, source: Int32, stream: Int32, entity: list[str | None]) -> Int32:
        """Slots [n] of a batch's keys; new keys get a row, spilled ones come back."""
        slots = self._known(stream, entity)
        if None in slots:
            for i, key in enumerate(zip(stream.tolist(), entity, strict=True)):
                if slots[i] is None:
                    known = self.find(*key)
                    slots[i] = self._admit(key, int(source[i])) if known is None else known
        return np.array(slots, dtype=np.int32)

    def _known(self, stream: Int32, entity: list[str | None]) -> list[int | None]:
        """Slots [n], None for a key that has none. One look-up a line at most, and no object made for it."""
        of = self._slots
        if len(stream) and stream[0] == stream[-1] and (stream == stream[0]).all():
            of_it = of.get(int(stream[0]), _NONE)
            if entity.count(None) == len(entity):
                return [of_it.get(None)] * len(entity)
            return list(map(of_it.get, entity))
        return [of.get(number, _NONE).get(name) for number, name in zip(stream.tolist(), entity, strict=True)]

    def touch(self, slots: Int32, first: int) -> None:
        """Mark rows as changed by events numbered from `first`."""
        self.rows["used"][slots] = np.arange(first, first + len(slots))
        self._dirty[slots] = True

    def mark(self, slots: Int32) -> None:
        """Mark rows as changed, without the LRU."""
        self._dirty[slots] = True

    def _admit(self, key: tuple[int, str | None], source: int) -> int:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._put(slot, key, source)
        name = cell_name(*key)
        saved = self._spilled.pop(name, None) or (self._fetch(name) if self._fetch else None)
        if saved is not None:
            self._load(slot, saved)
        return slot

    def _put(self, slot: int, key: tuple[int, str | None], source: int) -> None:
        self._slots.setdefault(key[0], {})[key[1]] = slot
        self._count += 1
        self._keys[slot] = key
        self.rows[slot] = np.zeros((), dtype=self.dtype)
        self.rows["source"][slot] = source
        self.rows["last"][slot] = NO_TIME
        self.rows["slot"][slot] = slot
        self._dirty[slot] = True

    def _load(self, slot: int, cell: bytes) -> None:
        size = self.dtype.itemsize
        self.rows[slot] = np.frombuffer(cell[:size], dtype=self.dtype)[0]
        self.rows["slot"][slot] = slot

    def _grow(self) -> None:
        old = len(self.rows)
        # Grows past `capacity` within a chunk rather than refuse: `surplus` brings it back at the chunk's end.
        new = old * 2
        rows = np.zeros(new, dtype=self.dtype)
        rows[:old] = self.rows
        self.rows = rows
        self._keys.extend([None] * (new - old))
        self._free.extend(range(new - 1, old - 1, -1))
        self._dirty = np.concatenate([self._dirty, np.zeros(new - old, dtype=np.bool_)])

    def surplus(self) -> Int32:
        """At a chunk's end: slots of the least recently used keys beyond `capacity`, to be given to `evict`."""
        excess = self._count - self.capacity
        if excess <= 0:
            return np.zeros(0, np.int32)
        used = self.in_use()
        excess += self.capacity // 16  # in strides, so that it is not done at every chunk
        order = np.argsort(self.rows["used"][used], kind="stable")
        return used[order[:excess]]

    def evict(self, slots: Int32) -> None:
        """Spill keys: they come back from the store when they speak again."""
        for slot in slots.tolist():
            key = self.key(slot)
            self.rows["slot"][slot] = -1
            self._spilled[cell_name(*key)] = self._cell(slot, key)
            self._forget(key)
            self._keys[slot] = None
            self._dirty[slot] = False
            self._free.append(slot)

    def _forget(self, key: tuple[int, str | None]) -> None:
        of = self._slots[key[0]]
        del of[key[1]]
        self._count -= 1
        if not of:
            del self._slots[key[0]]

    def _cell(self, slot: int, key: tuple[int, str | None]) -> bytes:
        entity = b"" if key[1] is None else key[1].encode()
        return bytes(self.rows[slot].tobytes()) + entity

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._spilled.items()
        self._spilled = {}
        for slot in np.flatnonzero(self._dirty).tolist():
            key = self.key(slot)
            yield cell_name(*key), self._cell(slot, key)
        self._dirty[:] = False

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Bring the keys that were in memory back to their slots; spilled ones stay in the store until they speak."""
        size = self.dtype.itemsize
        for name, cell in cells.items():
            slot = int(np.frombuffer(cell[:size], dtype=self.dtype)["slot"][0])
            if slot < 0:
                continue
            while slot >= len(self.rows):
                self._grow()
            stream, _, digest = name.partition("/")
            self._put(slot, (int(stream, 16), cell[size:].decode() if digest else None), 0)
            self._load(slot, cell)
        self._free = [slot for slot in range(len(self.rows) - 1, -1, -1) if self._keys[slot] is None]
        self._dirty[:] = False

    def view(self, field: str) -> NDArray[Any]:
        """A column of the table [rows, ...]. Ask again after `assign`: growing replaces the array."""
        column: NDArray[Any] = self.rows[field]
        return column


def last_before(times: Int64, slots: Int32, stored: Int64) -> Int64:
    """Time of the key's previous event [n], in stream order inside the batch, else the stored one.

    Args:
        times: [n] event times, ns.
        slots: [n] rows of the table.
        stored: [rows] last times before the batch.
    """
    previous = stored[slots].copy()
    order = np.argsort(slots, kind="stable")
    same = slots[order[1:]] == slots[order[:-1]]
    previous[order[1:][same]] = times[order[:-1][same]]
    return previous
