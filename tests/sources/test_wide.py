"""UTF-16: the records that the same text has in UTF-8, wherever the buffers are cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logwatch.sources.finished import read_finished
from logwatch.sources.lines import LineSplitter, Records, after, join
from logwatch.sources.wide import splitter_for
from logwatch.types import Flag

content = st.lists(st.sampled_from(["a", "bc", "\n", "\r\n", "\0", "x" * 9, "é", "漢字", "😀", "਀"]), max_size=30).map(
    "".join
)
cuts = st.lists(st.integers(1, 7), min_size=1, max_size=10)
encodings = st.sampled_from(["utf-16-le", "utf-16-be"])


def pack(text: str, encoding: str) -> bytes:
    return ("\ufeff" + text).encode(encoding)


def feed(splitter: LineSplitter, data: bytes, sizes: list[int]) -> Records:
    parts, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        parts.append(splitter.feed(data[at : at + size]))
        at, turn = at + size, turn + 1
    return join([*parts, splitter.flush()])


def rows(records: Records) -> list[tuple[bytes, int, int, int]]:
    return list(zip(records.lines, records.start.tolist(), records.end.tolist(), records.flags.tolist(), strict=True))


@given(content, encodings, cuts)
@example("\u0a00\n", "utf-16-le", [1])
def test_the_lines_are_those_of_the_text_and_positions_lead_back_to_them(
    text: str, encoding: str, sizes: list[int]
) -> None:
    data = pack(text, encoding)
    plain = feed(LineSplitter(), text.encode(), [1000])
    wide = feed(splitter_for(data), data, sizes)
    assert wide.lines == plain.lines
    assert wide.flags.tolist() == plain.flags.tolist()
    for line, start, end, _ in rows(wide):
        assert data[start:end].decode(encoding).rstrip("\r\n").encode() == line


@given(content, encodings, cuts, st.integers(4, 12))
def test_records_do_not_depend_on_where_buffers_are_cut(text: str, encoding: str, sizes: list[int], limit: int) -> None:
    data = pack(text, encoding)
    whole = feed(splitter_for(data, limit), data, [1000])
    assert rows(feed(splitter_for(data, limit), data, sizes)) == rows(whole)
    assert all(len(line) <= limit for line in whole.lines)


@given(content, encodings, cuts, st.integers(4, 12), st.data())
def test_going_on_after_any_record_gives_the_rest(
    text: str, encoding: str, sizes: list[int], limit: int, draw: st.DataObject
) -> None:
    data = pack(text, encoding)
    every = rows(feed(splitter_for(data, limit), data, sizes))
    if not every:
        return
    n = draw.draw(st.integers(0, len(every) - 1))
    _, _, end, flags = every[n]
    rest = splitter_for(data, limit, end, after(flags))
    assert rows(feed(rest, data[end:], sizes)) == every[n + 1 :]


@given(st.binary(max_size=60), encodings, cuts)
def test_no_bytes_are_an_exception(data: bytes, encoding: str, sizes: list[int]) -> None:
    data = pack("", encoding) + data
    splitter = splitter_for(data)
    records = feed(splitter, data, sizes)
    assert splitter.fed == len(data)
    assert all(b"\0" not in line[:1] for line in records.lines)


def test_half_a_pair_is_replaced_and_marked() -> None:
    data = b"\xff\xfea\0\x3d\xd8\n\0b\0\n\0"
    assert rows(feed(splitter_for(data), data, [3])) == [
        ("a\ufffd".encode(), 2, 8, Flag.INVALID),
        (b"b", 8, 12, Flag.NONE),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_finished_file_in_utf_16_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "app.log").write_bytes(pack("grüße\nzwei\n", encoding))
    ((lines, starts, _, flags),) = read_finished(str(tmp_path / "app.log"))
    assert (lines, starts.tolist(), flags.tolist()) == (["grüße".encode(), b"zwei"], [2, 14], [0, 0])


def test_the_mark_of_a_utf_8_file_is_no_part_of_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes("\ufeffone\ntwo\n".encode())
    ((lines, starts, ends, _),) = read_finished(str(tmp_path / "app.log"))
    assert (lines, starts.tolist(), ends.tolist()) == ([b"one", b"two"], [3, 7], [7, 11])
