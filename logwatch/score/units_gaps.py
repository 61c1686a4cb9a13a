"""How long a silence ends a visit, learned per source: the shortest after which its keys seldom speak again.

A web request is over within seconds, a file system's block after hours. Too short a gap tears visits apart (HDFS:
average precision 0.91 with an hour, 0.73 with a minute); too long a one judges them late and says nothing for as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, Int64

SECOND = 10**9
CHOICES = np.array([60 * SECOND, 600 * SECOND], dtype=np.int64)
"""Gaps, ns, shorter than the one that holds until something is known."""
RESUMED = 0.002
"""Share of the keys that may speak again after the gap."""
KEYS = 500
"""Keys before there is an opinion."""
SPANS = 8
"""Times the gap that a source must have been heard: what resumes late has had its time."""

ROW = (
    ("gap", "i8"),  # ns; 0: the longest
    ("floor", "i8"),  # cell of the grid before which nothing comes due
    ("first", "i8"),  # when keys were heard, ns
    ("latest", "i8"),
    ("keys", "i8"),
    ("resumed", "i8", (len(CHOICES),)),  # times that a key spoke again after so long a silence
)


class Gaps:
    """Gaps by source number; they change only in `learn`.

    Args:
        longest: gap, ns, that holds until a shorter one is known to do.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._rows = SourceRows(ROW)
        self._heard: set[int] = set()  # since the last chunk's end

    def of(self, source: NDArray[Any]) -> Int64:
        """Gaps [n] of sources [n], ns."""
        self._rows.reach(source)
        gap: Int64 = self._rows.rows["gap"][source]
        return np.where(gap > 0, gap, self.longest)

    def floor(self, source: NDArray[Any]) -> Int64:
        """Cells [n] of the grid before which nothing comes due: a shorter gap closes visits from then on, not before
        it was chosen."""
        self._rows.reach(source)
        floor: Int64 = self._rows.rows["floor"][source]
        return floor

    def count(self, source: NDArray[Any], heard: Int64, before: Int64) -> None:
        """Count events [n] of keys: when each was heard, and when its key was before (0: never), ns."""
        timed = heard != NO_TIME
        source, heard, before = source[timed], heard[timed], before[timed]
        if not len(source):
            return
        groups = Groups(source)
        self._rows.reach(groups.keys)
        rows, order = self._rows.rows, groups.order
        new = (before[order] == 0) | (before[order] == NO_TIME)
        silence = np.where(new, 0, heard[order] - before[order])
        times = heard[order]
        fresh = rows["first"][groups.keys] == 0
        first = np.minimum.reduceat(times, groups.begin)
        rows["first"][groups.keys] = np.where(fresh, first, rows["first"][groups.keys])
        rows["latest"][groups.keys] = np.maximum(rows["latest"][groups.keys], np.maximum.reduceat(times, groups.begin))
        rows["keys"][groups.keys] += np.add.reduceat(new, groups.begin, dtype=np.int64)
        for number, gap in enumerate(CHOICES.tolist()):
            rows["resumed"][groups.keys, number] += np.add.reduceat(silence >= gap, groups.begin, dtype=np.int64)
        self._rows.mark(groups.keys)
        self._heard.update(groups.keys.tolist())

    def learn(self, cells: Int64) -> bool:
        """At a chunk's end: choose anew; True where some gap changed.

        Args:
            cells: where the watermarks stand on the grid, by source number.
        """
        source = np.array(sorted(self._heard), dtype=np.int64)
        self._heard.clear()
        if not len(source):
            return False
        rows = self._rows.get(source)
        chosen = np.full(len(source), 0, dtype=np.int64)
        for number in range(len(CHOICES) - 1, -1, -1):
            long = rows["latest"] - rows["first"] >= SPANS * CHOICES[number]
            seldom = rows["resumed"][:, number] <= RESUMED * rows["keys"]
            chosen = np.where(long & seldom & (rows["keys"] >= KEYS), CHOICES[number], chosen)
        chosen = np.where(chosen < self.longest, chosen, 0)
        changed = chosen != rows["gap"]
        self._rows.rows["gap"][source[changed]] = chosen[changed]
        self._rows.rows["floor"][source[changed]] = cells[source[changed]] + 1
        self._rows.mark(source[changed])
        return bool(changed.any())

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._rows.changes("gap/")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._rows.restore("gap/", cells)
        # What was heard since the last chunk's end is not kept: all are looked at again, which changes nothing.
        self._heard = set(np.flatnonzero(self._rows.rows["keys"]).tolist())
