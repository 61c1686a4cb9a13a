"""What the detectors of single series find."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors.bank import NAMES, SeriesDetectors, SeriesScores

SECOND = 1_000_000_000
STEP = 300 * SECOND
DAY = 288
"""Points a day."""


def table_of(series: int) -> KeyTable:
    table = KeyTable(SeriesDetectors.FIELDS.dtype, series)
    numbers = np.arange(series, dtype=np.int32)
    table.assign(np.zeros(series, np.int32), numbers, [None] * series)
    return table


def points(slots: NDArray[np.int32], number: NDArray[np.int64], value: NDArray[np.float64]) -> Points:
    none = np.zeros(len(slots), np.int32)
    at = np.zeros(len(slots), np.int64)
    return Points(none, slots, slots, number * STEP, np.full(len(slots), STEP), value, at, at + 1)


def listen(values: NDArray[np.float64], detectors: SeriesDetectors | None = None, first: int = 0) -> SeriesScores:
    """All scores of one series."""
    detectors = detectors or SeriesDetectors(table_of(1))
    slot = np.zeros(1, np.int32)
    said = [detectors.score(points(slot, np.array([first + k]), values[k : k + 1])) for k in range(len(values))]
    fields = ("nats", "combined", "news", "expected", "low", "high")
    return SeriesScores(*(np.concatenate([getattr(one, field) for one in said]) for field in fields))


def of(scores: SeriesScores, name: str) -> NDArray[np.float32]:
    return scores.nats[:, NAMES.index(name)]


def noise(count: int, seed: int = 0, level: float = 20.0) -> NDArray[np.float64]:
    return level + np.random.default_rng(seed).normal(size=count)


def test_a_level_that_is_usual_at_noon_is_news_at_midnight() -> None:
    day = np.where((np.arange(DAY) >= 96) & (np.arange(DAY) < 192), 50.0, 20.0)
    values = np.tile(day, 10) + np.random.default_rng(0).normal(size=10 * DAY)
    values[9 * DAY + 10 : 9 * DAY + 14] = 50.0
    nats = of(listen(values), "season")
    assert nats[9 * DAY + 11 : 9 * DAY + 14].min() > 5.0
    assert nats[8 * DAY : 9 * DAY].max() < 5.0 and nats[9 * DAY + 110 : 9 * DAY + 180].max() < 5.0


def test_values_spread_otherwise_are_found_where_none_of_them_is_rare() -> None:
    values = np.random.default_rng(0).uniform(0.0, 10.0, 3000)
    values[2000:2060] = np.random.default_rng(1).choice([1.0, 9.0], 60)
    scores = listen(values)
    assert of(scores, "entropy")[2049:2060].max() > 6.0
    assert np.nanmax(of(scores, "entropy")[1500:2000]) < 6.0
    assert np.isnan(of(scores, "entropy")[:50]).all()


@pytest.mark.parametrize("level", [0.0, 1e9])
def test_the_range_of_the_spread_doubles_without_losing_counts(level: float) -> None:
    detectors = SeriesDetectors(table := table_of(1))
    values = level + np.concatenate([np.zeros(5), np.random.default_rng(0).normal(size=200), [1e6, -1e7, 3.0]])
    listen(values, detectors)
    assert table.view("entropy_past")[0].sum() == len(values)
    assert table.view("entropy_recent")[0].sum() == 50
    bins = np.bincount(table.view("entropy_window")[0], minlength=16)
    np.testing.assert_array_equal(bins, table.view("entropy_recent")[0])


def test_a_spike_and_a_train_of_small_changes_are_found() -> None:
    values = noise(3000)
    values[1500] += 40.0
    values[2500:2600] += np.where(np.arange(100) % 2, 4.0, -4.0)
    nats = of(listen(values), "spike")
    assert nats[1500] > 6.0 and nats[2560:2600].max() > 6.0
    assert nats[1000:1500].max() < 6.0 and nats[2200:2500].max() < 6.0


def test_a_level_shift_is_found() -> None:
    values = noise(3000)
    values[2500:] += 5.0
    nats = of(listen(values), "shift")
    assert nats[2500:2510].max() > 6.0 and nats[1000:2500].max() < 6.5


def test_a_flat_line_is_found_once_it_is_long_and_said_only_a_few_times() -> None:
    values = noise(3000)
    values[2000:] = 20.3
    nats = of(listen(values), "flat")
    said = np.flatnonzero(~np.isnan(nats))
    assert said[0] == 2032 and nats[2032] > 6.0
    assert len(said) < 25


def test_a_constant_that_hardly_ever_changed_is_not_a_flat_line() -> None:
    values = np.repeat([1.0, 2.0, 3.0], 1000)
    assert np.isnan(of(listen(values), "flat")).all()


def test_flat_lines_that_are_usual_are_no_news() -> None:
    values = np.tile(np.append(np.full(40, 5.0), np.arange(10.0)), 60)
    assert np.nanmax(of(listen(values), "flat")[1500:]) < 3.0


def test_missing_values_are_scored_and_no_detector_learns_them() -> None:
    values = noise(1500)
    values[1000:1100] = np.nan
    detectors = SeriesDetectors(table := table_of(1))
    listen(values[:1000], detectors)
    before = {name: table.view(name).copy() for name in ("season_hours", "change", "entropy_past", "run_last")}
    scores = listen(values[1000:1100], detectors, 1000)
    assert of(scores, "missing")[0] == pytest.approx(np.log(1000.5 / 0.5), rel=1e-5)
    assert np.count_nonzero(~np.isnan(of(scores, "missing"))) < 25
    assert np.isnan(scores.nats[:, :-1]).all() and np.isnan(scores.expected).all()
    for name, was in before.items():
        np.testing.assert_array_equal(table.view(name), was)
    assert scores.combined[0] > 6.0 and scores.news[0] > 6.0


def test_a_value_every_other_step_is_usual_where_it_always_was_so() -> None:
    values = noise(2000)
    values[1::2] = np.nan
    assert np.nanmax(of(listen(values), "missing")[1000:]) < 1.0


def test_the_band_holds_what_is_usual() -> None:
    scores = listen(values := noise(3000))
    inside = (scores.low <= values) & (values <= scores.high)
    assert 0.9 < inside[1000:].mean() < 0.99
    assert abs(np.nanmean(scores.expected) - 20.0) < 0.3


def test_a_series_that_was_never_negative_is_not_expected_to_be() -> None:
    values = np.random.default_rng(0).poisson(0.7, 800).astype(float)
    scores = listen(values)
    assert scores.low[100:].min() == 0.0
    assert listen(values - 3.0).low[100:].min() < -3.0


def test_the_expectation_is_of_before_the_value() -> None:
    values = noise(600)
    values[500] = 1000.0
    scores = listen(values)
    assert scores.high[500] < 30.0


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1e30, 1e-308])
def test_extreme_values_give_numbers(extreme: float) -> None:
    values = noise(400)
    values[[0, 100, 101, 300]] = extreme
    scores = listen(values)
    assert np.isfinite(scores.combined).all() and np.isfinite(scores.news).all()
    nats = scores.nats[~np.isnan(scores.nats)]
    assert (nats >= 0).all() and (nats < 69.1).all()


def test_a_series_that_begins_with_missing_values_is_scored_from_its_first_one() -> None:
    late = listen(np.append(np.full(100, np.nan), noise(300)))
    np.testing.assert_array_equal(late.nats[100:, :4], listen(noise(300), first=100).nats[:, :4])


def test_the_state_of_a_series_is_small() -> None:
    assert np.dtype(list(SeriesDetectors.FIELDS.dtype)).itemsize <= 2048
