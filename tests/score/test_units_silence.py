"""Silence of a source: judged when it ends, and while it lasts once for each octave."""

from __future__ import annotations

import numpy as np

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities

T0 = 1_600_000_000 * SECOND


class Talk:
    """One source that speaks after given gaps in seconds."""

    def __init__(self) -> None:
        self.table = KeyTable(Units.COLUMNS, 100)
        self.units = Units(self.table, ("rare",), odd_have_entities)
        self.now, self.number = T0, 0

    def __call__(self, gaps: np.ndarray | list[float]) -> UnitBatch:
        time = self.now + np.cumsum(np.array(gaps) * SECOND).astype(np.int64)
        self.now = int(time[-1])
        n = len(time)
        batch = events([0] * n, [None] * n, time, [1] * n)
        batch.first, self.number = self.number, self.number + n
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        units = self.units.build(batch, np.zeros((n, 1), np.float32))
        self.units.learn()
        return units

    def tick(self, seconds: float) -> UnitBatch:
        """The clock, `seconds` after the last event."""
        watermark = np.array([self.now - 5 * SECOND + int(seconds * SECOND)])
        return self.units.tick(np.array([0], np.int32), watermark, self.number - 1)


def silences(units: UnitBatch) -> list[float]:
    return units.nats[units.kind == Kind.SILENCE, -1].tolist()


def busy() -> Talk:
    talk, rng = Talk(), np.random.default_rng(0)
    for _ in range(20):
        talk(rng.exponential(1.0, 200))
    return talk


def test_usual_gaps_bring_no_units() -> None:
    assert len(silences(busy()(np.random.default_rng(1).exponential(1.0, 200)))) <= 3


def test_a_long_gap_is_judged_at_the_event_that_ends_it_the_longer_the_worse() -> None:
    nats = []
    for gap in (15.0, 60.0, 600.0, 6000.0):
        units = busy()([1.0, gap, 1.0])
        (row,) = np.flatnonzero(units.kind == Kind.SILENCE)
        assert units.row[row] == 1
        assert units.final[row]
        assert units.slot[row] == -1
        assert units.last[row] - units.first[row] == gap * SECOND
        nats.append(float(units.nats[row, -1]))
    assert nats == sorted(nats)
    assert nats[0] > 6
    assert nats[3] > 15


def test_a_young_source_has_no_opinion() -> None:
    talk = Talk()
    talk([1.0] * 30)
    assert silences(talk([5000.0])) == []


def test_while_it_lasts_a_silence_is_said_once_for_each_octave() -> None:
    talk = busy()
    said = [silences(talk.tick(seconds)) for seconds in (2, 30, 31, 40, 70, 71, 150)]
    assert [len(nats) for nats in said] == [0, 1, 0, 1, 1, 0, 1]
    assert said[6][0] > said[4][0] > said[1][0] > 5
    units = talk([200.0])
    assert len(silences(units)) == 1
    assert len(silences(talk.tick(30))) == 1  # the next silence is said anew


def test_nats_grow_with_the_length_inside_an_octave_too() -> None:
    def nats(gap: float) -> float:
        (value,) = silences(busy()([gap]))
        return value

    values = [nats(gap) for gap in np.geomspace(15, 3000, 25)]
    assert (np.diff(values) > 0).all()


def test_a_source_that_often_pauses_may_pause() -> None:
    talk = Talk()
    for _ in range(100):
        talk([0.1] * 15 + [600.0])
    assert silences(talk([600.0])) == []
    assert silences(talk([86400.0]))[0] > 5
