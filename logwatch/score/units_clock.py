"""Where each source's watermark stands, on a grid, and at which row of a batch it gets where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups
from logwatch.types import Int32, Int64

GRID = 10 * 10**9
"""Visits close and silences pass on a grid of 10 s of the watermark: coarse enough to look only now and then."""
ORIGIN = 1 << 30
"""Added to grid cells, so that the earliest time that 64 bits can say has a positive one; 0 means never."""


def cell_of(time: Int64) -> Int64:
    """Grid cells [n] that times [n] in ns have reached, counted from `ORIGIN`."""
    return time // GRID + ORIGIN


def due_cell(time: Int64) -> Int64:
    """The first cells [n] at which times [n] in ns have passed."""
    return (time + (GRID - 1)) // GRID + ORIGIN


class Passage:
    """How the sources' watermarks rose during one batch.

    Attributes:
        groups: the batch's rows by source.
        reached: [n] cell of the row's source as the row comes: its own time has passed, then it happens.
        rising: some source reached another cell.
    """

    def __init__(self, groups: Groups, cell: Int64, stored: Int64) -> None:
        self.groups = groups
        cell = np.maximum(cell, groups.ungroup(stored[groups.group]))  # a tick may have gone ahead
        grouped = cell[groups.order]
        self.reached: Int64 = cell
        self.after: Int64 = grouped[groups.end - 1]
        self.rising = bool((self.after > stored).any())
        self._rows = len(cell)
        self._composite = (groups.keys[groups.group] << 32) | grouped

    def when(self, source: NDArray[Any], cell: Int64) -> Int64:
        """Rows [m] at which sources [m] reach cells [m]; the number of rows where they do not."""
        wanted = (source.astype(np.int64) << 32) | cell
        at = np.searchsorted(self._composite, wanted)
        inside = np.minimum(at, len(self._composite) - 1)
        reached = (at < len(self._composite)) & (self._composite[inside] >> 32 == source)
        return np.where(reached, self.groups.order[inside], self._rows)


class SourceClock:
    """The cell that each source's watermark has reached."""

    def __init__(self) -> None:
        self._sources = SourceRows([("cell", "i8")])

    def cells(self) -> Int64:
        """By source number; 0 for one that never spoke."""
        cells: Int64 = self._sources.rows["cell"]
        return cells

    def advance(self, source: Int32, watermark: Int64) -> Passage:
        """Pass a batch's watermarks [n]."""
        self._sources.reach(source)
        groups = Groups(source)
        passage = Passage(groups, cell_of(watermark), self.cells()[groups.keys])
        if passage.rising:
            self._sources.rows["cell"][groups.keys] = passage.after
            self._sources.mark(groups.keys)
        return passage

    def tick(self, source: Int32, watermark: Int64) -> None:
        """The watermarks [s] of idle sources follow the clock."""
        self._sources.reach(source)
        self._sources.rows["cell"][source] = np.maximum(self.cells()[source], cell_of(watermark))
        self._sources.mark(source)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._sources.changes("clock/")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._sources.restore("clock/", cells)
