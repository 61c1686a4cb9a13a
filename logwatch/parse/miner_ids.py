"""Ids of templates: which stand for which after merges, how many lines each has, and when each was last seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Int32

PAGE = 512
"""Ids of one cell: 14 kB, so that a commit writes little where few templates are busy."""

ROW = np.dtype([("parent", "<i4"), ("lines", "<i8"), ("last", "<i8"), ("since", "<i8")])
AGELESS = np.dtype([("parent", "<i4"), ("lines", "<i8"), ("last", "<i8")])
"""Rows of earlier versions, of which all that was ever seen counts as if it had come lately."""

SPAN = 512
"""Lines of a template after which what was seen beside it before is no evidence any more: values that vary come again
within so many lines of their statement, a line spoilt now and then does not. Its own lines, not the stream's: a rare
statement may take weeks to show what varies."""


class Ids:
    """Columns per id ever given out. An id's parent is itself while it is alive.

    `last`: number of the latest line; `since`: of the line with which the lines last passed a multiple of `SPAN`.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rows: NDArray[np.void] = np.zeros(PAGE, ROW)
        self.root: Int32 = np.zeros(PAGE, np.int32)  # `parent` followed to its end
        self._dirty: NDArray[np.bool_] = np.zeros(1, np.bool_)

    def new(self, line: int = 0) -> int:
        """The next id, first seen in this line."""
        id = self.count
        if id == len(self.rows):
            self._grow(2 * id)
        self.rows["parent"][id] = self.root[id] = id
        self.rows["last"][id] = line
        self.count += 1
        return id

    def mark(self) -> None:
        """All ids are to be saved, also those of which no line has come."""
        self._dirty[:] = True

    def merge(self, loser: int, winner: int) -> int:
        """Let `winner` stand for `loser` from now on; returns the lines that changed hands."""
        root = self.root[: self.count]
        root[root == loser] = winner
        self.rows["parent"][loser] = winner
        lines = self.rows["lines"]
        moved = int(lines[loser])
        lines[winner] += moved
        lines[loser] = 0
        for column in ("last", "since"):
            self.rows[column][winner] = max(self.rows[column][winner], self.rows[column][loser])
        self._dirty[[loser // PAGE, winner // PAGE]] = True
        return moved

    def find(self, ids: Int32) -> Int32:
        """Ids [n] that stand for these [n] now; those that were not given out stand for themselves."""
        if int(ids.max(initial=0)) < len(self.root):
            return self.root[ids]
        return np.where(ids < len(self.root), self.root.take(ids, mode="clip"), ids)

    def members(self, root: int) -> list[int]:
        """The ids that `root` stands for, itself included."""
        found: list[int] = np.flatnonzero(self.root[: self.count] == root).tolist()
        return found

    def seen(self, ids: Int32, first: int) -> None:
        """Count lines number `first` and following, of these ids (alive ones)."""
        if len(ids):
            present, lines = np.unique(ids, return_counts=True)
            before = self.rows["lines"][present]
            self.rows["lines"][present] = after = before + lines
            for at in np.flatnonzero(after // SPAN > before // SPAN).tolist():
                nth = int(after[at] // SPAN * SPAN - before[at]) - 1
                self.rows["since"][present[at]] = first + np.flatnonzero(ids == present[at])[nth]
            self.rows["last"][ids] = np.arange(first, first + len(ids))  # the last of equal ids stays
            self._dirty[np.unique(present // PAGE)] = True

    def recent(self, ids: Int32) -> Bool:
        """Which of these templates [n], variants of one, were seen lately, as the busiest of them counts time."""
        rows = self.rows[ids]
        recent: Bool = rows["last"] >= rows["since"].max(initial=0)
        return recent

    def oldest(self, ids: Iterable[int], count: int) -> list[int]:
        """The `count` ids that were not seen for longest."""
        last = self.rows["last"]
        return sorted(sorted(ids, key=lambda id: (int(last[id]), id))[:count])

    def changes(self) -> Iterator[tuple[int, bytes]]:
        """Changed pages, by number."""
        for page in np.flatnonzero(self._dirty).tolist():
            yield page, self.rows[page * PAGE : (page + 1) * PAGE].tobytes()
        self._dirty[:] = False

    def restore(self, count: int, pages: dict[int, bytes]) -> None:
        """Rebuild from all pages."""
        size = PAGE
        while size < count:
            size *= 2
        self._grow(size)
        self.count = count
        for page, data in pages.items():
            rows = np.frombuffer(data, ROW if len(data) == PAGE * ROW.itemsize else AGELESS)
            for name in rows.dtype.names or ():
                self.rows[name][page * PAGE : (page + 1) * PAGE] = rows[name]
        root = self.rows["parent"].astype(np.int32)
        while (follow := root[root] != root).any():
            root[follow] = root[root[follow]]
        self.root = root

    def _grow(self, size: int) -> None:
        rows, root = np.zeros(size, ROW), np.zeros(size, np.int32)
        dirty = np.zeros(size // PAGE, np.bool_)
        rows[: len(self.rows)], root[: len(self.root)] = self.rows, self.root
        dirty[: len(self._dirty)] = self._dirty
        self.rows, self.root, self._dirty = rows, root, dirty
