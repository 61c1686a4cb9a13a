"""Average precision, with ties handled right, and what bootstrap draws make of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.backtest.bootstrap import intervals
from logwatch.backtest.evaluation import beside, of_cases
from logwatch.backtest.metrics import Ranking, area_under_roc, average_precision, operating

CASES = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40)


def plainly(cases: list[tuple[int, bool]]) -> float:
    """Average precision by its definition: at each distinct score, all that is at or above it alerts."""
    total, before = sum(bad for _, bad in cases), 0.0
    if not total:
        return math.nan
    found = 0.0
    for least in sorted({score for score, _ in cases}, reverse=True):
        told = [bad for score, bad in cases if score >= least]
        recall = sum(told) / total
        found += sum(told) / len(told) * (recall - before)
        before = recall
    return found


@given(CASES)
def test_average_precision_is_that_of_its_definition_ties_included(cases: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([s for s, _ in cases], np.float32), np.array([b for _, b in cases])
    assert average_precision(scores, labels) == pytest.approx(plainly(cases), nan_ok=True)


@given(CASES, st.randoms())
def test_the_order_of_cases_does_not_matter(cases: list[tuple[int, bool]], random: object) -> None:
    mixed = list(cases)
    random.shuffle(mixed)
    values = [
        average_precision(np.array([s for s, _ in some], np.float32), np.array([b for _, b in some]))
        for some in (cases, mixed)
    ]
    assert values[0] == pytest.approx(values[1], nan_ok=True)


def test_what_says_the_same_of_all_reaches_the_share_of_anomalies() -> None:
    labels = np.array([True, False, False, False])
    assert average_precision(np.ones(4, np.float32), labels) == 0.25
    assert area_under_roc(np.ones(4, np.float32), labels) == 0.5


@given(CASES)
def test_weights_stand_for_cases_that_come_so_often(cases: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([s for s, _ in cases], np.float32), np.array([b for _, b in cases])
    times = np.arange(len(cases)) % 3
    repeated = average_precision(np.repeat(scores, times), np.repeat(labels, times))
    assert Ranking(scores, labels).average_precision(times) == pytest.approx(repeated, nan_ok=True)


def test_no_opinion_ranks_below_every_opinion() -> None:
    scores = np.array([np.nan, -5.0, 1.0], np.float32)
    assert average_precision(scores, np.array([False, True, True])) == 1.0


def test_nothing_told_has_no_precision_and_finds_nothing() -> None:
    reached = operating(0, 0, 0, 3)
    assert math.isnan(reached.precision)
    assert (reached.recall, reached.f1) == (0.0, 0.0)


def test_the_interval_holds_the_figure_and_is_the_same_every_time() -> None:
    values = np.random.default_rng(1).normal(size=200)

    def mean(weights: np.ndarray) -> tuple[float, ...]:
        return (float((weights * values).sum() / weights.sum()),)

    one, other = intervals(200, mean)[0], intervals(200, mean)[0]
    assert one == other
    assert one.low < one.value < one.high
    assert one.high - one.low == pytest.approx(4 * values.std() / math.sqrt(200), rel=0.3)


def test_chance_stands_beside_every_voice_and_alerts_as_often_as_the_first() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(400) < 0.1
    said = (labels + 0.1 * rng.random(400)).astype(np.float32)[:, None]
    crossed = said > 0.5
    reached = {one.voice: one for one in of_cases(beside(["whole"], labels, said, crossed), np.zeros((400, 1)))}
    assert reached["whole"].f1.value == 1.0
    assert reached["random"].told == reached["whole"].told
    assert reached["all"].precision.value == pytest.approx(labels.mean())
    assert reached["all"].average_precision.value == pytest.approx(labels.mean())
    assert reached["all"].recall.value == 1.0
