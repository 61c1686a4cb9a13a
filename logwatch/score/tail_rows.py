"""Rows of fixed-width state by (source, column), allocated by need and saved in blocks of rows."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.errors import StateCorrupt
from logwatch.types import Float32, Int32, Int64

VERSION = 1
DENSE = 4
PER_CELL = 16  # rows of one cell: a quiet daemon writes few bytes, a busy one few cells


class Rows:
    """A growing structured table; `index[source, column]` is the row, or -1.

    Args:
        dtype: little-endian numpy dtype of a row; zero for a new one, then `fresh` is applied.
        columns: rows that a source can have.
        fresh: initial values by field.
    """

    def __init__(self, dtype: np.dtype[Any], columns: int, fresh: Mapping[str, float] | None = None) -> None:
        self._fresh = dict(fresh or {})
        self.data: NDArray[Any] = self._blank(PER_CELL, dtype)
        self.source: Int64 = np.zeros(PER_CELL, dtype=np.int64)
        self.column: Int64 = np.zeros(PER_CELL, dtype=np.int64)
        self.used = 0
        self._columns = columns
        self._index: Int32 = np.full((16, columns), -1, dtype=np.int32)
        self._dirty = np.zeros(1, dtype=np.bool_)
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

    def mark(self, rows: Int64) -> None:
        """Rows have changed."""
        self._dirty[rows // PER_CELL] = True

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
        while end > len(self.data):
            self._grow()
        self.source[begin:end] = source
        self.column[begin:end] = column
        self._index[source, column] = np.arange(begin, end)
        self.used = end

    def _grow(self) -> None:
        self.data = np.concatenate([self.data, self._blank(len(self.data), self.data.dtype)])
        self.source = np.concatenate([self.source, np.zeros_like(self.source)])
        self.column = np.concatenate([self.column, np.zeros_like(self.column)])
        self._dirty = np.concatenate([self._dirty, np.zeros_like(self._dirty)])

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Blocks of rows that changed: a JSON line, then compressed sources, columns and rows, little-endian."""
        for name in self._gone:
            yield name, None
        self._gone = []
        for block in np.flatnonzero(self._dirty).tolist():
            begin, end = block * PER_CELL, min((block + 1) * PER_CELL, self.used)
            raw = self.source[begin:end].tobytes() + self.column[begin:end].tobytes() + self.data[begin:end].tobytes()
            head = json.dumps({"v": VERSION, "rows": end - begin, "bytes": self.data.itemsize})
            yield f"{block:06d}", head.encode() + b"\n" + zlib.compress(raw, 1)
        self._dirty[:] = False

    def restore(self, cells: Mapping[str, bytes], columns: Mapping[int, int] | None = None) -> None:
        """Rebuild from all cells. `columns` maps saved columns to today's; rows of others are dropped."""
        saved = 0
        for name in sorted(cells):
            source, column, data = self._decode(name, cells[name])
            saved += len(source)
            if columns is not None:
                keep = np.isin(column, list(columns))
                source, data = source[keep], data[keep]
                column = np.array([columns[c] for c in column[keep].tolist()], dtype=np.int64)
            if len(source):
                self.find(source, column)  # makes room in the index
                begin = self.used
                self._add(source, column)
                self.data[begin : self.used] = data
        blocks = -(-self.used // PER_CELL)
        self._dirty[:] = False
        if self.used < saved or columns is not None:  # rows moved or were renamed: the old cells say so no longer
            self._dirty[:blocks] = True
            self._gone = [name for name in sorted(cells) if int(name) >= blocks]

    def _decode(self, name: str, cell: bytes) -> tuple[Int64, Int64, NDArray[Any]]:
        head, _, body = cell.partition(b"\n")
        info = json.loads(head)
        if info.get("v") != VERSION or info.get("bytes") != self.data.itemsize:
            raise StateCorrupt(f"calibration cell {name} has version {info.get('v')}, not {VERSION}")
        rows, raw = int(info["rows"]), zlib.decompress(body)
        source = np.frombuffer(raw, dtype="<i8", count=rows)
        column = np.frombuffer(raw, dtype="<i8", count=rows, offset=8 * rows)
        return source, column, np.frombuffer(raw, dtype=self.data.dtype, count=rows, offset=16 * rows)


def scatter_add(flat: Float32, at: Int64, weight: Float32) -> None:
    """`flat[at] += weight`, repeats included; in place. Dense where many fall into few places, which is faster."""
    if len(flat) <= DENSE * len(at):
        flat += np.bincount(at, weights=weight, minlength=len(flat)).astype(np.float32)
    else:
        np.add.at(flat, at, weight)
