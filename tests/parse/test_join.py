"""Lines that belong together become one record: the same ones, however the stream was cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch import telemetry
from logwatch.parse.join import WAIT_BEHIND_S, WAIT_OWED_S, WAIT_S, YOUNG
from logwatch.parse.join_open import MAX_BYTES, MAX_LINES
from logwatch.parse.multiline import OFF, Multiline
from logwatch.testing import ManualClock
from logwatch.types import Flag, Stream
from tests.parse.joining import A, B, C, Row, batch, joined, joiner, lines_of, rows_of, saved, unpacked
from tests.parse.traces import PLAIN, POSTGRES, PYTHON, TRACES

OLD = [(A, PLAIN[0])] * YOUNG
"""So many plain lines that a stream counts as one of single lines."""

JUNK = st.sampled_from(
    [b"", b"   ", b"\t\tindented", b"}", b"  ]", b"Caused by: dust", b"goroutine 7 [running]:", b"main.main()", b"{",
     b"x:", b"ValueError: y", b"Error", b"    at nowhere (x)", b"\x00\xff", b"a\rb", b"... 3 more", b"#0 {main}",
     b"\xc3\xa4" * 70]
)  # fmt: skip
TEXTS = st.one_of(st.sampled_from(sorted(TRACES.values())), st.sampled_from(PLAIN), JUNK, st.binary(max_size=40))


@st.composite
def mixed(draw: st.DrawFn) -> list[tuple[Stream, bytes]]:
    """Traces, plain lines and junk of some streams, interleaved line by line."""
    texts = draw(st.lists(st.tuples(st.sampled_from([A, B, C]), TEXTS), max_size=12))
    queues: dict[Stream, list[bytes]] = {}
    for stream, text in texts:
        queues.setdefault(stream, []).extend(text.split(b"\n"))
    out = []
    rng = random.Random(draw(st.integers(0, 2**32)))
    while queues:
        stream = rng.choice(sorted(queues))
        for _ in range(rng.randint(1, 4)):
            out.append((stream, queues[stream].pop(0)))
            if not queues[stream]:
                del queues[stream]
                break
    return out


def aged(lines: list[tuple[Stream, bytes]], old: bool) -> list[tuple[Stream, bytes]]:
    """With so many plain lines before that one of the streams is not young any more."""
    return [*OLD, (B, PLAIN[0]), *OLD, *lines] if old else lines


@pytest.mark.parametrize("name", sorted(TRACES))
def test_a_trace_between_plain_lines_is_one_record(name: str) -> None:
    lines = [(A, PLAIN[0]), *lines_of(TRACES[name]), (A, PLAIN[0]), *lines_of(TRACES[name]), (A, PLAIN[1])]
    assert [row.line for row in joined(rows_of(lines))] == [PLAIN[0], TRACES[name], PLAIN[0], TRACES[name], PLAIN[1]]


@pytest.mark.parametrize("name", sorted(set(TRACES) - {"postgresql"}))
def test_the_first_trace_of_a_stream_of_single_lines_is_one_record_too(name: str) -> None:
    out = joined(rows_of([*OLD, *lines_of(TRACES[name]), (A, PLAIN[0])]))
    assert [row.line for row in out[len(OLD) :]] == [TRACES[name], PLAIN[0]]


def test_plain_lines_stay_alone() -> None:
    lines = [(A, line) for line in PLAIN for _ in range(3)]
    assert [row.line for row in joined(rows_of(lines))] == [line for _, line in lines]


@given(lines=mixed(), old=st.booleans(), data=st.data())
@settings(max_examples=150)
def test_neither_batches_nor_restarts_change_what_is_joined(
    lines: list[tuple[Stream, bytes]], old: bool, data: st.DataObject
) -> None:
    rows = rows_of(aged(lines, old))
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=12)) if rows else []
    restarts = data.draw(st.lists(st.sampled_from(cuts), max_size=4)) if cuts else []
    assert joined(rows, cuts, restarts) == joined(rows)


@given(lines=mixed(), old=st.booleans())
@settings(max_examples=50)
def test_one_line_at_a_time_is_the_same(lines: list[tuple[Stream, bytes]], old: bool) -> None:
    rows = rows_of(aged(lines, old))[-200:]
    assert joined(rows, range(len(rows))) == joined(rows)


@given(lines=mixed(), old=st.booleans())
@settings(max_examples=100)
def test_streams_do_not_touch_each_other(lines: list[tuple[Stream, bytes]], old: bool) -> None:
    def own(stream: Stream, rows: list[Row]) -> list[Row]:
        return [row for row in rows if row.stream == stream]

    aging = aged(lines, old)
    rows = rows_of([(Stream(stream.source + stream.instance, ""), line) for stream, line in aging])
    together = joined(rows)
    for stream in {row.stream for row in rows}:
        assert own(stream, together) == joined(own(stream, rows))


@given(lines=mixed(), old=st.booleans())
@settings(max_examples=100)
def test_no_byte_is_lost_or_doubled(lines: list[tuple[Stream, bytes]], old: bool) -> None:
    rows = rows_of(aged(lines, old))
    telemetry.DROPPED.reset()
    out = joined(rows)
    late = int(telemetry.DROPPED.value(reason="late_continuation"))
    parts = sorted(part for row in out for part in row.line.split(b"\n"))
    assert len(parts) + late == len(rows)
    if not late:
        assert parts == sorted(row.line for row in rows)
    starts = {(row.stream, row.start) for row in rows}
    assert all((row.stream, row.start) in starts and row.end > row.start for row in out)


def test_a_record_spans_its_lines() -> None:
    rows = rows_of([(A, PLAIN[0]), *lines_of(POSTGRES), (A, PLAIN[0])])
    out = joined(rows)
    assert (out[1].start, out[1].end) == (rows[1].start, rows[4].end)


def test_a_line_that_cannot_go_on_passes_at_once() -> None:
    one = joiner()
    one.join(batch(rows_of(OLD)), "file")
    one.finish("file")
    for line in (PLAIN[0], PLAIN[2], PLAIN[3], PLAIN[4]):
        assert unpacked(one.join(batch(rows_of([(A, line)])), "file"))[0].line == line
    assert not one.holds()


def test_a_trace_waits_a_moment_and_not_longer() -> None:
    clock = ManualClock()
    one = joiner(clock=clock)
    rows = rows_of(lines_of(PYTHON))
    assert len(one.join(batch(rows), "file")) == 0
    clock.advance(WAIT_S / 2)
    assert one.release("file") is None
    clock.advance(WAIT_S)
    assert one.release("other") is None
    assert one.release("file", behind=True) is None
    assert [row.line for row in unpacked(one.release("file"))] == [PYTHON]
    assert not one.holds()
    one.join(batch(rows), "file")
    clock.advance(WAIT_BEHIND_S + 1)
    assert one.release("file", behind=True) is not None


def test_half_a_traceback_waits_longer() -> None:
    clock = ManualClock()
    one = joiner(clock=clock)
    rows = rows_of(lines_of(PYTHON))
    one.join(batch(rows[:-1]), "file")
    clock.advance(WAIT_S * 2)
    assert one.release("file") is None
    one.join(batch(rows[-1:]), "file")
    clock.advance(WAIT_S * 2)
    assert [row.line for row in unpacked(one.release("file"))] == [PYTHON]
    one.join(batch(rows[:-1]), "file")
    clock.advance(WAIT_OWED_S * 2)
    assert one.release("file") is not None


def test_what_comes_too_late_is_dropped_and_counted_also_after_a_restart() -> None:
    clock = ManualClock()
    one = joiner(clock=clock)
    rows = rows_of([*lines_of(POSTGRES), (A, PLAIN[0])])
    one.join(batch(rows[:2]), "file")
    clock.advance(1)
    assert [row.line for row in unpacked(one.release("file"))] == [b"\n".join(POSTGRES.split(b"\n")[:2])]
    again = joiner(clock=clock)
    again.restore(saved({}, one))
    telemetry.DROPPED.reset()
    assert unpacked(again.join(batch(rows[2:]), "file")) == []
    assert telemetry.DROPPED.value(reason="late_continuation") == 2
    assert [row.line for row in unpacked(again.finish("file"))] == [PLAIN[0]]


def test_what_is_open_is_in_the_cells() -> None:
    one = joiner()
    rows = rows_of(lines_of(PYTHON))
    one.join(batch(rows[:3]), "file")
    again = joiner()
    again.restore(saved({}, one))
    again.join(batch(rows[3:]), "file")
    assert [row.line for row in unpacked(again.finish("file"))] == [PYTHON]


@pytest.mark.parametrize("line", [b"\tx", b"\t" + b"x" * 2000])
def test_an_event_without_end_is_cut_and_marked(line: bytes) -> None:
    lines = [(A, PLAIN[0]), *[(A, line)] * (2 * MAX_LINES), (A, PLAIN[0])]
    out = joined(rows_of(lines), range(0, len(lines), 97))
    assert len(out) == 2
    assert out[0].flags == Flag.TRUNCATED
    assert out[0].line.count(b"\n") < MAX_LINES
    assert len(out[0].line) <= MAX_BYTES


def test_a_trace_that_a_rotation_cuts_is_one_record() -> None:
    rows = rows_of([(A, PLAIN[0]), *lines_of(PYTHON)[:4], *lines_of(PYTHON, B)[4:], (B, PLAIN[0])])
    for cuts in ((), (5,), range(len(rows))):
        out = joined(rows, cuts, restarts=cuts)
        assert [row.line for row in out] == [PLAIN[0], PYTHON, PLAIN[0]]
        assert (out[1].stream, out[1].start, out[1].end) == (A, rows[1].start, rows[4].end)


def test_a_stream_inherits_what_is_open_whatever_else_its_first_batch_brings() -> None:
    frame = b"2026-03-01T10:00:00Z stdout F \tat com.shop.Orders.main(Orders.java:7)"
    rows = rows_of([(B, b"2026-03-01T10:00:00Z stdout F " + PLAIN[0]), (A, frame), (A, b"main.main()"), (B, PLAIN[0])])
    assert joined(rows) == joined(rows, (1,)) == joined(rows, (2,), (2,))
    assert b"\n\tat com.shop" in joined(rows)[1].line


def test_a_traceback_behind_a_header_waits_for_its_frames_only() -> None:
    head = b"2026-03-01 10:00:00 ERROR Traceback (most recent call last):"
    for rest in ([b"opened door 17"], PYTHON.split(b"\n")[2:]):
        rows = rows_of([(A, line) for line in (head, *rest, PLAIN[0])])
        assert joined(rows) == joined(rows, (1,), (1,)) == joined(rows, range(len(rows)))
    assert joined(rows)[0].line == b"\n".join([head, *PYTHON.split(b"\n")[2:]])


def test_what_follows_a_gap_begins_anew() -> None:
    rows = rows_of(lines_of(PYTHON))
    rows[3] = rows[3]._replace(flags=Flag.GAP)
    assert joined(rows)[1].flags == Flag.GAP


def test_off_joins_nothing() -> None:
    lines = [*lines_of(PYTHON), *lines_of(POSTGRES)]
    assert [row.line for row in joined(rows_of(lines), rule=OFF)] == [line for _, line in lines]


def test_a_start_of_its_own_decides() -> None:
    rule = Multiline("start", r"^(BEGIN|#\d+)")
    lines = [
        (A, line) for line in (b"before", b"BEGIN 1", b"a", b"Traceback", b"2026-03-01 b", b"#17 x", b"", b"BEGIN 2")
    ]
    whole = [b"before", b"BEGIN 1\na\nTraceback\n2026-03-01 b", b"#17 x\n", b"BEGIN 2"]
    for cuts in ((), (3,), range(len(lines))):
        assert [row.line for row in joined(rows_of(lines), cuts, cuts, rule)] == whole
