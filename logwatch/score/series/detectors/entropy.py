"""`entropy`: the last fifty values are spread otherwise than the values of the past (Wang et al., 2011).

Both are counted over 16 bins of equal width. The range doubles where a value lies outside; two bins become one then,
so that nothing counted needs to be known again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.series.detectors.borrowed import Columns
from logwatch.types import Bool, Float32, Int32, Int64

BINS = 16
WINDOW = 50
MEMORY = 50_000
"""Values at which the counts of the past are halved."""
_SHARES = np.arange(WINDOW + 1) / WINDOW
_SELF = (_SHARES * np.log(np.maximum(_SHARES, 1e-9))).astype(np.float32)  # p ln p by count


class Entropy:
    """Relative entropy of the last values to the past."""

    FIELDS: tuple[tuple[Any, ...], ...] = (
        ("entropy_range", "f4", (2,)),  # lower end of the first bin, width; 0: all values were the same
        ("entropy_past", "f4", (BINS,)),
        ("entropy_recent", "u1", (BINS,)),
        ("entropy_window", "u1", (WINDOW,)),  # bins of the last values, a ring
    )

    def __init__(self, table: Columns) -> None:
        self._table = table

    def magnitude(self, slots: Int32, values: Float32, seen: Int64) -> Float32:
        """Nats ≥ 0 a value [n]; NaN until a window was full.

        Args:
            slots: [n] each once.
            values: [n] finite, less the series' first value.
            seen: [n] values of the series before.
        """
        self._widen(slots, values)
        low, width = np.ascontiguousarray(self._table.view("entropy_range")[slots].T)
        bins = np.clip((values - low) / np.where(width > 0, width, np.float32(1)), 0, BINS - 1).astype(np.uint8)
        bins[width == 0] = BINS // 2
        past, recent = self._table.view("entropy_past"), self._table.view("entropy_recent")
        self._slide(slots, bins, seen)
        counts, before = recent[slots], past[slots]
        total = before.sum(axis=1)
        apart = np.log(before + np.float32(0.5)) - np.log(total + np.float32(0.5 * BINS))[:, None]
        share = counts.astype(np.float32) * np.float32(1 / WINDOW)
        found = (_SELF[np.minimum(counts, WINDOW)] - share * apart).sum(axis=1)
        past[slots, bins] += 1
        full = slots[total >= MEMORY]
        past[full] *= np.float32(0.5)
        return np.where(seen >= WINDOW, np.maximum(found, 0), np.float32(np.nan))

    def _slide(self, slots: Int32, bins: NDArray[np.uint8], seen: Int64) -> None:
        """The window goes on by a value."""
        recent, window = self._table.view("entropy_recent"), self._table.view("entropy_window")
        turn = seen % WINDOW
        leaving = window[slots, turn]
        full = seen >= WINDOW
        recent[slots[full], leaving[full]] -= 1
        recent[slots, bins] += 1
        window[slots, turn] = bins

    def _widen(self, slots: Int32, values: Float32) -> None:
        """Double the ranges of some series until their values lie inside."""
        ranges = self._table.view("entropy_range")
        low, width = np.ascontiguousarray(ranges[slots].T)
        begin = np.flatnonzero((width == 0) & (values != 0))
        if len(begin):
            width[begin] = np.maximum(np.abs(values[begin]) / (BINS // 4), np.float32(1e-30))
            low[begin] = -width[begin] * (BINS // 2)
            ranges[slots[begin]] = np.stack([low[begin], width[begin]], axis=1)
        outside = (width > 0) & ((values < low) | (values >= low + BINS * width))
        while len(rows := np.flatnonzero(outside)):
            down = values[rows] < low[rows]
            low[rows] -= np.where(down, BINS * width[rows], 0)
            width[rows] *= 2
            self._merge(slots[rows], down)
            ranges[slots[rows]] = np.stack([low[rows], width[rows]], axis=1)
            outside = (width > 0) & ((values < low) | (values >= low + BINS * width))

    def _merge(self, slots: Int32, down: Bool) -> None:
        """Two bins become one, in the upper half where the range grew downwards."""
        for name in ("entropy_past", "entropy_recent"):
            column = self._table.view(name)
            pairs = column[slots].reshape(-1, BINS // 2, 2).sum(axis=2, dtype=column.dtype)
            none = np.zeros_like(pairs)
            column[slots] = np.where(
                down[:, None], np.concatenate([none, pairs], axis=1), np.concatenate([pairs, none], axis=1)
            )
        window = self._table.view("entropy_window")
        window[slots] = (window[slots] >> 1) + np.where(down, BINS // 2, 0).astype(np.uint8)[:, None]
