"""File systems and clocks that misbehave: a read that fails, a file that went stale, wall time that goes backwards."""

from __future__ import annotations

import os
from pathlib import Path

from tests.sources.disk import append


def test_a_descriptor_that_fails_is_opened_again_where_reading_stopped(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    (entry,) = reader.source._table.live
    folder = os.open(log.parent, os.O_RDONLY)
    os.dup2(folder, entry.file.fd)  # what is read from it now is an error, as from a stale handle
    os.close(folder)
    append(log, b"second\n")
    assert reader.settle(3) == [b"second"]
    assert reader.gaps == []
    assert reader.problems_of(log) == ""


def test_without_holes_to_ask_for_nuls_are_passed_over_all_the_same(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    (entry,) = reader.source._table.live
    assert entry.file.data(10**6) == 10**6  # behind the end: the file system knows of no data there
    with log.open("r+b", buffering=0) as writer:
        os.truncate(log, 0)
        writer.seek(200_000)
        writer.write(b"x\n")
    assert reader.settle() == [b"x"]


def test_wall_time_that_goes_backwards_neither_stops_nor_repeats_anything(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle(1)
    wall = [1_700_000_000 * 10**9]
    reader.clock.now = lambda: wall[0]
    for turn in range(3):
        wall[0] -= 3600 * 10**9
        append(log, b"turn %d\nhalf" % turn)
        assert reader.settle(6)[:1] == [b"turn %d" % turn]
        log.rename(log.with_name(f"app.log.{3 - turn}"))
        os.utime(log.with_name(f"app.log.{3 - turn}"), ns=(wall[0], wall[0]))
        log.write_bytes(b"")
        os.utime(log, ns=(wall[0], wall[0]))
        reader.settle(6)
    whole = [line for (_, line), flag in zip(reader.lines, reader.flags, strict=True) if not flag]
    assert whole == [b"first", b"turn 0", b"turn 1", b"turn 2"]
    assert reader.gaps == []
