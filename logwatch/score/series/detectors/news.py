"""What is news: a surprise above all recent ones of its series, and less so at a level that was news before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.series.detectors.borrowed import Columns
from logwatch.types import Bool, Float32, Int32, Int64

BLOCK = 16
BLOCKS = 8
"""The recent maximum is that of the block so far, and of the 7 blocks of 16 points before."""
LEVELS = 8
NOTED = 2.0 * float(np.log(10.0))  # nats from which on a level is remembered
NEAR = 0.1  # of the distance from what was expected when the level was noted
AGAIN = 0.6  # of the nats is left at a known level


class News:
    """Suppresses what repeats.

    Args:
        table: with `FIELDS` among its columns.
        again: share of the nats that is left at a known level, (0, 1].
    """

    FIELDS: tuple[tuple[Any, ...], ...] = (
        ("news_blocks", "f4", (BLOCKS,)),  # largest nats of the last blocks, a ring
        ("news_levels", "f4", (3, LEVELS)),  # value, distance from the expected, number of the point; 0: free
    )

    def __init__(self, table: Columns, again: float = AGAIN) -> None:
        self._table, self._again = table, np.float32(again)

    def of(self, slots: Int32, nats: Float32, values: Float32, distance: Float32, number: Int64) -> Float32:
        """Nats [n] of what is news, 0 for the rest.

        Args:
            slots: [n] each once.
            nats: [n] ≥ 0.
            values: [n] less the series' first one; NaN: missing.
            distance: [n] ≥ 0 from what was expected.
            number: [n] points of the series before.
        """
        above = nats > self._recent(slots, nats, number)
        found = np.zeros_like(nats)
        rows = np.flatnonzero(above)
        if len(rows):
            found[rows] = self._weighed(slots[rows], nats[rows], values[rows], distance[rows], number[rows])
        return found

    def _recent(self, slots: Int32, nats: Float32, number: Int64) -> Float32:
        """Largest nats [n] before these; then these are noted."""
        column = self._table.view("news_blocks")
        at = number // BLOCK % BLOCKS
        rows = np.arange(len(slots))
        blocks = column[slots]
        blocks[rows, at] = np.where(number % BLOCK == 0, np.float32(0), blocks[rows, at])
        recent: Float32 = blocks.max(axis=1)
        blocks[rows, at] = np.maximum(blocks[rows, at], nats)
        column[slots] = blocks
        return recent

    def _weighed(self, slots: Int32, nats: Float32, values: Float32, distance: Float32, number: Int64) -> Float32:
        column = self._table.view("news_levels")
        levels = column[slots]
        near = (np.abs(values[:, None] - levels[:, 0]) <= np.float32(NEAR) * levels[:, 1]) & (levels[:, 2] > 0)
        known = near.any(axis=1)
        noted = np.flatnonzero((nats > np.float32(NOTED)) & ~np.isnan(values))
        if len(noted):
            at = _place(levels[noted], near[noted], known[noted])
            fresh = np.stack([values, distance, np.minimum(number + 1, 2**24)], axis=1)[noted]
            levels[noted, :, at] = fresh
            column[slots[noted]] = levels[noted]
        return np.where(known, self._again * nats, nats)


def _place(levels: Float32, near: Bool, known: Bool) -> NDArray[np.intp]:
    """Where a level is noted: over the same one, else over the oldest."""
    at: NDArray[np.intp] = np.where(known, near.argmax(axis=1), levels[:, 2].argmin(axis=1))
    return at
