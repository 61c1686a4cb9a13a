"""Tails: survival functions and their generalised-Pareto ends against what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score import tail

FIELDS = ("log_survival", "start", "log_share", "sigma", "xi", "body", "scale")


def histogram(values: np.ndarray) -> np.ndarray:
    return np.bincount(tail.bin_of(values.astype(np.float32)), minlength=tail.BINS).astype(np.float32)[None]


def fit_to(values: np.ndarray) -> tail.Fit:
    return tail.fit(histogram(values), np.array([float(len(values))]), np.array([0.05]))


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_extrapolates_an_exponential_tail(scale):
    fit = fit_to(np.random.default_rng(0).exponential(scale, 20_000))
    for decades in (2, 3, 5):
        nats = np.array([scale * decades * np.log(10)])
        assert fit.log_sf(nats)[0] / np.log(10) == pytest.approx(-decades, rel=0.2)


def test_quantile_inverts_the_survival_function():
    fit = fit_to(np.random.default_rng(1).gamma(0.5, 2.0, 5_000))
    log_p = np.log([1e-6])
    assert fit.log_sf(fit.quantile(log_p))[0] == pytest.approx(log_p[0])


def test_a_heavier_tail_has_a_larger_shape():
    rng = np.random.default_rng(2)
    light, heavy = fit_to(rng.exponential(1.0, 20_000)), fit_to(rng.pareto(4.0, 20_000))
    assert heavy.xi[0] > light.xi[0] + 0.1


def test_a_constant_source_has_a_finite_tail():
    fit = fit_to(np.full(1000, 4.4999))
    assert np.isfinite(fit.log_sf(np.array([4.4999, 100.0])[:1])).all()
    assert fit.sigma[0] >= 0.05
    assert fit.log_sf(np.array([4.4999]))[0] > np.log(0.05)


def test_survival_at_an_atom_counts_the_atom():
    hist = histogram(np.repeat([0.0, 2.0, 5.0], [700, 250, 50]))
    mass = tail.survival(hist)[0] / 1000
    assert mass[tail.bin_of(np.array([2.0]))[0]] == pytest.approx(0.3)
    assert mass[tail.bin_of(np.array([5.0]))[0]] == pytest.approx(0.05)
    assert mass[0] == 1.0


@given(st.lists(st.floats(0, 200, width=32), min_size=1, max_size=300), st.integers(0, 2**31))
@settings(max_examples=60)
def test_more_nats_are_never_more_probable(values, seed):
    fit = fit_to(np.array(values))
    nats = np.sort(np.random.default_rng(seed).uniform(0, 250, 100))
    binned = tail.bin_of(nats.astype(np.float32))
    at = np.zeros(100, dtype=int)
    wide = tail.Fit(*(getattr(fit, name)[at] for name in FIELDS))
    log_p = np.where(binned >= fit.start[0], wide.log_sf(nats), fit.log_survival[0][binned])
    assert (np.diff(log_p) <= 1e-6).all()
    assert (log_p <= 0).all()
    assert (log_p >= tail.LOG_FLOOR).all()


def test_edges_belong_to_the_bin_that_they_begin():
    assert (tail.bin_of(tail.EDGES) == np.arange(tail.BINS)).all()
    assert (tail.bin_of(np.nextafter(tail.EDGES[1:], np.float32(0))) == np.arange(tail.BINS - 1)).all()


def test_early_units_lose_their_weight_while_a_stream_is_young():
    weight = np.exp(tail.log_weight(np.arange(1.0, 3001.0), 20_000.0))
    assert weight[:300].sum() / weight.sum() < 0.002
    late = np.exp(tail.log_weight(np.array([1e6, 1e6 + 20_000]), 20_000.0) - tail.log_weight(np.array([1e6]), 20_000.0))
    assert late[1] / late[0] == pytest.approx(np.e)


def test_the_scale_of_the_body_is_blind_to_a_few_outliers():
    rng = np.random.default_rng(4)
    clean, dirty = rng.exponential(1.0, 2000), rng.exponential(1.0, 2000)
    dirty[:20] = 16.0
    log_p = np.log([1e-6])
    assert fit_to(dirty).extrapolate(log_p)[0] == pytest.approx(fit_to(clean).extrapolate(log_p)[0], rel=0.2)
    assert fit_to(dirty).quantile(log_p)[0] > 1.5 * fit_to(clean).quantile(log_p)[0]
