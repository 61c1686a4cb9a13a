"""Rotated files that are being packed, or handed on to the next name, while the reader looks."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest


def lines(begin: int, end: int) -> bytes:
    return b"".join(b"line %05d\n" % n for n in range(begin, end))


def numbers(reader: object) -> list[int]:
    return [int(line.split()[1]) for _, line in reader.lines]


def rotate(log: Path, fresh: bytes) -> None:
    """As logrotate does it with `create` and `compress`: older files move on, this one is packed, another begins."""
    for n in (4, 3, 2, 1):
        old = log.with_name(f"app.log.{n}.gz")
        if old.exists():
            old.rename(log.with_name(f"app.log.{n + 1}.gz"))
    plain = log.with_name("app.log.1")
    log.rename(plain)
    log.write_bytes(fresh)
    finish_packing(plain, begin_packing(plain, 1.0))


def begin_packing(plain: Path, share: float) -> Path:
    """A packed file that holds so much of its packed bytes."""
    data = gzip.compress(plain.read_bytes())
    packed = plain.with_name(plain.name + ".gz")
    packed.write_bytes(data[: round(share * len(data))])
    return packed


def finish_packing(plain: Path, packed: Path) -> None:
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    os.utime(packed, ns=(plain.stat().st_mtime_ns,) * 2)
    plain.unlink()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 1])
@pytest.mark.parametrize("aged", [-1, 0, 1])
@pytest.mark.parametrize("looks", [0.1, 1.2, 8])
def test_a_file_that_came_and_went_is_read_once_while_it_is_packed(
    reading: type, log: Path, share: float, aged: int, looks: float
) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(str(log) + "*", compressed=True)
    reader.settle()
    rotate(log, lines(500, 9000))
    plain = log.with_name("app.log.1")
    log.rename(plain)
    packed = begin_packing(plain, share)
    os.utime(packed, ns=(plain.stat().st_mtime_ns + aged * 10**9,) * 2)
    log.write_bytes(lines(9000, 9100))
    reader.settle(1.0 + looks)
    finish_packing(plain, packed)
    reader.settle(10)
    reader.restart()
    reader.settle(10)
    assert numbers(reader) == list(range(9100))
    assert reader.gaps == []


@pytest.mark.parametrize("moment", range(1, 12))
@pytest.mark.parametrize("turns", [1, 2])
def test_files_that_move_on_during_a_scan_are_read_once(reading: type, log: Path, moment: int, turns: int) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(str(log) + "*", compressed=True, rotate_wait=1)
    reader.settle()
    rotate(log, lines(500, 1000))
    rotate(log, lines(1000, 1500))

    def meanwhile() -> None:
        for turn in range(turns):
            rotate(log, lines(1500 + 500 * turn, 2000 + 500 * turn))

    reader.clock.seconds += 1.0
    reader.clock.after, reader.clock.meanwhile = moment, meanwhile
    reader.settle(10)
    assert numbers(reader) == list(range(1500 + 500 * turns))
    assert reader.gaps == []


@pytest.mark.parametrize("moment", range(1, 12))
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_packing_that_ends_during_a_scan_changes_no_order(
    reading: type, log: Path, moment: int, share: float
) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(str(log) + "*", compressed=True, rotate_wait=1)
    reader.settle()
    rotate(log, lines(500, 1000))
    rotate(log, lines(1000, 9000))
    log.with_name("app.log.1.gz").rename(log.with_name("app.log.2.gz"))
    plain = log.with_name("app.log.1")
    log.rename(plain)
    log.write_bytes(lines(9000, 9500))
    packed = begin_packing(plain, share)
    reader.clock.seconds += 1.0
    reader.clock.after, reader.clock.meanwhile = moment, lambda: finish_packing(plain, packed)
    reader.settle(10)
    assert numbers(reader) == list(range(9500))
    assert reader.gaps == []


@pytest.mark.parametrize("moment", range(1, 4))
def test_files_that_move_on_while_they_are_opened_one_by_one_change_no_order(
    reading: type, log: Path, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(lines(0, 500))
    reader = reading(str(log) + "*", compressed=True, rotate_wait=1)
    reader.settle()
    for at in (500, 1000):
        rotate(log, lines(at, at + 500))
    opened, calls = os.open, 0

    def happens(path: str, flags: int) -> int:
        nonlocal calls
        fd = opened(path, flags)
        if os.path.basename(path).startswith("app.log."):
            calls += 1
            if calls == moment:
                rotate(log, lines(1500, 2000))
        return fd

    monkeypatch.setattr(os, "open", happens)
    reader.settle(10)
    assert calls >= moment
    assert numbers(reader) == list(range(2000))
    assert reader.gaps == []
