"""Thresholds of a random split, from what teaches alone."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.backtest.cases import Cases
from logwatch.backtest.split import SETTLED, thresholds
from logwatch.config.values import Budget
from logwatch.types import Float32


def taught(said: Float32) -> Cases:
    """Cases one after the other, of which voices said [n, voices]."""
    cases = Cases([False] * len(said), said.shape[1])
    cases.see(np.arange(len(said)), np.zeros(len(said), np.int64), np.arange(len(said)))
    cases.say(np.arange(len(said)), said)
    return cases


def test_a_rare_share_is_where_the_fitted_end_has_it() -> None:
    found = []
    for seed in range(20):
        said = np.random.default_rng(seed).exponential(1.0, (800, 2)).astype(np.float32)
        least = thresholds(taught(said), Budget.parse("0.2%"))
        assert least is not None
        found.append(least)
    np.testing.assert_allclose(np.mean(found, axis=0), -np.log(0.002), atol=0.5)
    assert np.std(found, axis=0).max() < 0.8  # the second largest of 600 varies by 0.8 and more


def test_a_large_share_is_counted() -> None:
    said = np.arange(1000, dtype=np.float32)[::-1, None] % 100
    least = thresholds(taught(said), Budget.parse("20%"))
    assert least is not None
    assert least[0] == pytest.approx(80, abs=2.5)


def test_the_beginning_sets_no_threshold() -> None:
    calm = np.random.default_rng(0).exponential(1.0, (800, 1)).astype(np.float32)
    wild = calm.copy()
    wild[: int(SETTLED * len(wild))] += 40
    budget = Budget.parse("0.5%")
    assert thresholds(taught(wild), budget) == pytest.approx(thresholds(taught(calm), budget), rel=1e-5)


def test_a_rate_sets_none() -> None:
    assert thresholds(taught(np.ones((5, 1), np.float32)), Budget.parse("3/day")) is None
