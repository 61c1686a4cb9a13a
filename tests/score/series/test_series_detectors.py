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
FIELDS = ("nats", "combined", "news", "expected", "low", "high")


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
    return SeriesScores(*(np.concatenate([getattr(one, field) for one in said]) for field in FIELDS))


def of(scores: SeriesScores, name: str) -> NDArray[np.float32]:
    return scores.nats[:, NAMES.index(name)]


def noise(count: int, seed: int = 0, level: float = 20.0) -> NDArray[np.float64]:
    return level + np.random.default_rng(seed).normal(size=count)


def by_day() -> NDArray[np.float64]:
    """High from eight to sixteen o'clock, and once shortly after midnight."""
    day = np.where((np.arange(DAY) >= 96) & (np.arange(DAY) < 192), 50.0, 20.0)
    values = np.tile(day, 10) + np.random.default_rng(0).normal(size=10 * DAY)
    values[9 * DAY + 10 : 9 * DAY + 14] = 50.0
    return values


def otherwise_spread() -> NDArray[np.float64]:
    """Uniform; 60 values at two places of the same range."""
    values = np.random.default_rng(0).uniform(0.0, 10.0, 1600)
    values[1400:1460] = np.random.default_rng(1).choice([1.0, 9.0], 60)
    return values


def spiky() -> NDArray[np.float64]:
    """A spike, and later a train of changes."""
    values = noise(1600)
    values[600] += 40.0
    values[1400:1440] += np.where(np.arange(40) % 2, 6.0, -6.0)
    return values


SERIES = {
    "noise": noise(1500),
    "by day": by_day(),
    "otherwise spread": otherwise_spread(),
    "spiky": spiky(),
    "shifted": np.append(noise(1400), noise(100, 1, 25.0)),
    "stuck": np.append(noise(800), np.full(700, 20.3)),
    "hardly changing": np.repeat([1.0, 2.0, 3.0], 400),
    "flat at times": np.tile(np.append(np.full(40, 5.0), np.arange(10.0)), 30),
    "every other": np.where(np.arange(1000) % 2, np.nan, noise(1000)),
    "few": np.random.default_rng(0).poisson(0.7, 400).astype(float),
    "few, less three": np.random.default_rng(0).poisson(0.7, 400) - 3.0,
}


@pytest.fixture(scope="module")
def heard() -> dict[str, SeriesScores]:
    """All of `SERIES`, scored beside each other."""
    detectors = SeriesDetectors(table_of(len(SERIES)))
    said: dict[str, list[tuple[SeriesScores, int]]] = {name: [] for name in SERIES}
    for at in range(max(map(len, SERIES.values()))):
        there = [(slot, name) for slot, name in enumerate(SERIES) if at < len(SERIES[name])]
        slots = np.array([slot for slot, _ in there], np.int32)
        values = np.array([SERIES[name][at] for _, name in there])
        scores = detectors.score(points(slots, np.full(len(there), at), values))
        for row, (_, name) in enumerate(there):
            said[name].append((scores, row))
    return {
        name: SeriesScores(*(np.array([getattr(scores, field)[row] for scores, row in rows]) for field in FIELDS))
        for name, rows in said.items()
    }


def test_a_level_that_is_usual_at_noon_is_news_at_midnight(heard: dict[str, SeriesScores]) -> None:
    nats = of(heard["by day"], "season")
    assert nats[9 * DAY + 11 : 9 * DAY + 14].min() > 5.0
    assert nats[8 * DAY : 9 * DAY].max() < 5.0
    assert nats[9 * DAY + 110 : 9 * DAY + 180].max() < 5.0


def test_values_spread_otherwise_are_found_where_none_of_them_is_rare(heard: dict[str, SeriesScores]) -> None:
    nats = of(heard["otherwise spread"], "entropy")
    assert np.isnan(nats[:50]).all()
    assert nats[1400:1470].max() > nats[700:1400].max() + 2.0


def test_a_spike_and_a_train_of_small_changes_are_found(heard: dict[str, SeriesScores]) -> None:
    nats = of(heard["spiky"], "spike")
    usual = max(6.0, nats[300:600].max(), nats[1000:1400].max())
    assert nats[600] > usual
    assert nats[1400:1440].max() > usual


def test_a_level_shift_is_found(heard: dict[str, SeriesScores]) -> None:
    nats = of(heard["shifted"], "shift")
    assert nats[1400:1410].max() > nats[300:1400].max() + 4.0


def test_a_flat_line_is_found_once_it_is_long_and_said_only_a_few_times(heard: dict[str, SeriesScores]) -> None:
    nats = of(heard["stuck"], "flat")
    said = np.flatnonzero(~np.isnan(nats))
    assert said[0] == 832
    assert nats[832] > 5.0
    assert len(said) < 20


