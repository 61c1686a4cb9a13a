"""Tails with a long memory."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from logwatch.score.keys import KeyTable
from logwatch.score.series.detectors import tail
from logwatch.score.series.detectors.tail import CAP, Tails


def tails(series: int = 1, count: int = 1) -> tuple[Tails, KeyTable]:
    table = KeyTable(Tails.fields("tails", count), series)
    numbers = np.arange(series, dtype=np.int32)
    table.assign(np.zeros(series, np.int32), numbers, [None] * series)
    return Tails(table, "tails"), table


def told(values: NDArray[np.floating], one: Tails | None = None) -> NDArray[np.float32]:
    """Nats of the values of one series."""
    one = one or tails()[0]
    slot, voice = np.zeros(1, np.int32), np.ones((1, 1), np.bool_)
    return np.array([one.score(slot, np.array([[value]], np.float32), voice)[0, 0] for value in values])


def test_the_first_value_is_no_surprise_to_a_series_without_a_past() -> None:
    assert np.isnan(told(np.array([3.0]))[0])


def test_nats_are_the_logarithm_of_the_share_that_was_as_large() -> None:
    rng = np.random.default_rng(0)
    past = rng.exponential(size=4000).astype(np.float32)
    one = tails()[0]
    told(past, one)
    for quantile in (0.3, 0.6, 0.9):
        value = np.quantile(past, quantile)
        assert told(np.array([value]), one)[0] == pytest.approx(-np.log(1 - quantile), abs=0.12)


def test_as_many_values_reach_a_probability_as_should() -> None:
    nats = np.concatenate([told(np.random.default_rng(seed).exponential(size=4000))[1000:] for seed in range(2)])
    for share in (0.1, 0.01):
        assert 0.5 < (nats >= -np.log(share)).mean() / share < 2.0


def test_beyond_the_largest_value_nats_go_on_growing() -> None:
    one = tails()[0]
    past = np.random.default_rng(0).exponential(size=2000)
    told(past, one)
    table = one._table
    before = table.rows.copy()
    found = []
    for times in (1.0, 2.0, 4.0, 100.0):
        table.rows[:] = before
        found.append(told(np.array([past.max() * times]), one)[0])
    assert found == sorted(found)
    assert found[0] > 6.0
    assert len(set(found)) == 4


@pytest.mark.parametrize("unit", [2.0**-60, 2.0**60])
def test_the_unit_does_not_matter(unit: float) -> None:
    values = np.random.default_rng(1).lognormal(size=1500)
    np.testing.assert_array_equal(told(values), told(values * unit))


def test_the_first_value_after_zeros_is_as_rare_as_one_among_them() -> None:
    nats = told(np.array([0.0] * 400 + [7.0]))
    assert not nats[1:400].any()
    assert nats[400] == pytest.approx(np.log(400.5 / 0.5), rel=1e-5)


def test_a_large_value_moves_the_bins_and_what_was_small_stays_counted() -> None:
    one, table = tails()
    values = np.append(np.random.default_rng(2).exponential(size=1000), [1e25, 1.0])
    nats = told(values, one)
    assert nats[1000] > 20.0
    assert nats[1001] < 3.0
    assert table.view("tails_counts")[0, 0, 0] == 1002


def test_an_old_habit_becomes_news_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MEMORY", 1000)
    calm, high = np.random.default_rng(3).exponential(size=6000), np.full(20, 50.0)
    nats = told(np.concatenate([calm[:500], high, calm[500:], high[:1]]))
    assert nats[-1] > nats[519] + 3.0


def test_what_has_no_voice_is_learned_and_what_is_missing_is_not() -> None:
    one, table = tails(1, 2)
    slot = np.zeros(1, np.int32)
    for _ in range(50):
        nats = one.score(slot, np.array([[1.0, np.nan]], np.float32), np.array([[False, True]]))
        assert np.isnan(nats).all()
    assert table.view("tails_counts")[0, :, 0].tolist() == [50, 0]


def test_nats_stay_in_range_for_the_smallest_and_largest_numbers() -> None:
    values = np.array([1e-45, 0.0, 1e-30, 1e38, 3e38, 1.0] * 60)
    nats = told(values)[1:]
    assert np.isfinite(nats).all()
    assert nats.min() >= 0
    assert nats.max() <= CAP + 1e-4
