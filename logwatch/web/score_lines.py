"""The score of each source over the recent past, by minute of its own time: the line that the page draws.

Of the loop's thread alone, which only copies what is asked for: others make points of it. It is for the eyes, so it is
in no checkpoint: after a restart the line begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from logwatch.types import Float32, Float64, Int32, Int64

MINUTES = 240
MOST_SOURCES = 2000
"""Sources with a line; 4 KB each."""

_NEVER = np.iinfo(np.int64).min

Point = tuple[int, float, int]
"""Seconds since the epoch, highest score, decisions of a minute."""


class Line(NamedTuple):
    """What was kept of a source, as it lies there."""

    minute: Int64
    score: Float32
    judged: Int32

    def points(self) -> list[Point]:
        """The minutes that had any decision, by time."""
        latest = self.minute.max(initial=_NEVER)
        if latest == _NEVER:
            return []
        kept = np.flatnonzero(self.minute > latest - MINUTES)
        kept = kept[np.argsort(self.minute[kept])]
        times = (self.minute[kept] * 60).tolist()
        scores = self.score[kept].astype(np.float64).round(3).tolist()
        return list(zip(times, scores, self.judged[kept].tolist(), strict=True))


class ScoreLines:
    """Keeps the highest score and the number of decisions of every minute of every source."""

    def __init__(self) -> None:
        self._row: dict[str, int] = {}
        self._minute: Int64 = np.zeros(0, np.int64)  # [rows * MINUTES]
        self._score = np.zeros(0, np.float32)
        self._count = np.zeros(0, np.int32)

    def lane(self, names: Sequence[str]) -> LaneLines:
        """What a lane tells it of; the lane's sources are numbered as in `names`, which grows."""
        return LaneLines(self, names)

    def row(self, name: str) -> int:
        """Of a source; -1 where there are too many."""
        row = self._row.get(name, -1)
        if row < 0 and len(self._row) < MOST_SOURCES:
            row = self._row[name] = len(self._row)
            if row * MINUTES >= len(self._minute):
                more = max(16 * MINUTES, len(self._minute))
                self._minute = np.pad(self._minute, (0, more), constant_values=_NEVER)
                self._score, self._count = np.pad(self._score, (0, more)), np.pad(self._count, (0, more))
        return row

    def put(self, row: Int64, minute: Int64, score: Float64) -> None:
        """Scores [n] of minutes [n] of rows [n]; what is older than the line is long is let go."""
        at = row * MINUTES + minute % MINUTES
        begins = at[self._minute[at] < minute]
        np.maximum.at(self._minute, at, minute)
        self._score[begins], self._count[begins] = 0.0, 0
        now = self._minute[at] == minute
        np.maximum.at(self._score, at[now], score[now].astype(np.float32))
        np.add.at(self._count, at[now], 1)

    def lines(self, names: Iterable[str]) -> dict[str, Line]:
        """Of these sources, as far as they have one."""
        found = {}
        for name in names:
            row = self._row.get(name, -1)
            if row >= 0:
                part = slice(row * MINUTES, (row + 1) * MINUTES)
                found[name] = Line(self._minute[part].copy(), self._score[part].copy(), self._count[part].copy())
        return found

    def names(self, after: str, most: int) -> list[str]:
        """The first sources with a line, by name, behind one."""
        return sorted(name for name in self._row if name > after)[:most]


class LaneLines:
    """Knows a lane's sources by their numbers."""

    def __init__(self, lines: ScoreLines, names: Sequence[str]) -> None:
        self._lines, self._names = lines, names
        self._rows: Int64 = np.zeros(0, np.int64)

    def add(self, source: Int32, time: Int64, score: Float64) -> None:
        """Judged units [n], of sources [n], ended at times [n], ns, with scores [n]; NaN: not judged yet."""
        known = ~np.isnan(score)
        if not known.any():
            return
        if len(self._rows) < len(self._names):
            new = [self._lines.row(name) for name in self._names[len(self._rows) :]]
            self._rows = np.append(self._rows, np.array(new, np.int64))
        row = self._rows[source]
        known &= row >= 0
        self._lines.put(row[known], time[known] // 60_000_000_000, score[known])
