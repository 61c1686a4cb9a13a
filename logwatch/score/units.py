"""What is judged: events of sources without entities, visits of entities, windows and silences of all sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from logwatch.score.detectors.merges import Untold
from logwatch.score.keys import KeyTable
from logwatch.score.units_clock import SourceClock
from logwatch.score.units_pieces import Piece, Rank, assemble
from logwatch.score.units_rungs import DETECTORS, VISIT
from logwatch.score.units_silence import Silences
from logwatch.score.visits import OWN, Visits
from logwatch.score.windows import Windows
from logwatch.types import Bool, EventBatch, Float32, Int32, Int64, Kind, UnitBatch

SECOND = 10**9


class Units:
    """Turns scored events into units. Exact in stream order: any split of the stream gives the same units.

    Of the units' detectors the last four are the units' own: `course` (a long visit is odd all along, where a source's
    visits are long: see `units_courses`), `set` (a final visit's set of templates is rare),
    `rate` (a window's count of events is far from usual, both sides, or it has far more errors or odd events than
    usual) and `silence` (a source is silent longer than it should be). A visit's event detectors are running maxima;
    `lstm` includes the nats of silences passed. A window's are sums of what exceeds the usual, once for each template,
    less what came together before. Events without an entity in a source with entities are judged as EVENT units: their
    key is not a visit.

    Restore the key table before the first call of `build` or `tick` of a restored object.

    Args:
        table: the key table, with `COLUMNS` among its columns.
        detectors: names of the event detectors, at most 8.
        has_entities: which of the given source numbers [n] have entities [n].
        visit_gap: silence of a key that closes its visit until its source is known to need a shorter one, ns; see
            `units_gaps`.
        window: length of windows, ns.
        untold: merges of templates that are not learned yet.
    """

    COLUMNS: tuple[tuple[Any, ...], ...] = (("visit", list(VISIT)),)

    def __init__(
        self,
        table: KeyTable,
        detectors: tuple[str, ...],
        has_entities: Callable[[Int32], Bool],
        visit_gap: int = 3600 * SECOND,
        window: int = 10 * SECOND,
        untold: Untold | None = None,
    ) -> None:
        if len(detectors) > DETECTORS:
            raise ValueError(f"a key has room for {DETECTORS} detectors of events, not {len(detectors)}")
        self.detectors = (*detectors, *OWN)
        width = len(self.detectors)
        self.window = window
        self._has_entities = has_entities
        self._clock = SourceClock()
        self._visits = Visits(table, self.detectors, visit_gap, self._clock, untold)
        self._windows = Windows(detectors, width, window, untold)
        self._silences = Silences(width)

    def build(self, events: EventBatch, nats: Float32, silence: Float32 | None = None) -> UnitBatch:
        """Units of one sub-batch.

        Args:
            events: [n].
            nats: [n, detectors of events].
            silence: [n, 4] nats of the key's staying silent for 10 s, 1 min, 10 min, 1 h after each event.
        """
        if not len(nats):
            return assemble([], self.detectors, events.first)
        passage = self._clock.advance(events.source, events.watermark)
        visits = self._in_visits(events)
        pieces = [
            self._plain(events, np.flatnonzero(~visits), nats),
            *self._silences.build(events, passage.groups),
            *self._windows.build(events, nats, passage.groups),
            *self._visits.build(events, np.flatnonzero(visits), nats, silence, passage),
        ]
        return assemble(pieces, self.detectors, events.first)

    def tick(self, source: Int32, watermark: Int64, at: int) -> UnitBatch:
        """Idle sources [s] whose watermarks [s] follow the clock: silences, and windows and visits that close.

        Args:
            at: number of the run's last event: a tick is repeated there when the run is.
        """
        self._clock.tick(source, watermark)
        pieces = [
            *self._silences.tick(source, watermark),
            *self._windows.tick(source, watermark, at),
            *self._visits.tick(at),
        ]
        return assemble(pieces, self.detectors, at, ticked=True)

    def close(self, slots: Int32, at: int) -> UnitBatch:
        """Final units of the open visits of `slots` [s]: call before `KeyTable.evict` takes them, at a chunk's end."""
        return assemble(self._visits.close(slots, at), self.detectors, at, ticked=True)

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """At a chunk's end, before `learn`: templates merged, loser and winner, in order."""
        self._visits.merged(pairs)
        self._windows.merged(pairs)

    def learn(self, flagged: Set[tuple[int, int]] = frozenset()) -> None:
        """At a chunk's end: what closed in the chunk enters the statistics of sets, gaps, rates, company and
        silences.

        Args:
            flagged: (source, end in ns) of the windows that alerted.
        """
        self._visits.learn()
        self._windows.learn(flagged)
        self._silences.learn()

    def usual(self, source: int) -> tuple[float, float, float] | None:
        """Usual number of a source's events in a window: low, mean, high; None before it is known."""
        return self._windows.usual(source)

    def _in_visits(self, events: EventBatch) -> Bool:
        visits = self._has_entities(events.source)
        if events.entity and visits.any():
            spoken = np.array([entity is not None for entity in events.entity])
            visits = visits & spoken
        return visits

    def _plain(self, events: EventBatch, rows: Int64, nats: Float32) -> Piece:
        values = np.full((len(rows), len(self.detectors)), np.nan, dtype=np.float32)
        values[:, : nats.shape[1]] = nats[rows]
        time = events.time[rows]
        return Piece(
            Kind.EVENT, Rank.EVENT, True, rows, rows, events.source[rows], events.stream[rows], events.slot[rows],
            time, time, events.start[rows], events.end[rows], values,
        )  # fmt: skip

    def regard(self) -> None:
        """Other detectors than before: what open visits and windows gathered of them is forgotten."""
        self._visits.regard()
        self._windows.regard()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        for part in (self._clock, self._visits, self._windows, self._silences):
            yield from part.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        for part in (self._clock, self._visits, self._windows, self._silences):
            part.restore(cells)
