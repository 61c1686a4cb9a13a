"""Keys that are not in memory: spilled to the store, brought back when they speak, forgotten after `key_ttl`.

A key is forgotten by what the stream says alone: its source's watermark has come further than `key_ttl` since the
key's last event. So it does not matter whether, or when, its cell is deleted: what is expired is never brought back.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import numpy as np

from logwatch.types import NO_TIME, Int32, Int64

Fetch = Callable[[str], bytes | None]
"""Reads one spilled cell of the store by name."""

HEAD = struct.Struct("<iiq")
"""How a key's cell begins: source, slot, heard; see `logwatch.score.keys.BASE`."""


class Spilled:
    """Cells of keys that left the table since the last commit, and through `fetch` those of before.

    Args:
        fetch: reads a cell from the store; None where there is none.
    """

    def __init__(self, fetch: Fetch | None) -> None:
        self.any = False  # some key was ever spilled: a new one may be in the store
        self._fetch = fetch
        self._moved: dict[str, bytes | None] = {}  # None: back in the table

    def put(self, name: str, cell: bytes) -> None:
        """A key leaves the table."""
        self.any = True
        self._moved[name] = cell

    def take(self, name: str) -> bytes | None:
        """A key comes back; None for one that is not here."""
        if name in self._moved:
            cell = self._moved[name]
        else:
            cell = self._fetch(name) if self._fetch else None
        if cell is not None:
            self._moved[name] = None
        return cell

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells changed since the last call; None deletes."""
        yield from self._moved.items()
        self._moved = {}


class Expiry:
    """When keys are forgotten, by the watermarks of their sources.

    Args:
        ttl: silence after which a key is new when it speaks again, ns.
    """

    def __init__(self, ttl: int) -> None:
        self._ttl = ttl
        self._now: Int64 = np.zeros(0, np.int64)  # the sources' watermarks
        self._taken = self._now  # as the commit in hand saves them
        self._saved = self._now  # as the last commit that succeeded saved them

    def horizon(self, source: Int32, watermark: Int64) -> Int64:
        """Watermark [n] before which a key was heard last that is forgotten at each event."""
        more = int(source.max(initial=-1)) + 1 - len(self._now)
        if more > 0:
            self._now = np.append(self._now, np.full(max(more, len(self._now)), NO_TIME, np.int64))
        self._now[source] = watermark  # in order: a source's last one wins
        return self._before(watermark)

    def _before(self, watermark: Int64) -> Int64:
        return np.maximum(watermark, NO_TIME + self._ttl) - self._ttl  # before any time: nothing

    def take(self) -> None:
        """A commit collects what changed."""
        self._taken = self._now.copy()

    def saved(self) -> None:
        """It has succeeded."""
        self._saved = self._taken

    def forgets(self, name: str, head: bytes, *, taken: bool = False) -> bool:
        """Whether a spilled cell can be deleted: its key will be new when it speaks again, even after a crash.

        Args:
            head: the first bytes of the cell, as many as `HEAD`.
            taken: deleted together with what the commit in hand writes.
        """
        source, _, heard = HEAD.unpack(head)
        known = self._taken if taken else self._saved
        if name.endswith("/") or source >= len(known) or heard == NO_TIME:  # a stream's own key is never forgotten
            return False
        return bool(heard < max(int(known[source]), NO_TIME + self._ttl) - self._ttl)
