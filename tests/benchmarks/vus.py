"""VUS-PR: the volume under the surface of precision, recall and buffer length (Paparrizos et al., PVLDB 15, 2022).

Labels are softened by a buffer around each anomaly that falls as a square root, so that an alarm shortly before or
after counts in part; recall is weighted by the share of anomalies that were touched at all. The area under precision
over recall, averaged over the buffer lengths 0 … `longest`. No point adjustment.

As the authors' code has it: 250 thresholds at equal ranks, half a buffer on either side, and anomalies whose buffers
meet are one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logwatch.types import Bool, Float64, Int64

THRESHOLDS = 250
LONGEST = 100


def vus_pr(scores: NDArray[np.floating], labels: NDArray[np.integer] | Bool, longest: int = LONGEST) -> float:
    """VUS-PR in [0, 1].

    Args:
        scores: [n] finite, higher = more anomalous.
        labels: [n] 0 or 1, both present.
        longest: largest buffer length, points.
    """
    truth = np.asarray(labels, bool)
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    thresholds = ranked[np.linspace(0, len(ranked) - 1, THRESHOLDS).astype(np.int64)]
    flagged = np.searchsorted(-ranked, -thresholds, side="right")  # points at or above each threshold
    areas = [_range_pr(scores, truth, order, flagged, thresholds, length) for length in range(longest + 1)]
    return float(np.mean(areas))


def _range_pr(
    scores: NDArray[np.floating], truth: Bool, order: Int64, flagged: Int64, thresholds: Float64, length: int
) -> float:
    """Area under precision over recall with one buffer length."""
    soft = softened(truth, length)
    hits = np.cumsum(soft[order])[flagged - 1]
    starts, ends = anomalies(soft > 0)
    best = np.array([scores[a:b].max() for a, b in zip(starts, ends, strict=True)])
    touched = (best[None, :] >= thresholds[:, None]).mean(axis=1)
    recall = np.minimum(hits / ((truth.sum() + soft.sum()) / 2.0), 1.0) * touched
    return float((hits / flagged * np.diff(recall, prepend=0.0)).sum())


def softened(truth: Bool, length: int) -> Float64:
    """Labels [n] in [0, 1]: sqrt(1 − distance / length) up to half of `length` points outside an anomaly."""
    soft = truth.astype(np.float64)
    for start, end in zip(*anomalies(truth), strict=True):
        before = np.arange(max(start - length // 2, 0), start)
        after = np.arange(end - 1, min(end - 1 + length // 2, len(truth)))
        for rows, distance in ((before, start - before), (after, after - (end - 1))):
            soft[rows] += np.sqrt(1.0 - distance / max(length, 1))
    return np.minimum(soft, 1.0)


def anomalies(truth: Bool) -> tuple[Int64, Int64]:
    """First points, and the points after the last, of the runs of true."""
    steps = np.diff(truth.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
