"""What is said of a series depends on its own past alone, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.bank import SeriesDetectors, SeriesScores
from tests.score.series.test_series_detectors import FIELDS, points, table_of

LENGTH = 120


def several(count: int, seed: int) -> NDArray[np.float64]:
    """Series [count, LENGTH] of many characters."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-12, 12, count)[:, None]
    values = (rng.normal(size=(count, LENGTH)) + 5.0 * rng.normal(size=(count, 1))) * scale
    kind = rng.integers(0, 6, count)
    values[kind == 1] = np.round(rng.poisson(1.0, (int((kind == 1).sum()), LENGTH)))
    values[kind == 2] = np.cumsum(values[kind == 2], axis=1)
    values[kind == 3] = rng.lognormal(0, 3, (int((kind == 3).sum()), LENGTH))
    values[kind == 4] = values[kind == 4][:, :1]
    values[rng.random(values.shape) < 0.03] = np.nan
    values[rng.random(values.shape) < 0.003] = 1e300
    return values


def run(values: NDArray[np.float64], seed: int | None = None, table: KeyTable | None = None) -> list[SeriesScores]:
    """Scores of each series; with a seed, rounds of random series in random order, each at its own pace."""
    count, length = values.shape
    detectors = SeriesDetectors(table or table_of(count))
    rng = np.random.default_rng(seed)
    at = np.zeros(count, np.int64)
    said: list[list[tuple[object, ...]]] = [[] for _ in range(count)]
    while (at < length).any():
        ready = np.flatnonzero(at < length)
        if seed is not None:
            ready = rng.permutation(ready)[: rng.integers(1, len(ready) + 1)]
        slots = ready.astype(np.int32)
        scores = detectors.score(points(slots, at[slots], values[slots, at[slots]]))
        for row, slot in enumerate(slots.tolist()):
            said[slot].append(tuple(getattr(scores, field)[row] for field in FIELDS))
        at[slots] += 1
    return [SeriesScores(*(np.array(column) for column in zip(*one, strict=True))) for one in said]


def same(left: SeriesScores, right: SeriesScores) -> None:
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(left, field), getattr(right, field))


@settings(max_examples=2)
@given(st.integers(0, 2**20))
def test_a_series_alone_and_among_fifty_others_scores_the_same(seed: int) -> None:
    values = several(51, seed)
    together, mixed = run(values), run(values, seed)
    for slot in range(len(values)):
        same(together[slot], mixed[slot])
    for slot in (0, 50):
        same(together[slot], run(values[slot : slot + 1])[0])


@settings(max_examples=3)
@given(st.integers(0, 2**20), st.integers(1, LENGTH - 1))
def test_what_comes_later_changes_no_earlier_score(seed: int, cut: int) -> None:
    values = several(8, seed)
    other = values.copy()
    other[:, cut:] = several(8, seed + 1)[:, cut:]
    for one, two in zip(run(values), run(other), strict=True):
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(one, field)[:cut], getattr(two, field)[:cut])


@pytest.mark.parametrize("cut", [1, 60, 110])
def test_goes_on_bit_equal_from_the_saved_rows(cut: int) -> None:
    values = several(20, 5)
    whole = run(values)
    table = table_of(20)
    run(values[:, :cut], table=table)
    restored = KeyTable(SeriesDetectors.FIELDS.dtype, 20)
    restored.restore({name: cell for name, cell in table.changes() if cell is not None})
    detectors = SeriesDetectors(restored)
    slots = np.arange(20, dtype=np.int32)
    for at in range(cut, LENGTH):
        scores = detectors.score(points(slots, np.full(20, at), values[:, at]))
        for slot in range(20):
            np.testing.assert_array_equal(scores.nats[slot], whole[slot].nats[at])
            assert scores.news[slot] == whole[slot].news[at]


@settings(max_examples=3)
@given(st.integers(0, 2**20))
def test_many_points_of_a_series_at_once_score_as_one_after_the_other(seed: int) -> None:
    values = several(13, seed)
    each, rng = run(values), np.random.default_rng(seed)
    detectors = SeriesDetectors(table_of(len(values)))
    slot = np.repeat(np.arange(len(values), dtype=np.int32), rng.integers(1, LENGTH, len(values)))
    slot = rng.permutation(slot)
    number = np.array([np.count_nonzero(slot[:row] == one) for row, one in enumerate(slot.tolist())])
    cut = int(rng.integers(0, len(slot) + 1))
    parts = (slice(0, cut), slice(cut, None))
    said = [detectors.score(points(slot[at], number[at], values[slot[at], number[at]])) for at in parts]
    for field in FIELDS:
        together = np.concatenate([getattr(one, field) for one in said])
        apart = np.array(
            [getattr(each[one], field)[at] for one, at in zip(slot.tolist(), number.tolist(), strict=True)]
        )
        np.testing.assert_array_equal(together, apart)
