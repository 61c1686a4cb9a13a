"""What the PCA of a source finds, what it leaves alone, and that no value breaks it."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.series.pca import SourcePca
from logwatch.score.series.pca_model import Recipe
from logwatch.score.series.pca_source import PcaScores

METRICS = 12
SLOTS = np.arange(METRICS, dtype=np.int32) + 100


def host(steps: int, seed: int = 0) -> np.ndarray:
    """Values [steps, METRICS] that follow one slow common load, each in its own unit."""
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(steps) / 50.0) + rng.normal(size=steps) * 0.2
    unit = 10.0 ** np.arange(-5, METRICS - 5)
    return (load[:, None] * 2.0 + rng.normal(size=(steps, METRICS)) * 0.3 + 10.0) * unit


def score(values: np.ndarray, pca: SourcePca | None = None) -> PcaScores:
    return (pca or SourcePca()).score(0, 60, SLOTS[: values.shape[1]], values)


def test_a_metric_that_leaves_the_others_is_news_and_is_named() -> None:
    values = host(3000)
    before = values[:, 4].std()
    values[2900:2910, 4] += 8 * before
    scores = score(values)
    assert scores.nats[2900:2910].max() > 12.0
    assert scores.nats[2800:2900].max() < 9.0
    row = 2900 + int(scores.nats[2900:2910].argmax())
    assert scores.drivers[row, 0] == 104
    assert scores.shares[row, 0] > 0.25
    assert (np.diff(scores.shares[row]) <= 0.0).all()


def test_two_metrics_out_of_step_are_news_though_each_stays_in_its_range() -> None:
    values = host(3000)
    low, high = values[:, 3].min(), values[:, 3].max()
    values[2850:2900, 3] = low + high - values[2850:2900, 3]  # mirrored
    assert score(values).nats[2850:2900].max() > score(host(3000)).nats[2850:2900].max() + 5.0


def test_there_is_no_opinion_before_there_is_a_past() -> None:
    scores = score(host(400))
    assert np.isnan(scores.nats[:192]).all()
    assert np.isfinite(scores.nats[256:]).all()


def test_nats_are_tail_probabilities() -> None:
    nats = score(host(12_000)).nats[2000:]
    assert (nats >= 0.0).all()
    for share in (0.5, 0.1, 0.02):
        assert np.mean(nats >= -np.log(share)) == pytest.approx(share, rel=0.5)


def test_units_do_not_matter() -> None:
    values = host(1500)
    nats, scaled = score(values).nats[500:], score(values * 2.0**40).nats[500:]
    np.testing.assert_array_equal(nats, scaled)


def test_missing_values_and_metrics_that_end_are_no_news() -> None:
    values = host(3000)
    values[np.random.default_rng(1).random(values.shape) < 0.2] = np.nan
    values[2500:, 3:6] = np.nan
    scores = score(values)
    assert np.nanmax(scores.nats[2500:]) < 10.0
    assert np.isfinite(scores.nats[2500:]).mean() > 0.9
    assert np.isnan(score(np.full((400, METRICS), np.nan)).nats).all()


def test_a_late_value_that_is_a_step_of_its_own_is_no_news() -> None:
    values, pca = host(2000), SourcePca()
    score(values[:1900], pca)
    late = np.full((1, METRICS), np.nan)
    late[0, 3] = values[1898, 3]
    assert np.isnan(score(late, pca).nats).all()
    assert score(values[1900:], pca).nats.max() < 10.0


def test_a_new_metric_is_no_news_until_it_was_learned_and_then_counts() -> None:
    values = host(4000)
    values[:2000, 7] = np.nan
    values[3500:3510, 7] *= 3.0
    scores = score(values)
    assert scores.nats[2000:3500].max() < 10.0
    assert not (scores.drivers[2000:2064] == 107).any()
    assert scores.nats[3500:3510].max() > 12.0
    assert (scores.drivers[3500:3505, 0] == 107).all()


def test_one_metric_alone_is_judged_by_its_own_deviation() -> None:
    values = np.random.default_rng(2).normal(size=(2000, 1))
    values[1900] = 15.0
    scores = score(values)
    assert scores.nats[1900] == scores.nats[300:].max()
    assert scores.nats[1900] > 7.0
    assert scores.drivers[1900].tolist() == [100, -1, -1]


def test_a_constant_metric_is_silent_until_it_moves() -> None:
    values = host(3000)
    values[:, 2] = 42.0
    values[2950, 2] = 42.5
    scores = score(values)
    assert not (scores.drivers[:2950] == 102).any()
    assert scores.drivers[2950, 0] == 102
    assert scores.nats[2950] > scores.nats[256:2950].max()
    nothing = score(np.full((1000, METRICS), 5.0))
    assert (nothing.nats[300:] == 0.0).all()


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1.7976931348623157e308, 1e-308])
def test_an_extreme_value_is_news_and_spoils_nothing(extreme: float) -> None:
    values = host(4000)
    values[2000, 5] = extreme
    values[3900:3910, 5] += 8 * host(3000)[:, 5].std()
    scores = score(values)
    assert np.isfinite(scores.nats[256:]).all()
    assert scores.nats[2000] > 10.0
    assert (scores.drivers[3902:3910, 0] == 105).all()
    assert scores.nats[3900:3910].max() > scores.nats[2500:3900].max() + 1.0


def test_extreme_values_from_the_first_step_on_break_nothing() -> None:
    values = np.random.default_rng(3).choice([1e308, -1e308, 0.0, 1.0, np.nan, 1e-308], size=(1500, METRICS))
    nats = score(values).nats
    assert (nats[~np.isnan(nats)] >= 0.0).all()


def test_a_short_incident_is_not_learned() -> None:
    values = host(5000)
    broken, unit = values.copy(), values[:, 4].std()
    broken[3000:3030, 4] += 30 * unit
    last = values[4900:].copy()
    last[:, 4] += 3 * unit
    kept, gated, spoiled = SourcePca(), SourcePca(), SourcePca(Recipe(gate=0.0))
    shares = []
    for pca, past in ((kept, values), (gated, broken), (spoiled, broken)):
        score(past[:4900], pca)
        shares.append(score(last, pca).shares[50:, 0].mean())
    assert shares[1] == pytest.approx(shares[0], rel=0.02)
    assert shares[2] < shares[0] * 0.9


def test_a_lasting_change_becomes_normal() -> None:
    values = host(9000)
    values[4000:, 4] += 10 * values[:, 4].std()
    nats = score(values).nats
    assert nats[4000:4010].max() > 10.0
    assert nats[-500:].mean() < 2.5
