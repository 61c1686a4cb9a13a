"""Windows: which kinds of lines they consist of, which one comes too often or not at all; merges, cuts and restarts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score import window_kinds
from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.score.window_beats import GIVEN_UP
from logwatch.types import EventBatch, Kind, UnitBatch
from tests.score.simulated import SECOND, Part, events, odd_have_entities, run

WINDOW = 10 * SECOND
T0 = 160_000_000 * WINDOW
USUAL = [1] * 60 + [2] * 30 + [3] * 10
"""Templates of a usual window."""


class Spans:
    """Feeds whole windows of a source, given by the templates of their lines."""

    def __init__(self, source: int = 0) -> None:
        self.untold: list[tuple[int, int, int]] = []
        self.units = Units(KeyTable(Units.COLUMNS, 100), ("new",), odd_have_entities, untold=lambda: self.untold)
        self.rng = np.random.default_rng(0)
        self.source, self.number, self.seen = source, 0, 0

    def __call__(self, templates: Sequence[int]) -> UnitBatch:
        """Units of the window before, which these lines close."""
        count = len(templates)
        time = T0 + self.number * WINDOW + 5 * SECOND + np.arange(count) * (WINDOW // count)
        batch = events([self.source] * count, [None] * count, time, self.rng.permutation(templates))
        batch.first, self.seen, self.number = self.seen, self.seen + count, self.number + 1
        batch.slot[:] = 0
        units = self.units.build(batch, np.zeros((count, 1), np.float32))
        self.units.learn()
        return units

    def usual(self, windows: int = 60, without: int = 0) -> Spans:
        for _ in range(windows):
            drawn = self.rng.choice(USUAL, self.rng.poisson(100))
            self([int(one) for one in drawn if one != without])
        return self

    def rates(self, windows: int, templates: Sequence[int] = USUAL) -> list[float]:
        """Nats of `rate` of so many windows of such lines, the first being the one fed last."""
        told = [self(templates) for _ in range(windows)]
        return [float(units.nats[units.kind == Kind.WINDOW, -2][0]) for units in told]

    def rate(self, templates: Sequence[int]) -> float:
        """Nats of `rate` of a window of such lines."""
        self(templates)
        return self.rates(1)[0]

    def merge(self, loser: int, winner: int) -> None:
        self.units.merged([(loser, winner)])
        self.units.learn()


def test_as_many_lines_as_ever_of_other_kinds_are_unusual() -> None:
    assert Spans().usual().rate(USUAL) < 1
    assert Spans().usual().rate([1] * 20 + [2] * 70 + [3] * 10) > 5
    assert Spans().usual().rate([1] * 63 + [2] * 28 + [3] * 9) < 1


def test_a_mix_is_one_of_shares_not_of_counts() -> None:
    double = Spans().usual()
    for _ in range(60):
        double(USUAL * 2)  # the count, too, becomes usual
    assert double.rate(USUAL * 2) < 1
    assert double.rate(([1] * 20 + [2] * 70 + [3] * 10) * 2) > 5


def test_a_source_whose_mix_swings_is_used_to_it() -> None:
    swinging = Spans()
    for number in range(60):
        swinging([1] * 90 + [2] * 10 if number % 2 else [1] * 10 + [2] * 90)
    assert swinging.rate([1] * 95 + [2] * 5) < 1


def test_of_merged_templates_the_shares_are_added() -> None:
    told, untold, neither = (Spans().usual() for _ in range(3))
    together = [2 if one == 1 else one for one in USUAL]
    told.merge(1, 2)
    assert told.rate(together) < 1
    untold.untold = [(untold.seen, 1, 2)]
    assert untold.rate(together) < 1
    assert neither.rate(together) > 5


def beating(every: int, windows: int = 240) -> Spans:
    """Windows of which each `every`-th, and the last one, had a line of template 9."""
    spans = Spans()
    for number in range(1, windows + 1):
        spans(USUAL + [9] * (number % every == 0))
    return spans


def test_a_beat_that_stops_is_told_once_an_octave_until_it_is_given_up() -> None:
    rates = beating(6).rates(2 * GIVEN_UP)[1:]  # the first window is the last one with a beat
    told = [number for number, rate in enumerate(rates, 2) if rate > 1]
    assert told[0] in (16, 32)
    assert told == [told[0] * 2**octave for octave in range(len(told))]
    assert told[-1] in (GIVEN_UP // 2, GIVEN_UP)
    assert rates[told[1] - 2] > rates[told[0] - 2]


def test_a_beat_that_goes_on_says_nothing() -> None:
    spans = beating(6)
    for _ in range(10):
        assert max(spans.rates(5)) < 1
        spans([*USUAL, 9])


def test_what_comes_now_and_then_is_not_missed() -> None:
    rng, spans = np.random.default_rng(1), Spans()
    for _ in range(400):
        spans(USUAL + [9] * bool(rng.random() < 0.05))
    assert max(spans.rates(40)) < 1


def test_a_source_that_was_off_has_missed_no_beat() -> None:
    spans = beating(6)
    spans.number += 10_000
    assert spans.rate(USUAL) < 1


def test_sources_beyond_the_first_ones_have_no_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_kinds, "SOURCES", 2)
    assert Spans(source=0).usual().rate([1] * 20 + [2] * 70 + [3] * 10) > 5
    beyond = Spans(source=1000).usual()
    assert beyond.rate([1] * 20 + [2] * 70 + [3] * 10) < 1


class Judged(Part):
    """Units alone; its results are the windows' nats."""

    def __init__(self) -> None:
        self.table = KeyTable(Units.COLUMNS, 1000)
        self.units = Units(self.table, ("new",), odd_have_entities, window=SECOND)

    def feed(self, batch: EventBatch) -> list[Any]:
        units = self.units.build(batch, np.zeros((len(batch), 1), np.float32))
        rows = np.flatnonzero(units.kind == Kind.WINDOW)
        return [(int(units.at[row]), units.nats[row].tobytes()) for row in rows]

    def learn(self, chunk: EventBatch) -> None:
        self.units.merged([(chunk.first % 7 + 300, chunk.first % 5)] if chunk.first % 640 == 0 else [])
        self.units.learn()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return self.units.changes()

    def restore(self, cells: dict[str, bytes]) -> None:
        self.units.restore(cells)


@settings(max_examples=5)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 30, 64]), min_size=1, max_size=4),
    stops=st.frozensets(st.integers(1, 200), max_size=3),
    pace=st.sampled_from([0.02, 0.2, 3.0]),
)
def test_any_cut_and_any_restart_gives_the_same_nats(
    seed: int, sizes: list[int], stops: frozenset[int], pace: float
) -> None:
    rng, n = np.random.default_rng(seed), 3200
    time = (1.6e18 + np.cumsum(rng.exponential(pace, n)) * SECOND).astype(np.int64)
    template = rng.zipf(1.7, n) % 400
    whole = events(rng.integers(0, 3, n) * 2, [None] * n, time, template)
    plain = run(Judged, whole, [64])
    assert run(Judged, whole, sizes, stops) == plain
    assert any(np.frombuffer(nats, np.float32)[-2] > 0 for _, nats in plain)
