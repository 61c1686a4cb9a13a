"""Replaying several finished files: one order, the same in every run and for every chunking."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logwatch.replay import Chunk, Finished, replay
from logwatch.types import NO_TIME, Int64, Stream


def _times(lines: list[bytes]) -> Int64:
    return np.array([int(line.split()[0]) if line[:1].isdigit() else NO_TIME for line in lines], np.int64)


def _chunks(lines: list[bytes], size: int) -> Iterator[Chunk]:
    for at in range(0, len(lines), size):
        part = lines[at : at + size]
        start = np.arange(at, at + len(part), dtype=np.int64)
        yield part, start, start + 1, np.zeros(len(part), np.uint8)


def _order(files: list[list[bytes]], size: int) -> list[tuple[str, int, bytes]]:
    batches = replay([Finished(Stream(f"s{i}", "x"), _chunks(lines, size), _times) for i, lines in enumerate(files)])
    return [
        (batch.streams[stream].source, int(start), line)
        for batch in batches
        for stream, start, line in zip(batch.stream, batch.start, batch.lines, strict=True)
    ]


def _model(files: list[list[bytes]]) -> list[tuple[str, int, bytes]]:
    """Sort everything by (running maximum, argument order, line)."""
    rows = []
    for number, lines in enumerate(files):
        timed = any(line[:1].isdigit() for line in lines)
        last = NO_TIME
        for at, line in enumerate(lines):
            last = max(last, int(line.split()[0])) if line[:1].isdigit() else last
            rows.append((not timed, last if timed else 0, number, at, line))
    return [(f"s{number}", at, line) for _, _, number, at, line in sorted(rows)]


line = st.one_of(st.integers(0, 9).map(lambda t: b"%d x" % t), st.just(b"no time"))


@given(st.lists(st.lists(line, max_size=12), min_size=2, max_size=4), st.integers(1, 5))
def test_the_merge_is_the_sort_by_running_maximum_time(files: list[list[bytes]], size: int) -> None:
    whole = [[b"0 first", *lines] if i % 2 else lines for i, lines in enumerate(files)]
    if any(
        not lines[:size] or any(x[:1].isdigit() for x in lines) != any(x[:1].isdigit() for x in lines[:size])
        for lines in whole
    ):
        size = 50  # whether a file has times is judged by its first lines
    assert _order(whole, size) == _model(whole)


def test_one_file_passes_as_it_is() -> None:
    assert _order([[b"5 a", b"1 b", b"c"]], 2) == [("s0", 0, b"5 a"), ("s0", 1, b"1 b"), ("s0", 2, b"c")]


def test_a_file_without_times_comes_last() -> None:
    assert [row[2] for row in _order([[b"a", b"b"], [b"1 x"]], 2)] == [b"1 x", b"a", b"b"]


def test_metrics_come_at_the_ends_of_ten_seconds_and_logs_between_them() -> None:
    second = 10**9
    readings = [b"time,name,value", *(b"%d,load,1.5" % (t * second) for t in (100, 101, 109, 110, 111))]
    lines = [b"%d x" % (t * second) for t in (99, 100, 105, 110, 112)]

    def times(some: list[bytes]) -> Int64:
        stamps = [one.split(b",")[0].split()[0] for one in some]
        return np.array([int(stamp) if stamp.isdigit() else NO_TIME for stamp in stamps], np.int64)

    files = [Finished(Stream(name, "x"), _chunks(each, 100), times) for name, each in (("m", readings), ("l", lines))]
    merged = [line for batch in replay(files) for line in batch.lines]
    at = {line: place for place, line in enumerate(merged)}
    assert sorted(merged) == sorted([*readings, *lines])
    assert at[readings[1]] < at[lines[1]] < at[lines[2]] < at[readings[2]], "what was read at 101 is sent at 110"
    assert at[readings[4]] < at[lines[3]] < at[lines[4]] < at[readings[5]]
