"""Which lines have their text read for values: all of a slow stream, and some of each kind of line of a fast one.

A function of the stream alone: how many lines of a chunk are read follows from the event time that the one before it
took, and which they are from their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.table import pair
from logwatch.types import NO_TIME, EventBatch, Int64

RATE = 200.0
"""Lines for each second of event time."""

SHARE = 1024
"""One line in so many is read however fast they come."""

LEAST = 128
"""Lines that are worth a look: fewer are saved up for a later chunk."""

SHORT = 1024
"""Events of a chunk below which the next one is read whole: the first ones."""

ALL = 1 << 30


class Sample:
    """Lines of the open chunk that are read."""

    def __init__(self) -> None:
        self._most = self._each = ALL  # lines of the open chunk, and of each of its kinds
        self._saved = 0.0  # lines
        self._taken = Pending(kind="u8")
        self._dirty = False

    def rows(self, events: EventBatch) -> Int64:
        """Rows of the batch, ascending: the first ones of each kind, a kind being a template of a source."""
        if self._most == ALL:
            return np.arange(len(events))
        taken = self._taken.peek()["kind"]
        left = self._most - len(taken)
        if left <= 0:
            return np.zeros(0, np.int64)
        kinds = np.concatenate([taken, pair(events.source, events.template)])
        order = np.argsort(kinds, kind="stable")
        place, ordered = np.arange(len(order)), kinds[order]
        first = np.maximum.accumulate(np.where(np.r_[True, ordered[1:] != ordered[:-1]], place, 0))
        chosen = order[place - first < self._each]
        rows = np.sort(chosen[chosen >= len(taken)])[:left] - len(taken)
        if len(rows):
            self._taken.add(kind=kinds[len(taken) + rows])
        return rows

    def learn(self, chunk: EventBatch) -> None:
        """How many lines of the next chunk are read."""
        self._taken.take()
        before = self._most, self._each, self._saved
        self._saved += max(RATE * _seconds(chunk), len(chunk) / SHARE)
        self._most, self._each = 0, 0
        if len(chunk) < SHORT or self._saved >= len(chunk):
            self._most, self._each, self._saved = ALL, ALL, 0.0
        elif self._saved >= LEAST:
            self._most, self._saved = int(self._saved), 0.0
            self._each = max(self._most // len(np.unique(pair(chunk.source, chunk.template))), 1)
        self._dirty = self._dirty or before != (self._most, self._each, self._saved)

    def changes(self, prefix: str) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        yield from self._taken.changes(f"{prefix}taken")
        if self._dirty:
            yield f"{prefix}most", pack({}, most=self._most, each=self._each, saved=self._saved)
        self._dirty = False

    def restore(self, prefix: str, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._taken.restore(f"{prefix}taken", cells)
        if f"{prefix}most" in cells:
            facts = unpack(cells[f"{prefix}most"])[1]
            self._most, self._each, self._saved = facts["most"], facts["each"], facts["saved"]


def _seconds(chunk: EventBatch) -> float:
    """Event time that a chunk took, on the source that took longest."""
    order = np.argsort(chunk.source, kind="stable")
    source, watermark = chunk.source[order], chunk.watermark[order]
    first = np.flatnonzero(np.r_[True, source[1:] != source[:-1]])
    last = np.r_[first[1:], len(order)] - 1
    known = watermark[first] != NO_TIME
    return float((watermark[last] - watermark[first])[known].max(initial=0)) / 1e9
