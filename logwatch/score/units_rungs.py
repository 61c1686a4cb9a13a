"""What comes due for a visit while its key keeps silent: rungs of silence, then its closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.grouped import gather
from logwatch.score.units_clock import due_cell
from logwatch.score.units_gaps import CHOICES, Gaps
from logwatch.score.units_sets import WORDS
from logwatch.types import Bool, Float32, Int32, Int64

SECOND = 10**9
RUNGS = np.array([10 * SECOND, 60 * SECOND, 600 * SECOND, 3600 * SECOND], dtype=np.int64)
"""Silences after an event that the model rates, ns."""
SETTLE = 600 * SECOND
"""Silence after which a visit's set is counted, and taken back should the visit go on: ns. Counted only at the closing,
a change of habit would look rare for as long as a visit stays open (HDFS: 330 false finds in one hour)."""
DETECTORS = 8
"""Detectors of events that a key's row has room for."""

VISIT = (
    ("open", "u1"),
    ("settled", "u1"),  # its set was counted since the last event
    ("stream", "i4"),
    ("hint", "i4"),  # cell of the earliest outstanding hint; 0: none
    ("heard", "i8"),  # when the last event came: its time, or the watermark where that is later
    ("begun", "i8"),  # number of the run's event that began the visit
    ("first", "i8"),
    ("start", "i8"),
    ("end", "i8"),
    ("peak", "f4", (DETECTORS,)),
    ("pending", "f4", (len(RUNGS),)),  # nats of silence after the last event, by rung
    ("bits", "u8", (WORDS,)),
    ("events", "u4"),
    ("surprise", "u8"),  # see `units_courses.steps`
)
VISIT_TYPE = np.dtype(list(VISIT))

When = Callable[[NDArray[Any], Int64], Int64]
"""Rows at which sources reach cells."""


@dataclass(slots=True)
class Waiting:
    """Visits [m] that may pass a silence before their key's next event."""

    visit: NDArray[Any]  # [m] of VISIT_TYPE
    slot: Int32
    source: Int32
    reach: Int64  # [m] cell of the source as the key's next event comes, or now

    def take(self, rows: NDArray[Any]) -> Waiting:
        """Some of them, copied."""
        return Waiting(gather(self.visit, rows), self.slot[rows], self.source[rows], self.reach[rows])


@dataclass(slots=True)
class Passed:
    """Silences [p] that visits passed: which visit, at which row, with what nats of silence, closing it or not."""

    visit: Int64
    row: Int64
    peak: Float32  # of the LSTM, the silence included
    closes: Bool
    settled: Int64  # visits whose sets are to be counted


class Ladder:
    """The rungs of silence and the gap that closes a visit. Rungs beyond the gap are not waited for.

    Args:
        lstm: column of the peaks that takes the nats of silence; None without it.
        gaps: silences that close the visits of each source.
    """

    def __init__(self, lstm: int | None, gaps: Gaps) -> None:
        self.lstm = lstm
        self.gaps = gaps
        self._rungs = RUNGS[RUNGS <= gaps.longest] if lstm is not None else RUNGS[:0]
        shortest = min(gaps.longest, int(CHOICES[0]), SETTLE)
        self._shortest = min(int(self._rungs[0]) if len(self._rungs) else shortest, shortest)

    def speaking(self, heard: Int64) -> Int64:
        """Cells [m] before which visits last heard at `heard` [m] have nothing to say."""
        return due_cell(heard + self._shortest)

    def closing(self, heard: Int64, source: NDArray[Any]) -> Int64:
        """Cells [m] at which visits of sources [m] last heard at `heard` [m] close."""
        return np.maximum(due_cell(heard + self.gaps.of(source)), self.gaps.floor(source))

    def settling(self, heard: Int64, source: NDArray[Any]) -> Int64:
        """Cells [m] at which the sets of visits last heard at `heard` [m] are counted."""
        return np.maximum(due_cell(heard + np.minimum(self.gaps.of(source), SETTLE)), self.gaps.floor(source))

    def next_due(self, visit: NDArray[Any], source: NDArray[Any]) -> Int64:
        """Cells [m] at which visits have something to say next; rungs that would not raise the maximum say nothing."""
        settle = self.settling(visit["heard"], source)
        due = np.where(visit["settled"] > 0, self.closing(visit["heard"], source), settle)
        if self.lstm is not None:
            gap = self.gaps.of(source)
            peak = visit["peak"][:, self.lstm]
            for rung in range(len(self._rungs) - 1, -1, -1):
                nats = visit["pending"][:, rung]
                raises = np.fmax(peak, nats) != peak
                raises &= ~np.isnan(nats) & (self._rungs[rung] <= gap)
                due = np.where(raises, np.minimum(due, due_cell(visit["heard"] + self._rungs[rung])), due)
        return due

    def lift(self, heard: Int64, pending: Float32, reach: Int64, source: NDArray[Any]) -> Float32:
        """Highest nats [m] of the rungs passed between `heard` and cell `reach` [m]; NaN where none was."""
        out = np.full(len(heard), np.nan, dtype=np.float32)
        gap = self.gaps.of(source)
        for rung, silence in enumerate(self._rungs):
            passed = (reach >= due_cell(heard + silence)) & (silence <= gap)
            if passed.any():
                out = np.where(passed, np.fmax(out, pending[:, rung]), out)
        return out

    def climb(self, waiting: Waiting, when: When) -> Passed:
        """The silences that visits pass, each row at most once per visit; sets their peaks and closes them."""
        visit, source = waiting.visit, waiting.source
        due = self.closing(visit["heard"], source)
        closes = (waiting.reach >= due) & (visit["open"] > 0)
        later = np.where(closes, when(source, due), -1)
        raised = self._rungs_passed(waiting) if self.lstm is not None else []
        parts = [(np.flatnonzero(closes), later[closes], self._peaks(visit)[closes], closes[closes])]
        for rung, which, peak in reversed(raised):
            row = when(source[which], due_cell(visit["heard"][which] + self._rungs[rung]))
            alone = row != later[which]  # else the later silence, passed at the same row, says it all
            later[which] = row
            parts.append((which[alone], row[alone], peak[alone], np.zeros(len(row[alone]), dtype=np.bool_)))
        settles = (waiting.reach >= self.settling(visit["heard"], source)) & (visit["open"] > visit["settled"])
        visit["settled"][settles] = 1
        visit["open"][closes] = 0
        which, row, peak, closing = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Passed(which, row, peak, closing, np.flatnonzero(settles))

    def _rungs_passed(self, waiting: Waiting) -> list[tuple[int, Int64, Float32]]:
        """Rungs that raise a maximum: number, visits, and the new maximum; sets the visits' peaks."""
        visit, out = waiting.visit, []
        peak = self._peaks(visit)
        gap = self.gaps.of(waiting.source)
        for rung, silence in enumerate(self._rungs):
            nats = visit["pending"][:, rung]
            raised = (silence <= gap) & (waiting.reach >= due_cell(visit["heard"] + silence)) & (visit["open"] > 0)
            raised &= ~np.isnan(nats) & ~(nats <= peak)
            if raised.any():
                peak[raised] = nats[raised]
                rows = np.flatnonzero(raised)
                out.append((rung, rows, peak[rows]))
        visit["peak"][:, self.lstm] = peak
        return out

    def _peaks(self, visit: NDArray[Any]) -> Float32:
        if self.lstm is None:
            return np.full(len(visit), np.nan, dtype=np.float32)
        peaks: Float32 = visit["peak"][:, self.lstm].copy()
        return peaks
