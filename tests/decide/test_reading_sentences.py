"""What an alert says of a metric."""

from __future__ import annotations

import pytest

from logwatch.decide.alerts import Reading, quantity, read, unit_of

NS = 10**9


@pytest.mark.parametrize(
    ("series", "unit"),
    [
        ("requests_total", "/s"), ('requests_total{code="200"}', "/s"), ("latency_seconds_count", "/s"),
        ("sent_bytes_total", "B/s"), ("heap_bytes", "B"), ("heap_bytes{a=\"x_total\"}", "B"), ("latency_seconds", "s"),
        ('latency_seconds{quantile="0.9"}', "s"), ("latency_seconds_mean", "s"), ("cpu_seconds_total", "s/s"),
        ("latency_seconds_sum", "s/s"), ("load1", ""), ("process_start_time_seconds", ""), ("seconds", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_unit_is_that_of_the_name(series: str, unit: str) -> None:
    assert unit_of(series) == unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (17.5, "", "17.5"), (1240, "/s", "1,240/s"), (43.1e6, "", "43.1 M"), (43.1e6, "B", "43.1 MB"),
        (1003, "B", "1,003 B"), (0, "B/s", "0 B/s"), (2.5e9, "B/s", "2.5 GB/s"), (0.0213, "s", "0.0213 s"),
        (5e18, "/s", "5e+18/s"), (2e6, "/s", "2 M/s"),
    ],
)  # fmt: skip
def test_numbers_bear_their_unit(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_a_reading_says_what_was_expected_in_the_series_unit() -> None:
    said = read("spike", 0, 10 * NS, Reading("requests_total", 0.0, 12.0, 18.0))
    assert said == "requests_total: expected 12/s to 18/s, saw 0/s at once, 00:00:00-00:00:10"
