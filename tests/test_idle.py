"""Idle sources: their watermark follows the time for which nothing was heard, also after a restart."""

from __future__ import annotations

import numpy as np

from logwatch.idle import Idle
from logwatch.testing import ManualClock
from logwatch.types import EventBatch

SECOND = 10**9


def _events(source: int, watermark: int) -> EventBatch:
    one = np.array([source], np.int32)
    time = np.array([watermark], np.int64)
    small = np.zeros(1, np.int8)
    return EventBatch(0, one, one, one, time, time, small, one, time, time, small.astype(np.uint8), [None], [""])


def _heard(idle: Idle, clock: ManualClock, source: int, watermark: int) -> None:
    idle.heard(np.array([source], np.int32), clock.monotonic())
    idle.advance(_events(source, watermark))


def test_only_sources_that_are_silent_for_long_enough_are_moved_by_their_silence() -> None:
    clock = ManualClock()
    idle = Idle(30.0, clock)
    _heard(idle, clock, 0, 100 * SECOND)
    clock.advance(20)
    _heard(idle, clock, 3, 500 * SECOND)
    clock.advance(15)
    source, watermark = idle.due(clock)
    assert source.tolist() == [0]
    assert watermark.tolist() == [135 * SECOND]


def test_a_source_that_fell_silent_before_a_restart_is_listened_to_from_then_on() -> None:
    clock = ManualClock()
    before = Idle(30.0, clock)
    _heard(before, clock, 300, 100 * SECOND)
    cells = {name: cell for name, cell in before.changes() if cell is not None}
    assert list(before.changes()) == []
    clock.advance(3600)
    after = Idle(30.0, clock)
    after.restore(cells)
    assert len(after.due(clock)[0]) == 0
    clock.advance(31)
    source, watermark = after.due(clock)
    assert source.tolist() == [300]
    assert watermark.tolist() == [131 * SECOND]


def test_finished_files_are_never_idle() -> None:
    clock = ManualClock()
    idle = Idle(0.0, clock)
    _heard(idle, clock, 0, SECOND)
    clock.advance(10_000)
    assert len(idle.due(clock)[0]) == 0
