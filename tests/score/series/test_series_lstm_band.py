"""Which band is shown as expected beside a point."""

from __future__ import annotations

import numpy as np

from logwatch.score.series.detectors.bank import SeriesScores
from logwatch.score.series.expected_band import ExpectedBand
from tests.score.series.simulated_forecasts import table_for

NAN = float("nan")


def usual(low: float, high: float) -> SeriesScores:
    """A band of one point."""
    none = np.full(1, np.nan, np.float32)
    level, ends = np.array([(low + high) / 2]), (np.array([low]), np.array([high]))
    return SeriesScores(none[:, None], none, none, level, *ends)


def forecast(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 5)[None, :]


def shown(band: ExpectedBand, value: float, known: SeriesScores, told: np.ndarray) -> tuple[float, float]:
    low, high = band.of(np.zeros(1, np.int32), np.array([value]), known, told)
    return float(low[0]), float(high[0])


def heard(narrow_is_right: bool, points: int = 50) -> ExpectedBand:
    """A band that saw a narrow forecast come true, or not."""
    band = ExpectedBand(table_for(1))
    for _ in range(points):
        shown(band, 10.0 if narrow_is_right else 25.0, usual(0.0, 30.0), forecast(9.0, 11.0))
    return band


def test_at_first_the_usual_level_is_shown() -> None:
    assert shown(ExpectedBand(table_for(1)), 10.0, usual(0.0, 30.0), forecast(9.0, 11.0)) == (0.0, 30.0)


def test_the_better_band_of_late_is_shown() -> None:
    assert shown(heard(True), 10.0, usual(0.0, 30.0), forecast(9.0, 11.0)) == (9.0, 11.0)
    assert shown(heard(False), 25.0, usual(0.0, 30.0), forecast(9.0, 11.0)) == (0.0, 30.0)


def test_a_forecast_that_followed_the_fault_does_not_explain_it() -> None:
    assert shown(heard(True), 90.0, usual(0.0, 30.0), forecast(80.0, 100.0)) == (0.0, 30.0)


def test_what_is_missing_was_forecast_all_the_same() -> None:
    assert shown(heard(True), NAN, usual(0.0, 30.0), forecast(9.0, 11.0)) == (9.0, 11.0)


def test_without_a_forecast_the_usual_level_is_shown() -> None:
    assert shown(heard(True), 10.0, usual(0.0, 30.0), np.full((1, 5), NAN)) == (0.0, 30.0)


def test_what_was_never_negative_is_not_expected_to_be() -> None:
    assert shown(heard(True), 1.0, usual(0.0, 30.0), forecast(-2.0, 2.0)) == (0.0, 2.0)
