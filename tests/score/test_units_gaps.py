"""Gaps: how long a silence ends a visit follows each source's keys, and no cut or restart shows in the units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.score.units_gaps import CHOICES, KEYS, SPANS, Gaps
from logwatch.types import NO_TIME, EventBatch, Kind, UnitBatch
from tests.score.simulated import CHUNK, SECOND, Part, events, odd_have_entities, run
from tests.score.test_units_invariance import DETECTORS, Judged

HOUR = 3600 * SECOND
T0 = 1_600_000_000 * SECOND
CELLS = np.zeros(10, dtype=np.int64)


def gap(
    pauses: list[int], keys: int = 1000, seconds: float = 6000.0, longest: int = HOUR, early: int = 0, source: int = 1
) -> int:
    """The gap, in seconds, of a source whose keys came evenly over `seconds`, some of which spoke again after a pause.

    Args:
        pauses: seconds, of one key each.
        early: events at the beginning that bear no time.
    """
    gaps = Gaps(longest)
    heard = T0 + np.linspace(0, seconds * SECOND, keys).astype(np.int64)
    heard[:early] = NO_TIME
    again = T0 + np.array(pauses, dtype=np.int64) * SECOND
    gaps.count(np.full(keys, source), heard, np.zeros(keys, dtype=np.int64))
    gaps.count(np.full(len(pauses), source), again, np.full(len(pauses), T0))
    if early:
        gaps.count(np.full(early, source), np.full(early, T0), np.full(early, NO_TIME))
    assert gaps.of(np.array([source])).tolist() == [longest]  # until the chunk's end
    changed = gaps.learn(CELLS)
    (found,) = gaps.of(np.array([source])).tolist()
    assert changed == (found != longest)
    return int(found) // SECOND


def test_keys_that_seldom_speak_again_have_short_visits() -> None:
    assert gap([]) == 60
    assert gap([59] * 500) == 60
    assert gap([61] * 2) == 60  # two of a thousand
    assert gap([61] * 3) == 600
    assert gap([601] * 3) == 3600


def test_a_few_keys_and_a_short_while_prove_nothing() -> None:
    assert gap([], keys=KEYS - 1) == 3600
    assert gap([], seconds=SPANS * 60 - 1) == 3600
    assert gap([61] * 3, seconds=SPANS * 600 - 1) == 3600
    assert gap([], keys=KEYS, seconds=SPANS * 60) == 60


def test_a_gap_only_ever_gets_shorter_than_the_setting() -> None:
    assert gap([], longest=30 * SECOND) == 30
    assert gap([], longest=60 * SECOND) == 60
    assert gap([61] * 3, longest=300 * SECOND) == 300


def test_lines_before_the_first_time_do_not_count() -> None:
    assert gap([], early=5) == 60


def test_sources_have_gaps_of_their_own() -> None:
    gaps = Gaps(HOUR)
    for source, silence in ((1, 59), (3, 601)):
        heard = T0 + np.arange(1000) * 6 * SECOND
        gaps.count(np.full(1000, source), heard, np.zeros(1000, dtype=np.int64))
        gaps.count(np.full(9, source), np.full(9, T0 + silence * SECOND), np.full(9, T0))
    gaps.learn(CELLS)
    assert (gaps.of(np.array([1, 2, 3])) // SECOND).tolist() == [60, 3600, 3600]


def test_a_gap_grows_again_when_keys_come_back_after_it() -> None:
    gaps = Gaps(HOUR)
    gaps.count(np.ones(1000, dtype=np.int64), T0 + np.arange(1000) * SECOND, np.zeros(1000, dtype=np.int64))
    assert gaps.learn(CELLS)
    assert not gaps.learn(CELLS)
    gaps.count(np.ones(3, dtype=np.int64), np.full(3, T0 + 1100 * SECOND), np.full(3, T0))
    assert gaps.learn(CELLS)
    assert gaps.of(np.array([1])).tolist() == [HOUR]


def test_what_is_saved_goes_on_alike() -> None:
    one = Gaps(HOUR)
    one.count(np.ones(1000, dtype=np.int64), T0 + np.arange(1000) * SECOND, np.zeros(1000, dtype=np.int64))
    cells = dict(one.changes())
    other = Gaps(HOUR)
    other.restore({name: cell for name, cell in cells.items() if cell is not None})
    assert one.learn(CELLS + 7)
    assert other.learn(CELLS + 7)
    assert not other.learn(CELLS + 9)
    for number in (0, 1):
        assert one.of(np.array([number])) == other.of(np.array([number]))
        assert one.floor(np.array([number])) == other.floor(np.array([number])) == (8 if number else 0)


class Requests:
    """Feeds keys of source 1 that speak once and never again."""

    def __init__(self) -> None:
        self.table = KeyTable(Units.COLUMNS, 10_000)
        self.units = Units(self.table, ("rare", "lstm"), odd_have_entities)
        self.number = 0

    def __call__(self, seconds: list[float], learn: bool = False) -> UnitBatch:
        n = len(seconds)
        batch = events(
            [1] * n, [f"k{self.number + i}" for i in range(n)], [T0 + int(s * SECOND) for s in seconds], [1] * n
        )
        batch.first, self.number = self.number, self.number + n
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        units = self.units.build(batch, np.ones((n, 2), np.float32))
        if learn:
            self.units.learn()
        return units


def closings(units: UnitBatch) -> Any:
    """(row, seconds of the visit's event) of the visits that close."""
    rows = np.flatnonzero((units.kind == Kind.VISIT) & units.final)
    return [(int(units.row[j]), float(units.last[j] - T0) / SECOND) for j in rows]


def test_a_shorter_gap_closes_what_is_over_from_the_next_grid_cell_on() -> None:
    requests = Requests()
    assert closings(requests([float(i) for i in range(600)])) == []
    requests.units.learn()  # at 599 s, the watermark at 594 s: cell 59
    units = requests([604.0, 605.0, 606.0])  # of which the second brings the watermark to cell 60
    closed = closings(units)
    assert {row for row, _ in closed} == {1}
    # What was heard by 540 s is over by 600 s; `heard` is the event's own time.
    assert sorted(second for _, second in closed) == [float(i) for i in range(541)]


def test_a_visit_is_judged_a_minute_after_its_last_line_once_the_gap_is_known() -> None:
    requests = Requests()
    requests([float(i) for i in range(600)], learn=True)
    assert len(closings(requests([610.0]))) == 541
    closed = closings(requests([611.0, 674.0, 675.5, 689.0]))  # watermarks in the cells of 600, 660, 670 and 680 s
    assert closed == [(1, float(second)) for second in range(541, 600)] + [(2, 610.0), (3, 611.0)]


def visits(seed: int, n: int = 1280) -> EventBatch:
    """n events of two sources: keys that say a few lines within seconds, later some that come back after minutes."""
    rng = np.random.default_rng(seed)
    source = np.where(rng.random(n) < 0.9, 1, 3)
    key, keys, entity = 0, [0] * 4, []
    for i, number in enumerate(source.tolist()):
        if i > n * 3 // 4 and rng.random() < 0.05:
            key = int(rng.integers(0, 200))  # one from long ago
        else:
            keys[number] += int(rng.random() < 0.9)
            key = keys[number]
        entity.append(None if rng.random() < 0.03 else f"e{key}")
    step = rng.exponential(1.0, n) * rng.choice([0.0, 1.0, 5.0], n, p=[0.3, 0.6, 0.1])
    late = rng.choice([0.0, 2.0, 30.0], n, p=[0.9, 0.08, 0.02])
    time = T0 + ((np.cumsum(step) - late) * SECOND).astype(np.int64)
    return events(source, entity, time, rng.zipf(1.5, n).astype(np.int64) % 12)


class Changing(Judged):
    """Units of many keys; keeps the gap of source 1 after each chunk."""

    def __init__(self, gaps: list[int], silences: bool) -> None:
        super().__init__(silences)
        self.table = KeyTable(Units.COLUMNS, 10_000)
        self.units = Units(self.table, DETECTORS, odd_have_entities)
        self.gaps = gaps

    def learn(self, chunk: EventBatch) -> None:
        super().learn(chunk)
        self.gaps.append(int(self.units._visits._gaps.of(np.array([1]))[0]) // SECOND)


@pytest.mark.parametrize("silences", [True, False])
@settings(max_examples=5)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 30, 64]), min_size=1, max_size=4),
    stops=st.frozensets(st.integers(1, 200), max_size=6),
)
def test_a_change_of_gap_shows_no_cut_and_no_restart(
    silences: bool, seed: int, sizes: list[int], stops: frozenset[int]
) -> None:
    whole = visits(seed)
    gaps: list[int] = []

    def make(kept: list[int]) -> Part:
        return Changing(kept, silences)

    plain = run(lambda: make(gaps), whole, [CHUNK])
    assert gaps[0] == 3600
    assert {60, 3600} <= set(gaps[gaps.index(60) :])  # shorter, and longer again
    assert sum(row[0] == Kind.VISIT and row[1] for row in plain) > 300
    cut_gaps: list[int] = []
    cut = run(lambda: make(cut_gaps), whole, sizes, stops)
    assert cut == plain
    assert cut_gaps == gaps


def test_the_choices_lie_below_the_default() -> None:
    assert (np.diff(CHOICES) > 0).all()
    assert CHOICES[-1] < HOUR
