"""Syslog with octet counts: a count says where a message ends, however the stream was cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.sources.lines import Records
from logwatch.sources.octets import StreamSplitter
from logwatch.types import Flag

MESSAGES = [b"<13>1 2026-03-01T10:00:00Z h a - - - one", b"<14>two\nlines of it", b"<15>" + b"x" * 500, b"<1>"]


def framed(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def records(data: bytes, cuts: list[int] | None = None, most: int = 1000) -> list[tuple[bytes, int, int, int]]:
    splitter, out = StreamSplitter(most), []
    points = sorted({0, *(cuts or []), len(data)})
    parts: list[Records] = [splitter.feed(data[a:b]) for a, b in pairwise(points)]
    for part in [*parts, splitter.flush()]:
        out += list(zip(part.lines, part.start.tolist(), part.end.tolist(), part.flags.tolist(), strict=True))
    return out


@pytest.mark.parametrize("between", [b"", b"\n", b"\n\n"])
def test_counts_say_where_messages_end(between: bytes) -> None:
    data = b"".join(framed(message) + between for message in MESSAGES)
    out = records(data)
    assert [line for line, *_ in out] == MESSAGES
    assert all(data[start:end] == framed(line) for line, start, end, _ in out)


@given(
    texts=st.lists(
        st.binary(max_size=40).map(lambda text: framed(b"<13>" + text)) | st.binary(max_size=30), max_size=8
    ),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_blocks_do_not_change_what_comes_out(texts: list[bytes], cuts: list[int]) -> None:
    data = framed(MESSAGES[0]) + b"".join(texts)
    assert records(data, [cut for cut in cuts if cut < len(data)]) == records(data)


def test_what_has_no_count_is_a_line_and_counting_goes_on_behind_it() -> None:
    data = framed(MESSAGES[0]) + b"oops no count\n" + framed(MESSAGES[1])
    assert [line for line, *_ in records(data)] == [MESSAGES[0], b"oops no count", MESSAGES[1]]


def test_a_message_that_is_cut_off_is_unfinished() -> None:
    out = records(framed(MESSAGES[0])[:-5])
    assert [(line, flags) for line, _, _, flags in out] == [(MESSAGES[0][:-5], Flag.UNFINISHED)]


def test_long_messages_are_truncated() -> None:
    out = records(framed(MESSAGES[2]) + framed(MESSAGES[0]), most=100)
    assert [(len(line), flags) for line, _, _, flags in out] == [(100, Flag.TRUNCATED), (len(MESSAGES[0]), 0)]


@pytest.mark.parametrize("data", [b"17 lines\nof plain text\n", b"5\n6\n", b"12 <b>\nx\n", b"\n", b"17"])
def test_other_streams_are_split_by_lines(data: bytes) -> None:
    for cuts in ([], [1], [3], list(range(len(data)))):
        assert [line for line, *_ in records(data, cuts)] == data.splitlines()
