"""The two voices of a closed step: each claims no more than its probability, however many series a source has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from logwatch.app.names import PipelineNames
from logwatch.metric_rows import Measured, point_rows
from logwatch.metric_stages import PCA, SERIES, of_many
from tests.metric_runs import METRICS, START, Line, Run, service

ALL_AT_ONCE = 10**6


class Kept(Run):
    """Keeps what was measured, and the rows of it."""

    def _keep(self, measured: Measured) -> None:
        super()._keep(measured)
        steps, units = measured.judging.steps, measured.judging.units
        pairs = list(zip(steps.begin.tolist(), steps.end.tolist(), strict=True))
        loudest = np.array([steps.scores.together[begin:end].max() for begin, end in pairs])
        self.voices.append((loudest, steps.end - steps.begin, units.nats))
        self.judged.append(np.nan_to_num(measured.judge(units).score))
        step = pl.Series(np.repeat(np.arange(len(steps)), steps.end - steps.begin))
        by_step = point_rows(measured, self.names).with_columns(step=step).group_by("step", maintain_order=True)
        self.best.append(by_step.agg(pl.col("score").max(), pl.col("surprise").max()))

    def prepare(self, session) -> None:
        self.voices, self.judged, self.best = [], [], []
        self.names = PipelineNames(session.pipeline.stages)


def alone(steps: int) -> list[Line]:
    """A source with one metric."""
    rng = np.random.default_rng(3)
    lines = [(METRICS, b"time,name,value")]
    lines += [(METRICS, f"{START + 10 * step},load,{rng.normal(5, 1):.3f}".encode()) for step in range(steps)]
    return lines


@pytest.mark.parametrize("series", [1, 3, 38])
def test_the_loudest_of_many_series_claims_its_probability_and_no_more(series: int) -> None:
    nats = np.random.default_rng(series).exponential(1.0, (200_000, series)).max(axis=1).astype(np.float32)
    claimed = of_many(nats, np.full(len(nats), series))
    for level in (2.0, 4.0, 6.0):
        reached = (claimed >= level).mean()
        assert 0.7 * np.exp(-level) < reached < np.exp(-level) * 1.2
    assert claimed.min() >= 0


def test_no_opinion_stays_none() -> None:
    assert np.isnan(of_many(np.array([np.nan], np.float32), np.array([4]))).all()


def test_a_step_of_several_series_is_held_to_their_number(tmp_path: Path) -> None:
    run = Kept(tmp_path)
    run.feed(service(logs=False), iter([ALL_AT_ONCE]))
    together, series, nats = map(np.concatenate, zip(*run.voices, strict=True))
    assert set(series.tolist()) >= {3}
    np.testing.assert_allclose(nats[:, SERIES], np.maximum(together - np.log(series), 0), atol=1e-5)
    assert (nats[series == 3, PCA] > 0).any()


def test_a_source_of_one_series_is_judged_by_that_series_alone(tmp_path: Path) -> None:
    run = Kept(tmp_path)
    run.feed(alone(1500), iter([ALL_AT_ONCE]))
    together, series, nats = map(np.concatenate, zip(*run.voices, strict=True))
    assert len(nats) > 1400
    assert set(series.tolist()) == {1}
    assert np.isnan(nats[:, PCA]).all()
    np.testing.assert_array_equal(nats[:, SERIES], together)
    assert (together > 0).any()


def test_the_loudest_row_of_a_step_has_the_score_of_the_step_and_its_series_own_surprise(tmp_path: Path) -> None:
    run = Kept(tmp_path)
    run.feed(service(logs=False), iter([ALL_AT_ONCE]))
    best, judged = pl.concat(run.best), np.concatenate(run.judged)
    np.testing.assert_allclose(best["score"].fill_null(0).to_numpy(), judged, atol=1e-4)
    together = np.concatenate([one for one, _, _ in run.voices])
    np.testing.assert_allclose(best["surprise"].to_numpy(), together, atol=1e-6)
