"""Compressed files: read once, and not again after a plain one was compressed."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from logwatch.sources import descriptors as descriptors_of_files
from tests.sources.disk import append


def test_compressed_siblings_are_not_read_while_following(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle()
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"new\n")
    assert reader.settle(2) == [b"new"]
    with gzip.open(log.with_name("app.log.1.gz"), "wb") as file:
        file.write(log.with_name("app.log.1").read_bytes())
    log.with_name("app.log.1").unlink()
    assert reader.settle(8) == []
    assert reader.gaps == []


def test_a_compressed_file_is_followed_once_where_it_is_asked_for(reading: type, log: Path) -> None:
    packed = log.with_name("old.log.gz")
    packed.write_bytes(gzip.compress(b"".join(b"packed %d\n" % n for n in range(50_000))))
    reader = reading(log, packed, compressed=True)
    lines = reader.settle(3, 100)
    assert lines.count(b"first") == 1
    assert [line for line in lines if line != b"first"] == [b"packed %d" % n for n in range(50_000)]
    reader.restart()
    assert reader.settle(3) == []
    assert reader.gaps == []


def lines(begin: int, end: int) -> bytes:
    return b"".join(b"line %05d\n" % n for n in range(begin, end))


def numbers(found: list[bytes]) -> list[int]:
    return [int(line.split()[1]) for line in found]


def pack(path: Path, keep_time: bool = True) -> Path:
    """As gzip does it: the packed file lies beside the plain one before that is deleted."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    if keep_time:
        os.utime(packed, ns=(path.stat().st_mtime_ns,) * 2)
    path.unlink()
    return packed


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_an_unread_tail_that_was_compressed_while_down_is_read_from_the_packed_file(
    reading: type, log: Path, pattern: str, compressed: bool
) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(log.with_name(pattern), compressed=compressed)
    reader.poll(100)
    reader.source.close()
    append(log, lines(500, 20_000))
    log.rename(log.with_name("app.log.1"))
    pack(log.with_name("app.log.1"))
    log.write_bytes(lines(20_000, 20_100))
    reader.start()
    reader.settle(8)
    assert numbers([line for _, line in reader.lines]) == list(range(20_100))
    assert reader.gaps == []
    assert {source for source, _ in reader.lines} == {"app"}
    reader.restart()
    assert reader.settle(8) == []


def test_two_rotations_compressed_while_down_are_both_read_in_order(reading: type, log: Path) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(log)
    reader.poll(100)
    reader.source.close()
    for n, begin in ((2, 500), (1, 1000)):
        log.rename(log.with_name(f"app.log.{n}"))
        pack(log.with_name(f"app.log.{n}"))
        log.write_bytes(lines(begin, begin + 500))
    reader.start()
    reader.settle(8)
    assert numbers([line for _, line in reader.lines]) == list(range(1500))
    assert reader.gaps == []


def test_a_packed_file_that_ends_before_the_saved_position_is_not_the_one(reading: type, log: Path) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(log)
    reader.settle()
    reader.source.close()
    log.with_name("app.log.1.gz").write_bytes(gzip.compress(lines(0, 400)))
    log.unlink()
    reader.start()
    assert reader.settle(3) == []
    assert [gap.reason for gap in reader.gaps] == ["deleted while nothing was reading it"]


@pytest.mark.parametrize("keep_time", [True, False])
@pytest.mark.parametrize("looks", [0, 1, 2, 9])
def test_what_was_read_is_not_read_again_after_it_was_compressed(
    reading: type, log: Path, keep_time: bool, looks: int
) -> None:
    log.unlink()
    reader = reading(str(log) + "*", compressed=True)
    at = 0
    for _ in range(3):
        log.write_bytes(lines(at, at + 300))
        at += 300
        reader.settle(1.2)
        for n in (2, 1):
            old = log.with_name(f"app.log.{n}.gz")
            if old.exists():
                old.rename(log.with_name(f"app.log.{n + 1}.gz"))
        log.rename(log.with_name("app.log.1"))
        reader.settle(looks)
        pack(log.with_name("app.log.1"), keep_time)
    reader.settle(20)
    reader.restart()
    reader.settle(20)
    assert numbers([line for _, line in reader.lines if line != b"first"]) == list(range(900))
    assert reader.gaps == []


def test_a_tail_compressed_under_a_file_that_was_closed_for_want_of_descriptors_is_read(
    reading: type, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors_of_files, "MAX_OPEN", 4)
    log.write_bytes(lines(0, 200))
    reader = reading(log.parent / "*.log")
    reader.settle()
    for n in range(6):
        (log.parent / f"other{n}.log").write_bytes(b"other\n")
    reader.settle(1.2)
    append(log, lines(200, 400))
    log.rename(log.with_name("app.log.1"))
    pack(log.with_name("app.log.1"))
    reader.settle(10)
    assert numbers([line for _, line in reader.lines if line != b"other"]) == list(range(400))
    assert reader.gaps == []


def test_a_compressed_file_is_waited_for_while_it_is_being_written(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*", compressed=True)
    reader.settle(1.2)
    packed = log.with_name("app.log.1.gz")
    packed.write_bytes(b"")  # the packer has just begun
    reader.settle(2)
    log.rename(log.with_name("app.log.1"))
    reader.settle(2)
    packed.write_bytes(gzip.compress(b"first\n"))
    log.with_name("app.log.1").unlink()
    assert reader.settle(10) == []


def test_compressed_files_from_before_the_first_start_at_the_end_are_not_news(reading: type, log: Path) -> None:
    log.with_name("app.log.1.gz").write_bytes(gzip.compress(b"of yesterday\n"))
    reader = reading(str(log) + "*", compressed=True, start="end")
    assert reader.settle(2) == []
    append(log, b"today\n")
    assert reader.settle(2) == [b"today"]
