"""The most that each voice said in every moment of each source: what scores over time, and curves, are made of.

A moment is a second at first. Where a history is so long that there would be too many of them, moments are joined in
pairs, so that memory stays bounded.
"""

from __future__ import annotations

import numpy as np

from logwatch.types import NO_TIME, Float32, Int64

MOST = 400_000
"""Moments of all sources together that are kept."""

SECOND = 10**9


class Timeline:
    """Maxima by source and moment.

    Args:
        voices: columns of what was said.
        most: moments that are kept.
    """

    def __init__(self, voices: int, most: int = MOST) -> None:
        self._voices, self._most = voices, most
        self.width = SECOND
        """Of a moment, ns."""
        self.source: Int64 = np.zeros(0, np.int64)
        self.moment: Int64 = np.zeros(0, np.int64)
        self.values: Float32 = np.zeros((0, voices), np.float32)
        """[moments, voices] the largest; NaN where nobody spoke."""
        self.counts: Int64 = np.zeros((0, 3), np.int64)
        """[moments, 3] of lines or steps, of decisions, and of those that crossed."""
        self.latest = int(NO_TIME)
        """Time, ns."""
        self._waiting: list[tuple[Int64, Int64, Float32, Int64]] = []
        self._held = 0

    def add(self, source: Int64, time: Int64, values: Float32, counts: Int64) -> None:
        """Take in what was said.

        Args:
            source: [n].
            time: [n] ns.
            values: [n, voices].
            counts: [n, 3] as above.
        """
        if not len(source):
            return
        self.latest = max(self.latest, int(time.max()))
        one = _reduced(source.astype(np.int64), time // self.width, values, counts)
        self._waiting.append(one)
        self._held += len(one[0])
        if self._held > self._most:
            self.settle()
            while len(self.source) > self._most // 2:
                self._coarsen()
            self._held = len(self.source)

    def settle(self) -> None:
        """Bring everything into the arrays, by source and moment. Call before they are read."""
        parts = [(self.source, self.moment, self.values, self.counts), *self._waiting]
        self._waiting = []
        source, moment, values, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        self.source, self.moment, self.values, self.counts = _reduced(source, moment, values, counts)

    def _coarsen(self) -> None:
        self.width *= 2
        self.source, self.moment, self.values, self.counts = _reduced(
            self.source, self.moment // 2, self.values, self.counts
        )

    @property
    def time(self) -> Int64:
        """[moments] their beginnings, ns."""
        return self.moment * self.width


def _reduced(source: Int64, moment: Int64, values: Float32, counts: Int64) -> tuple[Int64, Int64, Float32, Int64]:
    """One row for each source and moment."""
    if not len(source):
        return source, moment, values, counts
    order = np.lexsort((moment, source))
    source, moment = source[order], moment[order]
    begin = np.flatnonzero(np.append(True, (source[1:] != source[:-1]) | (moment[1:] != moment[:-1])))
    return (
        source[begin],
        moment[begin],
        np.fmax.reduceat(values[order], begin, axis=0),
        np.add.reduceat(counts[order], begin, axis=0),
    )
