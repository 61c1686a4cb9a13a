"""Finds the time that each line bears: a pure function of the line, for whole columns at a time.

Anchors are times of day (hh:mm:ss) with a date that `layout` knows before them; beside them epochs and the few formats
without colons (`logwatch.parse.unanchored`). What a line alone does not say (year, order of day and month, zone)
is left open here: see `Stamps`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from logwatch.parse import civil, layout
from logwatch.parse.head import WIDTH, Head, head_of, kinds
from logwatch.parse.stamps import Bears, Form, Stamps
from logwatch.parse.unanchored import epochs, odd
from logwatch.parse.words import byte_set
from logwatch.parse.zone import Tail, tail_of
from logwatch.types import Bool, Int64, UInt8

_DIGITS = byte_set(b"0123456789")
_JOINED = byte_set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-/._:")
WIDE = 512
"""Second look, at lines without a time in their first bytes: access logs with long addresses and users."""


def find(raw: list[bytes], head: Head) -> Stamps:
    """The time of each line; `head` are the lines' heads."""
    stamps = anchored(head)
    odd(head, raw, stamps)
    epochs(head, raw, stamps)
    if head.stride >= WIDE:
        return stamps
    long = [i for i in np.flatnonzero(stamps.end == 0).tolist() if len(raw[i]) > WIDTH]
    if long:
        lines = [raw[i] for i in long]
        far = find(lines, head_of(lines, WIDE))
        stamps.put(np.array(long), far, np.arange(len(long)))
    return stamps


def anchored(head: Head) -> Stamps:
    """Times of the lines that hold hh:mm:ss, the first with a date that makes sense."""
    stamps = Stamps.none(head.n)
    at, two = _anchors(head)
    if not len(at):
        return stamps
    windows = head.bytes_at(at - layout.WINDOW, layout.WINDOW)
    first, back = kinds(windows)  # neighbours mostly share their date
    dates = _dates(windows[first])
    known = (dates.number >= 0)[back] | _begins_line(head, at)
    if not known.all():
        at, two, back = at[known], two[known], back[known]
    found, number = _read(head, at, two, dates, back), dates.number[back]
    rows = head.row(at)
    valid = found.bears > 0
    low = (number == layout.LOW) | (number < 0)
    for chosen in (valid & ~low, valid & low):
        of = np.flatnonzero(chosen & (stamps.end[rows] == 0))
        if len(of):
            of = of[np.r_[True, rows[of[1:]] != rows[of[:-1]]]]  # the first of each line
            stamps.put(rows[of], found, of)
    return stamps


def _anchors(head: Head) -> tuple[Int64, Bool]:
    """Flat positions where h:mm:ss or hh:mm:ss begins, and whether the hour has two digits."""
    digit, colon = head.digit, head.flat == 58
    size = len(digit) - 8
    hit = colon[2 : size + 2] & colon[5 : size + 5]
    q = np.flatnonzero(hit) + 2
    ok = digit[q - 1] & digit[q + 1] & digit[q + 2] & digit[q + 4] & digit[q + 5] & ~digit[q + 6]
    q = q[ok]
    two = digit[q - 2]
    return q - 1 - two, two


def _begins_line(head: Head, at: Int64) -> Bool:
    """The time of day is the first thing on its line, maybe in a bracket."""
    column = at % head.stride
    begins: Bool = (column == 0) | ((column == 1) & (head.flat[at - 1] == 91))
    return begins


@dataclass(slots=True)
class _Dates:
    """Dates of k windows."""

    number: Int64  # layout, -1: none
    year: Int64
    month: Int64
    third: Int64
    day: Int64  # as in Stamps
    sane: Bool
    bears: UInt8  # of Bears


def _dates(windows: UInt8) -> _Dates:
    number = layout.match(windows)
    first, month, third = (np.zeros(len(number), dtype=np.int64) for _ in range(3))
    for known in np.unique(number[number >= 0]).tolist():  # few in a batch
        fields, rows = layout.FIELDS[known], np.flatnonzero(number == known)
        mine = windows[rows]
        first[rows], third[rows] = _number(mine, fields.first), _number(mine, fields.third)
        month[rows] = civil.month_of(mine[:, fields.second]) if fields.named else _number(mine, fields.second)
    c, tod = layout.COLUMNS, number < 0
    year = np.where(c.short[number], civil.full_year(first), first)
    bears = np.full(len(number), Bears.DATE, dtype=np.uint8)
    bears[c.yearless[number]], bears[c.ambiguous[number]], bears[tod] = Bears.NO_YEAR, Bears.NUMBERS, Bears.NO_DATE
    day, sane = _days(year, month, third, bears == Bears.DATE)
    numbers = bears == Bears.NUMBERS
    day[numbers] = first[numbers] * 10**6 + month[numbers] * 10**4 + third[numbers]
    before = windows[np.arange(len(number)), layout.WINDOW - 1 - np.where(tod, 0, c.length[number])]
    # Not the end of something longer: a number, a path, a word.
    alone = ~(_DIGITS[before] | (c.strict[number] & _JOINED[before]))
    return _Dates(number, year, month, third, day, (sane | numbers | tod) & alone, bears)


