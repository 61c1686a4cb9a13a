"""Visits: what a silence of a key brings, sets of templates, closing by the clock and before eviction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import NO_TIME, Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities

T0 = 1_600_000_000 * SECOND
SOURCE = 1  # has entities
SET = -3  # its column


class Judge:
    """Feeds (seconds, entity, template) of one source to `Units`, with given nats."""

    def __init__(self, capacity: int = 1000) -> None:
        self.table = KeyTable(Units.COLUMNS, capacity)
        self.units = Units(self.table, ("rare", "lstm"), odd_have_entities)
        self.number = 0
        self.top = NO_TIME

    def __call__(
        self, rows: list[tuple[float, str | None, int]], nats: Any = 0.0, silence: Any = None, learn: bool = True
    ) -> UnitBatch:
        n = len(rows)
        batch = events(
            [SOURCE] * n, [r[1] for r in rows], [T0 + int(r[0] * SECOND) for r in rows], [r[2] for r in rows]
        )
        batch.watermark = np.maximum(batch.watermark, self.top)
        self.top = int(batch.watermark[-1])
        batch.first, self.number = self.number, self.number + n
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        self.table.touch(batch.slot, batch.first)
        values = np.broadcast_to(np.asarray(nats, np.float32), (n, 2))
        rungs = None if silence is None else np.broadcast_to(np.asarray(silence, np.float32), (n, 4))
        units = self.units.build(batch, values, rungs)
        if learn:
            self.units.learn()
        return units

    def tick(self, seconds: float) -> UnitBatch:
        self.top = T0 + int(seconds * SECOND)
        return self.units.tick(np.array([SOURCE], np.int32), np.array([self.top]), self.number - 1)


def visits(units: UnitBatch, final: bool) -> np.ndarray:
    return np.flatnonzero((units.kind == Kind.VISIT) & (units.final == final))


def test_values_are_the_running_maxima_of_the_visit() -> None:
    judge = Judge()
    nats = [[1, 5], [3, 2], [2, np.nan], [9, 9]]
    units = judge([(0, "a", 1), (1, "a", 1), (2, "a", 1), (2, "b", 1)], nats)
    assert units.detectors == ("rare", "lstm", "course", "set", "rate", "silence")
    assert units.nats[:, :2].tolist() == [[1, 5], [3, 5], [3, 5], [9, 9]]
    assert np.isnan(units.nats[:, 2:]).all()
    assert units.first.tolist() == [T0, T0, T0, T0 + 2 * SECOND]


def test_an_hour_of_silence_closes_a_visit_and_the_key_begins_another() -> None:
    judge = Judge()
    judge([(0, "a", 1)], 7.0)
    units = judge([(3000, "b", 1), (3620, "b", 1), (3700, "a", 1)], 1.0)
    (final,) = visits(units, True)
    assert units.row[final] == 1
    assert units.nats[final, 0] == 7
    assert units.last[final] == T0
    assert units.nats[visits(units, False)[-1], 0] == 1


def test_silence_that_alarms_raises_the_open_visit_at_the_grid_after_its_rung() -> None:
    judge = Judge()
    judge([(0, "a", 1)], 1.0, [0.5, 4.0, 6.0, 8.0])
    units = judge([(10, "b", 1), (60, "b", 1), (70, "b", 1), (80, "b", 1)], 0.0, np.nan)
    raised = [j for j in visits(units, False) if units.first[j] == T0]
    assert [(int(units.row[j]), float(units.nats[j, 1])) for j in raised] == [(2, 4.0)]
    assert units.nats[raised[0], 0] == 1


def test_a_key_that_speaks_in_time_is_not_blamed_for_silence() -> None:
    judge = Judge()
    judge([(0, "a", 1)], 1.0, [5.0, 6.0, 7.0, 8.0])
    units = judge([(9, "a", 1), (300, "b", 1)], 1.0, np.nan)
    assert units.nats[visits(units, False), 1].tolist() == [1, 1]


def test_of_several_silences_passed_at_once_only_the_last_is_said() -> None:
    judge = Judge()
    judge([(0, "a", 1)], 1.0, [2.0, 3.0, 4.0, 5.0])
    units = judge([(700, "b", 1)], 0.0, np.nan)
    assert units.nats[visits(units, False), 1].tolist() == [4, 0]
    units = judge([(90000, "b", 1)], 0.0, np.nan)
    assert sorted(units.nats[visits(units, True), 1].tolist()) == [0, 5]


def test_a_key_that_lags_behind_its_source_keeps_its_visit() -> None:
    judge = Judge()
    judge([(20000, "b", 1)])
    units = judge([(i, "late", 1) for i in range(50)], [[2, 0]] + [[1, 0]] * 49)
    assert (units.nats[visits(units, False), 0] == 2).all()
    assert len(visits(units, True)) == 0


def usual(judge: Judge, count: int) -> float:
    """`count` visits with the set {1, 2}; the time after them."""
    for i in range(0, count, 50):
        judge([(i * 10 + j, f"v{i + j}", t) for j in range(50) for t in (1, 2)])
    return count * 10.0


def test_a_visits_set_is_rare_when_few_recent_visits_had_it() -> None:
    judge = Judge(5000)
    now = usual(judge, 1000)
    judge([(now, "common", 2), (now, "common", 1), (now, "half", 1), (now, "more", 1), (now, "more", 2)])
    judge([(now + 1, "more", 3)])
    units = judge([(now + 3700, "z", 1)])
    named = {judge.table.key(int(units.slot[j]))[1]: float(units.nats[j, SET]) for j in visits(units, True)}
    assert named["common"] < 0.1
    assert named["half"] > 6
    assert named["more"] > 6


def test_a_new_habit_is_learned_before_its_first_visits_close() -> None:
    judge = Judge(5000)
    now = usual(judge, 1000)
    for j in range(100):  # from now on visits look different, for 1,000 s: none has closed yet
        judge([(now + j * 10, f"n{j}", 3)])
    units = judge([(now + 3700, "z", 1)])
    assert units.nats[visits(units, True)[-1], SET] < 4


def test_a_visit_that_goes_on_takes_its_half_way_set_back() -> None:
    judge = Judge(5000)
    for i in range(300):  # each visit pauses for 20 minutes between 1 and 2
        judge([(i * 10, f"v{i}", 1)] + [(i * 10, f"v{i - 120}", 2)] * (i >= 120))
    judge([(3000 + i * 10, f"v{180 + i}", 2) for i in range(120)])
    now = 3000 + 1200
    judge([(now + 700, "stopped", 1)])
    units = judge([(now + 4500, "z", 1)])
    named = {judge.table.key(int(units.slot[j]))[1]: float(units.nats[j, SET]) for j in visits(units, True)}
    assert named["stopped"] > 5
    assert named["v250"] < 0.1


def test_a_tick_closes_visits_of_an_idle_source() -> None:
    judge = Judge()
    judge([(0, "a", 1), (0, None, 1)], 3.0, [1.0, 4.0, 4.5, 5.0])
    first = judge.tick(75)
    assert first.nats[visits(first, False), 1].tolist() == [4.0]
    assert first.row.tolist() == [-1] * len(first)
    assert set(first.at.tolist()) == {1}
    last = judge.tick(4000)
    assert last.nats[visits(last, True), 1].tolist() == [5.0]
    assert len(visits(judge.tick(9000), True)) == 0


def test_visits_are_judged_before_their_keys_are_evicted() -> None:
    judge = Judge(64)
    for i in range(100):
        judge([(i * 0.01, f"e{i}", 1)], float(i))
    slots = judge.table.in_use()[:40]
    units = judge.units.close(slots, 99)
    assert units.final.all()
    assert sorted(units.slot.tolist()) == slots.tolist()
    assert len(judge.units.close(slots, 99)) == 0
    later = judge([(5000, "z", 1)])
    assert len(visits(later, True)) == 60


def test_events_without_an_entity_are_judged_one_by_one() -> None:
    units = Judge()([(0, None, 1), (1, None, 1)], [[5, 5], [1, 1]])
    assert units.kind.tolist() == [Kind.EVENT, Kind.EVENT]
    assert units.nats[:, 0].tolist() == [5, 1]


def test_without_any_time_visits_stay_open_until_they_are_closed() -> None:
    judge = Judge()
    batch = events([SOURCE] * 2, ["a", "a"], [T0, T0], [1, 2])
    batch.time[:], batch.watermark[:] = NO_TIME, NO_TIME
    batch.slot = judge.table.assign(batch.source, batch.stream, batch.entity)
    units = judge.units.build(batch, np.ones((2, 2), np.float32), np.ones((2, 4), np.float32))
    assert units.kind.tolist() == [Kind.VISIT, Kind.VISIT]
    assert len(judge.units.close(judge.table.in_use(), 1)) == 1


def test_a_key_has_room_for_eight_detectors_only() -> None:
    with pytest.raises(ValueError, match="room for 8"):
        Units(KeyTable(Units.COLUMNS), tuple("abcdefghi"), odd_have_entities)
