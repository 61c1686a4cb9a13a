"""Many files: a turn for each, and a bounded number of descriptors."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.sources import descriptors as descriptors_of_files
from tests.sources.disk import append, descriptors


def test_two_equal_files_and_two_empty_ones_are_two_streams(reading: type, tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"")
    reader = reading(tmp_path / "*.log")
    reader.settle()
    for name in ("a.log", "b.log"):
        append(tmp_path / name, b"equal\n" * 3)
    assert reader.settle() == [b"equal"] * 6
    assert len({stream for batch in reader.batches for stream in batch.streams}) == 2


def test_quiet_files_get_their_turn_beside_a_firehose(reading: type, tmp_path: Path) -> None:
    (tmp_path / "loud.log").write_bytes(b"loud\n" * 100_000)
    for n in range(20):
        (tmp_path / f"quiet{n}.log").write_bytes(b"quiet\n")
    reader = reading(tmp_path / "*.log")
    batch = reader.poll(4096)
    assert batch.lines.count(b"quiet") == 20
    assert len(batch) == 4096


def test_more_files_than_descriptors(reading: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors_of_files, "MAX_OPEN", 10)
    for n in range(50):
        (tmp_path / f"{n}.log").write_bytes(b"one\n")
    before = descriptors()
    reader = reading(tmp_path / "*.log")
    assert len(reader.settle(1)) == 50
    assert descriptors() <= before + 10
    for n in range(50):
        append(tmp_path / f"{n}.log", b"two\n")
        if n % 3 == 0:
            (tmp_path / f"{n}.log").rename(tmp_path / f"{n}.log.1")
            (tmp_path / f"{n}.log").write_bytes(b"three\n")
    assert sorted(reader.settle(3)) == sorted([b"two"] * 50 + [b"three"] * 17)
    reader.settle(10)
    assert descriptors() <= before + 10
    assert reader.gaps == []
