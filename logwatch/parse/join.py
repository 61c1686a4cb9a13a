"""The joiner: lines that belong together become one record. It stands before `parse`.

What is joined is a function of each stream's lines alone, never of the batches that they came in. The last event of a
stream waits for its next line only where that may belong to it: where its own look says so (a colon, a bracket, the
name of an exception), where lines of the stream have gone on before, or where the stream is young. All other lines pass
at once, and what should have gone on with them is dropped, and counted: it says nothing by itself.

A live stream cannot wait for ever: `release` lets go what has waited long enough. That depends on time, so that what it
let go is remembered in the cells, like every event that is open: cursors may pass it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.parse.containers import Containers, Contents, Part, Prefix, contents_of
from logwatch.parse.join_lines import ALARM_WITHIN, CALM, Kind, Verdict, alarming, has_header, kind_of, mode_of, orphan
from logwatch.parse.join_look import Laid, look_at, maybe_alarming
from logwatch.parse.join_open import Event
from logwatch.parse.join_streams import Streams
from logwatch.parse.join_walk import Turn, Walk
from logwatch.parse.multiline import Multiline, matches
from logwatch.types import Flag, Int32, Int64, RecordBatch, Stream, UInt8

YOUNG = 256
"""Lines of a stream of which each waits for the next: until then nothing is known about it."""

WAIT_S = 0.1
"""How long a live line waits for the next: programs write a trace in one go, and an alert should not be late."""

WAIT_OWED_S = 1.0
"""How long it waits where more must come: a traceback without its exception, an open bracket."""

WAIT_BEHIND_S = 10.0
"""How long it waits while there is more to read: the next line may be there already."""

WAIT_PART_S = 5.0
"""How long a part of a container's line waits for the next."""

NEVER = np.iinfo(np.int64).max


