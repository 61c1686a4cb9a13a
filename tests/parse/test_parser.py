"""The whole parse stage: rows match, splits do not matter, no bytes make it fail."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import ConfigError
from logwatch.parse.mask import SCOPE_END
from logwatch.parse.parser import LineTimes, Parser, ParseSettings
from logwatch.types import NO_TIME, EventBatch, Flag, Int32, RecordBatch, Stream

SECOND = 10**9
NOW = 1_795_350_600 * SECOND  # 2026-11-22T12:30:00Z

SETTINGS = {
    0: ParseSettings(entity=r"req=(\w+)"),
    1: ParseSettings(timezone="Europe/Berlin", lateness=60 * SECOND),
    2: ParseSettings(format="plain"),
}


class FixedClock:
    def now(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Recorder:
    """A miner that names templates by the message's length, and remembers what it was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.scopes: list[str] = []

    def mine_keys(self, keys: list[str], key: Int32) -> Int32:
        lines = [keys[i].split(SCOPE_END) for i in key.tolist()]
        self.texts += [text for _, text in lines]
        self.scopes += [scope for scope, _ in lines]
        return np.array([len(text) for _, text in lines], dtype=np.int32)


def parser(finished: bool = False, redact: tuple[str, ...] = ("password", "email")) -> Parser:
    return Parser(lambda number: SETTINGS[number % 3], Recorder(), FixedClock(), redact, finished)


def records(lines: list[bytes], begin: int = 0) -> RecordBatch:
    n = len(lines)
    start = np.arange(begin, begin + n, dtype=np.int64)
    stream = np.zeros(n, dtype=np.int32)
    return RecordBatch(lines, [Stream("s", "i")], stream, start, start + 1, np.zeros(n, dtype=np.uint8))


def parse(one: Parser, lines: list[bytes], sources: list[int], begin: int = 0) -> EventBatch:
    source = np.array(sources, dtype=np.int32)
    return one.parse(records(lines, begin), source, source + 10, begin)


COLUMNS = ("source", "stream", "slot", "time", "watermark", "level", "template", "start", "end", "flags")


def rows(events: EventBatch) -> list[tuple[object, ...]]:
    columns = [getattr(events, name).tolist() for name in COLUMNS]
    return list(zip(*columns, events.entity, events.text, strict=True))


def test_an_event_has_what_its_line_says() -> None:
    one = parser()
    events = parse(one, [b"2026-11-22 12:00:01 ERROR a.B: req=7 password=x"], [0], begin=5)
    second = 1_795_348_801
    assert rows(events) == [
        (0, 10, -1, second * SECOND, (second - 5) * SECOND, 6, 34, 5, 6, 0, "7",
         "2026-11-22 12:00:01 ERROR a.B: req=7 password=<redacted:password>")
    ]  # fmt: skip
    assert events.first == 5


def test_the_miner_sees_redacted_messages_and_loggers() -> None:
    miner = Recorder()
    one = Parser(lambda number: ParseSettings(), miner, FixedClock(), ["email", "card"])
    lines = [b"1700000000123 INFO c.D: from a@b.cc", b"1795348801 INFO c.D: card 4111111111111111 used", b""]
    events = parse(one, lines, [0, 0, 0])
    assert miner.texts == ["from <redacted:email>", "card <redacted:card> used", ""]
    assert miner.scopes == ["info c.D", "info c.D", ""]
    assert events.time.tolist() == [1_700_000_000_123 * 10**6, *[1_795_348_801 * SECOND] * 2]


def test_settings_are_those_of_the_source() -> None:
    line = b"2026-11-22 12:00:01 req=9"
    events = parse(parser(), [line, line, line], [0, 1, 2])
    assert events.entity == ["9", None, None]
    second = 1_795_348_801 * SECOND
    assert events.time.tolist() == [second, second - 3600 * SECOND, NOW]
    assert events.watermark.tolist() == [second - 5 * SECOND, second - 3660 * SECOND, NO_TIME]
    assert events.flags.tolist() == [0, 0, Flag.NO_TIME]


def test_before_any_time_a_finished_file_has_none() -> None:
    events = parse(parser(finished=True), [b"header", b""], [0, 0])
    assert events.time.tolist() == [NO_TIME, NO_TIME]
    assert events.watermark.tolist() == [NO_TIME, NO_TIME]


def test_flags_of_the_records_stay() -> None:
    batch = records([b"a\xff"])
    batch.flags[:] = Flag.TRUNCATED
    source = np.zeros(1, dtype=np.int32)
    events = parser().parse(batch, source, source, 0)
    assert events.flags.tolist() == [Flag.TRUNCATED | Flag.INVALID | Flag.NO_TIME]


def test_an_empty_batch_is_no_error() -> None:
    assert len(parse(parser(), [], [])) == 0


@pytest.mark.parametrize(
    "settings_of", [ParseSettings(entity="("), ParseSettings(timezone="Mars/Base"), ParseSettings(format="xml")]
)
def test_wrong_settings_are_refused_by_name(settings_of: ParseSettings) -> None:
    with pytest.raises(ConfigError, match=r"entity|timezone|format"):
        settings_of.check()


