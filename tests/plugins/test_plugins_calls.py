"""A plugin that hangs, eats memory, exits or writes to its input is given up, and the loop goes on."""

from __future__ import annotations

import gc
import itertools
import math
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from logwatch.api import Component, PluginConfig
from logwatch.plugins.calls import Caller, GivenUp
from logwatch.plugins.guard import COOL_DOWN_S, FAILURES
from logwatch.plugins.guarded import NATS_MOST, guarded
from logwatch.testing import ManualClock, sample_alert, sample_steps
from logwatch.types import EventBatch, Float32

EVENTS = sample_steps(10).batch(0, 10, np.zeros(10, np.int32))
MEMORY = 64 * 2**20
NUMBERS = itertools.count()


class Rule:
    """A detector that does with each batch what it is told."""

    name = "rule"

    def __init__(self) -> None:
        self.act: Callable[[EventBatch], Any] = lambda events: np.ones(len(events), np.float32)
        self.calls = 0
        self.kept: list[bytearray] = []

    def score(self, events: EventBatch) -> Float32:
        self.calls += 1
        return self.act(events)

    def learn(self, chunk: EventBatch, nats: Float32) -> None: ...

    def changes(self) -> list[tuple[str, bytes | None]]:
        return []

    def restore(self, cells: Mapping[str, bytes]) -> None: ...


class Rig:
    def __init__(self, deadline: float = 0.2) -> None:
        self.clock, self.trips, self.inner = ManualClock(), list[Any](), Rule()
        self.name = f"rule-{next(NUMBERS)}"
        component = Component("detector", self.name, (1, 0), PluginConfig, Rule)
        self.detector = guarded(component, self.inner, self._on_trip, self.clock.monotonic, deadline, MEMORY)

    def _on_trip(self, *trip: Any) -> None:
        self.trips.append(trip)

    def ended(self) -> bool:
        """Whether no thread of its own is left."""
        gc.collect()
        return f'plugin detector "{self.name}"' not in [thread.name for thread in threading.enumerate()]

    def opinion(self) -> bool:
        """Whether it has one."""
        return not bool(np.isnan(self.detector.score(EVENTS)).any())


def spin(events: EventBatch) -> None:
    while True:
        pass


def spin_and_swallow(events: EventBatch) -> None:
    while True:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001, S110  # what careless plugins do
            pass


@pytest.mark.parametrize("hang", [spin, spin_and_swallow], ids=["spins", "swallows"])
def test_one_that_runs_for_ever_is_interrupted_and_switched_off_at_once(hang: Any) -> None:
    rig = Rig()
    rig.inner.act = hang
    assert not rig.opinion()
    assert [(name, seconds) for name, _, seconds in rig.trips] == [(f'detector "{rig.name}"', COOL_DOWN_S)]
    assert "did not return within 0.2 s" in rig.trips[0][1]
    assert not rig.opinion()
    assert rig.inner.calls == 1, "it was asked while it was switched off"
    wait_for(rig.ended, "the interrupted call still runs")
    rig.inner.act = lambda events: np.ones(len(events), np.float32)
    rig.clock.advance(COOL_DOWN_S)
    assert rig.opinion()


def test_one_that_catches_its_interruption_is_interrupted_again() -> None:
    rig = Rig()

    def step() -> None: ...

    def stubborn(events: EventBatch) -> None:
        while True:
            try:
                step()
            except BaseException:  # noqa: BLE001, S110  # what careless plugins do
                pass

    rig.inner.act = stubborn
    assert not rig.opinion()

    def ended_while_it_is_asked_for_more() -> bool:
        assert not rig.opinion()
        return rig.ended()

    wait_for(ended_while_it_is_asked_for_more, "it still runs")
    assert rig.inner.calls == 1


def test_one_that_waits_for_ever_stays_off_until_it_wakes() -> None:
    rig, wake = Rig(), threading.Event()
    rig.inner.act = lambda events: wake.wait(60)
    assert not rig.opinion()
    rig.inner.act = lambda events: np.ones(len(events), np.float32)
    rig.clock.advance(COOL_DOWN_S)
    assert not rig.opinion(), "two calls of one component at the same time"
    assert rig.inner.calls == 1
    wake.set()
    rig.clock.advance(2 * COOL_DOWN_S)
    assert rig.opinion()


def test_one_that_takes_too_much_memory_is_let_go_for_good() -> None:
    rig = Rig(deadline=60)
    rig.inner.act = lambda events: eat(rig.inner) or np.zeros(len(events), np.float32)
    for _ in range(40):
        rig.detector.score(EVENTS)
    calls = rig.inner.calls
    assert 3 <= calls < 30
    assert [seconds for _, _, seconds in rig.trips] == [math.inf]
    assert "64 MiB of memory" in rig.trips[0][1]
    gone = weakref.ref(rig.inner)
    rig.inner = Rule()
    gc.collect()
    assert gone() is None, "its memory is still held"
    rig.clock.advance(1e9)
    assert not rig.opinion()
    assert list(rig.detector.changes()) == []


