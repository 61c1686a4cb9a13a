"""The key table: one row of fixed-width state for each key (source, instance, entity), in one preallocated array.

Every component that remembers something per key declares its columns when the table is made, so that a key's whole
state is one row of bytes: it is saved, evicted to the store and brought back as one.

A key that speaks again after `key_ttl` is a new one, in a row of its own. What it was before keeps its row to the end
of the chunk, as nobody's: units and learning still refer to it.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import scatter
from logwatch.score.key_layout import Layouts, converted, row_of
from logwatch.score.spilled import HEAD, Expiry, Fetch, Spilled
from logwatch.telemetry import EXPIRED
from logwatch.types import NO_TIME, Bool, Int32, Int64

BASE: tuple[tuple[Any, ...], ...] = (
    ("source", "i4"),
    ("slot", "i4"),  # where the row stood, so that what refers to slots survives a restart; when spilled
    # -1 less the number of the row's layout
    ("heard", "i8"),  # the source's watermark at the key's last event, ns; NO_TIME before any time was seen
    ("last", "i8"),  # time of the key's last event, ns; NO_TIME for a new key
    ("used", "i8"),  # number of the run's event that last touched the key: the clock of LRU
    ("events", "i8"),  # events of the key so far
)


def cell_name(stream: int, entity: str | None) -> str:
    """Name of a key's cell; entities are hashed since they are untrusted and may be long."""
    digest = "" if entity is None else hashlib.blake2b(entity.encode(), digest_size=16).hexdigest()
    return f"{stream:x}/{digest}"


HEADER = "table"
"""Name of the cell that says how rows are laid out, and whether some key was ever spilled."""

NEVER = 2**62
"""No key is forgotten, ns."""

_NONE: dict[str | None, int] = {}


