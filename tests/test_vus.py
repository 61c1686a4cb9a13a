import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.vus import THRESHOLDS, vus_pr


def by_definition(scores: list[float], labels: list[int], longest: int) -> float:
    """Point by point, threshold by threshold."""
    n = len(scores)
    ranked = sorted(scores, reverse=True)
    thresholds = [ranked[int(rank)] for rank in np.linspace(0, n - 1, THRESHOLDS)]
    runs, areas = [], []
    for at in range(n):
        if labels[at] and (at == 0 or not labels[at - 1]):
            end = next((k for k in range(at, n) if not labels[k]), n) - 1
            runs.append((at, end))
    for length in range(longest + 1):
        soft = [float(label) for label in labels]
        for first, last in runs:
            for at in range(n):
                if first - length // 2 <= at < first:
                    soft[at] += math.sqrt(1 - (first - at) / length)
                if last < at < last + length // 2:
                    soft[at] += math.sqrt(1 - (at - last) / length)
        soft = [min(label, 1.0) for label in soft]
        area, before = 0.0, 0.0
        for threshold in thresholds:
            flagged = [score >= threshold for score in scores]
            hits = sum(label for label, flag in zip(soft, flagged, strict=True) if flag)
            groups: list[list[bool]] = []
            for at in range(n):
                if soft[at] > 0:
                    if at == 0 or soft[at - 1] == 0:
                        groups.append([])
                    groups[-1].append(flagged[at])
            recall = min(hits / ((sum(labels) + sum(soft)) / 2), 1.0) * sum(map(any, groups)) / len(groups)
            area += hits / sum(flagged) * (recall - before)
            before = recall
        areas.append(area)
    return sum(areas) / len(areas)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=2, max_size=40), st.integers(0, 12))
def test_agrees_with_the_definition_point_by_point(points: list[tuple[int, int]], longest: int) -> None:
    scores, labels = [float(score) for score, _ in points], [label for _, label in points]
    labels[0], labels[-1] = 1, 0
    assert vus_pr(np.array(scores), np.array(labels), longest) == pytest.approx(by_definition(scores, labels, longest))


def test_a_perfect_score_is_one_without_buffer_and_an_early_alarm_counts_in_part() -> None:
    labels = np.zeros(1000, bool)
    labels[500:520] = True
    early = np.roll(labels, -10)
    assert vus_pr(labels.astype(float), labels, 0) == pytest.approx(1.0)
    assert vus_pr(early.astype(float), labels, 0) < vus_pr(early.astype(float), labels, 40) < 1.0


def test_a_random_score_reaches_about_the_share_of_anomalies() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros(5000, bool)
    labels[1000:1100] = True
    assert vus_pr(rng.random(5000), labels, 20) < 0.06
