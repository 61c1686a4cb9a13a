"""State per source: one row of a numpy table for each source number, saved in small pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.cells import pack, unpack
from logwatch.score.grouped import gather, scatter

PAGE = 8
"""Sources of one cell: few, so that a commit of some active sources does not write all."""


class SourceRows:
    """Rows [sources] of a structured array, zero for a new source; grows with the highest number seen.

    Args:
        dtype: numpy fields of a row.
    """

    def __init__(self, dtype: Sequence[tuple[Any, ...]]) -> None:
        self.dtype = np.dtype(list(dtype))
        self.rows: NDArray[Any] = np.zeros(PAGE, dtype=self.dtype)
        self._dirty: NDArray[np.bool_] = np.zeros(1, dtype=np.bool_)

    def reach(self, sources: NDArray[Any]) -> None:
        """Make room for source numbers [n]."""
        need = int(sources.max(initial=-1)) + 1
        if need > len(self.rows):
            size = max(2 * len(self.rows), -(-need // PAGE) * PAGE)
            rows = np.zeros(size, dtype=self.dtype)
            rows[: len(self.rows)] = self.rows
            dirty = np.zeros(size // PAGE, dtype=np.bool_)
            dirty[: len(self._dirty)] = self._dirty
            self.rows, self._dirty = rows, dirty

    def get(self, sources: NDArray[Any]) -> NDArray[Any]:
        """Copies of the rows [n] of sources [n] within reach."""
        return gather(self.rows, sources)

    def put(self, sources: NDArray[Any], rows: NDArray[Any]) -> None:
        """Write the rows [n] of distinct sources [n]."""
        scatter(self.rows, sources, rows)
        self.mark(sources)

    def mark(self, sources: NDArray[Any]) -> None:
        """These rows [n] changed."""
        self._dirty[sources // PAGE] = True

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """Pages changed since the last call, named `prefix` and page number."""
        for page in np.flatnonzero(self._dirty).tolist():
            yield f"{prefix}{page:06x}", pack({"rows": self.rows[page * PAGE : (page + 1) * PAGE]})
        self._dirty[:] = False

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """Rebuild from the cells whose names begin with `prefix`."""
        for name, cell in cells.items():
            if name.startswith(prefix):
                page = int(name[len(prefix) :], 16)
                self.reach(np.array([(page + 1) * PAGE - 1]))
                self.rows[page * PAGE : (page + 1) * PAGE] = unpack(cell)[0]["rows"]
