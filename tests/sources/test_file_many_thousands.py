"""Thousands of files under a low limit of descriptors: bounded, with rotation among them, and idle when they are."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from logwatch.sources.file import IDLE_LOOKS
from tests.sources.disk import append, descriptors

FILES = 10_000
SOME = 2_000
LIMIT = 256


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() + LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def filled(folder: Path, files: int) -> Path:
    for n in range(files):
        (folder / f"{n:05}.log").write_bytes(b"%05d first\n" % n)
    return folder


@pytest.mark.usefixtures("few_descriptors")
def test_ten_thousand_files_with_few_descriptors_are_all_read_also_while_some_rotate(
    reading: type, tmp_path: Path
) -> None:
    folder = filled(tmp_path, FILES)
    before = descriptors()
    reader = reading(folder / "*.log")
    while len(reader.lines) < FILES:
        reader.clock.seconds += 0.05
        batch = reader.poll(4096)
        assert batch is not None
        assert len(batch) <= 4096
        assert descriptors() <= before + LIMIT // 2
    assert sorted(line for _, line in reader.lines) == [b"%05d first" % n for n in range(FILES)]
    wanted = []
    for n in range(0, FILES, 20):
        path = folder / f"{n:05}.log"
        append(path, b"%05d second\n" % n)
        path.rename(f"{path}.1")
        path.write_bytes(b"%05d third\n" % n)
        wanted += [b"%05d second" % n, b"%05d third" % n]
    lines = reader.settle(3, 4096)
    assert sorted(lines) == sorted(wanted)
    order = {}
    for _, line in reader.lines:
        order.setdefault(line[:5], []).append(line[6:])
    assert order[b"00000"] == [b"first", b"second", b"third"]
    assert descriptors() <= before + LIMIT // 2
    assert reader.gaps == []


def test_idle_files_cost_a_bounded_number_of_looks(
    reading: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reading(filled(tmp_path, SOME) / "*.log")
    while len(reader.lines) < SOME:
        reader.clock.seconds += 0.05
        reader.poll(4096)
    reader.settle(12, 4096)  # nothing grew lately
    reader.source._scan_at = float("inf")  # a scan looks at all of them, and comes every 15 s at most
    calls = 0
    lseek, fstat, stat = os.lseek, os.fstat, os.stat

    def counting(call):
        def counted(*args, **kwargs):
            nonlocal calls
            calls += 1
            return call(*args, **kwargs)

        return counted

    for name, call in (("lseek", lseek), ("fstat", fstat), ("stat", stat)):
        monkeypatch.setattr(os, name, counting(call))
    sweeps = 100
    for _ in range(sweeps):
        reader.clock.seconds += 0.04
        assert reader.poll(4096) is None
    monkeypatch.undo()
    assert calls <= sweeps * IDLE_LOOKS * 1.1


def test_a_restart_with_thousands_of_saved_positions_reads_nothing_twice(reading: type, tmp_path: Path) -> None:
    reader = reading(filled(tmp_path, SOME) / "*.log")
    while len(reader.lines) < SOME:
        reader.clock.seconds += 0.05
        reader.poll(4096)
    reader.source.close()
    for n in range(0, SOME, 10):
        path = tmp_path / f"{n:05}.log"
        append(path, b"while down\n")
        path.rename(f"{path}.1")
        path.touch()
    reader.start()
    assert reader.settle(3, 4096) == [b"while down"] * (SOME // 10)
    assert reader.gaps == []
