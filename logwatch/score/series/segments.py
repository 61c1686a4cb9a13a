"""Runs of rows that belong to one series, in stream order: what a loop over each run would carry along."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import scan
from logwatch.types import Bool, Int64


class Segments:
    """Rows [n] of s series, each series' rows together.

    Args:
        key: [n] ascending.

    Attributes:
        begin, end: [s] first row of each run, and the row after it.
        key: [s] of each run.
        of: [n] run of each row.
    """

    def __init__(self, key: NDArray[Any]) -> None:
        self.head: Bool = np.ones(len(key), np.bool_)
        np.not_equal(key[1:], key[:-1], out=self.head[1:])
        self.begin: Int64 = np.flatnonzero(self.head)
        self.end: Int64 = np.append(self.begin[1:], len(key))[: len(self.begin)]
        self.key = key[self.begin]
        self.single = len(self.begin) == len(key)
        self.of: Int64 = np.arange(len(key)) if self.single else np.cumsum(self.head) - 1

    def before(self, values: NDArray[Any], stored: NDArray[Any]) -> NDArray[Any]:
        """What stands before each row of its run [n]; before the first one `stored` [s]."""
        if self.single:
            return stored.astype(values.dtype)
        out = np.empty_like(values)
        out[1:] = values[:-1]
        out[self.begin] = stored
        return out

    def most(self, values: Int64, stored: Int64) -> Int64:
        """Running maximum [n] of each run, which goes on from `stored` [s]."""
        if self.single:
            return np.maximum(values, stored)
        if ((values[1:] >= values[:-1]) | self.head[1:]).all():  # the usual case: they ascend
            return np.maximum(values, stored[self.of])
        if len(self.begin) == 1:
            found: Int64 = np.maximum.accumulate(np.maximum(values, stored[0]))
            return found
        running: Int64 = np.maximum(scan(np.maximum, values, self.begin[self.of]), stored[self.of])
        return running

    def most_before(self, values: Int64, stored: Int64) -> Int64:
        """Maximum [n] of what stands before each row of its run, and of `stored` [s]."""
        return self.before(self.most(values, stored), stored)

    def last_before(self, mask: Bool) -> Int64:
        """The last row before each one [n] of its run that is in the mask; -1: none."""
        if self.single:
            return np.full(len(mask), -1)
        at = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
        at = np.append(-1, at[:-1])
        return np.where(at >= self.begin[self.of], at, -1)

    def first(self, mask: Bool) -> Int64:
        """The first row of each run [s] that is in the mask; the run's end: none."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            return self.end
        at: Int64 = np.append(rows, len(mask))[np.searchsorted(rows, self.begin)]
        at = np.minimum(at, self.end)
        return at


def segment_values(operation: np.ufunc, values: NDArray[Any], segments: Segments) -> NDArray[Any]:
    """Running `operation` [n] of each run; exact ones only (maximum)."""
    return values if segments.single else scan(operation, values, segments.begin[segments.of])
