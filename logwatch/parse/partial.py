"""Times without a year (syslog) or without a date: the one nearest to the source's clock is meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import civil
from logwatch.parse.civil import DAY
from logwatch.types import NO_TIME, Bool, Int64, UInt8

YEARLESS, DATELESS = 1, 2
_EPOCH = date(1970, 1, 1).toordinal()
_NEAR = {YEARLESS: 91 * DAY, DATELESS: DAY // 4}
"""Where all times of a batch lie this near to the clock at its beginning, then each line by itself would choose the
same: the clock cannot have moved further than that, and the next choice is more than twice as far."""


@dataclass(slots=True)
class Partial:
    """What n lines bear of a time; `kind` 0 where they bear a whole one, or none."""

    kind: UInt8  # [n] 0, YEARLESS, DATELESS
    day: Int64  # [n] YEARLESS: month * 100 + day
    ns: Int64  # [n] in the day
    east: Int64  # [n] ns that the zone is east of Greenwich

    def take(self, rows: NDArray[np.int64]) -> Partial:
        """Some of them."""
        return Partial(self.kind[rows], self.day[rows], self.ns[rows], self.east[rows])

    def resolve(self, own: Int64, reference: Int64) -> tuple[Int64, Bool]:
        """`own` with the times completed that are nearest to `reference` [n], and where that is what would come out
        line by line."""
        rows = np.flatnonzero(self.kind)
        sure = np.ones(len(own), dtype=np.bool_)
        if not len(rows):
            return own, sure
        own = own.copy()
        known = reference[rows] != NO_TIME
        sure[rows[~known]] = False
        rows = rows[known]
        near = reference[rows]
        yearless = self.kind[rows] == YEARLESS
        local = near + self.east[rows]
        day = np.where(yearless, self._nearest_day(rows, local), (local - self.ns[rows] + DAY // 2) // DAY)
        own[rows] = day * DAY + self.ns[rows] - self.east[rows]
        reach = np.where(yearless, _NEAR[YEARLESS], _NEAR[DATELESS])
        sure[rows] = np.abs(own[rows] - near) < reach
        return own, sure

    def _nearest_day(self, rows: Int64, local: Int64) -> Int64:
        month, day = self.day[rows] // 100, self.day[rows] % 100
        year = (local // DAY).astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
        best = civil.days_of(year, month, day)
        for other in (year - 1, year + 1):
            days = civil.days_of(other, month, day)
            nearer = np.abs(days * DAY + self.ns[rows] - local) < np.abs(best * DAY + self.ns[rows] - local)
            best = np.where(nearer, days, best)
        return best

    def reach(self) -> Int64:
        """How far [n] the clock may have moved for a choice by columns to hold."""
        return np.where(self.kind == DATELESS, _NEAR[DATELESS], _NEAR[YEARLESS])

    def near(self, row: int, reference: int, now: int) -> int:
        """One line's time: nearest to `reference`; where there is none, the latest that is not in the future."""
        ns, east = int(self.ns[row]), int(self.east[row])
        if self.kind[row] == DATELESS:
            local = (reference if reference != NO_TIME else now + 300 * civil.SECOND - DAY // 2) + east
            return (local - ns + DAY // 2) // DAY * DAY + ns - east
        # A day's grace: the clock of another machine, or its zone.
        local = (reference if reference != NO_TIME else now + DAY - 182 * DAY) + east
        month, day = divmod(int(self.day[row]), 100)
        year = date.fromordinal(_EPOCH + local // DAY).year
        times = [days_of_one(y, month, day) * DAY + ns for y in (year, year - 1, year + 1)]
        return min(times, key=lambda time: abs(time - local)) - east


def days_of_one(year: int, month: int, day: int) -> int:
    """As `civil.days_of`: the 29th of February of a common year is the first of March."""
    return date(year, month, 1).toordinal() - _EPOCH + day - 1
