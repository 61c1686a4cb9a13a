"""The step of a series, from the intervals of its samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.series.segments import Segments
from logwatch.types import Int64

SECOND = 10**9
LEARN = 8
"""Samples from which a step is learned."""

RELEARN = 64
"""Intervals in a row that are too long, or too short, for the step: it is learned anew."""

STEPS: Int64 = np.array([1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 86400]) * SECOND

QUICK: Int64 = np.array([1, 2, 5]) * (SECOND // 10)
"""Steps below a second, of what is measured by a clock; what comes when something happens has steps of a second."""


def step_of(times: Int64) -> Int64:
    """Steps [m] ≥ 0.1 s of series with samples at times [m, LEARN]: a usual one within a tenth, or whole seconds."""
    interval = np.sort(np.diff(times, axis=1), axis=1)
    median = interval[:, (LEARN - 1) // 2]
    above = np.searchsorted(STEPS, median).clip(1, len(STEPS) - 1)
    low, high = STEPS[above - 1], STEPS[above]
    near = np.where(np.abs(median - low) <= np.abs(median - high), low, high)
    own = (median + SECOND // 2) // SECOND * SECOND
    whole = np.maximum(np.where(np.abs(median - near) <= near // 10, near, own), SECOND)
    quick = QUICK[np.abs(median[:, None] - QUICK).argmin(axis=1)]
    regular = np.abs(interval[:, 1:-1] - quick[:, None]) <= quick[:, None] // 10  # one may be late, and the next early
    return np.where(regular.all(axis=1), quick, whole)


def unfit(segments: Segments, times: Int64, before: Int64, step: Int64, odd: Int64, most: int) -> tuple[Int64, Int64]:
    """Where series take another interval for good.

    Args:
        times: [n] of samples, each later than all before it.
        before: [n] time of the sample before.
        step: [n] ns.
        odd: [s] intervals in a row up to now that were too long; negative: too short.
        most: steps beyond which an interval is a gap, and says nothing.

    Returns:
        The sample [s] at which a step is given up (the end of the run: none), and `odd` [s] after all.
    """
    interval = np.minimum(times - before, (most + 1) * step)
    slow = (2 * interval > 3 * step) & (interval <= most * step)
    fast = (3 * interval < 2 * step) & (step > SECOND)
    side = slow.astype(np.int64) - fast
    if not side.any():
        return segments.end, np.zeros(len(odd), np.int64)
    fresh = segments.head | (side != np.append(0, side[:-1]))
    runs = Segments(np.cumsum(fresh))
    length = np.arange(len(side)) - runs.begin[runs.of] + 1
    goes_on = segments.head & (side == np.sign(odd)[segments.of])
    carried = np.where(goes_on, np.abs(odd)[segments.of], 0)[runs.begin]
    length = length + carried[runs.of]
    cut = segments.first((length >= RELEARN) & (side != 0))
    last = segments.end - 1
    return cut, (side * np.minimum(length, RELEARN))[last]


def buffered(segments: Segments, have: NDArray[Any]) -> Int64:
    """Places [n] of samples in the buffers of series that have so many already [s]; LEARN and above: no place."""
    place: Int64 = np.arange(len(segments.of)) - segments.begin[segments.of] + have[segments.of]
    return place
