"""Windows: a burst of odd values, none of which says much by itself, is a matter of rate."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.score.windows import STRANGE
from logwatch.types import Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities

WINDOW = 10 * SECOND
EVENTS = 100


class Spans:
    """Feeds windows of 100 events of a source, in so many parts."""

    def __init__(self, parts: int = 1) -> None:
        self.table = KeyTable(Units.COLUMNS, 100)
        self.units = Units(self.table, ("lstm", "new", "rare", "values"), odd_have_entities)
        self.parts, self.number = parts, 0

    def __call__(self, strange: int, nats_each: float = STRANGE) -> list[UnitBatch]:
        nats = np.tile(np.array([1.0, 0.0, 0.5, np.nan], np.float32), (EVENTS, 1))
        nats[:strange, 3] = nats_each
        nats[strange:, 3] = np.where(np.arange(EVENTS - strange) % 2, STRANGE - 0.1, np.nan)
        time = 160_000_000 * WINDOW + self.number * WINDOW + np.arange(EVENTS) * (WINDOW // EVENTS) + 5 * SECOND
        batch = events([0] * EVENTS, [None] * EVENTS, time, np.ones(EVENTS, np.int32))
        batch.first, self.number = self.number * EVENTS, self.number + 1
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        step = EVENTS // self.parts
        cuts = [slice(at, at + step) for at in range(0, EVENTS, step)]
        built = [self.units.build(batch.take(cut), nats[cut]) for cut in cuts]
        self.units.learn()
        return built


def rate(strange: int, parts: int = 1, nats_each: float = STRANGE) -> float:
    """Nats of `rate` in a window with so many odd values, after 60 with about two."""
    spans, rng = Spans(parts), np.random.default_rng(0)
    for count in rng.poisson(2, 60):
        spans(int(count))
    spans(strange, nats_each)
    (units,) = [units for units in spans(2) if (units.kind == Kind.WINDOW).any()]
    return float(units.nats[units.kind == Kind.WINDOW][0, units.detectors.index("rate")])


def test_many_odd_values_among_as_many_events_as_ever_are_a_matter_of_rate() -> None:
    assert rate(3) < 1
    assert rate(30) > 8


def test_values_far_out_count_for_more() -> None:
    assert rate(8, nats_each=STRANGE + 3.5) == rate(32)
    assert rate(8) < rate(8, nats_each=STRANGE + 1.0) < rate(8, nats_each=STRANGE + 3.5)


def test_fewer_odd_values_than_usual_are_no_news() -> None:
    assert rate(0) < 1


@pytest.mark.parametrize("parts", [2, 10])
def test_odd_values_are_counted_over_batches(parts: int) -> None:
    assert rate(20, parts) == rate(20)
