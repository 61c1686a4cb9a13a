"""Points in the order in which state can take them: rounds of series, and the steps of sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from logwatch.samples import Points
from logwatch.score.grouped import Groups
from logwatch.types import Int64


def rounds(points: Points) -> Iterator[Int64]:
    """Rows of the points, ascending, each slot at most once, and before its next ones."""
    if not len(points):
        return
    groups = Groups(points.slot)
    counts = groups.counts
    if counts.max() == 1:
        yield np.arange(len(points))
        return
    rank = np.arange(len(points)) - groups.begin[groups.group]
    by_round = Groups(groups.ungroup(rank))
    for begin, end in zip(by_round.begin.tolist(), by_round.end.tolist(), strict=True):
        yield by_round.order[begin:end]


class Step(NamedTuple):
    """Points of one source whose steps of the same length end at the same time, as far as they are complete."""

    source: int
    time: int  # ns: the end
    step: int  # ns
    rows: Int64  # ascending; each slot once


def steps(points: Points) -> Iterator[Step]:
    """The points by source, end and length of their step, in the order of time.

    One batch need not hold all points of a step: a series in its own record is complete one record later than the one
    before it, a belated series later still. Whoever wants a row of all series goes on with the step that it has begun
    until points of a later one come, and passes over points of an earlier one; then the split does not matter.
    """
    if not len(points):
        return
    order = np.lexsort((points.step, points.time, points.source))
    source, time, step = points.source[order], points.time[order], points.step[order]
    head = (source[1:] != source[:-1]) | (time[1:] != time[:-1]) | (step[1:] != step[:-1])
    for rows in np.split(order, np.flatnonzero(head) + 1):
        first = rows[0]
        yield Step(int(points.source[first]), int(points.time[first]), int(points.step[first]), rows)
