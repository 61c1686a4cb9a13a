"""The key table: one row of fixed-width state for each key (source, instance, entity), in one preallocated array.

Every component that remembers something per key declares its columns when the table is made, so that a key's whole
state is one row of bytes: it is saved, evicted to the store and brought back as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import scatter
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


def is_spilled(cell: bytes) -> bool:
    """Whether a key's cell is that of a key that was not in memory."""
    return int.from_bytes(cell[4:8], "little", signed=True) < 0  # `slot`, see `BASE`


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
        self._plain: Int32 = np.zeros(0, np.int32)  # stream -> slot of its key without an entity, -1: none
        self._count = 0
        self._keys: list[tuple[int, str | None] | None] = [None] * len(self.rows)
        self._free: list[int] = list(range(len(self.rows) - 1, -1, -1))
        self._dirty: Bool = np.zeros(len(self.rows), dtype=np.bool_)
        self._spilled: dict[str, bytes] = {}  # evicted since the last commit
        self._spills = False  # some key was ever evicted: a new one may be in the store

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
        missing = np.flatnonzero(slots < 0)
        if len(missing):
            self._admit(missing, slots, source, stream, entity)
        return slots

    def _known(self, stream: Int32, entity: list[str | None]) -> Int32:
        """Slots [n], -1 for a key that has none. One look-up a line at most, and no object made for it."""
        of, n = self._slots, len(entity)
        if entity.count(None) == n:
            self._reach(int(stream.max(initial=0)))
            return self._plain[stream]
        if stream[0] == stream[-1] and (stream == stream[0]).all():
            found: Iterable[int] = map(of.get(int(stream[0]), _NONE).get, entity, repeat(-1))
        else:
            found = (of.get(number, _NONE).get(name, -1) for number, name in zip(stream.tolist(), entity, strict=True))
        return np.fromiter(found, np.int32, n)

    def _reach(self, stream: int) -> None:
        more = stream + 1 - len(self._plain)
        if more > 0:
            self._plain = np.append(self._plain, np.full(max(more, len(self._plain)), -1, np.int32))

    def touch(self, slots: Int32, first: int) -> None:
        """Mark rows as changed by events numbered from `first`."""
        self.rows["used"][slots] = np.arange(first, first + len(slots))
        self._dirty[slots] = True

    def mark(self, slots: Int32) -> None:
        """Mark rows as changed, without the LRU."""
        self._dirty[slots] = True

    def _admit(self, missing: Int64, slots: Int32, source: Int32, stream: Int32, entity: list[str | None]) -> None:
        """Give keys of the batch's rows `missing` a row of the table each, and write it into `slots`."""
        new = []
        for i in missing.tolist():
            key = int(stream[i]), entity[i]
            slot = self.find(*key)  # perhaps since an earlier line of the batch
            if slot is None:
                if not self._free:
                    self._grow()
                slot = self._free.pop()
                self._hold(slot, key)
                new.append(i)
            slots[i] = slot
        self._clear(slots[new], source[new])
        if self._spills:
            for slot in slots[new].tolist():
                name = cell_name(*self.key(slot))
                saved = self._spilled.pop(name, None) or (self._fetch(name) if self._fetch else None)
                if saved is not None:
                    self._load(slot, saved)

    def _hold(self, slot: int, key: tuple[int, str | None]) -> None:
        self._slots.setdefault(key[0], {})[key[1]] = slot
        if key[1] is None:
            self._reach(key[0])
            self._plain[key[0]] = slot
        self._count += 1
        self._keys[slot] = key

    def _clear(self, slots: Int32, source: Int32) -> None:
        rows = np.zeros(len(slots), dtype=self.dtype)
        rows["source"], rows["slot"], rows["last"] = source, slots, NO_TIME
        scatter(self.rows, slots, rows)
        self._dirty[slots] = True

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
        self._spills |= len(slots) > 0
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
        if key[1] is None:
            self._plain[key[0]] = -1
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
                self._spills = True
                continue
            while slot >= len(self.rows):
                self._grow()
            stream, _, digest = name.partition("/")
            self._hold(slot, (int(stream, 16), cell[size:].decode() if digest else None))
            self._load(slot, cell)
        self._free = [slot for slot in range(len(self.rows) - 1, -1, -1) if self._keys[slot] is None]
        self._dirty[:] = False

    def view(self, field: str) -> NDArray[Any]:
        """A column of the table [rows, ...]. Ask again after `assign`: growing replaces the array."""
        column: NDArray[Any] = self.rows[field]
        return column
