"""Times of a batch: each that occurs is read once, all of them together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import civil, dateorder
from logwatch.parse.civil import DAY
from logwatch.parse.formats.moments import stamps_of
from logwatch.parse.stamps import Bears, Stamps
from logwatch.types import NO_TIME, Int32, Int64

BAD_TIME = NO_TIME + 1
"""The time of what cannot be read as one."""
_LAST_DAY = 106_000  # later, and earlier than as many days before 1970, nanoseconds overflow
_DATE = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})(?:[T ](\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?))?", re.ASCII)
_ALONE = re.compile(r"(?<!\d)(\d)(?!\d)", re.ASCII)
_LONGEST = 64


class Spelled(dict[Any, int]):
    """Numbers of times as they were written in one zone; a new one gets the next number."""

    def __init__(self, moments: Moments, zone: str) -> None:
        super().__init__({None: 0, "": 0})
        self._moments, self._zone = moments, zone

    def __missing__(self, key: Any) -> int:
        number = self[key] = self._moments.add(key, self._zone)
        return number


class Moments:
    """The times of a batch by number; 0 is none."""

    def __init__(self) -> None:
        self._values: list[Any] = [""]
        self._zones: list[str] = ["UTC"]
        self._by_zone: dict[str, Spelled] = {}

    def of(self, zone: str) -> Spelled:
        """Those of streams in this zone."""
        if zone not in self._by_zone:
            self._by_zone[zone] = Spelled(self, zone)
        return self._by_zone[zone]

    def add(self, value: Any, zone: str) -> int:
        """The number of one more."""
        self._values.append(value[:_LONGEST] if type(value) is str else value)
        self._zones.append(zone)
        return len(self._values) - 1

    def times(self, when: Int32, stream: Int32, order: NDArray[Any]) -> Int64:
        """Times [k] of samples, ns; NO_TIME where there is none, BAD_TIME where it cannot be read.

        Args:
            when: number of each sample's time.
            stream: of each sample.
            order: orders of day, month and year that are still possible [streams]; see `dateorder`; written.
        """
        stamps = self._read()
        day, ns = stamps.day, stamps.ns
        good = (stamps.bears == Bears.DATE) & (np.abs(day) < _LAST_DAY)
        out = self._to_utc(np.where(good, day * DAY + ns, BAD_TIME), good & ~stamps.zoned)
        out[0] = NO_TIME
        found = out[when]
        unordered = np.flatnonzero(stamps.bears[when] == Bears.NUMBERS)
        if len(unordered):
            of = when[unordered]
            days, ok = dateorder.days(stream[unordered], day[of], stamps.day_first[of], order)
            local = np.where(ok, days * DAY + ns[of], BAD_TIME)
            found[unordered] = self._to_utc(local, ok & ~stamps.zoned[of], of)
        return found

    def _read(self) -> Stamps:
        stamps = stamps_of(self._values)
        values = self._values
        again = [i for i in np.flatnonzero(stamps.bears == Bears.NOTHING).tolist() if type(values[i]) is str]
        if len(again) > 1:  # the first is none
            stamps.put(np.array(again), stamps_of([_completed(values[i]) for i in again]), slice(None))
        return stamps

    def _to_utc(self, local: Int64, naive: NDArray[np.bool_], of: Sequence[int] | Int32 | None = None) -> Int64:
        """Wall clock times [k], in UTC."""
        for zone in self._by_zone:
            if zone != "UTC":
                here = np.array([one == zone for one in self._zones])
                rows = np.flatnonzero(naive & (here if of is None else here[of]))
                local[rows] = civil.to_utc(local[rows], zone)
        return local


def _completed(text: str) -> str | float:
    """Dates without a time of day, times without seconds, single digits, epochs with an exponent."""
    match = _DATE.fullmatch(text.strip())
    if match is not None:
        date, clock = match.groups()
        clock = clock or "00:00"
        return _ALONE.sub(r"0\1", f"{date} {clock}" if clock.count(":") == 2 else f"{date} {clock}:00")
    try:
        return float(text)
    except ValueError:
        return ""
