"""Rows of the table while points of their series are scored: columns that lie together, written back at the end."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.types import Int32


class Columns(Protocol):
    """What keeps the state of series: the table, or rows of it."""

    def view(self, field: str) -> NDArray[Any]:
        """A column [rows, ...], to read and to write."""
        ...


class Borrowed:
    """Some columns of some rows.

    Args:
        table: of the series.
        names: of the columns.
    """

    def __init__(self, table: KeyTable, names: tuple[str, ...]) -> None:
        self._table, self._names = table, names
        self._columns: dict[str, NDArray[Any]] = {}

    def borrow(self, slots: Int32) -> None:
        """Hold the rows [k] in these slots: row i is that of slots[i]."""
        self._slots = slots
        self._columns = {name: self._table.view(name)[slots] for name in self._names}

    def give_back(self) -> None:
        """Write them to the table."""
        for name, column in self._columns.items():
            self._table.view(name)[self._slots] = column
        self._table.mark(self._slots)

    def view(self, field: str) -> NDArray[Any]:
        """A column [k, ...]."""
        return self._columns[field]