def _number(window: UInt8, columns: slice) -> Int64:
    digits = window[:, columns] - np.uint8(48)
    value = np.zeros(len(window), dtype=np.int64)
    for k in range(digits.shape[1]):
        value = value * 10 + digits[:, k]
    return value


def _read(head: Head, at: Int64, two: Bool, dates: _Dates, back: Int64) -> Stamps:
    """What the anchors say, whose dates are `dates[back]`; `bears` NOTHING where it makes no sense."""
    c, number = layout.COLUMNS, dates.number[back]
    clock, sane = _time_of_day(head, at, two)
    bears, day = dates.bears[back], dates.day[back]
    open_year = bears == Bears.NO_YEAR
    tail = tail_of(head, at + two + 7, open_year)
    later = np.flatnonzero(open_year & (tail.year > 0))  # the year stands after the time
    if len(later):
        whole, possible = _days(tail.year[later], day[later] // 100, day[later] % 100, np.ones(len(later), np.bool_))
        day[later], bears[later] = whole, np.where(possible, Bears.DATE, Bears.NOTHING)
        tail.end[later] += 5
    start = at - np.where(number < 0, 0, c.length[number])
    bears[~(sane & dates.sane[back])] = Bears.NOTHING
    ns = _half_days(clock, tail) + tail.fraction - tail.offset
    form = np.where(number < 0, Form.PLAIN, c.form[number]).astype(np.uint8)
    form[(bears == Bears.NO_YEAR) & c.syslog[number]] = Form.SYSLOG
    return _spans(head, start, Stamps(bears, day, ns, tail.zoned, start, tail.end, form, c.day_first[number]))


def _days(year: Int64, month: Int64, day: Int64, whole: Bool) -> tuple[Int64, Bool]:
    """Days since 1970 of whole dates, month * 100 + day of the others; and whether they are possible."""
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    possible &= ~whole | ((year >= 1900) & (year <= 2200))  # beyond, nanoseconds overflow
    late = np.flatnonzero(possible & (day > 28))
    if len(late):
        leap = np.where(whole[late], year[late], 2000)
        possible[late] = day[late] <= civil.days_in_month(leap, month[late])
    days = month * 100 + day
    rows = np.flatnonzero(possible & whole)
    days[rows] = civil.days_of(year[rows], month[rows], day[rows])
    return days, possible


def _time_of_day(head: Head, at: Int64, two: Bool) -> tuple[Int64, Bool]:
    """Nanoseconds [m] in the day, and whether they are possible (a leap second is)."""
    d = head.bytes_at(at - 1 + two, 8).astype(np.int64) - 48  # hours' last digit at 1
    hour = d[:, 1] + np.where(two, d[:, 0] * 10, 0)
    minute, second = d[:, 3] * 10 + d[:, 4], d[:, 6] * 10 + d[:, 7]
    return ((hour * 60 + minute) * 60 + second) * civil.SECOND, (hour < 24) & (minute < 60) & (second <= 60)


def _half_days(clock: Int64, tail: Tail) -> Int64:
    """Twelve-hour times, where AM or PM follows, as hours of the day."""
    if not tail.half.any():
        return clock
    hour = 3600 * civil.SECOND
    noon = (clock >= 12 * hour) & (clock < 13 * hour)
    clock = np.where((tail.half == 1) & noon, clock - 12 * hour, clock)
    clock = np.where((tail.half == 2) & (clock < 12 * hour), clock + 12 * hour, clock)
    return clock


def _spans(head: Head, start: Int64, stamps: Stamps) -> Stamps:
    """Spans as columns, with the brackets around them."""
    closed = (head.flat[start - 1] == 91) & (head.flat[stamps.end] == 93)
    base = (head.row(start) + 1) * head.stride
    stamps.start = start - closed - base
    stamps.end = stamps.end + closed - base
    return stamps
