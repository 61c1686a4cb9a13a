"""State per source: one row of a numpy table for each source number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import gather, scatter
from logwatch.score.journal import Columns, Journal

LEAST = 8
"""Rows of an empty table."""


class SourceRows:
    """Rows [sources] of a structured array, zero for a new source; grows with the highest number seen.

    Args:
        dtype: numpy fields of a row.
    """

    def __init__(self, dtype: Sequence[tuple[Any, ...]]) -> None:
        self.dtype = np.dtype(list(dtype))
        self.rows: NDArray[Any] = np.zeros(LEAST, dtype=self.dtype)
        self._journal = Journal(self.dtype.itemsize, LEAST)

    def reach(self, sources: NDArray[Any]) -> None:
        """Make room for source numbers [n]."""
        need = int(sources.max(initial=-1)) + 1
        if need > len(self.rows):
            rows = np.zeros(max(2 * len(self.rows), need), dtype=self.dtype)
            rows[: len(self.rows)] = self.rows
            self.rows = rows
            self._journal.grow(len(rows))

    def get(self, sources: NDArray[Any]) -> NDArray[Any]:
        """Copies of the rows [n] of sources [n] within reach."""
        return gather(self.rows, sources)

    def put(self, sources: NDArray[Any], rows: NDArray[Any]) -> None:
        """Write the rows [n] of distinct sources [n]."""
        scatter(self.rows, sources, rows)
        self.mark(sources)

    def mark(self, sources: NDArray[Any]) -> None:
        """These rows [n] changed."""
        self._journal.mark(sources)

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """Cells of what changed since the last call, named from `prefix` on."""
        return self._journal.changes(prefix, {"rows": self.rows})

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """Rebuild from the cells whose names begin with `prefix`."""
        self._journal.restore(prefix, cells, self._columns)

    def _columns(self, rows: int) -> Columns:
        self.reach(np.array([rows - 1]))
        return {"rows": self.rows}
