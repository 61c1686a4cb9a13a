"""Long visits judged as a whole."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score import units_courses
from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import Float32, Kind, UnitBatch
from tests.score.simulated import SECOND, events, odd_have_entities, run, stream
from tests.score.test_units_invariance import Judged

T0 = 1_600_000_000 * SECOND
LINES, APART = 80, 4000
COURSE, SET = -4, -3


class Visitors:
    """One visit after the other of a source with entities, each `LINES` lines long unless said otherwise."""

    def __init__(self) -> None:
        self.table = KeyTable(Units.COLUMNS, 1000)
        self.units = Units(self.table, ("lstm", "rare"), odd_have_entities)
        self.number = self.visits = 0

    def __call__(self, lstm: Any) -> UnitBatch:
        """The next visit, of so many lines as there are nats; its units, and the final one of the visit before."""
        n, at = len(lstm), T0 + self.visits * APART * SECOND
        batch = events([1] * n, [f"v{self.visits}"] * n, at + np.arange(n) * SECOND, [1] * n)
        batch.first, self.number, self.visits = self.number, self.number + n, self.visits + 1
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        self.table.touch(batch.slot, batch.first)
        units = self.units.build(batch, np.stack([lstm, np.zeros(n)], axis=1).astype(np.float32))
        self.units.learn()
        return units

    def usual(self, count: int, lines: int = LINES) -> None:
        rng = np.random.default_rng(0)
        for _ in range(count):
            self(rng.exponential(0.5, lines))


def courses(units: UnitBatch, final: bool) -> Float32:
    found: Float32 = units.nats[(units.kind == Kind.VISIT) & (units.final == final), COURSE]
    return found


def closing(visitors: Visitors, lstm: Any) -> float:
    """What is said of a visit as it closes."""
    visitors(lstm)
    (course,) = courses(visitors(np.full(LINES, 0.5)), final=True)
    return float(course)


def test_what_is_odd_all_along_is_odder_than_one_odd_line() -> None:
    visitors = Visitors()
    visitors.usual(400)
    usual = closing(visitors, np.random.default_rng(1).exponential(0.5, LINES))
    along = closing(visitors, np.full(LINES, 1.5))
    once = np.random.default_rng(2).exponential(0.5, LINES)
    once[40] = 5.0
    assert along > closing(visitors, once) > 0
    assert along > usual + 1


def test_a_shock_that_nothing_was_like_is_heard_at_once() -> None:
    visitors = Visitors()
    visitors.usual(400)
    shock = np.full(LINES, 0.5)
    shock[10] = 40.0
    said = courses(visitors(shock), final=False)
    assert said[10] > said[9] + 5


def test_where_visits_are_short_peaks_decide_as_ever() -> None:
    visitors = Visitors()
    visitors.usual(300, lines=20)
    visitors.usual(60)
    units = visitors(np.full(LINES, 3.0))
    assert np.isnan(courses(units, final=False)).all()
    assert np.isnan(courses(units, final=True)).all()


def test_short_visits_among_long_ones_have_no_mean() -> None:
    visitors = Visitors()
    visitors.usual(300)
    assert closing(visitors, np.full(20, 3.0)) < closing(visitors, np.full(LINES, 3.0))


def test_the_combined_value_is_the_course() -> None:
    visitors = Visitors()
    visitors.usual(300)
    units = visitors(np.full(LINES, 3.0))
    from logwatch.score.calibration_votes import Votes

    votes = Votes(units.detectors)
    told = ~np.isnan(units.nats[:, COURSE])
    assert told.any()
    np.testing.assert_array_equal(votes.combine(units.nats, units.kind)[told], units.nats[told, COURSE])
    loud = units.nats[-1].copy()
    loud[COURSE] = 60.0
    assert units.detectors[votes.top(loud)] == "course"


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 30, 64]), min_size=1, max_size=4),
    stops=st.frozensets(st.integers(1, 60), max_size=3),
)
def test_any_cut_and_any_restart_gives_the_same_courses(seed: int, sizes: list[int], stops: frozenset[int]) -> None:
    whole = stream(seed, 640, pace=60.0)
    with patch.multiple(units_courses, LONG=2, ENOUGH=4.0, MOSTLY=0.2):
        plain = run(lambda: Judged(True, 120 * SECOND), whole, [64])
        cut = run(lambda: Judged(True, 120 * SECOND), whole, sizes, stops)
    assert cut == plain


def test_the_same_courses_are_some() -> None:
    with patch.multiple(units_courses, LONG=2, ENOUGH=4.0, MOSTLY=0.2):
        plain = run(lambda: Judged(True, 120 * SECOND), stream(0, 640, pace=60.0), [64])
    values = [np.frombuffer(row[-1], np.float32)[COURSE] for row in plain]
    assert not np.isnan(values).all()