def test_a_constant_that_hardly_ever_changed_is_not_a_flat_line(heard: dict[str, SeriesScores]) -> None:
    assert np.isnan(of(heard["hardly changing"], "flat")).all()


def test_flat_lines_that_are_usual_are_no_news(heard: dict[str, SeriesScores]) -> None:
    assert np.nanmax(of(heard["flat at times"], "flat")[750:]) < 3.0


def test_a_value_every_other_step_is_usual_where_it_always_was_so(heard: dict[str, SeriesScores]) -> None:
    assert np.nanmax(of(heard["every other"], "missing")[500:]) < 1.0


def test_the_band_holds_what_is_usual(heard: dict[str, SeriesScores]) -> None:
    scores, values = heard["noise"], SERIES["noise"]
    inside = (scores.low <= values) & (values <= scores.high)
    assert 0.9 < inside[500:].mean() < 0.99
    assert abs(np.nanmean(scores.expected) - 20.0) < 0.3


def test_a_series_that_was_never_negative_is_not_expected_to_be(heard: dict[str, SeriesScores]) -> None:
    assert heard["few"].low[100:].min() == 0.0
    assert heard["few, less three"].low[100:].min() < -3.0


@pytest.mark.parametrize("level", [0.0, 1e9])
def test_the_range_of_the_spread_doubles_without_losing_counts(level: float) -> None:
    detectors = SeriesDetectors(table := table_of(1))
    values = level + np.concatenate([np.zeros(5), np.random.default_rng(0).normal(size=200), [1e6, -1e7, 3.0]])
    listen(values, detectors)
    assert table.view("entropy_past")[0].sum() == len(values)
    assert table.view("entropy_recent")[0].sum() == 50
    bins = np.bincount(table.view("entropy_window")[0], minlength=16)
    np.testing.assert_array_equal(bins, table.view("entropy_recent")[0])


def test_missing_values_are_scored_and_no_detector_learns_them() -> None:
    values = noise(900)
    values[800:] = np.nan
    detectors = SeriesDetectors(table := table_of(1))
    listen(values[:800], detectors)
    before = {name: table.view(name).copy() for name in ("season_hours", "change", "entropy_past", "run_last")}
    scores = listen(values[800:], detectors, 800)
    assert of(scores, "missing")[0] == pytest.approx(np.log(800.5 / 0.5), rel=1e-5)
    assert np.count_nonzero(~np.isnan(of(scores, "missing"))) < 25
    assert np.isnan(scores.nats[:, :-1]).all()
    assert abs(scores.expected - 20.0).max() < 1.0  # what was to come is said all the same
    for name, was in before.items():
        np.testing.assert_array_equal(table.view(name), was)
    assert scores.combined[0] > 6.0
    assert scores.news[0] > 6.0


def test_the_expectation_is_of_before_the_value() -> None:
    values = noise(300)
    values[250] = 1000.0
    scores = listen(values)
    assert scores.high[250] < 30.0


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1e30, 1e-308])
def test_extreme_values_give_numbers(extreme: float) -> None:
    values = noise(400)
    values[[0, 100, 101, 300]] = extreme
    scores = listen(values)
    assert np.isfinite(scores.combined).all()
    assert np.isfinite(scores.news).all()
    nats = scores.nats[~np.isnan(scores.nats)]
    assert (nats >= 0).all()
    assert (nats < 69.1).all()


def test_a_series_that_begins_with_missing_values_is_scored_from_its_first_one() -> None:
    late = listen(np.append(np.full(100, np.nan), noise(300)))
    np.testing.assert_array_equal(late.nats[100:, :4], listen(noise(300), first=100).nats[:, :4])


def test_the_state_of_a_series_is_small() -> None:
    assert np.dtype(list(SeriesDetectors.FIELDS.dtype)).itemsize <= 2048


@pytest.mark.parametrize("usual", [noise(2000), np.full(2000, 20.0), np.zeros(2000)], ids=["noise", "constant", "zero"])
@pytest.mark.parametrize("absurd", [1e308, -1e19, 1e12])
def test_one_absurd_value_does_not_blind_a_series(usual: NDArray[np.float64], absurd: float) -> None:
    values = usual.copy()
    values[800] = absurd
    values[1400] += 1000.0
    said = listen(values)
    assert said.combined[[800, 1400]].min() > 5
    assert said.high[1399] - said.low[1399] < 100


def test_a_level_a_million_times_higher_is_learned_all_the_same() -> None:
    said = listen(np.append(noise(800), noise(200, 1) * 1e6))
    assert said.low[999] < 2e7 < said.high[999] < 1e8
