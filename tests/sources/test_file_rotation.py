"""Rotation of a file that is followed: what is delivered, in which order, and what is let go."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

from tests.sources.disk import append, descriptors


def test_a_renamed_file_is_drained_before_the_new_one_and_then_closed(reading: type, log: Path) -> None:
    reader = reading(log.parent / "*.log")
    reader.settle()
    writer = log.open("ab", buffering=0)
    log.rename(log.with_name("app.log.1"))
    writer.write(b"to the old file\n")
    log.write_bytes(b"to the new file\n")
    assert reader.settle(1.2) == [b"to the old file", b"to the new file"]
    writer.write(b"late\n")
    assert reader.settle(3) == [b"late"]
    assert reader.source.files == 2
    reader.settle(6)
    assert reader.source.files == 1
    writer.close()


def test_files_that_came_and_went_between_two_scans_are_read(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    for turn in range(3):
        append(log, b"turn %d\n" % turn)
        for n in (3, 2, 1):
            if log.with_name(f"app.log.{n}").exists():
                log.with_name(f"app.log.{n}").rename(log.with_name(f"app.log.{n + 1}"))
        log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"turn 3\n")
    assert reader.settle(2) == [b"turn 0", b"turn 1", b"turn 2", b"turn 3"]
    assert reader.gaps == []


def test_older_rotated_files_are_left_alone(reading: type, log: Path) -> None:
    old = log.with_name("app.log.1")
    old.write_bytes(b"of yesterday\n")
    os.utime(old, (1, 1))
    reader = reading(log)
    assert reader.settle() == [b"first"]
    old.rename(log.with_name("app.log.2"))
    log.rename(old)
    log.write_bytes(b"second\n")
    assert reader.settle(2) == [b"second"]


def test_deleted_and_recreated(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    append(log, b"last words\n")
    log.unlink()
    assert reader.settle(2) == [b"last words"]
    log.write_bytes(b"reborn\n")
    assert reader.settle(2) == [b"reborn"]
    assert reader.gaps == []


def test_a_deleted_file_is_released(reading: type, log: Path) -> None:
    before = descriptors()
    reader = reading(log)
    reader.settle()
    assert descriptors() == before + 1
    log.unlink()
    reader.settle(8)
    assert descriptors() == before
    assert reader.problems_of(log) == "does not exist"


def test_replaced_atomically(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    fresh = log.with_name("fresh")
    fresh.write_bytes(b"first\nsecond\n")
    fresh.rename(log)
    assert reader.settle(2) == [b"first", b"second"]


def test_a_link_that_is_pointed_elsewhere(reading: type, tmp_path: Path) -> None:
    for day in (1, 2):
        (tmp_path / f"day{day}.txt").write_bytes(b"day %d\n" % day)
    link = tmp_path / "current.log"
    link.symlink_to("day1.txt")
    reader = reading(link)
    assert reader.settle() == [b"day 1"]
    append(tmp_path / "day1.txt", b"evening 1\n")
    new = tmp_path / "new"
    new.symlink_to("day2.txt")
    new.rename(link)
    assert reader.settle(2) == [b"evening 1", b"day 2"]


def test_a_directory_removed_and_back(reading: type, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(b"one\n")
    reader = reading(tmp_path / "*" / "*.log")
    assert reader.settle() == [b"one"]
    shutil.rmtree(folder)
    assert reader.settle(8) == []
    folder.mkdir()
    (folder / "a.log").write_bytes(b"two\n")
    assert reader.settle(2) == [b"two"]


def test_what_a_program_that_was_not_told_of_the_rotation_writes_late_is_read(reading: type, log: Path) -> None:
    before = descriptors()
    reader = reading(log)
    reader.settle()
    writer = log.open("ab", buffering=0)
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"")
    reader.settle(10)
    assert descriptors() == before + 2  # the new file's and the writer's: the old one was closed
    writer.write(b"late\n")
    assert reader.settle(2) == [b"late"]
    reader.settle(10)
    log.with_name("app.log.1").rename(log.with_name("app.log.2"))
    writer.write(b"later\n")
    reader.restart()
    assert reader.settle(2) == [b"later"]
    assert {stream.instance for batch in reader.batches for stream in batch.streams} == {
        reader.batches[0].streams[0].instance
    }
    writer.close()


def test_several_quick_rotations_each_compressed_at_once_lose_nothing(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    for turn in range(3):
        append(log, b"turn %d\n" % turn)
        for n in (2, 1):
            old = log.with_name(f"app.log.{n}.gz")
            if old.exists():
                old.rename(log.with_name(f"app.log.{n + 1}.gz"))
        log.with_name("app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        os.utime(log.with_name("app.log.1.gz"), ns=(log.stat().st_mtime_ns,) * 2)
        log.unlink()
        log.touch()
    log.write_bytes(b"turn 3\n")
    assert reader.settle(2) == [b"turn 0", b"turn 1", b"turn 2", b"turn 3"]
    assert reader.gaps == []


def test_the_new_file_waits_for_what_was_written_to_the_old_one_after_it_was_created(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    with log.open("ab", buffering=0) as writer:
        log.rename(log.with_name("app.log.1"))
        log.touch()
        reader.settle(1.2)  # the new file is known, and empty
        for n in range(3000):
            writer.write(b"old %d\n" % n)
        append(log, b"new\n")
    assert reader.settle(1, 100) == [*(b"old %d" % n for n in range(3000)), b"new"]
