"""Precision, recall, F1 and average precision, of cases with weights: a bootstrap draw is a set of weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float32, Float64, Int64


class Operating(NamedTuple):
    """What one set of decisions reaches; NaN where it is not defined."""

    precision: float
    recall: float
    f1: float


def operating(right: float, told: float, found: float, there: float) -> Operating:
    """Precision and recall, and their harmonic mean.

    Args:
        right: decisions that were right.
        told: all of them.
        found: anomalies that were found.
        there: all of them.
    """
    precision = right / told if told > 0 else float("nan")
    recall = found / there if there > 0 else float("nan")
    total = precision + recall
    f1 = 2 * precision * recall / total if total > 0 else (0.0 if there > 0 else float("nan"))
    return Operating(precision, recall, f1)


class Ranking:
    """Cases [n] in the order of their scores; those of equal score share one point of the curve.

    Args:
        scores: [n], high means anomalous; NaN counts as the lowest.
        labels: [n].
    """

    def __init__(self, scores: Float32 | Float64, labels: Bool) -> None:
        known = np.where(np.isnan(scores), -np.inf, scores)
        self._order: Int64 = np.argsort(-known, kind="stable")
        ranked = known[self._order]
        self._ends: Int64 = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], len(ranked) > 0))
        self._labels = labels[self._order].astype(np.float64)

    def curve(self, weights: NDArray[np.generic] | None = None) -> tuple[Float64, Float64]:
        """Precision [k] and recall [k] at each distinct score, from the highest on.

        Args:
            weights: [n] of the cases; None: one each.
        """
        weight = np.ones(len(self._order)) if weights is None else np.asarray(weights, np.float64)[self._order]
        hits, all_ = np.cumsum(weight * self._labels), np.cumsum(weight)
        hits, all_ = hits[self._ends], all_[self._ends]
        total = hits[-1] if len(hits) else 0.0
        precision = np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)
        recall = hits / total if total > 0 else np.full(len(hits), np.nan)
        return precision, recall

    def average_precision(self, weights: NDArray[np.generic] | None = None) -> float:
        """Area under precision over recall, as a sum over distinct scores; NaN without an anomaly."""
        return area(*self.curve(weights))


def area(precision: Float64, recall: Float64) -> float:
    """Sum of precision times the gain of recall [k]; NaN where recall is not defined."""
    if not len(recall) or np.isnan(recall[-1]):
        return float("nan")
    return float((precision * np.diff(recall, prepend=0.0)).sum())


def average_precision(scores: Float32 | Float64, labels: Bool) -> float:
    """Average precision of cases [n], without interpolation, ties at one point."""
    return Ranking(scores, labels).average_precision()


def area_under_roc(scores: Float32 | Float64, labels: Bool) -> float:
    """Share of pairs of an anomaly and a normal case that stand in the right order; ties count half."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    bad, good = int(labels.sum()), int((~labels).sum())
    if not bad or not good:
        return float("nan")
    return float((rank[labels].sum() - bad * (bad + 1) / 2) / (bad * good))
