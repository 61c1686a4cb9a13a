"""How rows of the key table are laid out, and how rows are read that were laid out otherwise.

Other detectors, switched on or off, have other columns. What both layouts have goes over by name; a column that is new
is zero, as for a new key; one that is gone is let go, also where it comes back later: its detector has begun anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.errors import StateCorrupt

UNREADABLE = "its keys were saved by another version"


class Layouts:
    """The layout of a table, the last one, and those in which keys were spilled before, in their order.

    Args:
        dtype: of the table's rows.
        base: fields that every layout has.
    """

    def __init__(self, dtype: np.dtype[Any], base: tuple[str, ...]) -> None:
        self._base = base
        self._known = [dtype]

    @property
    def own(self) -> int:
        """Number of the table's own layout."""
        return len(self._known) - 1

    def saved(self) -> list[Any]:
        """Everything, for JSON."""
        return [dtype.descr for dtype in self._known]

    def restore(self, saved: Any, spilled: bool) -> np.dtype[Any]:
        """Rebuild from `saved`; returns how the rows of the keys in memory were laid out. Raises StateCorrupt.

        Args:
            spilled: keys may lie in the layouts of before.
        """
        own = self._known[-1]
        try:
            known = [_dtype_of(columns) for columns in saved]
            same = all(dtype[name] == own[name] for dtype in known for name in self._base)
            was = known[-1]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise StateCorrupt(UNREADABLE) from error
        if not same:
            raise StateCorrupt(UNREADABLE)
        if spilled:
            self._known = known if was == own else [*known, own]
        return was

    def read(self, cell: bytes, number: int) -> NDArray[Any]:
        """The row [1] of a cell in the layout of this number. Raises StateCorrupt."""
        if not 0 <= number < len(self._known):
            raise StateCorrupt(UNREADABLE)
        row = row_of(cell, self._known[number])
        for dtype in self._known[number + 1 :]:
            row = converted(row, dtype)
        return row


def row_of(cell: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The row [1] that a cell begins with."""
    return np.frombuffer(cell[: dtype.itemsize], dtype)


def converted(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Rows of any layout as rows of another."""
    if rows.dtype == dtype:
        return rows
    out = np.zeros(rows.shape, dtype)
    for name in dtype.names or ():
        if name in (rows.dtype.names or ()):
            if dtype[name].names and rows.dtype[name].names:
                out[name] = converted(rows[name], dtype[name])
            elif dtype[name] == rows.dtype[name]:
                out[name] = rows[name]
    return out


def _dtype_of(columns: Any) -> np.dtype[Any]:
    """The inverse of `dtype.descr`, after JSON made lists of its tuples."""
    return np.dtype(
        [
            (name, _dtype_of(kind) if isinstance(kind, list) else kind, *(tuple(shape) for shape in more))
            for name, kind, *more in columns
        ]
    )