class Joiner:
    """Joins the lines of many streams.

    Args:
        settings: how the lines of a source are joined, by component and source; asked once for each stream.
        clock: for what waits.
    """

    def __init__(self, settings: Callable[[str, str], Multiline], clock: Clock) -> None:
        self._clock = clock
        self._containers = Containers()
        self._streams = Streams(settings)

    def join(self, records: RecordBatch, component: str) -> RecordBatch:
        """The whole records of a batch, with those of earlier batches that it completes; what may go on is held.

        A record stands where the line stood that ended it. Its line is its lines with a line end between, its start
        that of the first, its end that of the last.
        """
        if not len(records):
            return records
        now = self._clock.monotonic()
        records, contents = self._containers.unwrap(records, component, now)
        if not len(records):
            return records
        cuts = [0, *self._heirs(records, contents), len(records)]
        if len(cuts) == 2:
            return self._joined(records, contents, component, now)
        pieces = [
            self._joined(_rows(records, a, b), _contents(contents, a, b), component, now) for a, b in pairwise(cuts)
        ]
        return replace(_concatenated(pieces), cursor=records.cursor, gaps=records.gaps, lane=records.lane)

    def release(self, component: str, behind: bool = False) -> RecordBatch | None:
        """What a component's streams have waited for long enough; None where there is nothing.

        Args:
            behind: the component has more to read than it could give.
        """
        now = self._clock.monotonic()
        if behind:
            return self._released(component, now - WAIT_BEHIND_S, now - WAIT_BEHIND_S, now - WAIT_BEHIND_S)
        return self._released(component, now - WAIT_S, now - WAIT_OWED_S, now - WAIT_PART_S)

    def finish(self, component: str) -> RecordBatch | None:
        """All that a component's streams still hold: nothing more will come."""
        return self._released(component, math.inf, math.inf, math.inf)

    def holds(self) -> bool:
        """Whether anything waits."""
        return bool(self._streams.open) or self._containers.waiting()

    def _released(self, component: str, before: float, owed: float, parts_before: float) -> RecordBatch | None:
        if not self.holds():
            return None
        out = self._streams.due(component, before, owed)
        parts = self._containers.due(component, parts_before)
        if parts:
            whole = self._joined(_of_parts(parts), None, component, self._clock.monotonic())
            out += _events_of(whole)
            out += self._streams.due(component, before, owed) if math.isinf(before) else []
        return _of_events(out) if out else None

    # -- one batch

    def _heirs(self, records: RecordBatch, contents: Contents) -> list[int]:
        """Rows where a new stream begins with the rest of another's event: a file that was rotated amid a trace."""
        rows = []
        for index, stream in enumerate(records.streams):
            if self._streams.knows(stream):
                continue
            mine = np.flatnonzero(records.stream == index)
            if len(mine) and mine[0] and _goes_on(_content(records, contents, int(mine[0]))):
                rows.append(int(mine[0]))
        return sorted(rows)

    def _joined(self, records: RecordBatch, contents: Contents | None, component: str, now: float) -> RecordBatch:
        contents, streams = contents or contents_of(records.lines), self._streams
        prefix = contents.prefix
        slot = streams.number(records, prefix, component, _goes_on(_content(records, contents, 0)))
        n = len(records)
        skip = np.zeros(n, np.int64) if prefix is None else prefix.skip
        look = look_at(contents.laid, None if prefix is None else skip)
        order = np.arange(n) if len(streams.used) == 1 else np.argsort(slot, kind="stable")
        hold = look.opening | streams.multi[slot]
        young = streams.seen[slot] < YOUNG
        turn = Turn(records, skip, look.candidate, look.sole, hold, np.ones(n, np.bool_), now)
        headed_from = self._read_young(turn, slot, order) if young.any() else {}
        self._alarming(turn, contents, len(streams.used) == 1)
        headed_from |= self._configured(turn, slot)
        turn.hold &= ~turn.sole
        plain = not (turn.candidate.any() or turn.hold.any() or streams.is_open[slot].any())
        if not plain:
            self._read(turn, slot, order, headed_from)
        for number in headed_from:
            streams.headed[number] = True
            streams.dirty.add(number)
        return records if plain else self._emitted(turn, slot, order)

    def _read_young(self, turn: Turn, slot: Int32, order: Int64) -> dict[int, int]:
        """Count the lines of young streams; the first rows of those that are seen to have headers here."""
        streams, headed_from = self._streams, {}
        for rows in _groups(slot, order):
            number = int(slot[rows[0]])
            young = YOUNG - int(streams.seen[number])
            if young <= 0:
                continue
            turn.hold[rows[:young]] = True
            if not streams.headed[number] and streams.rule[number].kind == "auto":
                found = next((r for r in rows[:young].tolist() if not turn.sole[r] and has_header(turn.text(r))), None)
                if found is not None:
                    headed_from[number] = found
            streams.seen[number] += min(young, len(rows))
            streams.dirty.add(number)
        return headed_from

    def _alarming(self, turn: Turn, contents: Contents, single: bool) -> None:
        """Lines that say ERROR wait for what may explain it. Of a single stream only those of which it matters."""
        if single:
            rows = np.append(np.flatnonzero(turn.candidate[1:]), len(turn.keep) - 1)
        else:
            rows = maybe_alarming(contents.laid, contents.laid.at + turn.skip, ALARM_WITHIN)
        turn.hold[[row for row in rows.tolist() if not turn.hold[row] and alarming(turn.text(row))]] = True

    def _configured(self, turn: Turn, slot: Int32) -> dict[int, int]:
        """Streams that are not to be joined, or by an expression of their own; the rows of first starts."""
        streams, first = self._streams, {}
        for number in streams.used:
            rule = streams.rule[number]
            if rule.kind == "auto":
                continue
            rows = np.flatnonzero(slot == number)
            if rule.kind == "off":
                turn.candidate[rows], turn.sole[rows] = False, True
                continue
            starts = matches([turn.text(row) for row in rows.tolist()], rule.start)
            turn.candidate[rows], turn.sole[rows], turn.hold[rows] = ~starts, False, True
            if starts.any() and not streams.headed[number]:
                first[number] = int(rows[np.argmax(starts)])
        return first

    def _read(self, turn: Turn, slot: Int32, order: Int64, headed_from: dict[int, int]) -> None:
        """Find out which lines go on with each other."""
        streams = self._streams
        for rows in _groups(slot, order):
            number = int(slot[rows[0]])
            event = streams.open.get(number)
            walked = turn.candidate[rows].any() or (event is not None and event.mode not in CALM)
            if walked:
                self._walk(turn, number, rows.tolist(), event, headed_from)
            elif event is not None:
                streams.close(number)
                turn.close(event, int(rows[0]))
        if turn.late:
            telemetry.DROPPED.inc(turn.late, reason="late_continuation")

    def _walk(self, turn: Turn, number: int, rows: list[int], event: Event | None, headed_from: dict[int, int]) -> None:
        streams = self._streams
        first = headed_from.get(number, NEVER)
        walk = Walk(
            turn, 0 if streams.headed[number] else first, bool(streams.multi[number]),
            streams.rule[number].kind == "start",
        )  # fmt: skip
        after = walk.take(rows, event)
        if event is not None and after is not event:
            streams.close(number)
        if event is not None or walk.multi != streams.multi[number]:
            streams.dirty.add(number)
        streams.multi[number] = walk.multi

    def _emitted(self, turn: Turn, slot: Int32, order: Int64) -> RecordBatch:
        """Everything that is over, in the order of what ended it; the rest is kept open."""
        heads = order[turn.keep[order]]
        behind = np.full(len(heads), -1, np.int64)
        same = slot[heads[1:]] == slot[heads[:-1]]
        behind[:-1][same] = heads[1:][same]
        hold = turn.hold[heads]
        place = np.where(hold & (behind >= 0), 2 * behind, 2 * heads + 1)
        stays = hold & (behind < 0)
        if turn.ended:
            last = np.array([turn.ended.get(head, -1) for head in heads.tolist()])
            place, stays = np.where(last >= 0, 2 * last + 1, place), stays & (last < 0)
        for row in heads[stays].tolist():
            event = turn.events.get(row)
            if event is None:
                text = turn.text(row)
                event = turn.event(row, mode_of(text, kind_of(text) if turn.candidate[row] else Kind.PLAIN))
            event.row = -1
            self._streams.hold(int(slot[row]), event)
        return _assembled(turn, heads[~stays], place[~stays])

    # -- state

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        yield from self._containers.changes()
        yield from self._streams.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. What was open waits anew."""
        now = self._clock.monotonic()
        parts = {name: cell for name, cell in cells.items() if name.startswith("part/")}
        self._containers.restore(parts, now)
        self._streams.restore({name: cell for name, cell in cells.items() if name not in parts}, now)


def _goes_on(text: bytes) -> bool:
    """Whether a line says nothing by itself."""
    return orphan(kind_of(text), text, True, False) is Verdict.LATE


def _content(records: RecordBatch, contents: Contents, row: int) -> bytes:
    return records.lines[row][0 if contents.prefix is None else int(contents.prefix.skip[row]) :]


def _groups(slot: Int32, order: Int64) -> list[Int64]:
    """Rows of each slot."""
    return np.split(order, np.flatnonzero(np.diff(slot[order])) + 1)


def _rows(records: RecordBatch, begin: int, end: int) -> RecordBatch:
    rows = slice(begin, end)
    return RecordBatch(
        records.lines[rows], records.streams, records.stream[rows], records.start[rows], records.end[rows],
        records.flags[rows],
    )  # fmt: skip


def _contents(contents: Contents, begin: int, end: int) -> Contents:
    rows, laid, prefix = slice(begin, end), contents.laid, contents.prefix
    return Contents(
        Laid(laid.data, laid.at[rows], laid.end[rows]),
        None if prefix is None else Prefix(prefix.skip[rows], prefix.channel[rows], prefix.partial[rows]),
    )


def _assembled(turn: Turn, rows: Int64, place: Int64) -> RecordBatch:
    records, early = turn.records, turn.early
    lines = [records.lines[row] for row in rows.tolist()]
    stream, start, end, flags = records.stream[rows], records.start[rows], records.end[rows], records.flags[rows]
    if turn.events:
        for k, row in enumerate(rows.tolist()):
            event = turn.events.get(row)
            if event is not None:
                lines[k], end[k], flags[k] = event.line(), event.end, event.flags
    streams = records.streams
    if early:
        index = {stream: number for number, stream in enumerate(streams)}
        before = _of_events([event for _, event in early])
        moved = np.array([index.setdefault(one, len(index)) for one in before.streams], np.int32)
        streams = list(index)
        lines += before.lines
        stream = np.concatenate([stream, moved[before.stream]])
        start, end = np.concatenate([start, before.start]), np.concatenate([end, before.end])
        flags = np.concatenate([flags, before.flags])
        place = np.concatenate([place, np.array([at for at, _ in early], np.int64)])
    order = np.argsort(place, kind="stable")
    return replace(
        records, lines=[lines[k] for k in order.tolist()], streams=streams, stream=stream[order], start=start[order],
        end=end[order], flags=flags[order],
    )  # fmt: skip


def _of_events(events: list[Event]) -> RecordBatch:
    index: dict[Stream, int] = {}
    stream = [index.setdefault(event.stream, len(index)) for event in events]
    return RecordBatch(
        [event.line() for event in events], list(index), np.array(stream, np.int32),
        np.array([event.start for event in events], np.int64), np.array([event.end for event in events], np.int64),
        np.array([event.flags for event in events], np.uint8),
    )  # fmt: skip


def _of_parts(parts: list[Part]) -> RecordBatch:
    index: dict[Stream, int] = {}
    stream = [index.setdefault(part.stream, len(index)) for part in parts]
    flags: UInt8 = np.array([part.flags | Flag.UNFINISHED for part in parts], np.uint8)
    return RecordBatch(
        [part.line for part in parts], list(index), np.array(stream, np.int32),
        np.array([part.start for part in parts], np.int64), np.array([part.end for part in parts], np.int64), flags,
    )  # fmt: skip


def _events_of(records: RecordBatch) -> list[Event]:
    return [
        Event(records.streams[stream], line, 0, start, end, flags)
        for line, stream, start, end, flags in zip(
            records.lines, records.stream.tolist(), records.start.tolist(), records.end.tolist(),
            records.flags.tolist(), strict=True,
        )
    ]  # fmt: skip


def _concatenated(pieces: list[RecordBatch]) -> RecordBatch:
    return _of_events([event for piece in pieces for event in _events_of(piece)])
