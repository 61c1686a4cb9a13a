"""Segmented operations: what a loop over groups would do, without the loop.

A batch holds rows of many groups (keys, sources) interleaved in stream order. `Groups` sorts them so that each group
is contiguous and still in stream order; `scan` runs an associative operation along each segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Int64

ROW_BITS = 24
"""Rows of one batch that a composite sort key can number: 16 M; sub-batches hold 1,024."""


def gather(rows: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Records [m] of a structured array, as raw bytes: numpy's own indexing copies field by field, 20 times slower."""
    records: NDArray[Any] = rows.view(np.dtype((np.void, rows.dtype.itemsize)))[at].view(rows.dtype)
    return records


def scatter(rows: NDArray[Any], at: NDArray[Any], records: NDArray[Any]) -> None:
    """Write records [m] of the same dtype into a structured array, as raw bytes."""
    raw = np.dtype((np.void, rows.dtype.itemsize))
    rows.view(raw)[at] = records.view(raw)


class Groups:
    """Rows of a batch grouped by a non-negative integer, in stream order inside each group.

    Args:
        keys: [n] group of each row, 0 ≤ key < 2^39.

    Attributes:
        order: [n] rows, grouped.
        head: [n] of `order`: this row is the first of its group.
        group: [n] of `order`: dense number of the group, 0 … size - 1.
        first, last: [size] first and last row of each group.
        keys: [size] the groups' keys, ascending.
    """

    def __init__(self, keys: NDArray[Any]) -> None:
        n = len(keys)
        self.head: Bool = np.zeros(n, dtype=np.bool_)
        self._one = bool(n and keys[0] == keys[-1] and (keys == keys[0]).all())
        if self._one:
            self.order: Int64 = np.arange(n)
            self.head[0] = True
            self.begin: Int64 = np.zeros(1, dtype=np.int64)
            self.group: Int64 = np.zeros(n, dtype=np.int64)
            self.keys: Int64 = keys[:1].astype(np.int64)
        else:
            # One sort of unique composite keys is several times faster than a stable argsort, and as stable.
            composite = (keys.astype(np.int64) << ROW_BITS) | np.arange(n)
            composite.sort()
            self.order = composite & ((1 << ROW_BITS) - 1)
            grouped = composite >> ROW_BITS
            self.head[:1] = True
            np.not_equal(grouped[1:], grouped[:-1], out=self.head[1:])
            self.begin = np.flatnonzero(self.head)
            self.group = np.cumsum(self.head) - 1
            self.keys = grouped[self.begin]
        self.end: Int64 = np.append(self.begin[1:], n)[: len(self.begin)]
        self.first: Int64 = self.order[self.begin]
        self.last: Int64 = self.order[self.end - 1]

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def counts(self) -> Int64:
        """Rows of each group [size]."""
        return self.end - self.begin

    def sums(self, numbers: Int64) -> Int64:
        """Sum of numbers [n] of each group [size]."""
        total: Int64 = np.add.reduceat(numbers[self.order], self.begin) if len(self) else self.begin
        return total

    def ungroup(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values [n, …] in grouped order, back in stream order."""
        if self._one:
            return values.copy()
        out = np.empty_like(values)
        out[self.order] = values
        return out

    def before(self, values: NDArray[Any], stored: NDArray[Any]) -> NDArray[Any]:
        """Each row's predecessor in its group, in grouped order [n, …].

        Args:
            values: [n, …] in stream order.
            stored: [size, …] what stood before the batch, for the first row of each group.
        """
        out = np.empty_like(values)
        out[1:] = values[:-1] if self._one else values[self.order[:-1]]
        out[self.begin] = stored
        return out


def distinct(numbers: NDArray[Any], size: int) -> tuple[Int64, Int64]:
    """One row of each number [k], and for each row [n] which of these has its number; no sort.

    Args:
        numbers: [n] in [-size, size); negative ones count from the end, as in an index.
        size: memory of so many numbers is taken.
    """
    place = np.empty(size, dtype=np.int64)  # only what is written is read
    rows = np.arange(len(numbers))
    place[numbers] = rows
    one = np.flatnonzero(place[numbers] == rows)
    place[numbers[one]] = np.arange(len(one))
    return one, place[numbers]


def segment_begin(starts: Bool) -> Int64:
    """Index of each row's segment start [n], for rows where `starts` [n] marks the first of each; row 0 starts one."""
    at = np.where(starts, np.arange(len(starts)), 0)
    begin: Int64 = np.maximum.accumulate(at)
    return begin


def scan(
    operation: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], values: NDArray[Any], begin: Int64
) -> NDArray[Any]:
    """Running `operation` along each segment, by doubling steps: log2(longest segment) passes.

    Args:
        operation: associative and exact (maximum, bitwise or, integer sum): the order of evaluation differs from a
            loop's, so a rounding operation would give results that depend on the batch.
        values: [n, …] in segment order.
        begin: [n] index of the segment's first row (`segment_begin`).
    """
    out = values.copy()
    reach = np.arange(len(begin)) - begin
    longest = int(reach.max(initial=0))
    step = 1
    while step <= longest:
        rows = np.flatnonzero(reach >= step)
        out[rows] = operation(out[rows], out[rows - step])
        step *= 2
    return out
