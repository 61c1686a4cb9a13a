"""Points in the order in which state can take them: rounds of series, and the steps of sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.samples import Points
from logwatch.score.grouped import Groups
from logwatch.types import Int32, Int64


class Rounds:
    """n points of any number of series, round by round: each has a series at most once, and before its next one.

    Series are numbered 0 … k - 1, those with the most points first: a round has the first so many of them.

    Args:
        slots: [n] of the points, those of a series in the order of time.

    Attributes:
        slots: [k] of the series.
        order: [n] rows of the points, round by round.
        widths: points of each round.
    """

    def __init__(self, slots: Int32) -> None:
        groups = Groups(slots)
        counts = groups.counts
        longest = np.argsort(-counts, kind="stable")
        number = np.empty_like(longest)
        number[longest] = np.arange(len(longest))
        self.slots: Int32 = groups.keys[longest].astype(np.int32)
        ended = np.bincount(counts)[1:]
        self.widths: list[int] = (len(groups) - np.cumsum(ended) + ended).tolist()
        begin = np.cumsum([0, *self.widths[:-1]])
        turn = np.arange(len(slots)) - groups.begin[groups.group]
        self.order: Int64 = np.empty(len(slots), np.int64)
        self.order[begin[turn] + number[groups.group]] = groups.order

    def __iter__(self) -> Iterator[tuple[slice, int]]:
        """Places in `order` of each round, and its width."""
        begin = 0
        for width in self.widths:
            yield slice(begin, begin + width), width
            begin += width

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values [n, …] that stand round by round, in the order of the points."""
        out = np.empty_like(values)
        out[self.order] = values
        return out


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
