"""When sources that measure read: on their schedule, each target for itself, and never more than may wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.sources import readings
from logwatch.sources.readings import ReadingSource, Schedule, Target
from logwatch.telemetry import DROPPED
from logwatch.testing import ManualClock
from logwatch.types import RecordBatch, Stream

INTERVAL = 0.1

Make = Callable[..., ReadingSource]


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock()


@pytest.fixture
def make(clock: WatchedClock) -> Iterator[Make]:
    made: list[ReadingSource] = []

    def build(*reads: Callable[[int], bytes], once: bool = False) -> ReadingSource:
        targets = [Target(Stream("test", f"t{i}"), read) for i, read in enumerate(reads)]
        source = ReadingSource(targets, INTERVAL, clock, once)
        made.append(source)
        source.open({})
        return source

    yield build
    for source in made:
        source.close()


def missed() -> float:
    return DROPPED.value(reason="missed_reading")


def until(happens: Callable[[], bool]) -> None:
    for _ in range(3000):
        if happens():
            return
        threading.Event().wait(0.005)
    pytest.fail("it did not happen")


def next_batch(source: ReadingSource) -> RecordBatch:
    for _ in range(3000):
        batch = source.poll(100)
        if batch is not None:
            return batch
        source.wait(0.005)
    pytest.fail("nothing was read")


class WatchedClock(ManualClock):
    """Knows who looked at it, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: dict[int, int] = {}

    def now(self) -> int:
        now = super().now()
        who = threading.get_ident()
        self.looks[who] = self.looks.get(who, 0) + 1
        return now

    def until_looked_at(self, targets: int = 1) -> None:
        """Until so many threads wait for their next moment."""
        here = threading.get_ident()
        until(lambda: sum(n >= 2 for who, n in list(self.looks.items()) if who != here) >= targets)


@given(st.integers(0, 2**62), st.floats(0.001, 1e6), st.text(max_size=20))
def test_a_moment_is_the_last_until_now(now: int, interval: float, name: str) -> None:
    schedule = Schedule(interval, name)
    tick = schedule.tick(now)
    assert schedule.time(tick) <= now < schedule.time(tick + 1)
    assert schedule.tick(schedule.time(tick)) == tick
    assert schedule.time(tick) % 1_000_000 == 0  # positions in ms are of the same moment
    assert Schedule(interval, name).time(tick) == schedule.time(tick)


def test_targets_of_one_interval_are_not_read_at_once() -> None:
    first = {Schedule(15.0, f"app-{i}:8080/metrics").time(0) for i in range(50)}
    assert len(first) > 40


def test_readings_stand_at_the_schedule_s_moments(clock: WatchedClock, make: Make) -> None:
    schedule, times = Schedule(INTERVAL, "t0"), []
    source = make(lambda time: times.append(time) or b"x")
    clock.until_looked_at()
    assert source.poll(10) is None  # it began within an interval
    for _ in range(3):
        clock.advance((schedule.time(schedule.tick(clock.now()) + 1) - clock.now()) / 1e9)
        next_batch(source)
    assert [schedule.time(schedule.tick(time)) for time in times] == times


def test_moments_that_pass_unused_are_counted(clock: WatchedClock, make: Make) -> None:
    source, before = make(lambda time: b"x"), missed()
    clock.until_looked_at()
    clock.advance(10 * INTERVAL)
    next_batch(source)
    assert missed() - before == 9
    assert source.poll(10) is None


def test_a_clock_that_is_set_back_stops_nothing(clock: WatchedClock, make: Make) -> None:
    source = make(lambda time: b"x")
    clock.until_looked_at()
    clock.advance(INTERVAL)
    first = next_batch(source)
    clock.set_back(1000)
    second = next_batch(source)
    assert second.start[0] == first.end[-1]


def test_while_too_much_waits_nothing_is_read(clock: WatchedClock, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "HELD_BYTES", 20)
    count: list[int] = []
    source, before = make(lambda time: count.append(time) or b"0123456789"), missed()
    clock.until_looked_at()
    for i in range(1, 6):
        clock.advance(INTERVAL)
        until(lambda i=i: len(count) + missed() - before == i)
    batch = source.poll(10)
    assert batch is not None
    assert batch.lines == [b"0123456789"] * 2
    clock.advance(INTERVAL)
    next_batch(source)


def test_a_target_that_hangs_holds_up_no_other(clock: WatchedClock, make: Make) -> None:
    go, hanging = threading.Event(), threading.Event()

    def hang(time: int) -> bytes:
        hanging.set()
        go.wait(20)
        return b"late"

    source = make(hang, lambda time: b"on time")
    clock.until_looked_at(2)
    clock.advance(INTERVAL)
    assert hanging.wait(20)
    assert next_batch(source).lines == [b"on time"]
    clock.advance(INTERVAL)
    assert next_batch(source).lines == [b"on time"]
    go.set()
    assert b"late" in next_batch(source).lines


def test_an_error_of_a_reading_is_no_silence(make: Make) -> None:
    def broken(time: int) -> bytes:
        raise RuntimeError("broken")

    source = make(broken, once=True)
    until(lambda: all(task.done for task in source._tasks))
    with pytest.raises(RuntimeError, match="broken"):
        source.poll(10)


def test_no_more_is_delivered_than_is_asked_for(make: Make) -> None:
    source = make(*[lambda time: b"x"] * 5, once=True)
    until(lambda: all(task.done for task in source._tasks))
    sizes = [len(batch) for batch in iter(lambda: source.poll(2), None)]
    assert sizes == [2, 2, 1]
    assert source.exhausted()
