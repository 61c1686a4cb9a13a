"""From what lines say about their time to trusted times, by source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import civil, dateorder
from logwatch.parse.clock import SourceClocks, Trusted
from logwatch.parse.partial import DATELESS, YEARLESS, Partial
from logwatch.parse.stamps import Bears, Stamps
from logwatch.types import NO_TIME, Int32, Int64

_KINDS = np.array([0, 0, YEARLESS, DATELESS, 0], dtype=np.uint8)  # by Bears


class Times:
    """Completes, converts and judges times; keeps each source's clock."""

    def __init__(self, finished: bool) -> None:
        self.clocks = SourceClocks(finished)

    def trusted(
        self, stamps: Stamps, source: Int32, groups: Sequence[tuple[str, NDArray[np.int64] | slice]], now: int
    ) -> Trusted:
        """Trusted times of n lines in stream order.

        Args:
            stamps: what the lines bear.
            source: number of each line's source.
            groups: zone names, and the lines whose naive times they are for.
            now: the injected clock, ns.
        """
        if len(source):
            self.clocks.reserve(int(source.max()) + 1)
        day = stamps.day
        bears = stamps.bears
        numbers = np.flatnonzero(bears == Bears.NUMBERS)
        if len(numbers):
            days, ok = dateorder.days(
                source[numbers], day[numbers], stamps.day_first[numbers], self.clocks.state["order"]
            )
            day, bears = day.copy(), bears.copy()
            day[numbers] = np.where(ok, days, 0)
            bears[numbers] = np.where(ok, Bears.DATE, Bears.NOTHING)
        whole = bears == Bears.DATE
        local = np.where(whole, day * civil.DAY + stamps.ns, NO_TIME)
        kind = _KINDS[bears]
        east = np.zeros(len(local), dtype=np.int64)
        for zone, rows in groups:
            if zone != "UTC":
                self._east(zone, rows, local, whole & ~stamps.zoned, kind, stamps, east, now)
        own = np.where(whole, local - east, NO_TIME)
        return self.clocks.advance(source, own, Partial(kind, day, stamps.ns, east), now)

    @staticmethod
    def _east(
        zone: str, rows: NDArray[np.int64] | slice, local: Int64, naive: NDArray[np.bool_], kind: NDArray[np.uint8],
        stamps: Stamps, east: Int64, now: int,
    ) -> None:  # fmt: skip
        """Offsets of the lines whose zone is the setting's."""
        mine = np.zeros(len(local), dtype=np.bool_)
        mine[rows] = True
        of = np.flatnonzero(mine & naive)
        east[of] = local[of] - civil.to_utc(local[of], zone)
        # Without a year or a date the season is not known before the time is: the month tells it well enough.
        part = np.flatnonzero(mine & (kind > 0) & ~stamps.zoned)
        if len(part):
            year = int(np.datetime64(now, "ns").astype("M8[Y]").astype(np.int64)) + 1970
            month = np.where(kind[part] == YEARLESS, stamps.day[part] // 100, 1)
            first = np.where(kind[part] == YEARLESS, stamps.day[part] % 100, 1)
            when = civil.days_of(np.full(len(part), year), month, first) * civil.DAY + stamps.ns[part]
            east[part] = when - civil.to_utc(when, zone)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        return self.clocks.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self.clocks.restore(cells)
