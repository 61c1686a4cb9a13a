"""Windows: rates that are too high or too low, and diffuse surprise."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import NO_TIME, Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities

MINUTE = 60 * SECOND
T0 = 26_666_667 * MINUTE


class Minutes:
    """Feeds whole minutes of one source: `count` events spread over each, with the same nats."""

    def __init__(self, source: int = 0) -> None:
        self.table = KeyTable(Units.COLUMNS, 100)
        self.units = Units(self.table, ("rare", "lstm"), odd_have_entities)
        self.source, self.minute, self.number = source, 0, 0

    def __call__(self, count: int, nats: float = 1.0) -> UnitBatch:
        time = T0 + self.minute * MINUTE + 5 * SECOND + np.arange(count) * (MINUTE // count)
        self.minute += 1
        batch = events([self.source] * count, [None] * count, time, [1] * count)
        batch.first, self.number = self.number, self.number + count
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        units = self.units.build(batch, np.full((count, 2), nats, np.float32))
        self.units.learn()
        return units


def windows(units: UnitBatch) -> np.ndarray:
    return np.flatnonzero(units.kind == Kind.WINDOW)


def rate(minutes: Minutes, count: int) -> float:
    minutes(count)
    units = minutes(100)
    (window,) = windows(units)
    return float(units.nats[window, units.detectors.index("rate")])


def steady(source: int = 0) -> Minutes:
    minutes, rng = Minutes(source), np.random.default_rng(0)
    for count in rng.poisson(100, 60):
        minutes(int(count))
    return minutes


def test_a_window_is_judged_once_by_the_event_that_closes_it() -> None:
    minutes = Minutes()
    assert len(windows(minutes(30))) == 0
    units = minutes(20)
    (window,) = windows(units)
    assert units.row[window] == 0
    assert units.final[window]
    assert units.slot[window] == -1
    assert units.first[window] == T0 + 5 * SECOND
    assert units.last[window] == T0 + MINUTE
    assert np.isnan(units.nats[window, units.detectors.index("rate")])  # too young


def test_floods_and_droughts_are_surprising_and_usual_counts_are_not() -> None:
    assert rate(steady(), 100) < 1
    assert rate(steady(), 115) < 3
    assert rate(steady(), 300) > 8
    assert rate(steady(), 20) > 8
    assert rate(steady(), 1000) > rate(steady(), 300)


def test_one_flood_does_not_widen_the_normal() -> None:
    minutes = steady()
    minutes(5000)
    minutes(100)
    assert rate(minutes, 300) > 6


def test_a_new_level_becomes_normal() -> None:
    minutes = steady()
    first = rate(minutes, 200)
    for _ in range(300):
        minutes(200)
    assert rate(minutes, 200) < first / 3


def test_event_detectors_of_a_window_are_shrunken_means() -> None:
    minutes = Minutes()
    minutes(40, nats=3.0)
    units = minutes(10)
    (window,) = windows(units)
    assert units.nats[window, 0] == pytest.approx(3.0 * 40 / 48, rel=1e-4)


def test_windows_of_sources_with_entities_have_a_rate_only() -> None:
    minutes = steady(source=1)
    units = minutes(100)
    (window,) = windows(units)
    assert np.isnan(units.nats[window, :3]).all()
    assert np.isfinite(units.nats[window, 3])


def test_a_tick_closes_the_window_of_an_idle_source() -> None:
    minutes = steady()
    late = np.array([T0 + 62 * MINUTE])
    units = minutes.units.tick(np.array([0], np.int32), late, minutes.number - 1)
    assert len(windows(units)) == 1
    assert len(windows(minutes.units.tick(np.array([0], np.int32), late + MINUTE, minutes.number - 1))) == 0


def test_a_source_without_any_time_has_no_windows() -> None:
    minutes = Minutes()
    batch = events([0] * 3, [None] * 3, [T0] * 3, [1] * 3)
    batch.time[:], batch.watermark[:] = NO_TIME, NO_TIME
    batch.slot = minutes.table.assign(batch.source, batch.stream, batch.entity)
    units = minutes.units.build(batch, np.ones((3, 2), np.float32))
    assert units.kind.tolist() == [Kind.EVENT] * 3
