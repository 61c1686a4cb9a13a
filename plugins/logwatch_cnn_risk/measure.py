"""Figures of risk: area under curves, intervals, and what a gate would have caught."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.api import Float32

Bools = NDArray[np.bool_]
FALSE_ALARMS = 0.05
ROUNDS = 300


def auc(score: Float32, failing: Bools) -> float:
    """Area under the ROC curve, ties counted half; NaN where there is but one kind of window."""
    ranks = _ranks(score)
    positive = int(failing.sum())
    negative = len(failing) - positive
    if not positive or not negative:
        return float("nan")
    return float((ranks[failing].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _ranks(score: Float32) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def interval(score: Float32, failing: Bools, groups: NDArray[Any], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the AUC by bootstrap over groups."""
    rng = np.random.default_rng(seed)
    every, number = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(number == one) for one in range(len(every))]
    found = []
    for _ in range(ROUNDS):
        drawn = np.concatenate([rows[one] for one in rng.integers(0, len(rows), len(rows))])
        found.append(auc(score[drawn], failing[drawn]))
    with np.errstate(all="ignore"):
        low, high = np.nanquantile(found, [0.025, 0.975]) if np.isfinite(found).any() else (np.nan, np.nan)
    return float(low), float(high)
