"""Figures of risk: area under curves, intervals, and what a gate would have caught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    return spread([auc(score[rows], failing[rows]) for rows in redrawn(groups, seed)])


def redrawn(groups: NDArray[Any], seed: int) -> Iterator[NDArray[np.int64]]:
    """Rows of windows whose groups [n] are drawn anew, with replacement, so many times."""
    rng = np.random.default_rng(seed)
    every, number = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(number == one) for one in range(len(every))]
    for _ in range(ROUNDS):
        yield np.concatenate([rows[one] for one in rng.integers(0, len(rows), len(rows))])


def spread(found: Sequence[float]) -> tuple[float, float]:
    """Between these 95 % of the figures lie; NaN where none is one."""
    with np.errstate(all="ignore"):
        low, high = np.nanquantile(found, [0.025, 0.975]) if np.isfinite(found).any() else (np.nan, np.nan)
    return float(low), float(high)


def gate(
    score: Float32, deployments: NDArray[Any], failed: Bools, lead: Float32, share: float = FALSE_ALARMS
) -> tuple[float, float]:
    """What a gate catches that stops at most a share of the healthy deployments.

    Args:
        score: [n] of windows.
        deployments: [n] which deployment each is of.
        failed: [n] whether that deployment failed in the end.
        lead: [n] seconds from the window's end to the failure.

    Returns:
        The share of the failed deployments that it stops before their end, and the median of the seconds by which its
        first alarm comes before; NaN where there are none.
    """
    leads, bad = _leads(score, deployments, failed, lead, share)
    return (len(leads) / bad if bad else float("nan")), (float(np.median(leads)) if leads else float("nan"))


def earliest(
    score: Float32, deployments: NDArray[Any], failed: Bools, lead: Float32, share: float = FALSE_ALARMS
) -> tuple[tuple[float, float], ...]:
    """Seconds before the failure, and the share of the failed deployments that such a gate has stopped by then."""
    leads, bad = _leads(score, deployments, failed, lead, share)
    return tuple((one, (at + 1) / bad) for at, one in enumerate(sorted(leads, reverse=True)))


def _leads(
    score: Float32, deployments: NDArray[Any], failed: Bools, lead: Float32, share: float
) -> tuple[list[float], int]:
    """Seconds from the first alarm of each failed deployment that is stopped to its failure, and how many failed."""
    healthy = [float(score[deployments == one].max()) for one in np.unique(deployments[~failed])]
    bad = np.unique(deployments[failed])
    if not healthy or not len(bad):
        return [], 0
    limit = np.sort(healthy)[::-1][int(share * len(healthy))]  # at most so many are above it
    alarms = [(deployments == one) & (score > limit) for one in bad]
    return [float(lead[rows].max()) for rows in alarms if rows.any()], len(bad)


def curves(p: Float32, failing: Bools, points: int = 21) -> dict[str, tuple[tuple[float, float], ...]]:
    """ROC (false, true alarms), PR (recall, precision) and calibration (said, came) of probabilities [n]."""
    limits = np.quantile(p, np.linspace(1, 0, points))
    positive, negative = max(int(failing.sum()), 1), max(int((~failing).sum()), 1)
    caught = [int(failing[p >= limit].sum()) for limit in limits]
    false = [int((~failing)[p >= limit].sum()) for limit in limits]
    bins = np.minimum((p * 10).astype(int), 9)
    calibration = [(float(p[bins == at].mean()), float(failing[bins == at].mean())) for at in np.unique(bins)]
    return {
        "roc": tuple((f / negative, c / positive) for f, c in zip(false, caught, strict=True)),
        "pr": tuple((c / positive, c / max(c + f, 1)) for f, c in zip(false, caught, strict=True)),
        "calibration": tuple(calibration),
    }
