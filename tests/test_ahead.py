"""Parsing ahead in another process: the same bits, the same order, and nothing lost when it dies."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch import telemetry
from logwatch.ahead import BEHIND, FULL, IDLE_S, RETRY_S, Ahead
from logwatch.parse.formats.read import Failed
from logwatch.parse.process import Worker, usable_processors
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaped, Shaper
from logwatch.parse.worker import PLACE, Request
from logwatch.testing import ManualClock
from logwatch.types import FieldColumn, RecordBatch, Stream

REDACT = ("password", "email")
SETTINGS = {
    "a": ParseSettings(),
    "b": ParseSettings(entity=r"req=(\w+)", timezone="Europe/Berlin"),
    "c": ParseSettings(format="plain", lateness=7),
    "d": ParseSettings(format="json"),
}
STREAMS = [Stream("a", "1"), Stream("b", "1"), Stream("b", "2"), Stream("c", "1"), Stream("d", "1")]


def batch(lines: list[bytes], stream: list[int] | None = None, lane: str = "") -> RecordBatch:
    n = len(lines)
    at = np.arange(n, dtype=np.int64)
    of = np.zeros(n, np.int32) if stream is None else np.array(stream, np.int32)
    return RecordBatch(lines, STREAMS, of, at, at + 1, np.zeros(n, np.uint8), lane=lane)


def full(number: int, lane: str = "") -> RecordBatch:
    return batch([b"2026-01-01 00:00:00 INFO batch %d line %d" % (number, i) for i in range(FULL)], lane=lane)


def _plain(column: FieldColumn) -> list[object]:
    values = [getattr(column, field.name) for field in dataclasses.fields(column)]
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in values]


def same(one: Shaped, other: Shaped) -> None:
    assert list(one.text) == list(other.text)
    assert (one.entity, one.keys, one.failed) == (other.entity, other.keys, other.failed)
    assert all(isinstance(row, Failed) for row in one.failed)
    assert [_plain(column) for column in one.fields] == [_plain(column) for column in other.fields]
    for name in ("invalid", "level", "key"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in one.stamps.__slots__:
        assert getattr(one.stamps, name).tobytes() == getattr(other.stamps, name).tobytes()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker(REDACT)
    assert one.answered(30.0)
    assert one.ready()
    yield one
    one.close()


LINE = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"\0", b"\0\0hole", b"\xff\xfe", b"a\nb", b"\r", b"x\r", b"\xc2\x85 next"]),
    st.builds(b"2026-03-01T10:00:%02d.%03dZ ERROR app.Main: req=%d failed".__mod__, st.tuples(
        st.integers(0, 59), st.integers(0, 999), st.integers(0, 10**6))),
    st.builds(b"Mar  1 10:00:%02d host sshd[%d]: password=%s from u@example.org".__mod__, st.tuples(
        st.integers(0, 59), st.integers(1, 9999), st.sampled_from([b"x", b"\xff", b"'a b'"]))),
    st.builds(b'{"time": "2026-03-01T10:00:%02dZ", "level": "warn", "m": "a\\u0000 %d", "n": %d}'.__mod__, st.tuples(
        st.integers(0, 59), st.integers(0, 9), st.integers(0, 9))),
    st.builds(b"time=2026-03-01T10:00:%02dZ level=info msg=done n=%d".__mod__, st.tuples(
        st.integers(0, 59), st.integers(0, 9))),
    st.integers(0, 255).map(lambda code: b'10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] "GET /%d HTTP/1.1" 404 7' % code),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(LINE, st.integers(0, 4)), min_size=1, max_size=40))
def test_the_process_says_of_any_lines_what_is_said_here(worker: Worker, rows: list[tuple[bytes, int]]) -> None:
    lines, streams = [line for line, _ in rows], [stream for _, stream in rows]
    kinds = [SETTINGS[STREAMS[stream].source] for stream in streams]
    known = list(dict.fromkeys(kinds))
    kind = np.array([known.index(one) for one in kinds], np.int32)
    number = worker.submit(Request.of(lines, known, kind))
    there = worker.result(number)
    assert there is not None
    groups = [(one, np.flatnonzero(kind == i)) for i, one in enumerate(known)]
    same(there, Shaper(REDACT).shape(lines, groups))


@pytest.mark.parametrize(
    "line", [b"x" * 2_000_000, b"\xff" * 2_000_000, b"1 a " * 500_000], ids=["long", "bad", "words"]
)
def test_long_lines_come_back_whole(worker: Worker, line: bytes) -> None:
    lines = [b"first", line, b"last"]
    there = worker.result(worker.submit(Request.of(lines, [ParseSettings()], np.zeros(0, np.int32))))
    assert there is not None
    same(there, Shaper(REDACT).shape(lines, [(ParseSettings(), slice(None))]))


def test_a_request_that_is_too_long_is_not_sent_and_an_answer_that_is_comes_back_empty(worker: Worker) -> None:
    none = np.zeros(0, np.int32)
    assert worker.submit(Request.of([b"x" * (PLACE + 1)], [ParseSettings()], none)) == -1
    grows = [b"\xff" * (PLACE // 2)]  # three bytes for each
    assert worker.result(worker.submit(Request.of(grows, [ParseSettings()], none))) is None
    there = worker.result(worker.submit(Request.of([b"and on"], [ParseSettings()], none)))
    assert there is not None
    assert list(there.text) == ["and on"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ahead(clock: ManualClock) -> Iterator[Ahead]:
    one = Ahead(lambda name, source: SETTINGS[source], REDACT, clock, processors=2)
    yield one
    one.close()


def number_of(records: RecordBatch) -> int:
    return int(records.lines[0].split()[4])


def started(ahead: Ahead) -> list[int]:
    """Feed full batches until the process takes them; the numbers of those that left."""
    left: list[int] = []
    fed, until = 0, time.monotonic() + 30
    while time.monotonic() < until:
        ready = ahead.feed("files", full(fed))
        left += [number_of(one.records) for one in ready]
        fed += 1
        if len(left) < fed:
            return left
        time.sleep(0.05 if ahead.process else 0)
    raise AssertionError("the process did not start")


def test_batches_leave_in_order_and_those_of_a_source_that_is_behind_are_shaped_ahead(ahead: Ahead) -> None:
    left = started(ahead)
    first = len(left)
    out = [ready for n in range(first + 1, first + 6) for ready in ahead.feed("files", full(n))] + ahead.flush()
    assert [*left, *(number_of(one.records) for one in out)] == list(range(first + 6))
    for one in out:
        assert one.records.shaped is not None
        same(one.records.shaped, Shaper(REDACT).shape(one.records.lines, [(SETTINGS["a"], slice(None))]))


def test_small_batches_never_leave_the_process(ahead: Ahead) -> None:
    for _ in range(3 * BEHIND):
        (ready,) = ahead.feed("files", batch([b"one line"]))
        assert ready.records.shaped is None
    assert ahead.process is None


def test_full_batches_with_pauses_do_not_start_it(ahead: Ahead) -> None:
    for n in range(3 * BEHIND):
        assert len(ahead.feed("files", full(n)) + ahead.flush()) == 1
    assert ahead.process is None


def test_small_batches_keep_their_place_behind_one_that_is_ahead(ahead: Ahead) -> None:
    first = len(started(ahead))
    small = [batch([b"2026-01-01 00:00:00 INFO batch %d" % n]) for n in range(first + 1, first + 20)]
    out = [number_of(one.records) for records in small for one in ahead.feed("pipe", records)]
    assert out[0] == first  # it was waited for at last, though no pause came
    out += [number_of(one.records) for one in ahead.flush()]
    assert out == list(range(first, first + 20))


def test_when_the_process_is_killed_every_batch_still_comes_once_and_later_it_is_tried_again(
    ahead: Ahead, clock: ManualClock
) -> None:
    before = telemetry.PARSERS_LOST.value()
    first = len(started(ahead))
    old = ahead.process
    assert old is not None
    os.kill(old, signal.SIGKILL)
    out = [one for n in range(first + 1, first + 8) for one in ahead.feed("files", full(n))] + ahead.flush()
    assert [number_of(one.records) for one in out] == list(range(first, first + 8))
    assert telemetry.PARSERS_LOST.value() == before + 1
    assert ahead.process is None
    clock.advance(RETRY_S + 1)
    started(ahead)
    assert ahead.process not in (None, old)


def test_a_lane_that_has_gone_takes_its_batches_with_it(ahead: Ahead) -> None:
    first = len(started(ahead))
    out = ahead.feed("kafka", full(first + 1, lane="t/1"))
    ahead.forget("t/1")
    out += ahead.feed("kafka", full(first + 2, lane="t/2")) + ahead.flush()
    assert [number_of(one.records) for one in out] == [first, first + 2]


def test_an_idle_process_is_let_go(ahead: Ahead, clock: ManualClock) -> None:
    started(ahead)
    ahead.flush()
    assert ahead.process is not None
    clock.advance(IDLE_S + 1)
    ahead.flush()
    assert ahead.process is None


def test_where_much_is_known_to_come_it_is_started_before_the_first_batch(ahead: Ahead) -> None:
    ahead.start()
    process = ahead.process
    assert process is not None
    ahead.start()
    assert len(started(ahead)) > 0
    assert ahead.process == process


def test_one_processor_means_no_process(clock: ManualClock) -> None:
    alone = Ahead(lambda name, source: SETTINGS[source], REDACT, clock, processors=1)
    alone.start()
    for n in range(3 * BEHIND):
        assert len(alone.feed("files", full(n))) == 1
    assert alone.process is None


def test_without_anonymous_memory_lines_are_parsed_here(ahead: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    for n in range(3 * BEHIND):
        assert len(ahead.feed("files", full(n))) == 1
    assert ahead.process is None


def test_the_process_heeds_no_interrupt_and_ends_with_its_input() -> None:
    one = Worker(())
    assert one.answered(30.0)
    assert one.ready()
    for signum in (signal.SIGINT, signal.SIGTERM):
        os.kill(one.id, signum)
    number = one.submit(Request.of([b"still here"], [ParseSettings()], np.zeros(0, np.int32)))
    assert one.result(number) is not None
    one._to.close()
    assert one._process.wait(10) == 0
    one.close()


def test_usable_processors_are_no_more_than_the_affinity() -> None:
    assert 1 <= usable_processors() <= len(os.sched_getaffinity(0))
