"""Days, months and zones, for whole columns at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from logwatch.errors import ConfigError
from logwatch.types import Int64, UInt8

SECOND = 10**9
DAY = 86_400 * SECOND

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_KEYS = np.array([int.from_bytes(name.encode(), "big") for name in MONTHS], dtype=np.int64)
_MONTH_ORDER = np.argsort(_MONTH_KEYS)
_MONTH_SORTED = _MONTH_KEYS[_MONTH_ORDER]

ZONES = {  # hours east of Greenwich; the unambiguous ones that programs print
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "JST": 9,
    "AEST": 10, "AEDT": 11,
}  # fmt: skip


def days_of(year: Int64, month: Int64, day: Int64) -> Int64:
    """Days [n] since 1970-01-01 of proleptic Gregorian dates (H. Hinnant, days_from_civil)."""
    y = year - (month <= 2)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: Int64 = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days


def days_in_month(year: Int64, month: Int64) -> Int64:
    """Days [n] that the months 1-12 have."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    usual = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)[month]
    length: Int64 = usual + ((month == 2) & leap)
    return length


def month_of(letters: UInt8) -> Int64:
    """Month 1-12 [n] of three letters [n, 3], 0 where they name none."""
    low = letters.astype(np.int64) | 0x20
    key = low[:, 0] << 16 | low[:, 1] << 8 | low[:, 2]
    at = np.minimum(np.searchsorted(_MONTH_SORTED, key), 11)
    return np.where(_MONTH_SORTED[at] == key, _MONTH_ORDER[at] + 1, 0)


def full_year(short: Int64) -> Int64:
    """Years [n] of two digits: 70-99 are 19xx (POSIX strptime has 69-99)."""
    return short + np.where(short >= 70, 1900, 2000)


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        ConfigError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"timezone = {name!r}: no such time zone", "use a name like 'Europe/Berlin' or 'UTC' (IANA, package tzdata)"
        ) from error


def to_utc(local: Int64, name: str) -> Int64:
    """UTC ns [n] of wall clock ns [n]; of an hour that comes twice, the first."""
    if name == "UTC" or not len(local):
        return local
    quarter = 900 * SECOND  # offsets change at quarters of an hour
    slots, back = np.unique(local // quarter, return_inverse=True)
    offsets: NDArray[np.int64] = np.array([_offset(int(slot) * 900, name) for slot in slots], dtype=np.int64)
    return local - offsets[back] * SECOND


@lru_cache(maxsize=65_536)
def _offset(seconds: int, name: str) -> int:
    try:
        naive = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone(name))
    except (ValueError, OverflowError, OSError):
        return 0
    offset = naive.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
