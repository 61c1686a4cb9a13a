"""A detector that some sources do without: their events are neither scored nor learned by it.

Who does without is asked when a source is first heard, and again at each chunk's end: what a chunk was scored by, it is
learned by, also where another configuration takes over in its middle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.types import Bool, EventBatch, Expected, Float32, Int32, Int64

CELL = "chosen"
UNKNOWN, OFF, ON = 0, 1, 2
RUNGS = 4


class ChosenSources:
    """The LSTM of the logs, for those sources that want it.

    Args:
        detector: sees the events of those alone.
        wanted: which sources [n] want it.
    """

    def __init__(self, detector: Any, wanted: Callable[[Int32], Bool]) -> None:
        self._detector, self._wanted = detector, wanted
        self._of = np.zeros(0, np.uint8)  # by source
        self._some: tuple[EventBatch, EventBatch, Int64] | None = None  # of the latest batch, and which rows
        self._silence: Float32 | None = None
        self._changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._detector, name)

    @property
    def silence(self) -> Float32:
        """See `LogLstm.silence`; NaN where a source does without."""
        silence: Float32 = self._detector.silence if self._silence is None else self._silence
        return silence

    def _rows(self, source: Int32) -> Int64 | None:
        """Which events [n] are the detector's; None: all."""
        most = int(source.max(initial=-1)) + 1
        if most > len(self._of):
            self._of = np.append(self._of, np.zeros(most - len(self._of), np.uint8))
        states = self._of[source]
        if (states == UNKNOWN).any():
            new = np.unique(source[states == UNKNOWN])
            self._of[new] = np.where(self._wanted(new), ON, OFF)
            self._changed = True
            states = self._of[source]
        on = states == ON
        return None if on.all() else np.flatnonzero(on)

    def _part(self, events: EventBatch) -> tuple[EventBatch, Int64] | None:
        if self._some is None or self._some[0] is not events:
            rows = self._rows(events.source)
            self._some = None if rows is None else (events, _some(events, rows), rows)
        return None if self._some is None else self._some[1:]

    def begin(self, events: EventBatch) -> None:
        """See `LogLstm.begin`."""
        part = self._part(events)
        self._detector.begin(events if part is None else part[0])

    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; NaN where a source does without."""
        part = self._part(events)
        if part is None:
            self._silence = None
            whole: Float32 = self._detector.score(events)
            return whole
        some, rows = part
        nats = np.full(len(events), np.nan, np.float32)
        self._silence = np.full((len(events), RUNGS), np.nan, np.float32)
        if len(rows):
            nats[rows] = self._detector.score(some)
            self._silence[rows] = self._detector.silence
        return nats

    def expected(self, rows: Sequence[int], top: int = 3) -> list[list[Expected]]:
        """See `LogLstm.expected`."""
        if self._some is None:
            told: list[list[Expected]] = self._detector.expected(rows, top)
            return told
        place = {row: at for at, row in enumerate(self._some[2].tolist())}
        known = [place[row] for row in rows if row in place]
        found = iter(self._detector.expected(known, top) if known else [])
        return [next(found) if row in place else [] for row in rows]

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """See `LogLstm.learn`; then ask anew who wants it."""
        rows = self._rows(chunk.source)
        if rows is None:
            self._detector.learn(chunk, nats)
        else:
            self._detector.learn(_some(chunk, rows), nats[rows])
        known = np.flatnonzero(self._of).astype(np.int32)
        now = np.where(self._wanted(known), ON, OFF).astype(np.uint8)
        self._changed |= bool((self._of[known] != now).any())
        self._of[known] = now

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        yield from self._detector.changes()
        if self._changed:
            self._changed = False
            yield CELL, pack({"of": self._of})

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._detector.restore({name: cell for name, cell in cells.items() if name != CELL})
        if CELL in cells:
            self._of = unpack(cells[CELL])[0]["of"].copy()


@dataclass(slots=True)
class _Some(EventBatch):
    """Some events of a batch, without what they say."""

    number: Int64 = field(kw_only=True)  # [n] in the whole run

    def numbers(self, rows: Int64) -> Int64:
        found: Int64 = self.number[rows]
        return found


def _some(events: EventBatch, rows: Int64) -> EventBatch:
    return _Some(
        events.first, events.source[rows], events.stream[rows], events.slot[rows], events.time[rows],
        events.watermark[rows], events.level[rows], events.template[rows], events.start[rows], events.end[rows],
        events.flags[rows], [None] * len(rows), [""] * len(rows), None, number=events.numbers(rows),
    )  # fmt: skip
