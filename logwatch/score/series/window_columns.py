"""The newest steps of one source's metrics, and a sample of those before: arrays that never grow with time.

A column of the ring is a step of the source's own grid, by its number: bin b ends at b · step. What leaves the ring is
offered to the sample, which keeps every 2^k-th of all that ever came until it reaches far enough back; then the oldest
give way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Float32, Int64

SAMPLE = 128
"""Steps remembered from before the window."""

MOST_STRIDE = 64
"""One in so many steps at most: the sample reaches back 8,192 steps, 23 hours of 10 s."""

BLOCK = 16
"""Steps of one cell."""


class Ring:
    """The newest steps.

    Args:
        width: steps.

    Attributes:
        rows: [width, c] bin b stands in row b mod width; NaN: not measured.
        newest: the largest bin so far; 0: none.
        dirty: blocks of rows that changed.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: Float32 = np.full((width, 0), np.nan, np.float32)
        self.newest = 0
        self.dirty = set(range(blocks(width)))  # nothing may be left of an earlier life

    def grow(self, columns: int) -> None:
        """More metrics."""
        self.rows = _wider(self.rows, columns)

    def advance(self, newest: int) -> Float32:
        """Begin new bins up to `newest`; returns the steps [k, c] that leave, in order."""
        if newest <= self.newest:
            return self.rows[:0]
        bins = np.arange(max(self.newest + 1, newest - self.width + 1), newest + 1)
        self.newest, places = newest, bins % self.width
        left = self.rows[places]
        self.rows[places] = np.nan
        self._touch(places)
        return left

    def put(self, first: int, last: int, columns: Int64, values: Float32) -> None:
        """Values [m] of metrics in columns [m], from one bin to another, none later than the newest."""
        first = max(first, self.newest - self.width + 1)
        if first == last:  # almost always
            self.rows[last % self.width, columns] = values
            self.dirty.add(last % self.width // BLOCK)
        elif first < last:
            places = np.arange(first, last + 1) % self.width
            self.rows[places[:, None], columns] = values
            self._touch(places)

    def put_each(self, bins: Int64, columns: Int64, values: Float32) -> None:
        """Values [m] in bins [m], none later than the newest, of metrics in columns [m]; the last of equals counts."""
        inside = np.flatnonzero(bins > self.newest - self.width)
        places = bins[inside] % self.width
        self.rows[places, columns[inside]] = values[inside]
        self._touch(places)

    def clear(self, columns: Int64) -> None:
        """These columns are another metric's, or nobody's, from now on."""
        self.rows[:, columns] = np.nan
        self.dirty.update(range(blocks(self.width)))

    def until(self, last: int) -> Float32:
        """The `width` steps up to a bin that is not before the newest [width, c]."""
        bins = np.arange(last - self.width + 1, last + 1)
        found = self.rows[bins % self.width]
        found[bins > self.newest] = np.nan
        return found

    def refit(self, step: int, now: int) -> None:
        """From steps of a length to steps of another: each is of the old step that covers its end."""
        before, newest = self.rows, self.newest
        self.newest = -(-newest * step // now)
        bins = np.arange(self.newest - self.width + 1, self.newest + 1)
        old = -(-bins * now // step)
        kept = (old > newest - len(before)) & (old <= newest)
        self.rows = np.full((self.width, before.shape[1]), np.nan, np.float32)
        self.rows[bins[kept] % self.width] = before[old[kept] % len(before)]
        self.dirty.update(range(blocks(self.width)))

    def _touch(self, places: Int64) -> None:
        self.dirty.update(np.unique(places // BLOCK).tolist())


class Sample:
    """Steps from before the window.

    Attributes:
        rows: [SAMPLE, c] in no order.
        filled: rows in use.
        stride: one in so many steps is kept.
        offered: steps so far.
        dirty: blocks of rows that changed.
    """

    def __init__(self) -> None:
        self.rows: Float32 = np.full((SAMPLE, 0), np.nan, np.float32)
        self.filled, self.stride, self.offered = 0, 1, 0
        self.dirty = set(range(blocks(SAMPLE)))

    def grow(self, columns: int) -> None:
        """More metrics."""
        self.rows = _wider(self.rows, columns)

    def offer(self, steps: Float32) -> None:
        """Steps [k, c] that left the window, in order; what was wholly missing tells nothing."""
        for step in steps[~np.isnan(steps).all(axis=1)]:
            if self.offered % self.stride == 0:
                self._take(step)
            self.offered += 1

    def _take(self, step: Float32) -> None:
        if self.filled == SAMPLE and self.stride < MOST_STRIDE:
            self.rows[: SAMPLE // 2] = self.rows[::2].copy()
            self.rows[SAMPLE // 2 :] = np.nan
            self.filled, self.stride = SAMPLE // 2, 2 * self.stride
            self.dirty.update(range(blocks(SAMPLE)))
            if self.offered % self.stride:
                return
        place = self.offered // self.stride % SAMPLE
        self.rows[place] = step
        self.filled = max(self.filled, place + 1)
        self.dirty.add(place // BLOCK)

    def clear(self, columns: Int64) -> None:
        """See `Ring.clear`."""
        self.rows[:, columns] = np.nan
        self.dirty.update(range(blocks(SAMPLE)))


def blocks(rows: int) -> int:
    """Cells of so many rows."""
    return -(-rows // BLOCK)


def _wider(rows: NDArray[Any], columns: int) -> NDArray[Any]:
    more = columns - rows.shape[1]
    return np.pad(rows, ((0, 0), (0, more)), constant_values=np.nan) if more > 0 else rows
