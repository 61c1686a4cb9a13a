"""Times of lines in the formats of many programs, through the parser's clock."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.parse.decode import decode
from logwatch.parse.head import head_of
from logwatch.parse.stamps import Stamps
from logwatch.parse.times import Times
from logwatch.parse.timestamp import find
from logwatch.types import NO_TIME

NOW = int(np.datetime64("2026-11-22T12:30:00", "ns").astype(np.int64))


def stamps_of(lines: list[bytes]) -> Stamps:
    raw = decode(lines).raw
    return find(raw, head_of(raw))


def times_of(lines: list[bytes], zone: str = "UTC", now: int = NOW) -> list[str]:
    source = np.zeros(len(lines), dtype=np.int32)
    trusted = Times(finished=False).trusted(stamps_of(lines), source, [(zone, slice(None))], now)
    return ["-" if t == NO_TIME else shown(t) for t in trusted.time.tolist()]


def shown(time: int) -> str:
    whole, _, fraction = str(np.datetime64(time, "ns")).partition(".")
    return f"{whole}.{fraction.rstrip('0')}".rstrip(".")


FORMATS = [
    (b"2026-11-22T12:00:01Z msg", "2026-11-22T12:00:01", 20),
    (b"2026-11-22T12:00:01.123456789Z msg", "2026-11-22T12:00:01.123456789", 30),
    (b"2026-11-22T12:00:01.5+01:00 msg", "2026-11-22T11:00:01.5", 27),
    (b"2026-11-22T12:00:01-0530 msg", "2026-11-22T17:30:01", 24),
    (b"2026-11-22 12:00:01,123 INFO x", "2026-11-22T12:00:01.123", 23),
    (b"[2026-11-22 12:00:01,123] INFO x", "2026-11-22T12:00:01.123", 25),
    (b"2026-11-22 12:00:01.123 UTC [77] LOG:  x", "2026-11-22T12:00:01.123", 27),
    (b"2026-11-22 12:00:01.123 CET [77] LOG:  x", "2026-11-22T11:00:01.123", 27),
    (b"2026-11-22 12:00:01.123+01 [77] LOG:  x", "2026-11-22T11:00:01.123", 26),
    (b"<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - x", "2003-10-11T22:14:15.003", 30),
    (b"Nov 22 12:00:01 host sshd[1]: x", "2026-11-22T12:00:01", 15),
    (b"<34>Oct  1 22:14:15 mymachine su: x", "2026-10-01T22:14:15", 19),
    (b"Nov 9 12:00:01 host x", "2026-11-09T12:00:01", 14),
    (b"Sun Nov 22 12:00:01 2026 x", "2026-11-22T12:00:01", 24),
    (b"1700000000 x", "2023-11-14T22:13:20", 10),
    (b"1700000000.25 x", "2023-11-14T22:13:20.25", 13),
    (b"1700000000123 x", "2023-11-14T22:13:20.123", 13),
    (b"1700000000123456 x", "2023-11-14T22:13:20.123456", 16),
    (b"1700000000123456789 x", "2023-11-14T22:13:20.123456789", 19),
    (b"[1700000000] x", "2023-11-14T22:13:20", 12),
    (b'{"level":"info","ts":1700000000.5,"msg":"x"}', "2023-11-14T22:13:20.5", 33),
    (b'{"time":"2026-11-22T12:00:01Z","msg":"x"}', "2026-11-22T12:00:01", 29),
    (b"- 1117838573 2005.06.03 N1-C:J1 2005-06-03-15.42.53.276129 N1-C:J1 RAS x", "2005-06-03T22:42:53", 66),
    (b"- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[1]: x", "2005-11-09T20:01:01", 56),
    (b"[Sun Dec 04 04:47:44 2005] [notice] x", "2005-12-04T04:47:44", 26),
    (b"[Sun Dec 04 04:47:44.123456 2005] [core:error] x", "2005-12-04T04:47:44.123456", 33),
    (b'10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 9', "2000-10-10T20:55:36", 41),
    (b'2001:db8::1 - bob "x y" [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 200 9', "2000-10-10T13:55:36", 52),
    (b"2026/11/22 12:00:01 [error] 1#1: x", "2026-11-22T12:00:01", 19),
    (b"2026/11/22 12:00:01.123456 main.go:9: x", "2026-11-22T12:00:01.123456", 26),
    (b"1:M 22 Nov 2026 12:00:01.123 * x", "2026-11-22T12:00:01.123", 28),
    (b"Nov 22, 2026 1:00:01 PM a.b.C run", "2026-11-22T13:00:01", 23),
    (b"Nov 22, 2026 12:00:01 AM a.b.C run", "2026-11-22T00:00:01", 24),
    (b"22-Nov-2026 12:00:01.123 INFO [main] x", "2026-11-22T12:00:01.123", 24),
    (b"I1122 12:00:01.123456   77 f.go:12] x", "2026-11-22T12:00:01.123456", 21),
    (b"03-17 16:13:38.811  1702  2395 D T: x", "2026-03-17T16:13:38.811", 18),
    (b"081109 203615 148 INFO a.B: x", "2008-11-09T20:36:15", 13),
    (b"20261122T120001Z x", "2026-11-22T12:00:01", 16),
    (b"[10.30 16:49:06] a.exe - b x", "2026-10-30T16:49:06", 16),
    (b"20171223-22:15:29:606|A|1|x", "2017-12-23T22:15:29.606", 21),
    (b"20171223-9:5:3:7|A|1|x", "2017-12-23T09:05:03.007", 16),
    (b"17/06/09 20:10:40 INFO a.B: x", "2017-06-09T20:10:40", 17),
    (b"2016-09-28 04:30:30, Info  CBS  x", "2016-09-28T04:30:30", 19),
    (b"f.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 1 INFO a.b x", "2017-05-16T00:00:00.008", 51),
    (b"134681 node-246 unix.hw state 1077804742 1 x", "2004-02-26T14:12:22", 40),
    (b"25.12.2026 12:00:01 x", "2026-12-25T12:00:01", 19),
    (b"web_1  | 2026-11-22 12:00:01 x", "2026-11-22T12:00:01", 28),
    (b"12:00:01.123 [main] INFO a.B - x", "2026-11-22T12:00:01.123", 12),
    (b"2024-02-29T23:59:60Z x", "2024-03-01T00:00:00", 20),
]


@pytest.mark.parametrize(("line", "time", "end"), FORMATS, ids=[line.decode()[:24] for line, _, _ in FORMATS])
def test_a_format_is_read_and_its_span_is_known(line: bytes, time: str, end: int) -> None:

    later = NOW + 60 * 86_400 * 10**9 if time > "2026-11-22T12:30" else NOW
    assert times_of([line], now=later) == [time]
    assert stamps_of([line]).end.tolist() == [end]


def test_all_formats_in_one_batch_give_what_each_gives_alone() -> None:
    lines = [line for line, _, _ in FORMATS] * 3
    together = stamps_of(lines)
    for i, line in enumerate(lines):
        alone = stamps_of([line])
        for name in Stamps.__slots__:
            assert getattr(together, name)[i] == getattr(alone, name)[0], (name, line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no time at all",
        b"2026-13-22 12:00:01 x",
        b"2026-02-30 12:00:01 x",
        b"2026-11-22 25:00:01 x",
        b"2026-11-22 12:61:01 x",
        b"mac 00:11:22:33:44:55 x",
        b"version 1.2.3 of 2026-11-22",
        b"id 12345678901 of x",
        b"    at a.b.C(C.java:12)",
        b"9999-12-31 23:59:59 x",
        b"blk_1700000000 x",
        b"\xff\xfe\0\0",
    ],
)
def test_what_is_no_time_is_not_read_as_one(line: bytes) -> None:
    assert times_of([line]) == ["-"]


def test_a_time_far_into_a_long_line_is_found() -> None:
    line = b'10.0.0.1 - "' + b"u" * 180 + b'" [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 200 9'
    assert times_of([line]) == ["2000-10-10T13:55:36"]


def test_the_year_turns_with_the_source_not_with_the_clock() -> None:
    lines = [b"2024-12-31 23:59:58 x", b"Dec 31 23:59:59 h a: x", b"Jan  1 00:00:01 h a: x", b"Dec 31 23:59:59 h a: y"]
    assert times_of(lines) == [
        "2024-12-31T23:59:58", "2024-12-31T23:59:59", "2025-01-01T00:00:01", "2024-12-31T23:59:59"
    ]  # fmt: skip


def test_without_a_time_before_the_year_is_the_latest_that_is_not_in_the_future() -> None:
    assert times_of([b"Dec 31 23:59:59 h a: x"]) == ["2025-12-31T23:59:59"]


def test_a_time_without_a_date_passes_midnight() -> None:
    assert times_of([b"2026-11-20 23:59:58 x", b"23:59:59 y", b"00:00:01 z"])[1:] == [
        "2026-11-20T23:59:59", "2026-11-21T00:00:01"
    ]  # fmt: skip


def test_the_order_of_day_and_month_is_found_out_from_the_sources_lines() -> None:
    lines = [b"03/04/2026 12:00:00 x", b"13/04/2026 12:00:00 x", b"03/05/2026 12:00:00 x"]
    assert [t[:10] for t in times_of(lines)] == ["2026-03-04", "2026-04-13", "2026-05-03"]


def test_naive_times_are_in_the_sources_zone_and_named_ones_are_not() -> None:
    lines = [b"2026-07-01 12:00:00 x", b"2026-01-01 12:00:00 x", b"2026-07-01T12:00:00Z x", b"Jul  1 12:00:01 h a: x"]
    assert times_of(lines, zone="Europe/Berlin") == [
        "2026-07-01T10:00:00", "2026-01-01T11:00:00", "2026-07-01T12:00:00", "2026-07-01T10:00:01"
    ]  # fmt: skip


def test_the_hour_that_comes_twice_is_the_first_and_the_missing_one_is_read() -> None:
    lines = [b"2026-10-25 02:30:00 x", b"2026-03-29 02:30:00 x"]
    assert times_of(lines, zone="Europe/Berlin") == ["2026-10-25T00:30:00", "2026-03-29T01:30:00"]
