"""What stands after hh:mm:ss: fraction, half of the day, zone, year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from logwatch.parse.civil import SECOND, ZONES
from logwatch.parse.head import Head, kinds
from logwatch.parse.words import byte_set
from logwatch.types import Bool, Int64, UInt8

_ZONE_KEYS = np.array([int.from_bytes(name.encode(), "big") for name in ZONES], dtype=np.int64)
_ZONE_ORDER = np.argsort(_ZONE_KEYS)
_ZONE_SORTED = _ZONE_KEYS[_ZONE_ORDER]
_ZONE_HOURS = np.array(list(ZONES.values()), dtype=np.int64)[_ZONE_ORDER]
_TENS = 10.0 ** np.arange(8, -1, -1)
_POWERS = 10 ** np.arange(10, dtype=np.int64)
_RUN = np.array([next(k for k in range(9) if not bits >> k & 1) for bits in range(256)])  # trailing ones
_FIRST = (np.arange(9) < np.arange(10)[:, None]).astype(np.uint8)  # [r]: r ones, then zeros
_POINT = byte_set(b".,:")
_CLOSE = byte_set(b"Z+-")
_YEAR_END = byte_set(b"\0 ],:")
_NEXT = byte_set(b"+-ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(slots=True)
class Tail:
    """What follows m times of day."""

    end: Int64  # [m] flat position after all of it
    fraction: Int64  # [m] ns
    offset: Int64  # [m] ns east of Greenwich
    zoned: Bool  # [m] a zone was named
    half: UInt8  # [m] 1 AM, 2 PM, 0 neither
    year: Int64  # [m] year after the time, 0: none


def tail_of(head: Head, at: Int64, yearless: Bool) -> Tail:
    """Read on from the byte after the seconds; a year only where the date has none."""
    m = len(at)
    fraction, length = _fraction(head, at)
    tail = Tail(at + length, fraction, np.zeros(m, np.int64), np.zeros(m, np.bool_), np.zeros(m, np.uint8),
                np.zeros(m, np.int64))  # fmt: skip
    # Most lines go on with a space and a word, or with punctuation: nothing to read there.
    first, second = head.flat[tail.end], head.flat[tail.end + 1]
    marks = np.flatnonzero(_CLOSE[first] | ((first == 32) & _NEXT[second]))
    if len(marks):
        look = head.bytes_at(tail.end[marks], 8)
        one, back = kinds(look)
        offset, zoned, half, length = _zones(look[one])
        tail.offset[marks], tail.zoned[marks], tail.half[marks] = offset[back], zoned[back], half[back]
        tail.end[marks] += length[back]
    if yearless.any():
        _years(tail, head, np.flatnonzero(yearless))
    return tail


def _fraction(head: Head, at: Int64) -> tuple[Int64, Int64]:
    """Nanoseconds [m] of a fraction, and its length with the point; a colon is followed by milliseconds."""
    mark = head.flat[at]
    rows = np.flatnonzero(_POINT[mark] & head.digit[at + 1])
    fraction = np.zeros(len(at), dtype=np.int64)
    length = np.zeros(len(at), dtype=np.int64)
    if len(rows):
        digits = head.bytes_at(at[rows] + 1, 9) - np.uint8(48)
        good = digits < 10
        run = _RUN[np.packbits(good[:, :8], axis=1, bitorder="little").ravel()]
        run = run + ((run == 8) & good[:, 8])
        # Products of doubles: exact below 2**53, and BLAS has them.
        value = ((digits * _FIRST[run]).astype(np.float64) @ _TENS).astype(np.int64)
        colon = mark[rows] == 58
        if colon.any():
            millis = colon & (run <= 3)
            value = np.where(millis, value // _POWERS[9 - run] * 10**6, value)
        fraction[rows], length[rows] = value, run + 1
    return fraction, length


def _zones(look: UInt8) -> tuple[Int64, Bool, UInt8, Int64]:
    """Offsets east [k] in ns, whether there is one, halves of the day, and lengths; of the bytes [k, 8] after times.

    Z, +hh, +hhmm, +hh:mm, with a space before or not; names of zones, AM and PM behind a space.
    """
    gap = (look[:, 0] == 32).astype(np.int64)
    c = look[np.arange(len(look))[:, None], gap[:, None] + np.arange(7)]
    d = c - np.uint8(48)
    hours = (d[:, 1] < 10) & (d[:, 2] < 10)
    colon = c[:, 3] == 58
    low, high = np.where(colon, d[:, 4], d[:, 3]), np.where(colon, d[:, 5], d[:, 4])
    minutes = (low < 10) & (high < 10)
    after = np.where(colon, c[:, 6], np.where(minutes, c[:, 5], c[:, 3]))
    signed = ((c[:, 0] == 43) | (c[:, 0] == 45)) & hours & ~_is_digit(after) & (minutes | ((gap == 0) & ~colon))
    east = (d[:, 1] * np.int64(10) + d[:, 2]) * 60 + np.where(minutes, low * np.int64(10) + high, 0)
    signed &= east < 24 * 60
    east = np.where(c[:, 0] == 45, -east, east)
    ends = ~_letter(c[:, 1]) & ~_is_digit(c[:, 1])
    zulu = (c[:, 0] == 90) & ends
    hour, letters = _named(c)
    named = (letters > 0) & (gap == 1)
    half = (np.where(c[:, 0] == 65, 1, np.where(c[:, 0] == 80, 2, 0)) * (c[:, 1] == 77)).astype(np.uint8)
    half[(gap == 0) | _letter(c[:, 2]) | _is_digit(c[:, 2])] = 0
    signs = np.where(minutes, np.where(colon, 6, 5), 3)
    length = np.select([zulu, signed, named, half > 0], [1, signs, letters, 2], default=0)
    offset = np.select([signed, named], [east * 60, hour * 3600], default=0) * SECOND
    return offset, zulu | signed | named, half, np.where(length > 0, length + gap, 0)


def _named(c: UInt8) -> tuple[Int64, Int64]:
    """Hours east, and length [m] of the zone's name at the beginning of c [m, 7], 0: none."""
    upper = np.logical_and.accumulate(_upper(c[:, :5]), axis=1)
    length = upper.sum(axis=1)
    key = np.zeros(len(c), dtype=np.int64)
    for k in range(4):
        key = np.where(upper[:, k], key << 8 | c[:, k], key)
    at = np.minimum(np.searchsorted(_ZONE_SORTED, key), len(_ZONE_SORTED) - 1)
    behind = c[np.arange(len(c)), np.minimum(length, 6)]
    known = (_ZONE_SORTED[at] == key) & (length <= 4) & ~_letter(behind) & ~_is_digit(behind)
    return _ZONE_HOURS[at], np.where(known, length, 0)


def _years(tail: Tail, head: Head, rows: Int64) -> None:
    """A year 1970-2099 that ends the time: `Dec 04 04:47:44 2005]`."""
    c = head.bytes_at(tail.end[rows], 6)
    d = (c[:, 1:5] - np.uint8(48)).astype(np.int64)
    year = d @ np.array([1000, 100, 10, 1])
    ok = (c[:, 0] == 32) & (d < 10).all(axis=1) & (year >= 1970) & (year < 2100) & _YEAR_END[c[:, 5]]
    tail.year[rows] = np.where(ok, year, 0)


def _is_digit(c: UInt8) -> Bool:
    return (c - np.uint8(48)) < 10


def _upper(c: UInt8) -> Bool:
    return (c - np.uint8(65)) < 26


def _letter(c: UInt8) -> Bool:
    return ((c | np.uint8(0x20)) - np.uint8(97)) < 26
