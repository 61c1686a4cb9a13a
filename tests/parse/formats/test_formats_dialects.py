"""Every dialect: time, level, logger, message and values are found, whatever stands beside it in the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.errors import ConfigError
from logwatch.parse.mask import collapse
from logwatch.parse.message import leveled
from logwatch.parse.parser import Parser
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaper
from logwatch.testing import ManualClock
from logwatch.types import EventBatch, Flag, RecordBatch, Stream
from tests.parse.formats.dialects import DIALECTS, Dialect, ns

NOW = ns("2026-03-01T13:00:00Z")


class Kept:
    """A miner that keeps what it is given."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def mine_keys(self, keys: Any, key: Any) -> Any:
        self.keys = [list(keys)[i] for i in key]
        return np.arange(len(key), dtype=np.int32)


def parsed(lines: list[bytes], redact: tuple[str, ...] = (), **settings: Any) -> tuple[EventBatch, Parser, list[str]]:
    """Events of one source, each line a record; and the keys that the miner got."""
    n = len(lines)
    size = np.array([len(line) + 1 for line in lines], dtype=np.int64)
    end = np.cumsum(size)
    zero = np.zeros(n, dtype=np.int32)
    records = RecordBatch(lines, [Stream("s", "i")], zero, end - size, end, np.zeros(n, dtype=np.uint8))
    miner = Kept()
    parser = Parser(lambda _: ParseSettings(**settings), miner, ManualClock(NOW), redact)
    return parser.parse(records, zero, zero, 0), parser, miner.keys


def seen(lines: list[bytes], **settings: Any) -> list[tuple[int, int, str, dict[str, float | str]]]:
    events, _, _ = parsed(lines, **settings)
    values = [{} if events.values is None else events.values.row(i) for i in range(len(events))]
    return list(zip(events.time.tolist(), events.level.tolist(), events.text, values, strict=True))


@pytest.mark.parametrize("name", DIALECTS)
def test_a_line_tells_all_that_it_holds(name: str) -> None:
    wanted: Dialect = DIALECTS[name]
    events, _, keys = parsed([wanted.line])
    shaped = Shaper().shape([wanted.line], [(ParseSettings(), slice(None))])
    assert wanted.time is None or events.time[0] == pytest.approx(ns(wanted.time), abs=1000)
    assert shaped.stamps.bears[0] > 0
    assert events.level[0] == wanted.level
    assert keys == collapse([wanted.message], [leveled(wanted.level, wanted.scope)])
    found = {} if events.values is None else events.values.row(0)
    assert found == {name: pytest.approx(value) for name, value in wanted.values.items()}


def test_what_stands_beside_a_line_changes_nothing() -> None:
    lines = [dialect.line for dialect in DIALECTS.values()] * 2
    together = seen(lines)
    events = [seen([line])[0] for line in lines]
    assert [row[1:] for row in together] == [row[1:] for row in events]
    for own, wanted in zip(together, [*DIALECTS.values()] * 2, strict=True):
        assert wanted.time is None or abs(own[0] - ns(wanted.time)) <= 1000


def test_json_is_shown_as_people_read_it() -> None:
    (_, _, text, _), *_ = seen([DIALECTS["ecs"].line])
    assert text.startswith("2026-03-01T12:00:00.123Z ERROR com.shop.Pay: payment failed trace_id=4bf92f35 ")
    assert "http.response.status_code=502" in text
    assert "at Pay.call(Pay.java:7)" in text


def test_one_entity_pattern_fits_every_dialect() -> None:
    names = ("trace.id", "trace_id", "traceId", "dd.trace_id")
    lines = [b'{"msg":"x","%s":"4bf9"}' % name.encode() for name in names]
    events, _, _ = parsed(lines, entity=r"trace_id=(\S+)")
    assert events.entity == ["4bf9"] * 4


def test_a_stack_trace_stays_out_of_the_template() -> None:
    lines = [
        b'{"msg":"boom","stack_trace":"ValueError: %d\\n at x(%s)"}' % (i, bytes([97 + i])) for i in range(3)
    ]  # fmt: skip
    _, _, keys = parsed(lines)
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("format", "good", "bad"),
    [
        ("json", b'{"msg":"x"}', b"starting up"),
        ("logfmt", b"a=1 b=2", b"starting up"),
        ("syslog", b"<13>Mar  1 12:00:00 h app: x", b"starting up"),
        ("syslog", b"Mar  1 12:00:00 h app[7]: x", b'{"msg":"x"}'),
        ("cri", b"2026-03-01T12:00:00Z stdout F x", b"x"),
        ("journal", b'{"MESSAGE":"x","__CURSOR":"1"}', b'{"msg":"x"}'),
    ],
)
def test_a_line_that_is_not_of_the_format_that_was_set_is_told(format: str, good: bytes, bad: bytes) -> None:
    events, parser, _ = parsed([good, bad, b"", good], format=format)
    assert [(failed.row, failed.reason) for failed in parser.failed] == [(1, f"not_{format}")]
    assert events.flags[1] & Flag.INVALID
    assert not (events.flags[[0, 3]] & Flag.INVALID).any()
    assert events.text[1].startswith(("starting", "x", "{", "msg"))


def test_plain_is_plain() -> None:
    events, parser, _ = parsed([DIALECTS["zap"].line, DIALECTS["cri_plain"].line, b"<165>1 x"], format="plain")
    assert events.values is None
    assert not parser.failed
    assert (events.time == NOW).all()


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="format"):
        parsed([b"x"], format="xml")
