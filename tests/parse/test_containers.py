"""Lines of container runtimes come out whole, in one form, however the runtime and the batches cut them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.parse.containers import MAX_BYTES
from logwatch.parse.join import WAIT_PART_S
from logwatch.testing import ManualClock
from logwatch.types import Flag
from tests.parse.joining import A, batch, joined, joiner, rows_of, saved, unpacked
from tests.parse.traces import JAVA, PLAIN, PYTHON_CHAINED

TIMES = (b"2026-03-01T10:00:00.123456789Z", b"2026-03-01T10:00:00Z", b"2026-03-01T10:00:00.1+01:00")


def cri(content: bytes, tag: bytes = b"F", stream: bytes = b"stdout", time: bytes = TIMES[0]) -> bytes:
    return b" ".join([time, stream, tag, content])


def docker(content: str, stream: str = "stdout", end: str = "\n") -> bytes:
    return json.dumps(
        {"log": content + end, "stream": stream, "time": TIMES[0].decode()}, separators=(",", ":")
    ).encode()


def lines(rows: list[bytes], cuts: tuple[int, ...] = ()) -> list[bytes]:
    return [row.line for row in joined(rows_of([(A, line) for line in rows]), cuts, cuts)]


@pytest.mark.parametrize("time", TIMES)
def test_parts_become_one_line_with_the_time_of_the_first(time: bytes) -> None:
    parts = [cri(b"one ", b"P", time=time), cri(b"two ", b"P"), cri(b"three"), cri(b"next")]
    whole = [cri(b"one two three", time=time), cri(b"next")]
    for cuts in ((), (1,), (1, 2, 3)):
        assert lines(parts, cuts) == whole


def test_a_whole_record_spans_its_parts() -> None:
    rows = rows_of([(A, cri(b"one ", b"P")), (A, cri(b"two"))])
    assert [(row.start, row.end) for row in joined(rows)] == [(rows[0].start, rows[1].end)]


def test_standard_output_and_error_are_cut_and_joined_apart() -> None:
    trace = JAVA.split(b"\n")
    mixed = []
    for number, line in enumerate(trace):
        mixed += [cri(line), cri(b"opened door %d " % number, b"P", b"stderr"), cri(b"wide", stream=b"stderr")]
    out = lines(mixed)
    assert cri(JAVA) in out
    assert [line for line in out if b"stderr" in line] == [
        cri(b"opened door %d wide" % number, stream=b"stderr") for number in range(len(trace))
    ]


@pytest.mark.parametrize("cuts", [(), (1,), (2, 3, 5)])
def test_traces_inside_are_joined_by_their_contents(cuts: tuple[int, ...]) -> None:
    rows = [cri(line) for line in (PLAIN[0], *JAVA.split(b"\n"), PLAIN[0], *PYTHON_CHAINED.split(b"\n"), PLAIN[0])]
    assert lines(rows, cuts) == [cri(text) for text in (PLAIN[0], JAVA, PLAIN[0], PYTHON_CHAINED, PLAIN[0])]


def test_docker_lines_come_out_in_the_same_form() -> None:
    rows = [docker(line.decode()) for line in (PLAIN[0], *JAVA.split(b"\n"), PLAIN[0])]
    assert lines(rows) == [cri(text) for text in (PLAIN[0], JAVA, PLAIN[0])]
    assert sorted(lines([docker("a", end=""), docker("b", "stderr"), docker("c", end="\r\n")])) == [
        cri(b"b", stream=b"stderr"), cri(b"ac"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b'{"log":"not docker","level":"info"}',
        b'{"log":"cut off',
        b'{"log":1,"stream":"stdout","time":"2026-03-01T10:00:00Z"}',
        b'{"log":"x","stream":"stdout","time":"never in the world"}',
        b"2026-03-01T10:00:00Z stdout of the child was closed",
        b"2026-03-01T10:00:00Z stdout X what",
        b"2026-03-01 10:00:00.000 stdout F no",
        b"2026-03-01T10:00:00Z",
    ],
)
def test_what_only_looks_like_it_stays_as_it_is(line: bytes) -> None:
    assert lines([line]) == [line]


def test_an_empty_content_is_a_line() -> None:
    assert lines([cri(b""), cri(b"x")]) == [cri(b""), cri(b"x")]


def test_parts_without_end_are_cut_and_marked() -> None:
    out = joined(rows_of([(A, cri(b"x" * 16_384, b"P"))] * 40 + [(A, cri(b"end"))]))
    assert len(out) == 1
    assert len(out[0].line) == MAX_BYTES
    assert out[0].flags == Flag.TRUNCATED


def test_a_part_that_is_never_ended_is_given_up_after_a_while_also_after_a_restart() -> None:
    clock = ManualClock()
    one = joiner(clock=clock)
    one.join(batch(rows_of([(A, cri(b"half", b"P"))])), "file")
    again = joiner(clock=clock)
    again.restore(saved({}, one))
    clock.advance(WAIT_PART_S / 2)
    assert again.release("file") is None
    clock.advance(WAIT_PART_S)
    found = unpacked(again.release("file")) + unpacked(again.finish("file"))
    assert [(row.line, row.flags) for row in found] == [(cri(b"half"), Flag.UNFINISHED)]
    assert not again.holds()


@given(
    contents=st.lists(st.tuples(st.binary(max_size=30), st.sampled_from([b"stdout", b"stderr"]), st.booleans())),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
@settings(max_examples=100)
def test_neither_batches_nor_restarts_change_what_is_put_together(
    contents: list[tuple[bytes, bytes, bool]], cuts: list[int]
) -> None:
    rows = rows_of([(A, cri(text, b"P" if part else b"F", stream)) for text, stream, part in contents])
    within = [cut for cut in cuts if cut < len(rows)]
    assert joined(rows, within, within) == joined(rows)


@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=30).map(lambda b: b'{"log":"' + b),
                          st.binary(max_size=20).map(lambda b: TIMES[0] + b" stdout " + b))))  # fmt: skip
@settings(max_examples=200)
def test_no_bytes_raise(given_lines: list[bytes]) -> None:
    joined(rows_of([(A, line) for line in given_lines]), (1, 3), (3,))
