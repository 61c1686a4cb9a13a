"""Truncation, with a copy (copytruncate) and without: what is kept, and that what is lost is admitted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from logwatch import telemetry
from logwatch.types import Flag
from tests.sources.disk import append


def test_copytruncate_loses_nothing_that_is_in_the_copy(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle(1)
    append(log, b"unread\n")
    shutil.copy(log, log.with_name("app.log.1"))
    os.truncate(log, 0)
    append(log, b"new\n")
    assert reader.settle(2) == [b"unread", b"new"]
    assert reader.gaps == []


def test_a_copy_that_matches_the_pattern_is_not_read_again(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle()
    append(log, b"second\n")
    shutil.copy(log, log.with_name("app.log.1"))
    assert reader.settle(2) == [b"second"]  # the scan falls between the copy and the truncation
    reader.restart()
    assert reader.settle(2) == []
    os.truncate(log, 0)
    append(log, b"third\n")
    assert reader.settle(8) == [b"third"]
    assert reader.gaps == []


def test_a_copy_of_a_content_that_was_not_noticed_yet_is_not_read_beside_it(reading: type, log: Path) -> None:
    """Twice rotated between two looks, and the first of these is a scan."""
    reader = reading(str(log) + "*")
    reader.settle()
    shutil.copy(log, log.with_name("app.log.2"))
    os.truncate(log, 0)
    lines = [b"a new content, number %d" % n for n in range(100)]
    append(log, b"\n".join([*lines, b""]))
    shutil.copy(log, log.with_name("app.log.1"))
    reader.clock.seconds += 5
    assert reader.settle(8) == lines
    assert reader.gaps == []


def test_a_truncation_without_a_copy_is_a_gap_and_the_new_content_is_read(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    append(log, b"seen coming\n" * 10)
    reader.clock.seconds += 0.05
    reader.poll(3)
    log.write_bytes(b"new\n")
    assert b"new" in reader.settle(1)
    reader.restart()
    assert reader.settle(1) == []


def test_a_stale_writer_after_copytruncate_yields_no_nul(reading: type, log: Path) -> None:
    reader = reading(log)
    with log.open("r+b", buffering=0) as writer:  # not O_APPEND: keeps its offset
        writer.seek(0, os.SEEK_END)
        writer.write(b"before\n" * 500)
        assert len(reader.settle()) == 501
        os.truncate(log, 0)
        writer.write(b"after\n")
        assert reader.settle() == [b"after"]
        shutil.copy(log, log.with_name("app.log.1"))
        os.truncate(log, 0)
        writer.write(b"again\n")
        assert reader.settle() == [b"again"]


def test_a_hole_of_many_gigabytes_is_stepped_over(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    os.truncate(log, 0)
    with log.open("r+b", buffering=0) as writer:
        writer.seek(1 << 40)
        writer.write(b"far out\n")
    assert reader.settle() == [b"far out"]


def test_truncated_and_regrown_past_the_offset_is_new_content(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle(1)
    log.write_bytes(b"other\nlonger\ncontent\n")
    assert reader.settle(1) == [b"other", b"longer", b"content"]
    reader.source.close()
    log.write_bytes(b"another one, while nothing was reading it\n")
    reader.start()
    assert reader.settle(2) == [b"another one, while nothing was reading it"]
    assert [gap.reason for gap in reader.gaps] == ["truncated while nothing was reading it"]


def test_rewritten_to_the_very_same_size_is_new_content(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    log.write_bytes(b"other\n")
    os.utime(log, ns=(1, 1))
    assert reader.settle() == [b"other"]


def test_what_is_written_between_copy_and_truncation_is_admitted_as_a_gap(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"second\n")
    reader.settle(1)
    append(log, b"in the copy\n")
    shutil.copy(log, log.with_name("app.log.1"))
    append(log, b"too late\n" * 3)
    reader.clock.seconds += 0.05
    reader.poll(1)  # sees how long the file is
    os.truncate(log, 0)
    append(log, b"new\n")
    assert reader.settle(10)[-1:] == [b"new"]
    assert reader.flags[-1] == Flag.GAP
    (gap,) = reader.gaps
    assert (gap.start, gap.end) == (52, 52)  # all of it had been read: the extent of what is lost is not known
    reader.restart()
    assert reader.settle(2) == []
    assert len(reader.gaps) == 1


def test_the_known_part_of_what_a_copy_lacks_is_the_extent_of_the_gap(reading: type, log: Path) -> None:
    log.write_bytes(b"x" * 99 + b"\n" + b"".join(b"%099d\n" % n for n in range(1000)))
    reader = reading(log)
    reader.poll(10)  # of 100,100 bytes
    shutil.copy(log, log.with_name("app.log.1"))
    os.truncate(log.with_name("app.log.1"), 60_100)
    os.truncate(log, 0)
    append(log, b"new\n")
    lines = reader.settle(10)
    assert lines == [*(b"%099d" % n for n in range(9, 600)), b"new"]
    assert [(gap.start, gap.end) for gap in reader.gaps] == [(60_100, 100_100)]


def test_a_copy_that_ends_before_what_was_read_is_not_read(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    append(log, b"second\n")
    reader.settle(1.2)
    shutil.copy(log, log.with_name("app.log.1"))
    append(log, b"third\n")
    reader.clock.seconds += 0.05
    reader.poll()
    os.truncate(log, 0)
    append(log, b"fourth\n")
    assert reader.settle(10) == [b"fourth"]
    assert [line for _, line in reader.lines] == [b"first", b"second", b"third", b"fourth"]
    reader.restart()
    assert reader.settle(3) == []


def test_the_truncation_of_a_quiet_file_raises_no_gap_and_is_counted(reading: type, log: Path) -> None:
    before = telemetry.RACES.value()
    reader = reading(log)
    reader.settle(1)
    os.truncate(log, 0)
    reader.settle(1)
    assert reader.gaps == []
    assert telemetry.RACES.value() == before + 1


def test_a_copy_made_while_down_that_lacks_what_was_seen_is_a_gap_of_that(reading: type, log: Path) -> None:
    log.write_bytes(b"".join(b"%099d\n" % n for n in range(1000)))
    reader = reading(log)
    reader.poll(10)
    reader.source.close()
    log.with_name("app.log.1").write_bytes(log.read_bytes()[:60_000])
    log.write_bytes(b"new\n")
    reader.start()
    assert reader.settle(2) == [*(b"%099d" % n for n in range(10, 600)), b"new"]
    assert [(gap.start, gap.end) for gap in reader.gaps] == [(60_000, 100_000)]
