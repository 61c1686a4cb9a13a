"""Forecasts use earlier points alone, and are bit-equal however the points are batched, and after any restart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.samples import Points
from logwatch.score.detector_configs import LstmConfig
from tests.score.series.simulated_forecasts import Run, places, points_of, values_of

COUNT = 7


def whole(points: Points, config: LstmConfig | None = None) -> np.ndarray:
    run = Run(COUNT, config)
    run.feed(points)
    return run.close()


def in_batches(points: Points, size: int) -> np.ndarray:
    run = Run(COUNT)
    run.feed(points, size=size)
    return run.close()


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_any_size_of_batch_gives_the_same_bits(size: int) -> None:
    points = points_of(values_of(400, COUNT, seed=size), seed=size)
    np.testing.assert_array_equal(in_batches(points, size), whole(points))


@given(st.lists(st.integers(0, 2500), min_size=1, max_size=6, unique=True), st.integers(0, 99))
@settings(max_examples=12)
def test_interrupted_anywhere_it_goes_on_as_if_it_had_not_been(cuts: list[int], seed: int) -> None:
    points = points_of(values_of(400, COUNT, seed), seed)
    run = Run(COUNT)
    for begin, end in pairwise([0, *sorted(min(cut, len(points)) for cut in cuts), len(points)]):
        run.feed(points, begin, end)
        run.restart()
    np.testing.assert_array_equal(run.close(), whole(points))


def test_a_forecast_knows_only_what_came_before() -> None:
    values = values_of(400, COUNT, seed=5)
    points, said = points_of(values), whole(points_of(values))
    at = 300
    other = values.copy()
    other[at:] = 1e9 * np.random.default_rng(0).normal(size=other[at:].shape)
    changed = whole(points_of(other))
    before = points.time <= points.time[at * COUNT]
    np.testing.assert_array_equal(changed[before, 1:], said[before, 1:])
    assert not np.array_equal(changed[~before, 1:], said[~before, 1:], equal_nan=True)


def test_the_hidden_state_of_a_series_is_its_own() -> None:
    values = values_of(300, COUNT, seed=6)
    other = values.copy()
    other[:, 1:] = np.roll(values[:, 1:], 17, axis=0) * 3.0
    frozen = LstmConfig(learning="frozen")
    points = points_of(values)
    rows = places(points, 0)
    np.testing.assert_array_equal(whole(points, frozen)[rows], whole(points_of(other), frozen)[rows])


def test_a_slot_that_changes_hands_begins_anew() -> None:
    points = points_of(values_of(200, COUNT, seed=8))
    frozen = LstmConfig(learning="frozen")
    run = Run(COUNT, frozen)
    run.feed(points)
    run.table.rows["forecast"] = np.zeros((), run.table.dtype["forecast"])
    run.feed(points)
    said = run.close()
    np.testing.assert_array_equal(said[len(points) :], said[: len(points)])


@given(
    st.lists(
        st.floats(allow_nan=True, allow_infinity=False) | st.sampled_from([0.0, 1e308, -1e308, 1e-320]),
        min_size=20,
        max_size=120,
    ),
    st.integers(1, 30),
)
@settings(max_examples=40)
def test_any_values_give_numbers_or_no_opinion(column: list[float], size: int) -> None:
    points = points_of(np.array(column)[:, None])
    run, again = Run(1), Run(1)
    run.feed(points)
    again.feed(points, size=size)
    said = run.close()
    np.testing.assert_array_equal(again.close(), said)
    nats, quantiles = said[:, 0], said[:, 1:]
    assert not np.isinf(said).any()
    assert ((nats >= 0) & (nats <= 20) | np.isnan(nats)).all()
    assert (np.isnan(quantiles).all(axis=1) | (np.diff(quantiles, axis=1) >= 0).all(axis=1)).all()
