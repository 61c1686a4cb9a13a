"""Which keys to look at once their source's watermark has come so far."""

from __future__ import annotations

import numpy as np

from logwatch.types import Int32, Int64

NEVER = 1 << 40
AHEAD = 6
"""Grid cells (1 min) that the near hints reach beyond the latest watermark: the far ones are left alone meanwhile."""


class _Hints:
    """Parallel arrays, in no order."""

    def __init__(self) -> None:
        self.n = 0
        self.source: Int32 = np.zeros(1024, dtype=np.int32)
        self.slot: Int32 = np.zeros(1024, dtype=np.int32)
        self.due: Int64 = np.zeros(1024, dtype=np.int64)
        self.earliest = NEVER  # of all, or earlier

    def push(self, source: Int32, slot: Int32, due: Int64) -> None:
        m = len(slot)
        if not m:
            return
        while self.n + m > len(self.slot):
            self.source = np.concatenate([self.source, np.zeros_like(self.source)])
            self.slot = np.concatenate([self.slot, np.zeros_like(self.slot)])
            self.due = np.concatenate([self.due, np.zeros_like(self.due)])
        room = slice(self.n, self.n + m)
        self.source[room], self.slot[room], self.due[room] = source, slot, due
        self.n += m
        self.earliest = min(self.earliest, int(due.min()))

    def take(self, gone: Int64) -> tuple[Int32, Int32, Int64]:
        """Remove some, ascending; the last entries move into the holes."""
        out = self.source[gone], self.slot[gone], self.due[gone]
        left = self.n - len(gone)
        keep = np.ones(self.n - left, dtype=np.bool_)
        keep[gone[gone >= left] - left] = False
        tail, holes = left + np.flatnonzero(keep), gone[gone < left]
        for array in (self.source, self.slot, self.due):
            array[holes] = array[tail]
        self.n = left
        self.earliest = int(self.due[:left].min(initial=NEVER))
        return out


class Timers:
    """Hints "look at this slot when that source reaches this cell".

    Only hints: the key's own row says what is due, so that stale or doubled hints do no harm and none is saved.
    Sources mostly share one time, so that a scan of the near hints, when some watermark reached another cell, is all
    that is needed; the far ones are gone through about once in a minute of event time.
    """

    def __init__(self) -> None:
        self._near, self._far = _Hints(), _Hints()
        self._horizon = 0

    def __len__(self) -> int:
        return self._near.n + self._far.n

    def push(self, source: Int32, slot: Int32, due: Int64) -> None:
        """Add hints [m]."""
        near = due <= self._horizon
        for hints, rows in ((self._near, near), (self._far, ~near)):
            hints.push(source[rows], slot[rows], due[rows])

    def pop(self, cells: Int64, latest: int) -> Int32:
        """Distinct slots, ascending, whose sources have reached their cells; their hints are gone.

        Args:
            cells: reached, by source number.
            latest: the highest cell that was newly reached: nothing is due before the earliest hint.
        """
        if latest > self._horizon:
            self._horizon = latest + AHEAD
            self._near.push(*self._far.take(np.flatnonzero(self._far.due[: self._far.n] <= self._horizon)))
        near = self._near
        if latest < near.earliest:
            return np.zeros(0, dtype=np.int32)
        due = near.due[: near.n] <= cells[near.source[: near.n]]
        _, slot, _ = near.take(np.flatnonzero(due))
        return np.unique(slot)
