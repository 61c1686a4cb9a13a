"""Histograms: quantiles of the last interval, means, rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.samples import Points, SampleKind
from logwatch.score.series.names import QUANTILES
from logwatch.score.series.quantiles import quantiles
from logwatch.score.series.series import Series
from logwatch.telemetry import DROPPED_SAMPLES
from tests.score.series.simulated_series import a_series, records, run

BOUNDS = [0.1, 0.5, 1.0, math.inf]


def histogram_quantile(q: float, bounds: list[float], counts: list[float]) -> float:
    """As Prometheus' documentation tells it, one after the other."""
    total = counts[-1]
    if total == 0:
        return math.nan
    rank = q * total
    at = next(i for i, count in enumerate(counts) if count >= rank)
    if at == len(bounds) - 1:
        return bounds[-2]
    if at == 0 and bounds[0] <= 0:
        return bounds[0]
    low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0.0)
    return low + (bounds[at] - low) * ((rank - below) / (counts[at] - below))


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.integers(-3, 3)), min_size=1, max_size=6
    )
)
def test_quantiles_are_those_of_prometheus(histograms: list[tuple[list[int], int]]) -> None:
    group, bound, increase, expected = [], [], [], []
    for number, (inside, first) in enumerate(histograms):
        bounds = [float(first + i) for i in range(len(inside) - 1)] + [math.inf]
        counts = np.cumsum(inside).astype(float).tolist()
        group += [number] * len(inside)
        bound += bounds
        increase += counts
        expected.append([histogram_quantile(q, bounds, counts) for q in QUANTILES])
    found = quantiles(np.array(group), np.array(bound), np.array(increase))
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)


def scrapes(counts: list[list[int]], parts: bool = True) -> list[tuple[str, float, float]]:
    samples = []
    total = np.zeros(4, int)
    for i, new in enumerate(counts):
        total = total + np.cumsum(new)
        at = 15.0 * (i + 1)
        bounds = [f"{bound:g}" if bound < math.inf else "+Inf" for bound in BOUNDS]
        samples += [(f"took_bucket|code=200|le={bound}", at, float(n)) for bound, n in zip(bounds, total, strict=True)]
        if parts:
            samples += [("took_sum|code=200", at, 3.0 * total[-1]), ("took_count|code=200", at, float(total[-1]))]
    return samples


def read(samples: list[tuple[str, float, float]], rows: int) -> tuple[Series, Points]:
    kinds = {name: SampleKind.BUCKET if "bucket" in name else SampleKind.COUNTER for name, _, _ in samples}
    series = a_series()
    return series, run(series, records(samples, kinds, rows))


def values(series: Series, points: Points) -> dict[str, list[float]]:
    slots = np.unique(points.slot).tolist()
    return {str(series.name(slot)): points.value[points.slot == slot].tolist() for slot in slots}


def test_a_histogram_becomes_quantiles_a_mean_and_a_rate_and_its_buckets_are_not_watched() -> None:
    found = values(*read(scrapes([[5, 5, 10, 10]] * 12), 12))
    assert set(found) == {
        'took{code="200",quantile="0.5"}', 'took{code="200",quantile="0.9"}', 'took{code="200",quantile="0.99"}',
        'took_mean{code="200"}', 'took_sum{code="200"}', 'took_count{code="200"}',
    }  # fmt: skip
    assert found['took{code="200",quantile="0.5"}'][1:] == [0.75] * 10
    assert found['took{code="200",quantile="0.99"}'][1:] == [1.0] * 10
    assert found['took_mean{code="200"}'][1:] == [3.0] * 10
    assert found['took_count{code="200"}'][1:] == [2.0] * 10
    assert all(math.isnan(one[0]) for one in found.values())  # nothing to compare with


def test_without_a_count_of_its_own_the_last_bucket_tells_the_rate() -> None:
    found = values(*read(scrapes([[5, 5, 10, 10]] * 12, parts=False), 12))
    assert found['took_count{code="200"}'][1:] == [2.0] * 10
    assert not any("mean" in name for name in found)


def test_an_interval_without_observations_has_no_quantile_and_nothing_vanishes() -> None:
    series, points = read(scrapes([[1, 1, 1, 1]] * 10 + [[0, 0, 0, 0]] * 100), 110)
    found = values(series, points)
    assert np.isnan(found['took{code="200",quantile="0.5"}'][10:]).all()
    assert set(found['took_count{code="200"}'][10:]) == {0.0}
    assert not len(series.news())


def test_a_process_that_begins_anew_begins_its_buckets_anew() -> None:
    samples = scrapes([[5, 5, 10, 10]] * 10)
    samples += [(name, at + 150, value) for name, at, value in scrapes([[30, 0, 0, 0]] * 3)]
    found = values(*read(samples, 13))
    assert found['took{code="200",quantile="0.5"}'][10] == pytest.approx(0.05)
    assert found['took_count{code="200"}'][10] == 2.0


@pytest.mark.parametrize("lost", ["+Inf", "x"])
def test_buckets_that_do_not_make_a_histogram_are_dropped_and_counted(lost: str) -> None:
    before = DROPPED_SAMPLES.value(reason="histogram")
    samples = scrapes([[5, 5, 10, 10]] * 12, parts=False)
    samples = [one for one in samples if "Inf" not in one[0]]
    if lost == "x":
        samples = [(name.rpartition("=")[0] + "=x", at, value) for name, at, value in samples[::3]]
    _, points = read(samples, 12)
    assert not len(points)
    assert DROPPED_SAMPLES.value(reason="histogram") - before == len(samples)
