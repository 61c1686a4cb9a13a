"""Lines as they come: in parts, in odd encodings, far too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from logwatch.types import Flag
from tests.sources.disk import append


def test_a_partial_last_line_is_held_and_completed_once_across_a_restart(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"half of ")
    assert reader.settle(1) == [b"first"]
    reader.restart()
    append(log, b"a line\n")
    assert reader.settle(1) == [b"half of a line"]


def test_a_partial_last_line_is_flushed_marked_and_its_rest_comes_once(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"prompt> ")
    assert reader.settle(4) == [b"first"]
    assert reader.settle(3) == [b"prompt> "]
    assert reader.flags == [0, Flag.UNFINISHED]
    reader.restart()
    append(log, b"yes\nnext\n")
    assert reader.settle(1) == [b"yes", b"next"]


def test_the_line_end_of_a_flushed_line_brings_no_empty_record(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"half")
    reader.settle(7)
    reader.restart()
    append(log, b"\r\nnext\n")
    assert reader.settle(1) == [b"next"]


def test_crlf_is_a_line_end(reading: type, log: Path) -> None:
    log.write_bytes(b"one\r\ntwo\r\n")
    reader = reading(log)
    assert reader.settle() == [b"one", b"two"]
    assert reader.batches[0].end.tolist() == [5, 10]


def test_a_huge_line_is_truncated_without_holding_it(reading: type, log: Path) -> None:
    log.write_bytes(b"x" * 10_000_000 + b"\nnext\n")
    reader = reading(log)
    assert reader.settle() == [b"x" * 65536, b"next"]
    assert reader.flags == [Flag.TRUNCATED, 0]
    reader.restart()
    assert reader.settle() == []


def test_a_restart_inside_a_huge_line_drops_the_rest_of_it(reading: type, log: Path) -> None:
    log.write_bytes(b"x" * 3_000_000)
    reader = reading(log)
    assert reader.settle() == [b"x" * 65536]
    reader.restart()
    append(log, b"still the same line\nnext\n")
    assert reader.settle() == [b"next"]


def test_a_huge_line_does_not_hold_up_another_file(reading: type, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 80_000_000)
    (tmp_path / "b.log").write_bytes(b"quiet\n")
    reader = reading(tmp_path / "*.log")
    reader.poll()
    assert b"quiet" in [line for _, line in reader.lines]


def test_every_split_of_the_same_input_gives_the_same_records(reading: type, log: Path) -> None:
    log.write_bytes(b"".join(b"line %d %s\n" % (n, b"y" * (n % 90)) for n in range(500)))
    seen = []
    for size in (1, 7, 1000):
        reader = reading(log)
        reader.settle(0.05, size)
        rows = [row for batch in reader.batches for row in zip(batch.lines, batch.start, batch.end, strict=True)]
        seen.append((rows, reader.batches[0].streams))
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_followed_from_its_first_byte_on(reading: type, log: Path, encoding: str) -> None:
    log.write_bytes(b"")
    reader = reading(log)
    reader.settle()
    data = "\ufeffgrüße\r\nzwei\nhalb".encode(encoding)
    append(log, data[:1])
    assert reader.settle() == []
    append(log, data[1:])
    assert reader.settle() == ["grüße".encode(), b"zwei"]
    reader.restart()
    append(log, " und ganz\n".encode(encoding))
    assert reader.settle(1) == [b"halb und ganz"]
    os.truncate(log, 0)
    append(log, b"plain again\n")
    assert reader.settle(1) == [b"plain again"]


def test_nul_and_invalid_bytes_come_as_they_are_and_are_no_end_of_anything(reading: type, log: Path) -> None:
    log.write_bytes(b"a\0b\n\xff\xfe\xc3\n\0\0\0c\n")
    assert reading(log).settle() == [b"a\0b", b"\xff\xfe\xc3", b"c"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_end_split_across_two_looks_ends_one_line(reading: type, log: Path, end: bytes) -> None:
    reader = reading(log)
    for byte in [b"second", *(end[n : n + 1] for n in range(len(end))), b"third", b"\n"]:
        append(log, byte)
        reader.settle(0.1)
    assert [line for _, line in reader.lines] == [b"first", b"second", b"third"]
