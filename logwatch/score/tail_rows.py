"""Rows of fixed-width state by (source, column), allocated by need; a commit writes the parts of rows that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.journal import Columns, Journal
from logwatch.types import Float32, Int32, Int64, UInt8

DENSE = 4
LEAST = 16
"""Rows of an empty table."""
NAMED = 256
"""Rows whose sources and columns, which never change, stand in one cell."""
GRAIN = 16
"""Bytes that are written together: a unit changes a few numbers of a row of 1.6 KB."""


class Rows:
    """A growing structured table; `index[source, column]` is the row, or -1.

    Args:
        dtype: little-endian numpy dtype of a row, a multiple of `GRAIN` bytes; zero for a new one, then `fresh` is
            applied.
        columns: rows that a source can have.
        fresh: initial values by field.
    """

    def __init__(self, dtype: np.dtype[Any], columns: int, fresh: Mapping[str, float] | None = None) -> None:
        self._fresh = dict(fresh or {})
        self._grains = dtype.itemsize // GRAIN  # of a row
        self.data: NDArray[Any] = self._blank(LEAST, dtype)
        self.source: Int64 = np.zeros(LEAST, dtype=np.int64)
        self.column: Int64 = np.zeros(LEAST, dtype=np.int64)
        self.used = 0
        self._columns = columns
        self._index: Int32 = np.full((16, columns), -1, dtype=np.int32)
        self._journal = Journal(GRAIN, LEAST * self._grains)
        self._named = 0  # rows whose names are saved
        self._gone: list[str] = []  # cells of an older layout

    def find(self, source: NDArray[np.integer], column: NDArray[np.integer]) -> Int64:
        """Rows [n]; -1 where there is none."""
        if len(source) and int(source.max()) >= len(self._index):
            self._reach(int(source.max()))
        found: Int64 = self._index[source, column].astype(np.int64)
        return found

    def need(self, source: NDArray[np.integer], column: NDArray[np.integer]) -> Int64:
        """Rows [n]; missing ones are allocated in order of appearance."""
        rows = self.find(source, column)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            key = source[missing].astype(np.int64) * self._columns + column[missing]
            first = np.sort(np.unique(key, return_index=True)[1])
            self._add(key[first] // self._columns, key[first] % self._columns)
            rows = self.find(source, column)
        return rows

    def renew(self, sources: Int64) -> None:
        """Rows of these sources are as new ones."""
        rows = np.flatnonzero(np.isin(self.source[: self.used], sources))
        self.data[rows] = self._blank(len(rows), self.data.dtype)
        self.mark(rows)

    def mark(self, rows: Int64, first: str = "", last: str = "") -> None:
        """Rows [n] have changed: all of them, or the fields from `first` to `last`."""
        fields: Any = self.data.dtype.fields
        begin = fields[first][1] // GRAIN if first else 0
        end = -(-(fields[last][1] + fields[last][0].itemsize) // GRAIN) if last else self._grains
        self._journal.mark((rows[:, None] * self._grains + np.arange(begin, end)).ravel())

    def mark_numbers(self, at: Int64) -> None:
        """Numbers [n] of the table as one flat float32 array have changed."""
        self._journal.mark(at // (GRAIN // 4))

    def _blank(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        rows: NDArray[Any] = np.zeros(count, dtype=dtype)
        for field, value in self._fresh.items():
            rows[field] = value
        return rows

    def _reach(self, source: int) -> None:
        more = np.full((max(source + 1, 2 * len(self._index)) - len(self._index), self._columns), -1, dtype=np.int32)
        self._index = np.concatenate([self._index, more])

    def _add(self, source: Int64, column: Int64) -> None:
        begin, end = self.used, self.used + len(source)
        self._grow(end)
        self.source[begin:end] = source
        self.column[begin:end] = column
        self._index[source, column] = np.arange(begin, end)
        self.used = end

    def _grow(self, rows: int) -> None:
        while rows > len(self.data):
            self.data = np.concatenate([self.data, self._blank(len(self.data), self.data.dtype)])
            self.source = np.concatenate([self.source, np.zeros_like(self.source)])
            self.column = np.concatenate([self.column, np.zeros_like(self.column)])
        self._journal.grow(len(self.data) * self._grains)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells of what changed since the last call: `row…` names rows, the others hold them."""
        for name in self._gone:
            yield name, None
        self._gone = []
        for block in range(self._named // NAMED, -(-self.used // NAMED) if self._named < self.used else 0):
            rows = slice(block * NAMED, min((block + 1) * NAMED, self.used))
            yield f"row{block:06d}", pack({"source": self.source[rows], "column": self.column[rows]})
        self._named = self.used
        yield from self._journal.changes("", {"data": self._bytes()})

    def _bytes(self) -> UInt8:
        return self.data.view(np.uint8).reshape(-1, GRAIN)

    def restore(self, cells: Mapping[str, bytes], columns: Mapping[int, int] | None = None) -> None:
        """Rebuild from all cells. `columns` maps saved columns to today's; rows of others are dropped."""
        named = [unpack(cells[name])[0] for name in sorted(cells) if name.startswith("row")]
        if not named:
            return
        source, column = (np.concatenate([arrays[name] for arrays in named]) for name in ("source", "column"))
        self._journal.restore("", cells, self._columns_of)
        if columns is None:
            self._add_restored(source, column)
            return
        keep = np.isin(column, list(columns))
        data, self.data = self.data[: len(source)][keep], self._blank(len(self.data), self.data.dtype)
        self._add_restored(source[keep], np.array([columns[c] for c in column[keep].tolist()], dtype=np.int64))
        self.data[: len(data)] = data
        self._named, self._gone = 0, list(cells)  # rows moved or were renamed: the old cells say so no longer
        self._journal.renew(len(self.data) * self._grains)

    def _add_restored(self, source: Int64, column: Int64) -> None:
        self.find(source, column)  # makes room in the index
        self._add(source, column)
        self._named = self.used

    def _columns_of(self, grains: int) -> Columns:
        self._grow(-(-grains // self._grains))
        return {"data": self._bytes()}


def scatter_add(flat: Float32, at: Int64, weight: Float32) -> None:
    """`flat[at] += weight`, repeats included; in place. Dense where many fall into few places, which is faster."""
    if len(flat) <= DENSE * len(at):
        flat += np.bincount(at, weights=weight, minlength=len(flat)).astype(np.float32)
    else:
        np.add.at(flat, at, weight)