def eat(rule: Rule) -> None:
    rule.kept.append(bytearray(b"x" * 2**23))


def test_one_call_that_eats_without_end_is_stopped() -> None:
    rig = Rig(deadline=60)

    def greedy(events: EventBatch) -> None:
        while True:
            eat(rig.inner)
            time.sleep(0.005)

    rig.inner.act = greedy
    assert not rig.opinion()
    assert "memory" in rig.trips[0][1]
    wait_for(rig.ended, "it still eats")
    assert sum(map(len, rig.inner.kept)) < 20 * MEMORY


def test_what_is_called_at_the_start_may_take_longer() -> None:
    rig = Rig(deadline=0.1)
    restored: list[str] = []

    def restore(cells: Mapping[str, bytes]) -> None:
        time.sleep(0.4)
        restored.extend(cells)

    rig.inner.restore = restore
    rig.detector.restore({"all": b""})
    assert restored == ["all"]
    assert not rig.trips


def test_what_it_frees_again_does_not_count() -> None:
    rig = Rig(deadline=60)
    rig.inner.act = lambda events: np.zeros(len(bytearray(b"x" * 2**25)) and len(events), np.float32)
    for _ in range(40):
        assert rig.opinion()


def test_one_that_calls_exit_has_failed_and_nothing_ends() -> None:
    rig = Rig()
    rig.inner.act = lambda events: sys.exit(3)
    for _ in range(FAILURES):
        assert not rig.opinion()
    assert "SystemExit" in rig.trips[0][1]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (np.full(10, 3e38, np.float32), NATS_MOST),
        (np.full(10, 1e300), NATS_MOST),
        ([10**18] * 10, NATS_MOST),
        (np.full(10, 20.5), 20.5),
        (np.ones(10, np.bool_), 1.0),
        (np.full(10, -1.0), None),
        (np.full(10, np.inf), None),
        (np.full(10, -np.inf, np.float32), None),
        (np.full(10, 1j), None),
        (["3.5"] * 10, None),
        (np.ones((10, 1)), None),
        (1.0, None),
        (None, None),
    ],
)
def test_nats_are_bounded_and_nonsense_is_no_opinion(said: Any, heard: float | None) -> None:
    rig = Rig()
    rig.inner.act = lambda events: said
    nats = rig.detector.score(EVENTS)
    assert nats.dtype == np.float32
    assert np.array_equal(nats, np.full(10, np.nan if heard is None else heard, np.float32), equal_nan=True)


def test_no_opinion_on_some_events_is_left_as_it_is() -> None:
    rig = Rig()
    rig.inner.act = lambda events: np.where(np.arange(10) % 2, np.nan, 1e9)
    assert np.array_equal(
        rig.detector.score(EVENTS), np.tile(np.array([NATS_MOST, np.nan], np.float32), 5), equal_nan=True
    )


def test_what_it_is_given_cannot_be_changed() -> None:
    rig = Rig()
    before = EVENTS.time.copy()

    def vandal(events: EventBatch) -> Float32:
        events.text = []
        events.time[:] = 0
        return np.zeros(10, np.float32)

    rig.inner.act = vandal
    assert not rig.opinion()
    assert np.array_equal(EVENTS.time, before)
    assert len(EVENTS.text) == 10
    assert EVENTS.time.flags.writeable


def test_all_calls_come_from_one_thread_that_ends_with_its_component() -> None:
    rig = Rig()
    seen: set[int] = set()
    rig.inner.act = lambda events: seen.add(threading.get_ident()) or np.zeros(len(events), np.float32)
    for _ in range(5):
        rig.detector.score(EVENTS)
    assert len(seen) == 1
    assert threading.get_ident() not in seen
    del rig.detector
    gc.collect()
    wait_for(rig.ended, "the thread is left over")


def test_sinks_may_take_their_time() -> None:
    class Slow:
        def deliver(self, alerts: list[Any]) -> None:
            time.sleep(0.3)

        def close(self) -> None: ...

    component = Component("sink", "slow", (1, 0), PluginConfig, Slow)
    guarded(component, Slow(), deadline=0.05).deliver([sample_alert()])


def test_what_the_method_raises_and_returns_comes_back() -> None:
    caller = Caller("mine", deadline=5)
    assert caller.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        caller.call(divmod, 1, 0)
    with pytest.raises(GivenUp, match=r"mine did not return within 0\.1 s"):
        Caller("mine", deadline=0.1).call(time.sleep, 0.4)


def wait_for(holds: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.01)
