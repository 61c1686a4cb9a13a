"""Visits: an entity's activity up to a silence, judged at every event, at silences that alarm, and when it closes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score.calibration_votes import Votes
from logwatch.score.detectors.merges import Untold
from logwatch.score.grouped import Groups, gather, scan, scatter, segment_begin
from logwatch.score.keys import KeyTable
from logwatch.score.units_clock import Passage, SourceClock
from logwatch.score.units_courses import Closed, Courses, steps
from logwatch.score.units_gaps import Gaps
from logwatch.score.units_pieces import Piece, Rank
from logwatch.score.units_rungs import RUNGS, VISIT_TYPE, Ladder, Waiting, When
from logwatch.score.units_sets import SetRarity, bits_of
from logwatch.score.units_timers import Timers
from logwatch.types import EventBatch, Float32, Int32, Int64, Kind

OWN = ("course", "set", "rate", "silence")
"""Detectors of units, behind those of events."""


class Visits:
    """The open visits of all keys, in the key table's column `visit`.

    Args:
        table: the key table.
        detectors: names of a unit's columns; the last ones are `OWN`.
        gap: silence that closes a visit until a shorter one is known to do, ns.
        clock: where the sources' watermarks stand.
        untold: merges of templates that are not learned yet.
    """

    def __init__(
        self, table: KeyTable, detectors: Sequence[str], gap: int, clock: SourceClock, untold: Untold | None = None
    ) -> None:
        self._table = table
        self._width, self._events = len(detectors), len(detectors) - len(OWN)
        self._gaps = Gaps(gap)
        self._of_events = tuple(detectors[: self._events])
        self._ladder = Ladder(self._of_events.index("lstm") if "lstm" in self._of_events else None, self._gaps)
        self._courses = Courses()
        self._votes = Votes(detectors)
        self._clock = clock
        self._sets = SetRarity(untold)
        self._first = 0  # number of the event in row 0 of what is judged now
        self._timers: Timers | None = None  # made from the table's rows at first use, also after a restart

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """At a chunk's end, before `learn`: templates merged, loser and winner, in order."""
        self._sets.merged(pairs)

    def learn(self) -> None:
        """At a chunk's end: the sets and courses of visits, and how long a silence ends one."""
        self._sets.learn()
        self._courses.learn()
        if self._gaps.learn(self._clock.cells()):
            self._timers = None  # hints of longer gaps would come too late

    def regard(self) -> None:
        """See `Units.regard`."""
        slots = self._table.in_use()
        visits = self._table.rows["visit"][slots]
        visits["peak"] = visits["pending"] = np.nan
        visits["events"] = visits["surprise"] = 0
        self._table.view("visit")[slots] = visits
        self._table.mark(slots)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._sets.changes()
        yield from self._courses.changes()
        yield from self._gaps.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._sets.restore(cells)
        self._courses.restore(cells)
        self._gaps.restore(cells)

    def build(
        self, events: EventBatch, rows: Int64, nats: Float32, silence: Float32 | None, passage: Passage
    ) -> list[Piece]:
        """Units of the batch's events `rows` [k] of visits, and of the visits that pass a silence in it."""
        self._first, self._sets.seen = events.first, events.first + len(events)
        if not len(rows) and self._timers is not None and not len(self._timers):
            return []  # no visits anywhere
        groups = Groups(events.slot[rows])
        quiet = self._due(int(passage.after.max()) if passage.rising else 0)
        self._stop_at_next_event(quiet, groups, rows, passage)
        if not len(rows):
            return self._pass(quiet, passage.when)
        order = rows[groups.order]
        state = self._states(events, groups, order, nats, silence, passage)
        said = self._said(events, groups, order, state, nats)
        spoken = Waiting(state, events.slot[order], events.source[order], self._until(groups, order, passage))
        open_long = np.flatnonzero(spoken.reach >= self._ladder.speaking(state["heard"]))
        late = spoken.take(open_long)
        pieces = self._pass(quiet, passage.when, keep=groups) + self._pass(late, passage.when, store=False)
        scatter(state, open_long, late.visit)
        self._store(groups, state)
        return [said, *pieces]

    def tick(self, at: int) -> list[Piece]:
        """Units of visits whose sources' watermarks followed the clock past a silence; `at`: the latest event."""
        self._first = at
        return self._pass(self._due(int(self._clock.cells().max(initial=0))), _now)

    def close(self, slots: Int32, at: int) -> list[Piece]:
        """Close the open visits of some keys before their time: their rows leave the table; `at`: the latest event."""
        self._first = at
        visit = gather(self._table.rows["visit"], slots)
        rows = np.flatnonzero(visit["open"] > 0)
        source = self._table.rows["source"][slots]
        waiting = Waiting(gather(visit, rows), slots[rows], source[rows], np.zeros(len(rows), dtype=np.int64))
        early = waiting.visit["settled"] == 0
        self._sets.count(waiting.source[early], waiting.visit["bits"][early], 1)
        waiting.visit["open"] = 0
        self._write(waiting.slot, waiting.visit)
        return [self._piece(waiting, np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64), None, True)]

    def _states(
        self, events: EventBatch, groups: Groups, order: Int64, nats: Float32, silence: Float32 | None, passage: Passage
    ) -> NDArray[Any]:
        """Each event's visit just after it, in grouped order [k]."""
        old = gather(self._table.rows["visit"], groups.keys)
        state = np.zeros(len(order), dtype=VISIT_TYPE)
        heard = np.maximum(events.time[order], events.watermark[order])
        pending = np.full((len(order), len(RUNGS)), np.nan, dtype=np.float32) if silence is None else silence[order]
        was = _shift(heard, old["heard"], groups)
        source = events.source[order]
        self._gaps.count(source, heard, was)
        reached = passage.reached[order]
        begins = reached >= self._ladder.closing(was, source)
        begins[groups.begin] |= old["open"] == 0
        values = nats[order]
        surprise = steps(values, self._of_events)
        lstm = self._ladder.lstm
        if lstm is not None:
            lift = self._ladder.lift(was, _shift(pending, old["pending"], groups), reached, source)
            values[:, lstm] = np.where(begins, values[:, lstm], np.fmax(values[:, lstm], lift))
        # A visit that goes on after its set was counted takes that back.
        again = np.flatnonzero(~begins & (reached >= self._ladder.settling(was, source)))
        carried = ~begins[groups.begin]
        heads = groups.begin[carried]
        values[heads] = np.fmax(values[heads], old["peak"][carried, : values.shape[1]])
        segment = segment_begin(groups.head | begins)
        bits = bits_of(events.template[order])
        bits[heads] |= old["bits"][carried]
        bits = scan(np.bitwise_or, bits, segment)
        self._sets.count(source[again], _shift(bits, old["bits"], groups)[again], -1)
        state["peak"][:, : values.shape[1]] = scan(np.fmax, values, segment)
        for name, more in (("events", np.ones(len(order), np.uint64)), ("surprise", surprise)):
            more[heads] += old[name][carried]
            state[name] = _sums(more, segment)
        state["bits"], state["open"], state["heard"], state["pending"], state["end"] = (
            bits,
            1,
            heard,
            pending,
            events.end[order],
        )
        for name, own in (
            ("stream", events.stream[order]),
            ("begun", events.first + order),
            ("first", events.time[order]),
            ("start", events.start[order]),
        ):
            column = own.copy()
            column[heads] = old[name][carried]
            state[name] = column[segment]
        return state

    def _said(self, events: EventBatch, groups: Groups, order: Int64, state: NDArray[Any], nats: Float32) -> Piece:
        """A running unit for each event."""
        values = np.full((len(order), self._width), np.nan, dtype=np.float32)
        values[:, : nats.shape[1]] = state["peak"][:, : nats.shape[1]]
        self._judge_courses(events.source[order], values, None)
        back = np.argsort(order)
        rows = order[back]
        return Piece(
            Kind.VISIT, Rank.EVENT, False, rows, rows, events.source[rows], state["stream"][back], events.slot[rows],
            state["first"][back], events.time[rows], state["start"][back], events.end[rows], values[back],
        )  # fmt: skip

    def _until(self, groups: Groups, order: Int64, passage: Passage) -> Int64:
        """The cell [k] of each event's source as its key's next event comes, or at the batch's end."""
        until = np.empty(len(order), dtype=np.int64)
        until[:-1] = passage.reached[order[1:]]
        until[groups.end - 1] = self._clock.cells()[self._table.rows["source"][groups.keys]]
        return until

    def _due(self, latest: int) -> Waiting:
        """Stored visits that have something to say now."""
        timers = self._timers
        if timers is None:
            self._timers = timers = Timers()
            slots = self._table.in_use()
            opened = slots[self._table.rows["visit"]["open"][slots] > 0]
            self._table.rows["visit"]["hint"][opened] = 0
            self._arm(opened, gather(self._table.rows["visit"], opened))
        cells, rows = self._clock.cells(), self._table.rows
        slots = timers.pop(cells, latest)
        rows["visit"]["hint"][slots] = 0
        waiting = Waiting(gather(rows["visit"], slots), slots, rows["source"][slots], cells[rows["source"][slots]])
        in_use = (rows["slot"][slots] == slots) & (waiting.visit["open"] > 0)
        ready = in_use & (self._ladder.next_due(waiting.visit, waiting.source) <= waiting.reach)
        later = np.flatnonzero(in_use & ~ready)
        self._arm(slots[later], gather(waiting.visit, later))
        return waiting.take(np.flatnonzero(ready))

    @staticmethod
    def _stop_at_next_event(quiet: Waiting, groups: Groups, rows: Int64, passage: Passage) -> None:
        """A key that speaks in this batch has kept silent only until its first event in it."""
        if len(quiet.slot) and len(groups):
            at = np.minimum(np.searchsorted(groups.keys, quiet.slot), len(groups) - 1)
            speaks = groups.keys[at] == quiet.slot
            quiet.reach = np.where(speaks, passage.reached[rows[groups.first[at]]], quiet.reach)

    def _pass(self, waiting: Waiting, when: When, keep: Groups | None = None, store: bool = True) -> list[Piece]:
        """Units of the silences that visits pass; stores them, but for those of keys that `keep` stores later."""
        if not len(waiting.slot):
            return []
        passed = self._ladder.climb(waiting, when)
        self._sets.count(waiting.source[passed.settled], waiting.visit["bits"][passed.settled], 1)
        if store:
            alone = np.ones(len(waiting.slot), dtype=np.bool_) if keep is None else ~np.isin(waiting.slot, keep.keys)
            self._write(waiting.slot[alone], gather(waiting.visit, alone))
        pieces = []
        for closes in (False, True):
            rows = passed.closes == closes
            pieces.append(self._piece(waiting, passed.visit[rows], passed.row[rows], passed.peak[rows], closes))
        return pieces

    def _piece(self, waiting: Waiting, which: Int64, row: Int64, lstm: Float32 | None, closes: bool) -> Piece:
        visit = gather(waiting.visit, which)
        source = waiting.source[which]
        nats = np.full((len(which), self._width), np.nan, dtype=np.float32)
        nats[:, : self._events] = visit["peak"][:, : self._events]
        if lstm is not None and self._ladder.lstm is not None:
            nats[:, self._ladder.lstm] = lstm
        if closes:
            nats[:, self._column("set")] = self._sets.score(source, visit["bits"], visit["begun"], self._first + row)
        self._judge_courses(source, nats, visit if closes else None)
        return Piece(
            Kind.VISIT, Rank.VISIT, closes, row, visit["begun"], source, visit["stream"],
            waiting.slot[which], visit["first"], visit["heard"], visit["start"], visit["end"], nats,
        )  # fmt: skip

    def _column(self, name: str) -> int:
        return self._events + OWN.index(name)

    def _judge_courses(self, source: NDArray[Any], nats: Float32, visit: NDArray[Any] | None) -> None:
        """Fill the column of courses in `nats` [m, width]; `visit` [m]: those that close, and are to be learned."""
        if visit is None and not self._courses:
            return
        peak = self._votes.combine(nats, np.full(len(nats), Kind.VISIT, np.uint8))
        closed = None if visit is None else Closed(visit["events"].astype(np.int64), visit["surprise"])
        if closed is not None:
            self._courses.close(source, peak, closed)
        nats[:, self._column("course")] = self._courses.score(source, peak, closed)

    def _store(self, groups: Groups, state: NDArray[Any]) -> None:
        slots = groups.keys.astype(np.int32)
        last = gather(state, groups.end - 1)
        last["hint"] = self._table.rows["visit"]["hint"][slots]
        self._write(slots, last)

    def _write(self, slots: Int32, visit: NDArray[Any]) -> None:
        visit["hint"][visit["open"] == 0] = 0
        scatter(self._table.rows["visit"], slots, visit)
        self._table.mark(slots)
        self._arm(slots, visit)

    def _arm(self, slots: Int32, visit: NDArray[Any]) -> None:
        """See that each open visit has a hint no later than what comes due next."""
        if self._timers is None or not len(slots):
            return
        due = self._ladder.next_due(visit, self._table.rows["source"][slots])
        rows = np.flatnonzero((visit["open"] > 0) & ((visit["hint"] == 0) | (due < visit["hint"])))
        self._table.rows["visit"]["hint"][slots[rows]] = due[rows]
        self._timers.push(self._table.rows["source"][slots[rows]], slots[rows], due[rows])


def _shift(values: NDArray[Any], stored: NDArray[Any], groups: Groups) -> NDArray[Any]:
    """Predecessors in the group of values [k, …] that are in grouped order; `stored` [groups, …] for the first."""
    out = np.empty_like(values)
    out[1:] = values[:-1]
    out[groups.begin] = stored
    return out


def _sums(values: NDArray[np.uint64], segment: Int64) -> NDArray[np.uint64]:
    """Running sums [k] along each segment, exact."""
    total = np.cumsum(values)
    return total - (total[segment] - values[segment])


def _now(source: NDArray[Any], cell: Int64) -> Int64:
    return np.zeros(len(source), dtype=np.int64)
