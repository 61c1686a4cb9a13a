"""Deleted files that are not read to their end: kept within bounds, then let go as a gap."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from logwatch.sources import descriptors as descriptors_of_files
from tests.sources.disk import append, descriptors

LINES = b"".join(b"%099d\n" % n for n in range(3000))  # 300,000 bytes


@pytest.fixture
def behind(log: Path) -> Path:
    log.write_bytes(LINES)
    return log


def test_while_paused_a_deleted_file_is_kept_for_deleted_hold_and_then_let_go_as_a_gap(
    reading: type, behind: Path
) -> None:
    before = descriptors()
    reader = reading(behind, deleted_hold=600)
    reader.poll(10)
    behind.unlink()
    for seconds in (0, 300, 299):
        reader.clock.seconds += seconds
        reader.source.hold()
        assert descriptors() == before + 1
    reader.clock.seconds += 2
    reader.source.hold()
    assert descriptors() == before
    assert len(reader.settle(2)) > 100  # what had been read ahead is delivered
    (gap,) = reader.gaps
    assert (gap.start, gap.end) == (max(int(batch.end[-1]) for batch in reader.batches if len(batch)), len(LINES))
    assert "deleted" in gap.reason
    assert reader.source.files == 0
    reader.restart()
    assert len(reader.gaps) == 1


def test_while_paused_deleted_files_hold_no_more_than_deleted_hold_size_the_oldest_go_first(
    reading: type, tmp_path: Path
) -> None:
    before = descriptors()
    paths = [tmp_path / f"{n}.log" for n in range(4)]
    for path in paths:
        path.write_bytes(LINES)
    reader = reading(tmp_path / "*.log", deleted_hold_size=2 * len(LINES))
    reader.poll(10)
    for path in reversed(paths):
        path.unlink()
        reader.clock.seconds += 1
        reader.source.hold()
    assert descriptors() == before + 2
    reader.settle(10)
    assert sorted(gap.stream.source for gap in reader.gaps) == ["2", "3"]
    assert len(reader.lines) >= 6000


def test_a_deleted_file_that_is_being_read_is_read_to_its_end_however_long_it_takes(
    reading: type, behind: Path
) -> None:
    reader = reading(behind, deleted_hold=5, deleted_hold_size=1000)
    reader.poll(10)
    behind.unlink()
    for _ in range(400):
        reader.clock.seconds += 1
        reader.poll(10)
    assert [line for _, line in reader.lines] == LINES.split(b"\n")[:-1]
    assert reader.gaps == []


def test_a_deleted_file_whose_writer_writes_on_is_followed(reading: type, log: Path) -> None:
    reader = reading(log, deleted_hold=10)
    reader.settle()
    with log.open("ab", buffering=0) as writer:
        log.unlink()
        for n in range(10):
            writer.write(b"after %d\n" % n)
            assert reader.settle(3) == [b"after %d" % n]
    reader.settle(10)
    assert reader.source.files == 0
    assert reader.gaps == []


def test_files_that_are_not_deleted_are_no_matter_of_the_bounds(reading: type, behind: Path) -> None:
    reader = reading(behind, deleted_hold=1, deleted_hold_size=1)
    reader.poll(10)
    behind.rename(behind.with_name("app.log.1"))
    reader.clock.seconds += 1000
    reader.source.hold()
    reader.settle(2)
    assert [line for _, line in reader.lines] == LINES.split(b"\n")[:-1]
    assert reader.gaps == []


def test_what_was_let_go_before_a_crash_is_a_gap_after_it(reading: type, behind: Path) -> None:
    reader = reading(behind, deleted_hold=1)
    reader.poll(10)
    behind.unlink()
    for _ in range(2):
        reader.clock.seconds += 1
        reader.source.hold()
    reader.restart()
    reader.settle(2)
    assert [(gap.start, gap.end) for gap in reader.gaps] == [(1000, len(LINES))]


def test_more_deleted_files_than_descriptors_are_let_go_as_gaps(
    reading: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors_of_files, "MAX_OPEN", 6)
    before = descriptors()
    reader = reading(tmp_path / "*.log")
    for turn in range(10):
        for n in range(4):
            (tmp_path / f"{turn}-{n}.log").write_bytes(b"%d-%d" % (turn, n) + LINES[3:])
        reader.clock.seconds += 2
        reader.poll(1)
        for n in range(4):
            (tmp_path / f"{turn}-{n}.log").unlink()
        assert descriptors() <= before + 12
    reader.settle(20, 4000)
    read = sum(int((batch.end - batch.start).sum()) for batch in reader.batches)
    assert read >= 6 * len(LINES)
    assert read + sum(gap.end - gap.start for gap in reader.gaps) == 40 * len(LINES)
    assert descriptors() == before


def test_a_file_deleted_and_written_anew_on_the_same_inode_is_another_one(reading: type, tmp_path: Path) -> None:
    reader = reading(tmp_path / "*.log")
    seen = set()
    for n in range(20):  # the file system gives the number of a deleted file to the next one
        path = tmp_path / "app.log"
        path.write_bytes(b"file %d\n" % n)
        seen.add(os.stat(path).st_ino)
        assert reader.settle(8) == [b"file %d" % n]
        path.unlink()
        reader.settle(8)
    assert len(seen) < 20
    append(tmp_path / "app.log", b"last\n")
    assert reader.settle(2) == [b"last"]
