"""Templates that come again and again, and the one that does not: heartbeats, jobs, what every request brings.

Time is the number of the source's windows so far, so that a source that was off has missed nothing. A template's level
is ln of how many windows lie between two in which it comes; while it stays away, it is told once an octave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import levels
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups
from logwatch.score.window_mix import SLOTS, Counts
from logwatch.types import Bool, Float64, Int64

STEADY = 0.1
"""Least variance of a level: a third more or less is no news of the steadiest beat."""
GIVEN_UP = 1024
"""Windows after which a template is no longer waited for: three hours."""

PAST = (
    ("windows", "u4"),  # so far
    ("last", "u4", (SLOTS,)),  # which one had the template last; 0: none
    *((name, dtype, (SLOTS,)) for name, dtype in levels.MOMENTS),  # of its beat
)


class Beats:
    """When each template of each source came last, and after how many windows it usually comes again."""

    def __init__(self) -> None:
        self._past = SourceRows(PAST)
        self._ended = Pending(source="i4", slot="i4", level="f8")

    def judge(self, source: Int64, counts: Counts, at: Int64, merged: Sequence[tuple[int, int, int]] = ()) -> Float64:
        """Nats [c] of what is overdue in windows that are over; NaN without an opinion. See `Mix.judge`; the windows of
        a source are in order."""
        self._past.reach(source)
        groups = Groups(source)
        old = self._past.get(groups.keys)
        here = counts[groups.order] > 0
        number = old["windows"][groups.group] + np.arange(1, len(source) + 1) - groups.begin[groups.group]
        last, wait = _waits(groups, here, number, old["last"].astype(np.int64))
        self._end(groups, here & (wait > 0), wait)
        away = ~here
        for event, loser, _ in merged:
            away[at[groups.order] >= event, loser & (SLOTS - 1)] = False
        new = old.copy()
        new["windows"], new["last"] = number[groups.end - 1], last[groups.end - 1]
        self._past.put(groups.keys, new)
        return groups.ungroup(_overdue(old, groups, wait, away))

    def _end(self, groups: Groups, ended: Bool, wait: Int64) -> None:
        row, slot = np.nonzero(ended)
        if len(row):
            self._ended.add(source=groups.keys[groups.group[row]], slot=slot, level=np.log(wait[row, slot]))

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """See `Kinds.merged`: losers are not waited for."""
        last = self._past.rows["last"]
        for loser, winner in pairs:
            of, to = loser & (SLOTS - 1), winner & (SLOTS - 1)
            if of != to:
                last[:, to] = np.maximum(last[:, to], last[:, of])
                last[:, of] = 0
        self._past.mark(np.arange(len(last)))

    def learn(self) -> None:
        """At a chunk's end: what came again in it."""
        ended = self._ended.take()
        if not len(ended["source"]):
            return
        cell, of = np.unique(ended["source"].astype(np.int64) * SLOTS + ended["slot"], return_inverse=True)
        at = cell // SLOTS, cell % SLOTS
        beats = {name: self._past.rows[name][at] for name in levels.NAMES}
        for name, now in levels.learned(beats, of, ended["level"], STEADY).items():
            self._past.rows[name][at] = now
        self._past.mark(at[0])

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; names begin with `prefix`."""
        yield from self._past.changes(f"{prefix}past/")
        yield from self._ended.changes(f"{prefix}ended")

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._past.restore(f"{prefix}past/", cells)
        self._ended.restore(f"{prefix}ended", cells)


def _waits(groups: Groups, here: Bool, number: Int64, stored: Int64) -> tuple[Int64, Int64]:
    """Numbers [c, SLOTS] of the windows that had each template last, each window included; and how many windows before
    each it came last, 0 where it never did.

    Args:
        groups: of windows [c] by source.
        here: templates [c, SLOTS] of the windows.
        number: of the windows [c].
        stored: [g, SLOTS] which had them last before.
    """
    lift = groups.group[:, None] << 33  # one running maximum over all sources, each above the one before it
    came = np.where(here, number[:, None], 0)
    known = np.zeros_like(came)
    known[1:] = came[:-1]
    known[groups.begin] = stored
    before = np.maximum.accumulate(known + lift) - lift
    return np.maximum(before, came), np.where(before > 0, number[:, None] - before, 0)


def _overdue(past: NDArray[Any], groups: Groups, wait: Int64, away: Bool) -> Float64:
    """Nats [c] of the most overdue template of windows in groups, of which `away` [c, SLOTS] tells what did not come;
    less ln of how many are waited for."""
    # It will come one window later at the soonest; told when that is 2, 4, 8 … windows after the last.
    told = away & (wait > 0) & ((wait & (wait + 1)) == 0) & (wait < GIVEN_UP)
    row, slot = np.nonzero(told)
    beats = {name: past[name][groups.group[row], slot] for name in levels.NAMES}
    nats = levels.above(beats, np.log(wait[row, slot] + 1.0), STEADY)
    known = np.count_nonzero(past["times"] >= levels.LEAST, axis=1)[groups.group]
    out = np.zeros(len(known))
    np.fmax.at(out, row, nats)
    return np.where(known > 0, np.maximum(out - np.log(np.maximum(known, 1)), 0.0), np.nan)
