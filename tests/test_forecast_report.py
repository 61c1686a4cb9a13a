"""The report on forecasts: what is measured, and what `score --forecasts` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logwatch.cli import run
from logwatch.score.series.forecast_report import MISSES, compare, naive, overall, period_of, pinball
from logwatch.score.series.lstm_columns import QUANTILES

SECOND = 10**9


def test_pinball_is_the_mean_over_the_quantiles() -> None:
    found = pinball(np.array([[0.0, 1.0, 2.0, 3.0, 4.0]]), np.array([2.0]))
    assert found[0] == pytest.approx((0.05 * 2 + 0.25 * 1 + 0 + 0.25 * 1 + 0.05 * 2) / 5)
    assert np.isnan(pinball(np.full((1, 5), np.nan), np.array([2.0]))).all()


def test_the_true_quantiles_lose_least() -> None:
    values = np.random.default_rng(0).exponential(size=20_000)
    true = -np.log1p(-np.array(QUANTILES))
    least = pinball(np.tile(true, (len(values), 1)), values).mean()
    for other in (true + 0.2, true - 0.2, true * 1.3, true * 0.7, np.repeat(true[2], 5)):
        assert pinball(np.tile(other, (len(values), 1)), values).mean() > least


def test_simple_forecasts_know_only_what_came_before() -> None:
    values = np.random.default_rng(1).normal(size=1000).cumsum()
    changed = values.copy()
    changed[700:] = 1e6
    for before, after in zip(naive(values, 24).values(), naive(changed, 24).values(), strict=True):
        np.testing.assert_array_equal(before[:701], after[:701])


def test_bands_of_simple_forecasts_hold_what_they_promise() -> None:
    values = np.random.default_rng(2).normal(size=8000)
    for found in naive(values, 7).values():
        inside = (values > found[:, 0]) & (values < found[:, -1])
        assert inside[2 * MISSES :].mean() == pytest.approx(0.9, abs=0.02)


def test_a_day_is_the_period_where_there_are_two_and_else_what_the_values_repeat() -> None:
    at = np.arange(4000)
    assert period_of(np.sin(at), 3600 * SECOND) == 24
    wave = np.sin(2 * np.pi * at[:600] / 50) + 0.1 * np.random.default_rng(3).normal(size=600)
    assert period_of(wave, SECOND) in (50, 100, 150)
    assert period_of(np.ones(600), SECOND) == 0


def test_only_the_last_part_is_judged() -> None:
    values = np.random.default_rng(4).normal(size=2000)
    quantiles = np.tile([-1.6, -0.7, 0.0, 0.7, 1.6], (2000, 1))
    worse_before = quantiles.copy()
    worse_before[:1000] += 50.0
    one, other = (compare(values, part, SECOND, 1000) for part in (quantiles, worse_before))
    assert one == other
    assert one.points == 1000
    assert one.ratio("persistence") < 0.8
    assert overall([one], "persistence") == pytest.approx(one.ratio("persistence"))


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three series of 1,800 points: two waves, and one that never changes."""
    rng, at = np.random.default_rng(5), np.arange(1800)
    waves = [np.sin(2 * np.pi * at / period) + 0.05 * rng.normal(size=1800) for period in (12, 31)]
    rows = zip(at.tolist(), *(wave.tolist() for wave in waves), strict=True)
    start = np.datetime64("2026-03-01T00:00:00")
    lines = [f"{start + 10 * k}Z,{a:.4f},{b:.4f},5" for k, a, b in rows]
    file = tmp_path_factory.mktemp("metrics") / "metrics.csv"
    file.write_text("time,requests,load,threads\n" + "\n".join(lines) + "\n")
    return file


def test_score_writes_the_report_as_json_and_as_a_table(metrics: Path, tmp_path: Path) -> None:
    for name in ("report.json", "report.txt"):
        assert run(["score", str(metrics), "--forecasts", str(tmp_path / name)]) == 0
    found = json.loads((tmp_path / "report.json").read_text())
    assert [one["series"] for one in found["series"]] == ["load", "requests"]
    assert all(one["points"] == 900 and one["lstm"] > 0 for one in found["series"])
    assert found["ratios"]["persistence"] < 0.8
    table = (tmp_path / "report.txt").read_text()
    assert "metrics.csv requests" in table
    assert f"lstm / persistence, geometric mean over series: {found['ratios']['persistence']:.3f}" in table


def test_without_a_forecaster_the_report_is_empty(
    metrics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGWATCHD_DETECTORS__LSTM__ENABLED", "false")
    assert run(["score", str(metrics), "--forecasts", str(tmp_path / "report.json")]) == 0
    assert json.loads((tmp_path / "report.json").read_text())["series"] == []


def _rows(metrics: Path, to: Path) -> list[dict[str, Any]]:
    assert run(["score", str(metrics), "-o", str(to)]) == 0
    rows = [json.loads(line) for line in to.read_text().splitlines()]
    return [row for row in rows if row["series"] == "requests"][600:]


def test_rows_show_the_band_of_the_forecast_where_it_is_better(
    metrics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = _rows(metrics, tmp_path / "with.jsonl")
    monkeypatch.setenv("LOGWATCHD_DETECTORS__LSTM__ENABLED", "false")
    untold = _rows(metrics, tmp_path / "without.jsonl")
    value, low, high = (np.array([row[name] for row in told], float) for name in ("value", "low", "high"))
    assert ((low <= value) & (value <= high)).mean() > 0.85
    usual = np.array([row["high"] for row in untold], float) - np.array([row["low"] for row in untold], float)
    assert np.median(high - low) < 0.5 * np.median(usual)
    assert all(row["detectors"]["lstm"] is not None for row in told)
    assert all(row["detectors"]["lstm"] is None for row in untold)
    assert [row["score"] for row in told] == [row["score"] for row in untold]
