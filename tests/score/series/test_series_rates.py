"""Counters become rates; what they are is told by the format, the name, or at last by the values."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.samples import SampleKind
from logwatch.score.series.news import NewsKind
from logwatch.score.series.rates import STEADY
from logwatch.telemetry import DROPPED_SAMPLES, MARKED_SAMPLES
from tests.score.series.simulated_series import a_series, records, regular, run

GAUGE, COUNTER, DELTA, UNKNOWN = SampleKind.GAUGE, SampleKind.COUNTER, SampleKind.DELTA, SampleKind.UNKNOWN


def test_a_counter_becomes_a_rate_per_second() -> None:
    points = run(a_series(), regular([100.0 + 20 * i for i in range(20)], kind=COUNTER))
    assert np.isnan(points.value[0])  # nothing to compare with
    assert set(points.value[1:].tolist()) == {2.0}


def test_a_counter_that_begins_anew_counts_from_zero() -> None:
    before = MARKED_SAMPLES.value(mark="reset")
    points = run(a_series(), regular([*(10.0 * i for i in range(100, 110)), 30.0, 40.0, 50.0], kind=COUNTER))
    assert points.value[9:].tolist() == [1.0, 3.0, 1.0]
    assert MARKED_SAMPLES.value(mark="reset") - before == 1


def test_the_rate_after_a_gap_is_the_one_over_the_gap() -> None:
    at = [*range(1, 11), 14, 15]
    points = run(a_series(), records([("a", 10.0 * i, 5.0 * i) for i in at], {"a": COUNTER}))
    assert points.value[13] == 0.5
    assert np.isnan(points.value[10:13]).all()


def test_increases_become_rates_by_the_time_since_the_sample_before() -> None:
    at = [*range(1, 11), 12, 13]
    points = run(a_series(), records([("a", 10.0 * i, 30.0) for i in at], {"a": DELTA}))
    assert points.value[1:10].tolist() == [3.0] * 9
    assert points.value[11] == 1.5


def test_counts_out_of_order_or_twice_are_dropped() -> None:
    at = [(10.0 * i, 10.0 * i) for i in range(1, 11)] + [(95.0, 95.0), (100.0, 100.0), (110.0, 110.0), (120.0, 120.0)]
    before = DROPPED_SAMPLES.value(reason="late")
    points = run(a_series(), records([("a", *one) for one in at], {"a": COUNTER}))
    assert points.value[1:].tolist() == [1.0] * 10
    assert DROPPED_SAMPLES.value(reason="late") - before == 2


def test_a_counter_of_another_stream_is_not_compared() -> None:
    stream = regular([10.0 * i for i in range(40)], kind=COUNTER)
    stream.stream[20:] = 7  # the file was rotated
    points = run(a_series(), stream)
    assert np.flatnonzero(np.isnan(points.value)).tolist() == [0, 20]
    assert set(points.value[~np.isnan(points.value)].tolist()) == {1.0}


def test_absurd_counts_give_finite_rates() -> None:
    points = run(a_series(), regular([1e308, -1e308] * 10, kind=COUNTER))
    assert np.isfinite(points.value[1:]).all()


@pytest.mark.parametrize("name", ["requests_total", "took_seconds_sum", "took_seconds_count", "sent_bytes_total"])
def test_names_tell_counters(name: str) -> None:
    points = run(a_series(), regular([10.0 * i for i in range(20)], name, kind=UNKNOWN))
    assert set(points.value[1:].tolist()) == {1.0}


def test_values_that_rise_only_are_levels_until_that_has_lasted() -> None:
    n = STEADY + 50
    series = a_series()
    points = run(series, regular([10.0 * i for i in range(n)], "busy", kind=UNKNOWN))
    assert points.value[: STEADY - 1].tolist() == [10.0 * i for i in range(STEADY - 1)]
    assert points.value[STEADY:].tolist() == [1.0] * (n - STEADY - 1)
    told = list(series.news().rows())
    assert [kind for kind, _ in told] == [NewsKind.TURNED]
    assert told[0][1]["start"] == (STEADY - 1) * 10


def test_a_rising_series_that_falls_a_little_was_no_counter_after_all() -> None:
    values = [10.0 * i for i in range(1, STEADY + 50)]
    series = a_series()
    points = run(series, regular([*values, values[-1] - 5, values[-1] + 5, values[-1]], "level", kind=UNKNOWN))
    assert points.value[-2:].tolist() == [values[-1] - 5, values[-1] + 5]
    assert [kind for kind, _ in series.news().rows()] == [NewsKind.TURNED] * 2


def test_a_found_counter_that_begins_anew_stays_one() -> None:
    values = [10.0 * i for i in range(1, STEADY + 50)]
    points = run(a_series(), regular([*values, 20.0, 30.0, 40.0], "busy", kind=UNKNOWN))
    assert points.value[-2:].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("values", [[5.0] * (2 * STEADY), [float(i // 1000) for i in range(2 * STEADY)]])
def test_constants_and_steps_stay_levels(values: list[float]) -> None:
    points = run(a_series(), regular(values, "limit", kind=UNKNOWN))
    assert points.value.tolist() == values[:-1]


def test_one_fall_makes_a_level_for_good() -> None:
    values = [10.0 * i for i in range(1, 100)] + [5.0] + [10.0 * i for i in range(1, 2 * STEADY)]
    points = run(a_series(), regular(values, "load", kind=UNKNOWN))
    assert points.value.tolist() == values[:-1]
