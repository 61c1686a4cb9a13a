"""Times without colons: epochs, HDFS's `081109 203615`, basic ISO 8601, and HealthApp's unpadded numbers."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from logwatch.parse import civil
from logwatch.parse.head import Head
from logwatch.parse.layout import CODES
from logwatch.parse.stamps import Bears, Form, Stamps
from logwatch.parse.words import byte_set
from logwatch.types import Bool, Int64, UInt8

_LOOK = 30  # 19 digits of nanoseconds, or 10 digits, point and fraction
_UNITS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}  # digits of an epoch -> ns of its unit, for 2001 to 2286
_AFTER = byte_set(b"\0 \t,;|]:")
_BEFORE = byte_set(b'\0 \t[=:"')
_COLUMN = 96
"""An epoch among columns is looked for in this many bytes: further on, ten digits are rather a number of something."""
_CLUSTER = re.compile(
    rb"\S+ \d{10} \d{4}\.\d\d\.\d\d \S+ "
    rb"(?:\d{4}-\d\d-\d\d-\d\d\.[\d.]+ \S+|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d \S+)(?= )"
)
_HEALTH = re.compile(rb"(\d{4})(\d\d)(\d\d)-(\d{1,2}):(\d{1,2}):(\d{1,2})(?::(\d{1,3}))?(?=\D|$)")


def epochs(head: Head, raw: list[bytes], stamps: Stamps) -> None:
    """Fill in epochs: those that begin their line or a field called a time, or stand alone among columns."""
    # An epoch takes ten bytes: no time that begins before can have one before it.
    rows = np.flatnonzero((stamps.end == 0) | (stamps.start > 10))
    if not len(rows):
        return
    if len(rows) < head.n // 2:
        some, part = [raw[i] for i in rows.tolist()], stamps.take(rows)
        epochs(head.take(rows), some, part)
        stamps.put(rows, part, slice(None))
        return
    at = _runs(head)
    if not len(at):
        return
    look = head.bytes_at(at, _LOOK)
    digits = np.logical_and.accumulate((look - np.uint8(48)) < 10, axis=1)
    run = digits.sum(axis=1)
    unit = np.select([run == n for n in _UNITS], list(_UNITS.values()), default=0)
    row = head.row(at)
    column = at - (row + 1) * head.stride
    before, after = head.flat[at - 1], head.bytes_at(at + run, 2)
    leads = ((column == 0) | ((column == 1) & (before == 91))) & _ends(after)
    fields = _field(head, at, before)
    cluster = (run == 10) & (before == 32) & _cluster(head, at, column)
    lone = (run == 10) & (before == 32) & (column < _COLUMN) & (after[:, 0] == 32)
    sane = unit > 0
    stated = stamps.end[row] > 0
    strong = sane & (leads | fields | cluster)
    earlier = strong & (cluster | ~stated | (column < stamps.start[row]))
    for chosen in (earlier, sane & lone & ~stated & ~strong):
        of = np.flatnonzero(chosen)
        of = of[np.unique(row[of], return_index=True)[1]]
        of = of[(stamps.end[row[of]] == 0) | earlier[of]]
        _put(head, stamps, row[of], at[of], run[of], unit[of])
        stamps.form[row[of]] = np.where(strong[of], Form.PLAIN, Form.COLUMN)
    if cluster.any():
        several = np.unique(row[cluster & sane]).tolist()
        ends = [found.end() if (found := _CLUSTER.match(raw[i])) else 0 for i in several]
        length, rows = np.array(ends, dtype=np.int64), np.array(several, dtype=np.int64)
        rows, length = rows[length > 0], length[length > 0]
        stamps.start[rows], stamps.end[rows], stamps.form[rows] = 0, length, Form.CLUSTER


def _runs(head: Head) -> Int64:
    """Flat positions where a run of ten digits or more begins."""
    d = head.digit
    two = d[:-1] & d[1:]
    four = two[:-2] & two[2:]
    eight = four[:-4] & four[4:]
    ten = eight[:-2] & two[8:]
    found: Int64 = np.flatnonzero(ten)
    # Ids are the rule: few numbers stand where a time may.
    begins: Int64 = found[(head.flat[found] == 49) & _BEFORE[head.flat[found - 1]]]
    return begins


def _ends(after: UInt8) -> Bool:
    """The number is over: a separator or a bracket, or a point with a fraction."""
    over: Bool = _AFTER[after[:, 0]] | ((after[:, 0] == 46) & ((after[:, 1] - np.uint8(48)) < 10))
    return over


_NAMES = (b'"ts":', b"ts=", b'"time":', b"time=", b'"timestamp":', b"timestamp=", b'"@timestamp":', b'"t":')


def _field(head: Head, at: Int64, before: UInt8) -> Bool:
    """The number is the value of a field called ts, time or timestamp."""
    found = np.zeros(len(at), dtype=np.bool_)
    rows = np.flatnonzero((before == 61) | (before == 58) | (before == 32) | (before == 34))
    if len(rows) and bool(np.isin(head.flat[at[rows] - 2], np.frombuffer(b'"septm:', dtype=np.uint8)).any()):
        look = head.bytes_at(at[rows] - 16, 16)
        texts = [bytes(line).rstrip(b' "') for line in look]
        found[rows] = [text.endswith(_NAMES) for text in texts]
    return found


def _cluster(head: Head, at: Int64, column: Int64) -> Bool:
    """A date follows in the next column, as on Blue Gene/L and Thunderbird."""
    found = np.zeros(len(at), dtype=np.bool_)
    rows = np.flatnonzero((column > 0) & (column < 24) & (head.flat[at + 10] == 32))
    codes = CODES[head.bytes_at(at[rows] + 10, 12)]
    found[rows] = (codes == np.frombuffer(b" 0000.00.00 ", dtype=np.uint8)).all(axis=1)
    return found


def _put(head: Head, stamps: Stamps, row: Int64, at: Int64, run: Int64, unit: Int64) -> None:
    digits = head.bytes_at(at, 19).astype(np.int64) - 48
    places = run[:, None] - 1 - np.arange(19)
    value = np.where(places >= 0, digits * 10 ** np.maximum(places, 0), 0).sum(axis=1) * unit
    tail = head.bytes_at(at + run, 10)
    inside = np.logical_and.accumulate((tail[:, 1:] - np.uint8(48)) < 10, axis=1)
    inside &= ((tail[:, 0] == 46) & (run == 10))[:, None]
    fraction = np.where(inside, tail[:, 1:].astype(np.int64) - 48, 0) @ (10 ** np.arange(8, -1, -1))
    value += fraction
    base = (row + 1) * head.stride
    length = inside.sum(axis=1)
    end = at + run + np.where(length > 0, length + 1, 0)
    closed = (head.flat[at - 1] == 91) & (head.flat[end] == 93)
    stamps.bears[row] = Bears.DATE
    stamps.day[row], stamps.ns[row] = value // civil.DAY, value % civil.DAY
    stamps.zoned[row] = True
    stamps.start[row], stamps.end[row] = at - closed - base, end + closed - base


def odd(head: Head, raw: list[bytes], stamps: Stamps) -> None:
    """Fill in the formats at the beginning of a line that have neither colons in place nor an epoch."""
    missing = np.flatnonzero(stamps.end == 0)
    if not len(missing):
        return
    base = (missing + 1) * head.stride
    codes = CODES[head.bytes_at(base, 16)].view(np.uint64)
    for pattern, short in ((b"000000 000000 ", True), (b"00000000A000000", False), (b"00000000 000000 ", False)):
        hit = _begins(codes, pattern)
        if hit.any():
            _packed(head, stamps, missing[hit], short)
    health = _begins(codes, b"00000000-0")
    found = [(i, _HEALTH.match(raw[i])) for i in missing[health].tolist()]
    matches = [(i, match) for i, match in found if match is not None]
    if matches:
        numbers = np.array([[int(number) for number in match.groups("0")] for _, match in matches])
        rows = np.array([i for i, _ in matches])
        _set(stamps, rows, numbers, np.array([match.end() for _, match in matches]))
        stamps.ns[rows] += numbers[:, 6] * 10**6


def _begins(codes: NDArray[np.uint64], pattern: bytes) -> Bool:
    """The classes of the first bytes [m, 2 words] are those of the pattern."""
    wanted = np.frombuffer(pattern.ljust(16, b"\0"), dtype=np.uint64)
    mask = np.frombuffer(b"\xff" * len(pattern) + b"\0" * (16 - len(pattern)), dtype=np.uint64)
    begins: Bool = ((codes[:, 0] & mask[0]) == wanted[0]) & ((codes[:, 1] & mask[1]) == wanted[1])
    return begins


def _packed(head: Head, stamps: Stamps, rows: Int64, short: bool) -> None:
    """`yymmdd HHMMSS`, or with a year of four digits."""
    wide = 0 if short else 2
    d = (head.bytes_at((rows + 1) * head.stride, 16) - np.uint8(48)).astype(np.int32)
    pairs = d[:, [k + wide for k in (2, 4, 7, 9, 11)]] * 10 + d[:, [k + wide + 1 for k in (2, 4, 7, 9, 11)]]
    year = civil.full_year(d[:, 0] * 10 + d[:, 1]) if short else d[:, :4] @ np.array([1000, 100, 10, 1])
    numbers = np.column_stack([year, pairs])
    _set(stamps, rows, numbers, np.full(len(rows), 13 + wide))
    zulu = head.flat[(rows + 1) * head.stride + 13 + wide] == 90
    stamps.zoned[rows] = zulu
    stamps.end[rows] += zulu & (stamps.end[rows] > 0)


def _set(stamps: Stamps, rows: Int64, numbers: Int64, end: Int64) -> None:
    """Take over year, month, day, hour, minute, second [m, 6 or more] where they make sense."""
    month = np.clip(numbers[:, 1], 1, 12)
    ok = (numbers[:, 1] == month) & (numbers[:, 0] >= 1900) & (numbers[:, 0] <= 2200) & (numbers[:, 2] >= 1)
    ok &= numbers[:, 2] <= civil.days_in_month(numbers[:, 0], month)
    ok &= (numbers[:, 3] < 24) & (numbers[:, 4] < 60) & (numbers[:, 5] <= 60)
    rows, numbers, end = rows[ok], numbers[ok], end[ok]
    stamps.bears[rows] = Bears.DATE
    stamps.day[rows] = civil.days_of(numbers[:, 0], numbers[:, 1], numbers[:, 2])
    stamps.ns[rows] = ((numbers[:, 3] * 60 + numbers[:, 4]) * 60 + numbers[:, 5]) * civil.SECOND
    stamps.end[rows] = end
