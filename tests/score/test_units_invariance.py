"""Units do not depend on how the stream was cut, or on restarts, also with ticks between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.keys import KeyTable
from logwatch.score.units import Units
from logwatch.types import EventBatch, UnitBatch
from tests.score.simulated import SECOND, Part, odd_have_entities, run, stream

DETECTORS = ("new", "rare", "lstm")


def scores(batch: EventBatch) -> tuple[Any, Any]:
    """Nats and silences that are functions of the event's number alone."""
    number = batch.first + np.arange(len(batch.source))
    nats = np.stack([(number * k) % 97 / np.float32(7) for k in (31, 57, 11)], axis=1).astype(np.float32)
    nats[number % 5 == 0, 0] = np.nan
    silence = np.cumsum([(number * k) % 89 / 30 for k in (3, 13, 29, 41)], axis=0).T.astype(np.float32)
    return nats, silence


def rows(units: UnitBatch) -> list[tuple[Any, ...]]:
    columns = [units.kind, units.final, units.source, units.stream, units.at, units.first, units.last]
    columns += [units.start, units.end]
    assert (np.diff(units.at) >= 0).all()
    values = zip(*(column.tolist() for column in columns), strict=True)
    return [(*row, nats.tobytes()) for row, nats in zip(values, units.nats, strict=True)]


class Some(Set[tuple[int, int]]):
    """Windows of which every third alerted: a function of (source, end) alone."""

    def __contains__(self, window: object) -> bool:
        source, end = cast(tuple[int, int], window)
        return (source + end // (60 * SECOND)) % 3 == 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Judged(Part):
    """Units alone; its results are the units. Every third window counts as one that alerted."""

    def __init__(self, silences: bool = True, visit_gap: int = 3600 * SECOND) -> None:
        self.table = KeyTable(Units.COLUMNS, 1000)
        self.units = Units(self.table, DETECTORS, odd_have_entities, visit_gap, 60 * SECOND)
        self.silences = silences

    def feed(self, batch: EventBatch) -> list[Any]:
        nats, silence = scores(batch)
        return rows(self.units.build(batch, nats, silence if self.silences else None))

    def learn(self, chunk: EventBatch) -> None:
        self.units.learn(Some())

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return self.units.changes()

    def restore(self, cells: dict[str, bytes]) -> None:
        self.units.restore(cells)


@pytest.mark.parametrize(("silences", "gap"), [(True, 3600), (True, 120), (False, 3600)])
@settings(max_examples=8)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 30, 64]), min_size=1, max_size=4),
    stops=st.frozensets(st.integers(1, 60), max_size=3),
    pace=st.sampled_from([0.1, 8.0, 60.0]),
)
def test_any_cut_and_any_restart_gives_the_same_units(
    silences: bool, gap: int, seed: int, sizes: list[int], stops: frozenset[int], pace: float
) -> None:
    whole = stream(seed, 320, pace=pace)
    plain = run(lambda: Judged(silences, gap * SECOND), whole, [64])
    cut = run(lambda: Judged(silences, gap * SECOND), whole, sizes, stops)
    assert cut == plain


class Ticked(Judged):
    """Idle sources' watermarks follow a clock at the ends of some chunks; the units come with the next events."""

    def __init__(self, ticks: dict[int, tuple[Any, Any]], said: list[Any]) -> None:
        super().__init__()
        self.ticks, self.said = ticks, said

    def learn(self, chunk: EventBatch) -> None:
        super().learn(chunk)
        end = chunk.first + len(chunk.source)
        if end in self.ticks:
            self.said.append(rows(self.units.tick(*self.ticks[end], end - 1)))


def with_ticks(whole: EventBatch) -> dict[int, tuple[Any, Any]]:
    """Ticks of two sources 20 min after what they said, every second chunk; the later watermarks do not fall below."""
    ticks = {}
    for end in range(128, len(whole), 128):
        sources = np.unique(whole.source[:end])[:2]
        last = np.array([whole.watermark[:end][whole.source[:end] == s][-1] for s in sources]) + 1200 * SECOND
        ticks[end] = (sources.astype(np.int32), last)
        for source, floor in zip(sources, last, strict=True):
            after = np.flatnonzero(whole.source == source)
            after = after[after >= end]
            whole.watermark[after] = np.maximum(whole.watermark[after], floor)
    return ticks


@settings(max_examples=6)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.sampled_from([1, 7, 64]), min_size=1, max_size=3),
    stops=st.frozensets(st.integers(1, 30), max_size=2),
)
def test_ticks_do_not_make_units_depend_on_the_cut(seed: int, sizes: list[int], stops: frozenset[int]) -> None:
    whole = stream(seed, 320)
    ticks = with_ticks(whole)
    plain_said: list[Any] = []
    cut_said: list[Any] = []
    plain = run(lambda: Ticked(ticks, plain_said), whole, [64])
    cut = run(lambda: Ticked(ticks, cut_said), whole, sizes, stops)
    assert cut == plain
    assert cut_said == plain_said
    assert sum(map(len, plain_said)) > 0