class KeyTable:
    """Rows of state by key, bounded; least recently used keys spill to the store and come back.

    Args:
        columns: numpy dtype fields of all components, beside `BASE`; zero for a new key.
        capacity: keys kept in memory.
        fetch: reads a spilled key's cell; None where there is no store.
        ttl: silence after which a key with an entity is forgotten, ns of its source's watermark.
    """

    def __init__(
        self,
        columns: Sequence[tuple[Any, ...]],
        capacity: int = 100_000,
        fetch: Fetch | None = None,
        ttl: int = NEVER,
    ) -> None:
        self.capacity = capacity
        self.spilled = Spilled(fetch)
        self.expiry = Expiry(ttl)
        self.dtype = np.dtype([*BASE, *columns])
        self._layouts = Layouts(self.dtype, tuple(name for name, _ in BASE))
        self.rows: NDArray[Any] = np.zeros(min(capacity, 256), dtype=self.dtype)
        self._slots: dict[int, dict[str | None, int]] = {}  # stream -> entity -> slot
        self._plain: Int32 = np.zeros(0, np.int32)  # stream -> slot of its key without an entity, -1: none
        self._count = 0
        self._keys: list[tuple[int, str | None] | None] = [None] * len(self.rows)
        self._free: list[int] = list(range(len(self.rows)))  # a heap: the same after a restart
        self._dirty: Bool = np.zeros(len(self.rows), dtype=np.bool_)
        self._saved: Bool = np.zeros(len(self.rows), dtype=np.bool_)  # under the row's name there is a cell
        self._left: set[str] = set()  # names of cells to be deleted
        self._retired: set[int] = set()  # slots of what expired in this chunk
        self._header = b""  # as last given out by `changes`

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

    def assign(self, source: Int32, stream: Int32, entity: list[str | None], watermark: Int64 | None = None) -> Int32:
        """Slots [n] of a batch's keys; new keys get a row, spilled ones come back, forgotten ones are new.

        Args:
            watermark: of the sources after each event [n], ns; None: nothing is forgotten.
        """
        if watermark is None:
            watermark = np.full(len(entity), NO_TIME, np.int64)
        horizon = self.expiry.horizon(source, watermark)
        slots = self._known(stream, entity)
        if self._may_expire(slots, watermark, horizon):
            self._admit(np.arange(len(slots)), slots, source, stream, entity, watermark, horizon)
        elif len(missing := np.flatnonzero(slots < 0)):
            self._admit(missing, slots, source, stream, entity, watermark, horizon)
        self.rows["heard"][slots] = watermark  # in order: the last event of a key wins
        return slots

    def _may_expire(self, slots: Int32, watermark: Int64, horizon: Int64) -> bool:
        """Whether some key of a batch may have been silent for too long, before the batch or in it."""
        if not len(slots):
            return False
        if horizon.max() > watermark.min(initial=np.iinfo(np.int64).max, where=watermark != NO_TIME):
            return True
        heard = self.rows["heard"][slots]
        return bool(((heard < horizon) & (heard != NO_TIME) & (slots >= 0)).any())

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

    def _admit(
        self, among: Int64, slots: Int32, source: Int32, stream: Int32, entity: list[str | None],
        watermark: Int64, horizon: Int64,
    ) -> None:  # fmt: skip
        """Give keys of the batch's rows `among`, in order, a row of the table where they need one, into `slots`."""
        new = []
        heard: dict[int, int] = {}  # in this batch
        for i in among.tolist():
            key = int(stream[i]), entity[i]
            slot = self.find(*key)  # perhaps since an earlier line of the batch
            if slot is not None and key[1] is not None:
                before = heard[slot] if slot in heard else int(self.rows["heard"][slot])
                if NO_TIME != before < horizon[i]:
                    self._retire(slot, key)
                    slot = None
            if slot is None:
                if not self._free:
                    self._grow()
                slot = heapq.heappop(self._free)
                self._hold(slot, key)
                new.append(i)
            slots[i], heard[slot] = slot, int(watermark[i])
        self._clear(slots[new], source[new])
        if self.spilled.any:
            self._bring_back(slots[new].tolist(), horizon[new].tolist())

    def _bring_back(self, slots: list[int], horizon: list[int]) -> None:
        """Fill rows of keys that are in the store, and not forgotten."""
        for slot, since in zip(slots, horizon, strict=True):
            key = self.key(slot)
            name = cell_name(*key)
            cell = self.spilled.take(name)
            if cell is not None:
                if key[1] is not None and NO_TIME != HEAD.unpack_from(cell)[2] < since:
                    EXPIRED.inc()
                else:
                    self._load(slot, self._layouts.read(cell, -1 - HEAD.unpack_from(cell)[1]))
            if name in self._left and slot not in self._retired:
                self._left.discard(name)  # it is written anew
                self._saved[slot] = True

    def _retire(self, slot: int, key: tuple[int, str | None]) -> None:
        """A key is forgotten: its row stays to the chunk's end, as nobody's."""
        EXPIRED.inc()
        self._forget(key)
        self._retired.add(slot)
        self._dirty[slot] = True
        if self._saved[slot]:
            self._left.add(cell_name(*key))
            self._saved[slot] = False

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

    def _load(self, slot: int, row: NDArray[Any]) -> None:
        self.rows[slot] = row[0]
        self.rows["slot"][slot] = slot

    def _grow(self) -> None:
        old = len(self.rows)
        # Grows past `capacity` within a chunk rather than refuse: `surplus` brings it back at the chunk's end.
        new = old * 2
        rows = np.zeros(new, dtype=self.dtype)
        rows[:old] = self.rows
        self.rows = rows
        self._keys.extend([None] * (new - old))
        self._free.extend(range(old, new))  # larger than all: still a heap
        self._dirty, self._saved = (np.pad(marks, (0, new - old)) for marks in (self._dirty, self._saved))

    def surplus(self) -> Int32:
        """Slots for `evict` at a chunk's end: what expired, and the least recently used keys beyond `capacity`."""
        retired = np.array(sorted(self._retired), np.int32)
        excess = self._count - self.capacity
        if excess <= 0:
            return retired
        used = np.setdiff1d(self.in_use(), retired, assume_unique=True)
        excess += self.capacity // 16  # in strides, so that it is not done at every chunk
        order = np.argsort(self.rows["used"][used], kind="stable")
        return np.append(retired, used[order[:excess]])

    def evict(self, slots: Int32) -> None:
        """Spill keys: they come back from the store when they speak again. What expired goes for good."""
        for slot in slots.tolist():
            key, name = self.key(slot), self._name(slot)
            self.rows["slot"][slot] = -1 - self._layouts.own
            if slot in self._retired:
                self._retired.discard(slot)
            else:
                self.spilled.put(name, self._cell(slot, key))
                self._forget(key)
            if self._saved[slot]:
                self._left.add(name)
            self._keys[slot] = None
            self._dirty[slot] = self._saved[slot] = False
            heapq.heappush(self._free, slot)

    def _name(self, slot: int) -> str:
        name = cell_name(*self.key(slot))
        return f"{name}/{slot:x}" if slot in self._retired else name

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
        """Cells of keys in memory; those of `spilled` have a component of their own."""
        self.expiry.take()
        header = json.dumps({"layouts": self._layouts.saved(), "spilled": self.spilled.any}).encode()
        if header != self._header and (self._count or self.spilled.any):
            self._header = header
            yield HEADER, header
        for name in self._left:
            yield name, None
        self._left = set()
        for slot in np.flatnonzero(self._dirty).tolist():
            yield self._name(slot), self._cell(slot, self.key(slot))
        self._saved |= self._dirty
        self._dirty[:] = False

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """Bring the keys that were in memory back to their slots; spilled ones stay in the store until they speak.

        Rows that were laid out otherwise are converted, and written anew with the next changes.

        Raises:
            StateCorrupt: by another version, so that they cannot be read.
        """
        if not cells:
            return
        self._header = cells.get(HEADER, b"{}")
        head = json.loads(self._header)
        self.spilled.any = bool(head.get("spilled"))
        was = self._layouts.restore(head.get("layouts") or [head.get("columns")], self.spilled.any)
        for name, cell in cells.items():
            if name != HEADER:
                self._seat(name, cell, was)
        self._free = [slot for slot, key in enumerate(self._keys) if key is None]
        self._dirty[:] = self._saved & (was != self.dtype)

    def _seat(self, name: str, cell: bytes, was: np.dtype[Any]) -> None:
        """Bring a key back to its slot."""
        row = row_of(cell, was)
        slot = int(row["slot"][0])
        while slot >= len(self.rows):
            self._grow()
        stream, digest, *retired = name.split("/")
        key = int(stream, 16), cell[was.itemsize :].decode() if digest else None
        if retired:
            self._keys[slot] = key
            self._retired.add(slot)
        else:
            self._hold(slot, key)
        self._load(slot, converted(row, self.dtype))
        self._saved[slot] = True

    def view(self, field: str) -> NDArray[Any]:
        """A column of the table [rows, ...]. Ask again after `assign`: growing replaces the array."""
        column: NDArray[Any] = self.rows[field]
        return column
