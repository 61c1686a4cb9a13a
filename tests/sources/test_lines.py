"""Splitting: the same records wherever the buffers are cut, and a resume after any record gives the rest."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from logwatch.sources.lines import At, LineSplitter, Records, after, join
from logwatch.types import Flag

content = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\r", b"\0", b"x" * 9, b"\n\n", "é".encode()]), max_size=30
).map(b"".join)
cuts = st.lists(st.integers(1, 7), min_size=1, max_size=10)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    out, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        out.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return out


def split(data: bytes, sizes: list[int], limit: int, offset: int = 0, at: At = At.LINE) -> Records:
    splitter = LineSplitter(limit, offset, at)
    parts = [splitter.feed(piece) for piece in pieces(data, sizes)]
    return join([*parts, splitter.flush()])


def rows(records: Records) -> list[tuple[bytes, int, int, int]]:
    return list(zip(records.lines, records.start.tolist(), records.end.tolist(), records.flags.tolist(), strict=True))


@given(content, cuts, st.integers(1, 12))
@example(b"xxxx\r\n", [5], 4)
@example(b"\0\0\0\0\0\0a\n", [2], 3)
def test_records_do_not_depend_on_where_buffers_are_cut(data: bytes, sizes: list[int], limit: int) -> None:
    assert rows(split(data, sizes, limit)) == rows(split(data, [max(1, len(data))], limit))


@given(content, cuts, st.integers(1, 12), st.data())
def test_going_on_after_any_record_gives_the_rest(
    data: bytes, sizes: list[int], limit: int, draw: st.DataObject
) -> None:
    every = rows(split(data, sizes, limit))
    if not every:
        return
    n = draw.draw(st.integers(0, len(every) - 1))
    _, _, end, flags = every[n]
    assert rows(split(data[end:], sizes, limit, end, after(flags))) == every[n + 1 :]


@given(content, cuts)
def test_without_faults_lines_and_positions_are_those_of_the_bytes(data: bytes, sizes: list[int]) -> None:
    clean = data.replace(b"\0", b"").replace(b"\r", b"") + b"\n"
    records = split(clean, sizes, 1000)
    assert b"".join(line + b"\n" for line in records.lines) == clean
    for line, start, end, flags in rows(records):
        assert clean[start:end] == line + b"\n"
        assert flags == Flag.NONE


@given(content, cuts, st.integers(1, 12))
def test_memory_held_is_bounded_by_the_longest_line(data: bytes, sizes: list[int], limit: int) -> None:
    splitter = LineSplitter(limit)
    for piece in pieces(data, sizes):
        records = splitter.feed(piece)
        assert splitter.held <= limit + 1
        assert all(len(line) <= limit for line in records.lines)


def test_a_long_line_is_cut_marked_and_its_rest_dropped() -> None:
    assert rows(split(b"0123456789\nnext\n", [3], 4)) == [
        (b"0123", 0, 4, Flag.TRUNCATED),
        (b"next", 11, 16, Flag.NONE),
    ]


def test_a_line_of_exactly_the_maximum_is_whole() -> None:
    assert rows(split(b"0123\r\n", [5], 4)) == [(b"0123", 0, 6, Flag.NONE)]
    assert rows(split(b"0123\n", [2], 4)) == [(b"0123", 0, 5, Flag.NONE)]


def test_the_line_end_of_a_flushed_line_is_no_line_of_its_own() -> None:
    splitter = LineSplitter()
    assert rows(splitter.feed(b"half")) == []
    assert rows(splitter.flush()) == [(b"half", 0, 4, Flag.UNFINISHED)]
    assert rows(splitter.feed(b"\r")) == []
    assert rows(splitter.feed(b"\nnext\n")) == [(b"next", 6, 11, Flag.NONE)]


def test_the_rest_of_a_flushed_line_is_delivered_once() -> None:
    splitter = LineSplitter()
    splitter.feed(b"half")
    splitter.flush()
    assert rows(splitter.feed(b" other half\n")) == [(b" other half", 4, 16, Flag.NONE)]


def test_a_hole_of_nuls_before_a_line_is_passed_over() -> None:
    splitter = LineSplitter(8)
    assert rows(splitter.feed(b"\0" * 5000)) == []
    assert splitter.held == 0
    assert rows(splitter.feed(b"\0" * 50 + b"line\n")) == [(b"line", 5050, 5055, Flag.NONE)]
