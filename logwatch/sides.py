"""Which sources have brought lines, and which metrics: those with both spend one budget, and their records keep the
order of the stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.score.detectors.sources import SourceRows
from logwatch.types import Bool, Int32, Int64

LINES, METRICS = 1, 2
BOTH = LINES | METRICS


class Sides:
    """Remembers the sides of each source, by its number."""

    def __init__(self) -> None:
        self._of = SourceRows([("side", "u1")])
        self._mixed = False  # some source has both

    def see(self, source: Int32, side: int) -> None:
        """Sources [n] bring records of a side."""
        self._of.reach(source)
        new = np.unique(source[(self._of.rows["side"][source] & side) == 0])
        if len(new):
            self._of.rows["side"][new] |= side
            self._of.mark(new)
            self._mixed |= bool((self._of.rows["side"][new] == BOTH).any())

    def both(self, source: Int64) -> Bool:
        """Which sources [r] have brought lines and metrics so far."""
        self._of.reach(source)
        found: Bool = self._of.rows["side"][source] == BOTH
        return found

    def in_turn(self, metrics: Bool, source: Int32, warm: Bool | None) -> list[Int64]:
        """Rows of a batch in runs of lines and of metrics, those of metrics all warm or none.

        While every source has one side only, all lines come first: nothing of them is the metrics' concern. Else they
        come in the order of the stream: chunks end, and budgets are shared, where it says.

        Args:
            metrics: [n] which records are metrics.
            source: [n]
            warm: [n] were there before the first start; None: none was.
        """
        lines, measured = np.flatnonzero(~metrics), np.flatnonzero(metrics)
        if not (self._mixed or self._mixes(source[lines], source[measured])):
            runs = [rows for rows in (lines, measured) if len(rows)]
        else:
            runs = np.split(np.arange(len(metrics)), np.flatnonzero(metrics[1:] != metrics[:-1]) + 1)
        if warm is None:
            return runs
        return [part for rows in runs for part in (_even(rows, warm) if metrics[rows[0]] else [rows])]

    def _mixes(self, lines: Int32, measured: Int32) -> bool:
        """Whether some source has both sides with these sources of lines and of metrics."""
        self._of.reach(np.append(lines, measured))
        side = self._of.rows["side"]
        known = bool((side[lines] & METRICS).any() or (side[measured] & LINES).any())
        return known or bool(np.isin(measured, lines).any())

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        return self._of.changes("of")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._of.restore("of", cells)
        self._mixed = bool((self._of.rows["side"] == BOTH).any())


def _even(rows: Int64, marks: Bool) -> list[Int64]:
    """Rows in runs of equal marks."""
    of = marks[rows]
    return np.split(rows, np.flatnonzero(of[1:] != of[:-1]) + 1)
