"""Units against a plain loop over events that does by definition what `Units` does by the batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import EventBatch, Kind
from tests.score.simulated import SECOND, odd_have_entities, stream

DETECTORS = ("rare", "lstm")
GRID = 10 * SECOND
RUNGS = [10 * SECOND, 60 * SECOND, 600 * SECOND, 3600 * SECOND]
WINDOW = 60 * SECOND


class Unit(NamedTuple):
    """What is compared: everything but the units' own detectors."""

    kind: int
    final: bool
    source: int
    at: int
    first: int
    last: int
    start: int
    end: int
    rare: float
    lstm: float


class Loop:
    """One event at a time, all open visits looked at for each."""

    def __init__(self, gap: int) -> None:
        self.gap = gap
        self.visits: dict[tuple[int, str | None], dict[str, Any]] = {}
        self.windows: dict[int, list[int]] = {}
        self.units: list[Unit] = []

    def event(self, e: EventBatch, i: int, nats: Any, silence: Any) -> None:
        source, entity, time, watermark = int(e.source[i]), e.entity[i], int(e.time[i]), int(e.watermark[i])
        place = (time, int(e.start[i]), int(e.end[i]))
        self.window(source, i, watermark, place)
        grid = watermark // GRID * GRID
        due = [(key, visit) for key, visit in self.visits.items() if key[0] == source]
        for key, visit in sorted(due, key=lambda pair: pair[1]["begun"]):
            self.wait(key, visit, i, grid)
        if source % 2 == 0 or entity is None:
            self.units.append(Unit(Kind.EVENT, True, source, i, time, time, place[1], place[2], *map(float, nats)))
        else:
            visit = self.visits.setdefault(
                (source, entity), {"begun": i, "first": time, "start": place[1], "peak": [-1.0, -1.0]}
            )
            visit["peak"] = [max(a, float(b)) for a, b in zip(visit["peak"], nats, strict=True)]
            visit.update(heard=max(time, watermark), end=place[2], pending=silence.tolist())
            self.say(visit, source, i, False, time)

    def window(self, source: int, i: int, watermark: int, place: tuple[int, int, int]) -> None:
        index = watermark // WINDOW
        old = self.windows.get(source)
        if old is not None and old[0] == index:
            old[3] = place[2]
            return
        if old is not None:
            self.units.append(
                Unit(Kind.WINDOW, True, source, i, old[1], (old[0] + 1) * WINDOW, old[2], old[3], -1.0, -1.0)
            )
        self.windows[source] = [index, place[0], place[1], place[2]]

    def wait(self, key: tuple[int, str | None], visit: dict[str, Any], i: int, grid: int) -> None:
        raised = False
        for rung, nats in zip(RUNGS, visit["pending"], strict=True):
            if rung <= self.gap and grid >= visit["heard"] + rung and nats > visit["peak"][1]:
                visit["peak"][1], raised = nats, True
        closes = grid >= visit["heard"] + self.gap
        if closes:
            del self.visits[key]
        if raised or closes:
            self.say(visit, key[0], i, closes, visit["heard"])

    def say(self, visit: dict[str, Any], source: int, i: int, final: bool, last: int) -> None:
        self.units.append(
            Unit(Kind.VISIT, final, source, i, visit["first"], last, visit["start"], visit["end"], *visit["peak"])
        )


def vectorised(whole: EventBatch, nats: Any, silence: Any, gap: int, size: int) -> list[Unit]:
    table = KeyTable(Units.COLUMNS, 1000)
    units = Units(table, DETECTORS, odd_have_entities, gap, WINDOW)
    out = []
    for at in range(0, len(whole), size):
        rows = slice(at, at + size)
        batch = whole.take(rows)
        batch.slot = table.assign(batch.source, batch.stream, batch.entity)
        got = units.build(batch, nats[rows], silence[rows])
        units.learn()
        for j in np.flatnonzero(got.kind != Kind.SILENCE).tolist():
            values = got.nats[j, :2].tolist() if got.kind[j] != Kind.WINDOW else [-1.0, -1.0]
            columns = [got.source[j], got.at[j], got.first[j], got.last[j], got.start[j], got.end[j]]
            out.append(Unit(int(got.kind[j]), bool(got.final[j]), *map(int, columns), *values))
    return out


@pytest.mark.parametrize("gap", [3600 * SECOND, 90 * SECOND])
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([5, 64, 400]), pace=st.sampled_from([0.1, 8.0, 60.0]))
def test_units_are_those_of_a_loop_over_events(gap: int, seed: int, size: int, pace: float) -> None:
    whole = stream(seed, 400, pace=pace)
    rng = np.random.default_rng(seed)
    nats = rng.exponential(2, (400, 2)).astype(np.float32)
    silence = np.cumsum(rng.exponential(2, (400, 4)), axis=1).astype(np.float32)
    loop = Loop(gap)
    for i in range(400):
        loop.event(whole, i, nats[i], silence[i])
    assert vectorised(whole, nats, silence, gap, size) == loop.units
