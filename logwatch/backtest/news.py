"""A visit's maxima stay until it closes: what they add to the timeline is only what is new."""

from __future__ import annotations

import numpy as np

from logwatch.types import Float32, Int32, Int64


class VisitNews:
    """What the latest unit of each key's visit said.

    Args:
        voices: columns of what is said.
    """

    def __init__(self, voices: int) -> None:
        self._start: Int64 = np.full(0, -1, np.int64)
        self._said: Float32 = np.zeros((0, voices), np.float32)

    def of(self, slot: Int32, start: Int64, values: Float32) -> Float32:
        """Values [n, voices] that are above what the same visit had before; NaN elsewhere.

        Args:
            slot: [n] keys, in the order of the stream.
            start: [n] position of each visit's first record.
            values: [n, voices].
        """
        self._reach(int(slot.max(initial=-1)))
        order = np.argsort(slot, kind="stable")
        slots, starts, now = slot[order], start[order], values[order]
        first = np.append(True, slots[1:] != slots[:-1])
        before, since = np.roll(now, 1, axis=0), np.roll(starts, 1)
        before[first], since[first] = self._said[slots[first]], self._start[slots[first]]
        known = (since == starts)[:, None] & ~np.isnan(before)
        out = np.empty_like(values)
        out[order] = np.where(known & ~(now > before), np.float32(np.nan), now)
        last = np.append(first[1:], True)
        self._said[slots[last]], self._start[slots[last]] = now[last], starts[last]
        return out

    def _reach(self, slot: int) -> None:
        more = slot + 1 - len(self._start)
        if more > 0:
            more = max(more, len(self._start))
            self._start = np.append(self._start, np.full(more, -1, np.int64))
            self._said = np.concatenate([self._said, np.full((more, self._said.shape[1]), np.nan, np.float32)])
