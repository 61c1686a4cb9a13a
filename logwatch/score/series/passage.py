"""At which record of a batch each source's watermark gets where."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, Int32, Int64

FAR = 0
"""A watermark before any time was seen. Samples from before 1970 have no time."""


class Where(NamedTuple):
    """The records of a batch: whose they are, and where they stand."""

    source: Int32  # [rows]
    stream: Int32  # [rows]
    start: Int64  # [rows] position
    end: Int64  # [rows] position after it


class Passage:
    """How the watermarks rose.

    Args:
        row: [r] rows of the records that have samples, ascending.
        source: [r] theirs.
        watermark: [r] after each of them, ns or NO_TIME.
        stored: by source, before the batch, ns; `FAR`: none; is brought up to date.

    Attributes:
        before: [r] watermark of the record's source before it.
        after: [r] after it, never falling.
        sources: [s] that had a record, ascending.
        last_rows: [s] row of the last record of each.
        begun: [b] sources that had no watermark before.
        beginning: [b] their first one.
    """

    def __init__(self, row: Int64, source: NDArray[Any], watermark: Int64, stored: Int64) -> None:
        self._row = row
        self._groups = groups = Groups(source)
        self.sources: Int64 = groups.keys
        known = np.where(watermark == NO_TIME, FAR, watermark)
        after = np.maximum(known, stored[source])[groups.order]
        self._after = after  # by source, ascending in each: the clock's maximum never falls
        self.after: Int64 = groups.ungroup(after)
        self.before: Int64 = groups.ungroup(groups.before(self.after, stored[self.sources]))
        self.last_rows: Int64 = row[groups.last]
        begins = np.flatnonzero((after != FAR) & (groups.before(self.after, stored[self.sources]) == FAR))
        self.begun: Int64 = groups.keys[groups.group[begins]]
        self.beginning: Int64 = after[begins]
        stored[self.sources] = after[groups.end - 1]

    def row(self, source: NDArray[Any], watermark: Int64) -> Int64:
        """Rows [m] at which sources [m], all among `sources`, reach watermarks [m]; -1 where they do not."""
        groups = self._groups
        if len(groups) == 1:
            at, end = np.searchsorted(self._after, watermark), np.full(len(source), len(self._after))
        else:
            levels = np.unique(self._after)  # ranks, so that source and watermark fit into one number
            known = (groups.keys[groups.group] << 32) | np.searchsorted(levels, self._after)
            at = np.searchsorted(known, (source.astype(np.int64) << 32) | np.searchsorted(levels, watermark))
            end = groups.end[np.searchsorted(groups.keys, source)]
        inside = np.minimum(at, len(self._row) - 1)
        return np.where(at < end, self._row[groups.order[inside]], -1)
