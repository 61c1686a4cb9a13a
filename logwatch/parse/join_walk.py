"""One stream's lines of one batch, taken one by one where they may go on with each other."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np

from logwatch.parse.join_lines import CALM, Kind, Mode, Verdict, kind_of, mode_of, orphan, step
from logwatch.parse.join_open import Event
from logwatch.types import Bool, Flag, Int64, RecordBatch


@dataclass(slots=True)
class Turn:
    """The batch in hand, and what becomes of its rows."""

    records: RecordBatch
    skip: Int64  # [n] bytes before each line's content
    candidate: Bool  # [n] to be read by itself
    sole: Bool  # [n] nothing belongs to it
    hold: Bool  # [n] as the head of an event, it waits for its next line
    keep: Bool  # [n] the head of an event
    now: float
    events: dict[int, Event] = field(default_factory=dict)  # by head: those that went on
    ended: dict[int, int] = field(default_factory=dict)  # head → its last line, where that said so itself
    early: list[tuple[int, Event]] = field(default_factory=list)  # of earlier batches: place in the order, event
    late: int = 0  # lines whose event was let go

    def text(self, row: int) -> bytes:
        """The content of a line."""
        skip = int(self.skip[row])
        return self.records.lines[row][skip:] if skip else self.records.lines[row]

    def head(self, row: int, kind: Kind) -> Event | None:
        """The event that a line begins; None where it does not wait for another."""
        if self.sole[row]:
            return None
        mode = mode_of(self.text(row), kind)
        if kind is not Kind.PLAIN and mode is not Mode.PLAIN:
            self.hold[row] = True
        return self.event(row, mode) if self.hold[row] else None

    def event(self, row: int, mode: Mode) -> Event:
        """An event of one line."""
        records = self.records
        return Event(
            records.streams[records.stream[row]], records.lines[row], int(self.skip[row]), int(records.start[row]),
            int(records.end[row]), int(records.flags[row]), mode, self.now, row,
        )  # fmt: skip

    def close(self, event: Event | None, row: int) -> None:
        """The event ends because another line begins."""
        if event is not None and event.row < 0:
            self.early.append((2 * row, event))


@dataclass(slots=True)
class Walk:
    """Takes the rows of one stream.

    Args:
        headed_from: first row behind a line with a header.
        multi: lines of the stream went on before.
        started: the stream has a `start` of its own: candidates are the lines that do not match it.
    """

    turn: Turn
    headed_from: int
    multi: bool
    started: bool = False

    def take(self, rows: list[int], event: Event | None) -> Event | None:
        """All rows; returns the event that is open behind the last one."""
        turn, i = self.turn, 0
        candidates = [k for k, row in enumerate(rows) if turn.candidate[row]]
        while i < len(rows):
            if event is None or event.mode in CALM:
                found = bisect_left(candidates, i)
                j = candidates[found] if found < len(candidates) else len(rows)
                if j > i:  # plain lines, each an event of its own
                    turn.close(event, rows[i])
                    event = turn.head(rows[j - 1], Kind.PLAIN)
                    i = j
                    continue
            event = self._one(rows, i, event)
            i += 1
        return event

    def _one(self, rows: list[int], i: int, event: Event | None) -> Event | None:
        turn, row = self.turn, rows[i]
        text = turn.text(row)
        kind = Kind.SOLE if turn.sole[row] else kind_of(text) if turn.candidate[row] else Kind.PLAIN
        verdict, mode = self._verdict(row, event, kind, text)
        if verdict is Verdict.NEW:
            turn.close(event, row)
            return turn.head(row, kind)
        turn.keep[row] = False
        if not self.multi:
            self.multi = True
            after = np.array(rows[i + 1 :], np.int64)
            turn.hold[after] = ~turn.sole[after]
        if event is None:
            turn.late += 1
            return None
        return self._more(row, event, text, mode, verdict is Verdict.LAST)

    def _verdict(self, row: int, event: Event | None, kind: Kind, text: bytes) -> tuple[Verdict, Mode]:
        headed = row >= self.headed_from
        if self.turn.records.flags[row] & Flag.GAP:
            return Verdict.NEW, Mode.PLAIN
        if self.started:
            goes_on = headed and bool(self.turn.candidate[row])
            return (Verdict.MORE if goes_on else Verdict.NEW), Mode.MORE
        if event is None:
            return orphan(kind, text, headed, self.multi), Mode.PLAIN
        return step(event.mode, event.head[event.skip :], kind, text, headed)

    def _more(self, row: int, event: Event, text: bytes, mode: Mode, last: bool) -> Event | None:
        records, turn = self.turn.records, self.turn
        event.mode, event.since = mode, turn.now
        stream = records.streams[records.stream[row]]
        room = event.add(text, stream, int(records.end[row]), int(records.flags[row]))
        if event.row >= 0:
            turn.events[event.row] = event
        if room and not last:
            return event
        if not room:
            event.flags |= Flag.TRUNCATED
        if event.row >= 0:
            turn.ended[event.row] = row
        else:
            turn.early.append((2 * row + 1, event))
        return None
