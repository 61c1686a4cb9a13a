"""Windows: counts that are too high or too low, and what surprised in them, once for each template."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np
import pytest

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.score.windows import COMPANY, ERROR, USUAL
from logwatch.types import NO_TIME, Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities

WINDOW = 10 * SECOND
T0 = 160_000_000 * WINDOW
LSTM, NEW, RARE = range(3)
DULL = (1.0, 0.0, 0.5)
"""Nats of lstm, new, rare that are nothing special."""


class Spans:
    """Feeds whole windows of one source: events spread over each; what each call returns closes the one before."""

    def __init__(self, source: int = 0) -> None:
        self.table = KeyTable(Units.COLUMNS, 100)
        self.units = Units(self.table, ("lstm", "new", "rare"), odd_have_entities)
        self.source, self.number, self.events = source, 0, 0

    def __call__(
        self, nats: Any, template: Any = 1, level: Any = 3, flagged: Set[tuple[int, int]] = frozenset()
    ) -> UnitBatch:
        """One window of events with nats [n, 3], templates [n] and levels [n]."""
        nats = np.asarray(nats, dtype=np.float32)
        count = len(nats)
        time = T0 + self.number * WINDOW + 5 * SECOND + np.arange(count) * (WINDOW // count)
        self.number += 1
        batch = events([self.source] * count, [None] * count, time, np.broadcast_to(template, count))
        batch.level[:] = level
        batch.first, self.events = self.events, self.events + count
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        units = self.units.build(batch, nats)
        self.units.learn(flagged)
        return units

    def many(self, count: int, errors: int = 0, odd: int = 0) -> UnitBatch:
        """One window of events of one template, some of them errors, some of them odd."""
        nats = np.tile(np.array(DULL, dtype=np.float32), (count, 1))
        nats[:odd, RARE] = USUAL["rare"] + 0.5
        return self(nats, level=np.where(np.arange(count) < errors, ERROR, 3))

    def close(self, flagged: Set[tuple[int, int]] = frozenset()) -> np.ndarray:
        """Nats of the window fed last."""
        units = self([DULL] * 10, flagged=flagged)
        (window,) = windows(units)
        return np.asarray(units.nats[window])

    @property
    def end(self) -> int:
        """End of the window fed last."""
        return T0 + self.number * WINDOW


def windows(units: UnitBatch) -> np.ndarray:
    return np.flatnonzero(units.kind == Kind.WINDOW)


def rate(spans: Spans, count: int, errors: int = 0, odd: int = 0) -> float:
    spans.many(count, errors, odd)
    return float(spans.close()[-2])


def steady(source: int = 0, errors: int = 0, odd: int = 0) -> Spans:
    """60 windows of about 100 events, of which about so many are errors and odd."""
    spans, rng = Spans(source), np.random.default_rng(0)
    for count in rng.poisson(100, 60):
        spans.many(int(count), int(rng.poisson(errors)), int(rng.poisson(odd)))
    return spans


def rare(*templates: int, nats: float = 4.5) -> tuple[list[list[float]], list[int]]:
    """One event of each template, surprising by 2 nats more than usual."""
    return [[np.nan, np.nan, nats]] * len(templates), list(templates)


def test_a_window_is_ten_seconds_and_judged_once_by_the_event_that_closes_it() -> None:
    spans = Spans()
    assert len(windows(spans.many(30))) == 0
    units = spans.many(20)
    (window,) = windows(units)
    assert units.row[window] == 0
    assert units.final[window]
    assert units.slot[window] == -1
    assert units.first[window] == T0 + 5 * SECOND
    assert units.last[window] == T0 + 10 * SECOND
    assert np.isnan(units.nats[window, units.detectors.index("rate")])  # too young


def test_what_is_said_of_visits_alone_is_not_said_of_windows() -> None:
    feed = Spans()
    for _ in range(20):
        feed([DULL] * 10)
    window = feed.close()
    assert feed.units.detectors[3:5] == ("course", "set")
    assert np.isnan(window[3:5]).all()
    assert not np.isnan(window[:3]).any()


def test_floods_and_droughts_are_surprising_and_usual_counts_are_not() -> None:
    assert rate(steady(), 100) < 1
    assert rate(steady(), 115) < 3
    assert rate(steady(), 300) > 8
    assert rate(steady(), 20) > 8
    assert rate(steady(), 1000) > rate(steady(), 300)


def test_many_errors_among_as_many_events_as_ever_are_a_matter_of_rate() -> None:
    usual = rate(steady(errors=5), 100, errors=5)
    assert usual < 1
    assert rate(steady(errors=5), 100, errors=50) > 8
    assert rate(steady(errors=5), 100, errors=80) > rate(steady(errors=5), 100, errors=50)


def test_many_odd_events_among_as_many_events_as_ever_are_a_matter_of_rate() -> None:
    usual = rate(steady(odd=5), 100, odd=5)
    assert usual < 1
    assert rate(steady(odd=5), 100, odd=50) > 8


def test_fewer_errors_and_fewer_odd_events_than_usual_are_no_news() -> None:
    assert rate(steady(errors=50, odd=50), 100, errors=50, odd=50) == rate(steady(errors=50, odd=50), 100)
    assert rate(steady(errors=50, odd=50), 100) < 1


def test_the_rate_is_the_largest_of_the_three_counts() -> None:
    flood, errors = rate(steady(), 300), rate(steady(), 100, errors=30)
    assert rate(steady(), 300, errors=30) == max(flood, errors)
    assert rate(steady(), 300, errors=90) == rate(steady(), 100, errors=90)


def test_the_usual_count_is_told_once_it_is_known() -> None:
    young = Spans()
    young.many(100)
    assert young.units.usual(0) is None
    usual = steady().units.usual(0)
    assert usual is not None
    low, mean, high = usual
    assert 70 < low < 90 < mean < 110 < high < 130
    assert rate(steady(), int(high)) < rate(steady(), int(2 * high))


def test_one_flood_does_not_widen_the_normal() -> None:
    spans = steady()
    spans.many(5000)
    spans.many(100)
    assert rate(spans, 300) > 6


def test_a_new_level_becomes_normal() -> None:
    spans = steady()
    first = rate(spans, 200)
    for _ in range(300):
        spans.many(200)
    assert rate(spans, 200) < first / 3


@pytest.mark.parametrize("source", [0, 1])
def test_a_window_adds_up_what_exceeds_the_usual_once_for_each_template(source: int) -> None:
    spans = Spans(source)
    spans([[7.0, 2.0, 3.0]] * 40 + [[1.0, 0.0, 3.5]] * 40 + [DULL] * 20, [1] * 40 + [2] * 40 + [3] * 20)
    assert spans.close()[:3].tolist() == pytest.approx([7 - 5, 2, (3 - 2.5) + (3.5 - 2.5)], abs=1e-5)


def test_a_template_counts_by_its_first_event_that_surprises() -> None:
    spans = Spans()
    spans([DULL, [np.nan, np.nan, 3.0], [np.nan, np.nan, 6.0], [np.nan, 9.0, 6.0]])
    assert spans.close()[:3].tolist() == [0.0, 0.0, 0.5]


def test_a_window_without_surprise_is_worth_nothing_yet_judged() -> None:
    spans = Spans()
    spans.many(40)
    assert spans.close()[:3].tolist() == [0.0, 0.0, 0.0]


def test_templates_that_surprised_before_the_batch_do_not_count_again() -> None:
    """Two batches of one window give what one batch gives."""
    spans = Spans()
    time = T0 + 5 * SECOND + np.arange(6) * SECOND
    batch = events([0] * 6, [None] * 6, time, [1, 2, 1, 2, 1, 3])
    batch.slot = spans.table.assign(batch.source, batch.stream, batch.entity)
    nats = np.tile(np.array([np.nan, np.nan, 3.5], dtype=np.float32), (6, 1))
    for part in (slice(0, 3), slice(3, 6)):
        spans.units.build(batch.take(part), nats[part])
    spans.number, spans.events = 1, 6
    assert spans.close()[RARE] == 3.0


def test_the_network_is_believed_as_far_as_it_can_know_a_template() -> None:
    spans = Spans()
    spans([[20.0, np.nan, 1.0]])
    assert spans.close()[LSTM] == pytest.approx(1 + 7 - 5)
    spans([[20.0, np.nan, 6.0]])  # too rare to be learned
    assert spans.close()[LSTM] == pytest.approx(6 - 5)
    spans([[20.0, 9.0, 4.0]])
    assert spans.close()[LSTM] == pytest.approx(9 - 5)


def test_templates_that_came_together_before_explain_each_other() -> None:
    spans = Spans()
    spans(*rare(1, 2, 3, 4))
    assert spans.close()[RARE] == 8.0
    spans(*rare(1, 2, 3, 4))
    assert spans.close()[RARE] == 2.0  # one stands for the rest
    spans(*rare(1, 2, 7, 8))
    assert spans.close()[RARE] == 6.0
    spans(*rare(1, 9))
    assert spans.close()[RARE] == 4.0  # a template that came before explains itself, no other
    spans(*rare(1))
    assert spans.close()[RARE] == 2.0


def test_templates_that_came_apart_explain_nothing() -> None:
    spans = Spans()
    for template in (1, 2, 3):
        spans(*rare(template))
        spans.close()
    spans(*rare(1, 2, 3))
    assert spans.close()[RARE] == 6.0


def test_company_in_a_window_that_alerted_explains_nothing() -> None:
    spans = Spans()
    for _ in range(3):
        spans(*rare(1, 2, 3))
        assert spans.close(flagged={(0, spans.end)})[RARE] == 6.0
    spans(*rare(1, 2, 3))
    assert spans.close(flagged={(0, spans.end - WINDOW), (1, spans.end)})[RARE] == 6.0  # other windows alerted
    spans(*rare(1, 2, 3))
    assert spans.close()[RARE] == 2.0


def test_company_is_learned_at_the_ends_of_chunks_only() -> None:
    spans = Spans()
    nats, templates = rare(1, 2)
    time = T0 + 5 * SECOND + np.array([0, 1, 10, 11, 20]) * SECOND
    batch = events([0] * 5, [None] * 5, time, [*templates, *templates, 9])
    batch.slot = spans.table.assign(batch.source, batch.stream, batch.entity)
    units = spans.units.build(batch, np.array([*nats, *nats, DULL], dtype=np.float32))
    assert units.nats[windows(units), RARE].tolist() == [4.0, 4.0]


def test_company_is_forgotten_after_some_other_company() -> None:
    spans = Spans()
    spans(*rare(1, 2, 3))
    for i in range(COMPANY - 1):
        spans(*rare(10 + 3 * i, 11 + 3 * i))
    spans(*rare(1, 2))
    assert spans.close()[RARE] == 2.0
    spans(*rare(100, 101))  # the ring is full: {1, 2, 3} has left it, {1, 2} is among the newest
    for i in range(COMPANY):
        spans(*rare(10 + 3 * i, 11 + 3 * i))
    spans(*rare(1, 2))
    assert spans.close()[RARE] == 4.0


def test_sources_do_not_share_company() -> None:
    spans = Spans()
    spans(*rare(1, 2))
    spans.close()
    spans.source = 2
    spans(*rare(1, 2))
    assert spans.close()[RARE] == 4.0


def test_a_tick_closes_the_window_of_an_idle_source() -> None:
    spans = steady()
    late = np.array([T0 + 62 * WINDOW])
    units = spans.units.tick(np.array([0], np.int32), late, spans.events - 1)
    assert len(windows(units)) == 1
    assert len(windows(spans.units.tick(np.array([0], np.int32), late + WINDOW, spans.events - 1))) == 0


def test_a_source_without_any_time_has_no_windows() -> None:
    spans = Spans()
    batch = events([0] * 3, [None] * 3, [T0] * 3, [1] * 3)
    batch.time[:], batch.watermark[:] = NO_TIME, NO_TIME
    batch.slot = spans.table.assign(batch.source, batch.stream, batch.entity)
    units = spans.units.build(batch, np.ones((3, 3), np.float32))
    assert units.kind.tolist() == [Kind.EVENT] * 3