def test_many_sources_of_one_line_each_are_one_group() -> None:
    lines = [b"2026-11-22 12:00:01 INFO a.B: x"] * 2000
    events = parse(parser(), lines, list(range(2000)))
    assert len(set(zip((events.source % 3).tolist(), events.time.tolist(), strict=True))) == 3


CORPUS = [
    b"2026-11-22T12:00:%02d.5Z INFO a.B: req=%d done",
    b"2026-11-22 11:%02d:00,123 WARN [main] c.D: slow %d",
    b"Nov 22 10:%02d:59 host sshd[%d]: Failed password for root",
    b"Jan  1 10:%02d:59 host cron[%d]: x",
    b"10/11/2026 11:%02d:00 number %d",
    b"25/11/2025 11:%02d:00 number %d",
    b"11:%02d:09 only a time %d",
    b"17950000%02d epoch %d",
    b"2099-01-01 00:00:%02d absurd %d",
    b"1970-01-01 00:00:%02d absurd %d",
    b"    at java.lang.Thread(%02d) %d",
    b'10.0.0.1 - - [22/Nov/2026:11:00:%02d +0100] "GET /%d HTTP/1.1" 500 12',
    b'{"level":"error","ts":17950000%02d.25,"password":"p%d"}',
    b"I1122 12:00:%02d.123456   77 f.go:12] mail a%d@b.cc",
    b"\x1b[31m2026-11-22 12:00:%02d ERROR\x1b[0m \xffr\xfc %d",
    b"- 11178385%02d 2005.06.03 N 2005-06-03-15.42.53.276129 N RAS KERNEL INFO x %d",
]
LINES = st.one_of(
    st.tuples(st.sampled_from(CORPUS), st.integers(0, 59), st.integers(0, 999)).map(lambda t: t[0] % (t[1], t[2])),
    st.sampled_from([b"", b"\0\0x", b"   ", b"[", b"]:", b"<34>1 "]),
)
ROWS = st.lists(st.tuples(LINES, st.integers(0, 5)), min_size=1, max_size=40)


@settings(max_examples=50)
@given(ROWS, st.booleans(), st.lists(st.integers(1, 39), max_size=5), st.integers(0, 5))
def test_any_split_and_any_restart_give_the_same_events(
    mixed: list[tuple[bytes, int]], finished: bool, cuts: list[int], restart: int
) -> None:
    lines, sources = [line for line, _ in mixed], [source for _, source in mixed]
    at_once = rows(parse(parser(finished), lines, sources))
    edges = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    one, parts = parser(finished), []
    cells: dict[str, bytes] = {}
    for number, (begin, end) in enumerate(itertools.pairwise(edges)):
        parts += rows(parse(one, lines[begin:end], sources[begin:end], begin))
        cells.update({name: cell for name, cell in one.changes() if cell is not None})
        if number == restart:
            one = parser(finished)
            one.restore(cells)
    assert parts == at_once


def spoiled(parts: tuple[bytes, int, bytes]) -> bytes:
    line, at, inserted = parts
    return line[:at] + inserted + line[at:]


@settings(max_examples=80)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.tuples(LINES, st.integers(0, 200), st.binary(max_size=3)).map(spoiled),
            LINES.map(lambda line: line * 40),
            st.text(alphabet="0123456789:-/. TZ[]+,", max_size=40).map(str.encode),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_no_bytes_make_it_fail(lines: list[bytes], finished: bool) -> None:
    one = parser(finished, ("token", "password", "email", "card", "ipv4", "ipv6"))
    events = parse(one, lines, [0] * len(lines))
    assert len(events) == len(lines)
    watermark = events.watermark.tolist()
    assert watermark == sorted(watermark)
    again = parser(finished, ("token", "password", "email", "card", "ipv4", "ipv6"))
    assert rows(events) == [row for i, line in enumerate(lines) for row in rows(parse(again, [line], [0], i))]


def test_times_of_a_file_ascend_for_merging() -> None:
    one = LineTimes(ParseSettings(), FixedClock())
    lines = [b"2026-11-22 12:00:0%d x" % i for i in range(6)]
    first = one.times([lines[0], b"  continued", lines[2], b"2099-01-01 00:00:00 absurd", lines[1]])
    rest = one.times([lines[4], b"", lines[5]])
    seconds = [(t - 1_795_348_800 * SECOND) // SECOND for t in [*first.tolist(), *rest.tolist()]]
    assert seconds == [0, 0, 2, 2, 2, 4, 4, 5]


def test_a_file_without_times_has_none_for_merging() -> None:
    assert LineTimes(ParseSettings(), FixedClock()).times([b"a", b""]).tolist() == [NO_TIME, NO_TIME]


def test_a_time_far_behind_the_head_is_no_exception() -> None:
    line = b"T" + b"x" * 300 + b"\x81" + b"2026-03-01T0:00:00"
    assert len(parse(parser(True), [b"short", line], [0, 0])) == 2
    assert len(parse(parser(True), [line], [0])) == 1
