"""What the forecaster makes of series: it learns them, says what is unusual, and can be switched off."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.series.forecast_report import pinball
from logwatch.score.series.forecaster import Forecaster
from logwatch.score.series.lstm_columns import COLUMNS
from tests.score.series.simulated_forecasts import Run, places, points_of

STEPS, COUNT = 3000, 6


def waves(seed: int = 0) -> np.ndarray:
    """Sums of two waves [STEPS, COUNT], of different periods and units, with a little noise."""
    rng, at = np.random.default_rng(seed), np.arange(STEPS)[:, None]
    fast, slow = (np.sin(2 * np.pi * at / rng.uniform(*span, COUNT)) for span in ((9, 14), (40, 60)))
    return (10.0 ** np.arange(COUNT)) * (fast + slow + 0.02 * rng.normal(size=fast.shape))


def test_it_learns_what_persistence_cannot_know() -> None:
    values = waves()
    points = points_of(values)
    lost = {}
    for learning in ("online", "frozen"):
        run = Run(COUNT, LstmConfig(learning=learning))
        run.feed(points)
        lost[learning] = pinball(run.close()[:, 1:], points.value)
    late = points.time > points.time[-1] - 600 * (points.time[COUNT] - points.time[0])
    for slot in range(COUNT):
        rows = late & (points.slot == slot)
        assert lost["online"][rows].mean() < 0.5 * lost["frozen"][rows].mean()


def test_frozen_weights_stay_and_nothing_is_kept_to_learn_from() -> None:
    run = Run(COUNT, LstmConfig(learning="frozen"))
    run.feed(points_of(waves()))
    model = run.forecaster._model
    assert model is not None
    assert model.version == "metric-lstm-0"
    assert not any(name.startswith("recipe/replay") or name == "step" for name in run.commit()["forecaster"])
    run.close()


def test_a_break_in_the_pattern_is_more_surprising_than_all_that_came_before() -> None:
    values = waves(seed=1)
    values[2800, 2] += 3.0 * np.ptp(values[:, 2])
    points = points_of(values)
    run = Run(COUNT)
    run.feed(points)
    nats = run.close()[places(points, 2), 0]
    assert nats[2800] > 1.5 * np.nanmax(nats[500:2800])


def test_about_a_twentieth_lies_beyond_either_end_of_the_band() -> None:
    points = points_of(np.cumsum(np.random.default_rng(3).normal(size=(STEPS, COUNT)), axis=0))
    run = Run(COUNT)
    run.feed(points)
    said, late = run.close(), slice(STEPS * COUNT // 2, None)
    for share in ((points.value < said[:, 1])[late].mean(), (points.value > said[:, 5])[late].mean()):
        assert 0.03 < share < 0.07


def test_a_missing_value_is_no_surprise_and_the_forecast_goes_on() -> None:
    values = waves(seed=2)
    values[2000:2003, 1] = np.nan
    points = points_of(values)
    run = Run(COUNT)
    run.feed(points)
    said = run.close()[places(points, 1)]
    assert np.isnan(said[2000:2003, 0]).all()
    assert not np.isnan(said[2000:2004, 1:]).any()


def test_the_state_of_a_series_is_small() -> None:
    assert np.dtype(list(COLUMNS)).itemsize <= 504


def test_switched_off_it_forecasts_nothing_and_needs_no_columns() -> None:
    forecaster = Forecaster(KeyTable([("other", "f4")], COUNT), None)
    points = points_of(waves()[:50])
    nats, quantiles = forecaster.score(points)
    assert np.isnan(nats).all()
    assert np.isnan(quantiles).all()
    assert quantiles.shape == (len(points), 5)
    forecaster.restore({"model": b"of a run in which it was on"})
    assert not list(forecaster.changes())
    forecaster.close()


def test_torch_is_imported_when_the_first_points_come() -> None:
    code = (
        "import sys, numpy as np\n"
        "from logwatch.score.detector_configs import LstmConfig\n"
        "from tests.score.series.simulated_forecasts import points_of, table_for\n"
        "from logwatch.score.series.forecaster import Forecaster\n"
        "one = Forecaster(table_for(1), LstmConfig())\n"
        "one.score(points_of(np.ones((0, 1))))\n"
        "assert 'torch' not in sys.modules\n"
        "one.score(points_of(np.ones((1, 1))))\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
