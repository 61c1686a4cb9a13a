"""Cells of a large table: its pages, and a journal of the rows that changed in them since they were written.

With thousands of sources every commit touches every page, and a little of each. So a commit writes the rows that
changed, in one cell of the journal, and of the pages that changed those whose turn it is, one in `TURNS`. After so
many commits each page has had its turn, so the journal's oldest cell says nothing any more, and is written over.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.errors import StateCorrupt
from logwatch.types import Bool

TURNS = 32
"""Commits in which every page that changed is written once: a page costs a 32nd of itself for each."""

PAGE_BYTES = 4096
"""Size of a page, about, before it is compressed: one is written even where a single row of it changed."""

Columns = Mapping[str, NDArray[Any]]
"""Arrays [rows, …] by name."""


class Journal:
    """What is to be written of a table, and reading it back.

    Args:
        row_bytes: size of a row, all columns together.
        rows: of the table; nothing of them has changed.
        sparse: it is restored into as many rows, all zero: a page of zeros need not be written.
    """

    def __init__(self, row_bytes: int, rows: int = 0, *, sparse: bool = False) -> None:
        self._sparse = sparse
        self._page = 1 << max(0, (PAGE_BYTES // row_bytes).bit_length() - 1)
        self._changed: Bool = np.zeros(0, np.bool_)  # [rows] since the last commit
        self._stale: Bool = np.zeros(0, np.bool_)  # [pages] that changed since they were written
        self._turn = 0  # of the last commit
        self._anew = False
        self.grow(rows)

    def grow(self, rows: int) -> None:
        """The table has so many rows now; the new ones have not changed."""
        more = rows - len(self._changed)
        if more > 0:
            self._changed = np.concatenate([self._changed, np.zeros(more, np.bool_)])
            pages = -(-rows // self._page) - len(self._stale)
            self._stale = np.concatenate([self._stale, np.zeros(pages, np.bool_)])

    def renew(self, rows: int) -> None:
        """The table has so many rows now, all of them others than before."""
        self._changed = np.zeros(rows, np.bool_)
        self._stale = np.zeros(-(-rows // self._page), np.bool_)
        self._anew = True

    def mark(self, rows: NDArray[Any]) -> None:
        """These rows changed."""
        self._changed[rows] = True

    def changes(self, prefix: str, columns: Columns) -> Iterable[tuple[str, bytes | None]]:
        """Cells to write, named `prefix` and page, or `j` and turn; see `Cells.changes`."""
        rows = np.flatnonzero(self._changed)
        if not len(rows) and not self._anew:
            return
        self._changed[:] = False
        self._turn += 1
        touched = rows // self._page
        self._stale[touched] = True
        due = np.arange(self._turn % TURNS, len(self._stale), TURNS)
        due = due[self._stale[due]]
        if self._anew:
            due = self._filled(columns) if self._sparse else np.arange(len(self._stale))
            self._stale[:] = self._anew = False
            yield from self._outdated(prefix, due)
        self._stale[due] = False
        rows = rows[self._stale[touched]]
        for page in due.tolist():
            part = slice(page * self._page, (page + 1) * self._page)
            yield f"{prefix}{page:06x}", self._cell({name: column[part] for name, column in columns.items()})
        journal = {name: column[rows] for name, column in columns.items()}
        yield f"{prefix}j{self._turn % TURNS:02x}", self._cell({"row": rows.astype(np.int32), **journal})

    def _filled(self, columns: Columns) -> NDArray[Any]:
        """Pages that hold more than zeros."""
        filled = np.zeros(len(self._changed), np.bool_)
        for column in columns.values():
            filled |= column.view(np.uint8).reshape(len(filled), -1).any(axis=1)
        return np.unique(np.flatnonzero(filled) // self._page)

    def _outdated(self, prefix: str, written: NDArray[Any]) -> Iterable[tuple[str, None]]:
        """What earlier commits may have left of other pages: as if they were written with this one."""
        if self._turn > 1 and len(written) < len(self._stale):
            yield from ((f"{prefix}j{turn:02x}", None) for turn in range(TURNS))
            yield from (
                (f"{prefix}{page:06x}", None) for page in sorted({*range(len(self._stale))} - {*written.tolist()})
            )

    def _cell(self, arrays: Columns) -> bytes:
        return zlib.compress(pack(arrays, turn=self._turn), 1)

    def restore(self, prefix: str, cells: Mapping[str, bytes], reach: Callable[[int], Columns]) -> None:
        """Write what cells whose names begin with `prefix` hold into the columns; other cells are passed over.

        Args:
            reach: gives the columns, grown (and this journal with them) to at least so many rows.

        Raises:
            StateCorrupt: a cell cannot be read.
        """
        parts = [(name[len(prefix) :], cell) for name, cell in cells.items() if name.startswith(prefix)]
        pages = {int(name, 16): _read(cell) for name, cell in parts if len(name) == 6 and name[0] != "j"}
        journal = sorted((_read(cell) for name, cell in parts if len(name) == 3 and name[0] == "j"), key=_turn)
        ends = [page * self._page + _length(arrays) for page, (arrays, _) in pages.items()]
        ends += [int(arrays["row"].max(initial=-1)) + 1 for arrays, _ in journal]
        columns = reach(max(ends, default=0))
        written = np.zeros(len(self._stale), np.int64)
        for page, (arrays, turn) in pages.items():
            written[page] = turn
            for name, values in arrays.items():
                columns[name][page * self._page :][: len(values)] = values
        for arrays, turn in journal:
            rows = arrays["row"]
            newer = turn > written[rows // self._page]
            self._stale[rows[newer] // self._page] = True
            for name in columns:
                columns[name][rows[newer]] = arrays[name][newer]
        self._changed[:] = self._anew = False
        self._turn = max([turn for _, turn in (*pages.values(), *journal)], default=0)


Read = tuple[dict[str, NDArray[Any]], int]
"""Arrays of a cell, and the turn in which it was written."""


def _read(cell: bytes) -> Read:
    try:
        arrays, facts = unpack(zlib.decompress(cell))
    except zlib.error as error:
        raise StateCorrupt(f"a state cell cannot be read: {error}") from error
    return arrays, int(facts["turn"])


def _turn(read: Read) -> int:
    return read[1]


def _length(arrays: Columns) -> int:
    return len(next(iter(arrays.values())))
