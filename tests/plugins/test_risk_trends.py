"""Trends: how steeply a metric goes, against how it usually does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from logwatch.types import Float32
from logwatch_cnn_risk.committee import Committee
from logwatch_cnn_risk.measure import earliest, gate
from logwatch_cnn_risk.trendcnn import TrendCnn
from logwatch_cnn_risk.trends import slopes, spans, trends, usual_trends

N, M, C = 3, 4, 30


def test_a_line_has_its_slope_over_every_span() -> None:
    line = np.broadcast_to(np.arange(C, dtype=np.float32), (1, 1, C))
    for at, columns in enumerate(spans(C)):
        assert slopes(line)[0, at, 0, -1] == pytest.approx((columns - 1) / 2, rel=1e-4)  # half of the rise
        assert not slopes(line)[0, at, 0, : columns - 1].any()


def test_a_slope_knows_nothing_of_what_comes_after() -> None:
    rng = np.random.default_rng(0)
    some = rng.normal(size=(N, M, C)).astype(np.float32)
    other = some.copy()
    other[:, :, 20:] += 5
    np.testing.assert_array_equal(slopes(some)[..., :20], slopes(other)[..., :20])


@given(arrays(np.float32, (2, 3, 8), elements=st.floats(width=32)))
def test_trends_are_finite_whatever_the_values_are(some: Float32) -> None:
    steep = slopes(some)
    usual = usual_trends(steep[..., -1].transpose(0, 2, 1))
    assert np.isfinite(trends(steep, usual, np.isfinite(some).any(axis=2))).all()


def test_a_row_that_was_not_measured_has_no_trend() -> None:
    usual = np.ones((M, 3, 2), np.float32)
    measured = np.ones((N, M), bool)
    measured[:, 1] = False
    steep = slopes(np.random.default_rng(0).normal(size=(N, M, C)).astype(np.float32))
    assert not trends(steep, usual, measured)[:, :, 1].any()
    assert trends(steep, usual, measured)[:, :, 0].any()


@pytest.mark.parametrize("columns", [4, 16, 30])
@pytest.mark.parametrize("metrics", [1, 5, 48])
def test_the_network_reads_any_number_of_rows_in_any_order(metrics: int, columns: int) -> None:
    torch.manual_seed(0)
    both = Committee([TrendCnn(columns), TrendCnn(columns)]).eval()
    frames = torch.randn(2, 7, metrics, columns)
    frames[:, 2] = 0
    first, turned = both(frames), both(frames.flip(2))
    torch.testing.assert_close(first, turned)
    torch.testing.assert_close(first, torch.stack([one(frames) for one in both.members]).mean(0))


def test_the_curve_of_lead_times_ends_at_what_the_gate_catches() -> None:
    rng = np.random.default_rng(0)
    deployments = np.repeat(np.arange(40), 5)
    failed = deployments % 2 == 0
    lead = np.where(failed, np.tile(np.arange(50, 0, -10), 40), 0).astype(np.float32)
    score = (rng.normal(size=200) + failed * (60 - lead) / 15).astype(np.float32)
    points = earliest(score, deployments, failed, lead)
    caught, median = gate(score, deployments, failed, lead)
    assert points[-1][1] == pytest.approx(caught)
    assert np.median([seconds for seconds, _ in points]) == pytest.approx(median)
    assert [seconds for seconds, _ in points] == sorted((seconds for seconds, _ in points), reverse=True)
